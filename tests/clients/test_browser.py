"""``@segment/analytics-next``, unmodified, in a real browser on a page of another origin."""

import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, sync_playwright

from tests.clients.conftest import Server
from tests.clients.scenario import PROPERTIES, TRAITS, check, stored

pytestmark = pytest.mark.xdist_group("clients")
TYPES = ("identify", "track", "page", "group", "alias")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SHOP = "<!doctype html><title>A shop</title><script src='/dist/umd/index.js'></script>"
LOAD = """
async ([key, cdn, options]) => {
  window.problems = []
  window.analytics = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: key, cdnURL: cdn }, options)
  await window.analytics.ready()
  window.analytics.on('error', (problem) => window.problems.push(String(problem.reason)))
}
"""
SEND = """
async ([traits, properties]) => {
  const { analytics } = window
  analytics.setAnonymousId('a-1')
  await Promise.all([
    analytics.identify('900', traits),
    analytics.track('Order Completed', properties),
    analytics.page('Home'),
    analytics.group('regulars', { email: 'office@example.org' }),
    analytics.alias('900', 'guest-7'),
  ])
}
"""


@pytest.fixture(scope="module")
def shop(packages: Path) -> Iterator[str]:
    """A page of a shop with the SDK on it, on an origin of its own."""

    class Shop(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/dist/"):
                super().do_GET()
                return
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(SHOP.encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    folder = packages / "node_modules" / "@segment" / "analytics-next"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Shop, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def page(shop: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        page = browser.new_page()
        page.goto(shop)
        yield page
        browser.close()


@pytest.fixture
def send(page: Page, server: Server) -> Callable[..., list[str]]:
    def send(key: str, options: dict[str, Any] | None = None, *, expected: int = len(TYPES)) -> list[str]:
        page.evaluate(LOAD, [key, server.url, options or {}])
        page.evaluate(SEND, [TRAITS, PROPERTIES])
        for _ in range(300):
            if server.count_stored() >= expected or page.evaluate("window.problems.length"):
                break
            page.wait_for_timeout(100)
        problems: list[str] = page.evaluate("window.problems")
        return problems

    return send


@pytest.mark.parametrize("is_strict", [False, True])
def test_what_was_sent_is_stored(
    is_strict: bool, send: Callable[..., list[str]], make_key: Callable[..., str], shop: str, server: Server
) -> None:
    assert send(make_key(is_strict=is_strict)) == []
    rows = check(server, types=TYPES, anonymous_id="a-1", when=None)
    assert rows["page"].body["properties"]["url"] == shop
    assert rows["page"].body["context"]["page"]["title"] == "A shop"
    assert "office@example.org" not in msgspec.json.encode(rows["group"].identifiers).decode()


def test_in_batches(send: Callable[..., list[str]], make_key: Callable[..., str], server: Server) -> None:
    batching = {"strategy": "batching", "config": {"size": 3, "timeout": 200}}
    assert send(make_key(), {"integrations": {"Segment.io": {"deliveryStrategy": batching}}}) == []
    check(server, types=TYPES, anonymous_id="a-1", when=None)


@pytest.mark.parametrize("status", [429, 503])
def test_it_tries_again_and_nothing_is_lost_or_doubled(
    status: int, send: Callable[..., list[str]], make_key: Callable[..., str], server: Server
) -> None:
    key = make_key()
    server.make_trouble(status, 2)
    assert send(key) == []
    assert server.trouble_seen() == 2
    check(server, types=TYPES, anonymous_id="a-1", when=None)


def test_what_is_under_way_when_the_page_is_left_arrives(page: Page, server: Server, make_key: Callable[..., str]) -> None:
    batching = {"strategy": "batching", "config": {"size": 50, "timeout": 60_000}}
    page.evaluate(LOAD, [make_key(), server.url, {"integrations": {"Segment.io": {"deliveryStrategy": batching}}}])
    page.evaluate("() => { window.analytics.track('App Opened', { n: 1 }); window.analytics.track('App Opened', { n: 2 }) }")
    page.wait_for_timeout(500)
    assert server.count_stored() == 0
    page.goto("about:blank")
    for _ in range(100):
        if server.count_stored() == 2:
            break
        page.wait_for_timeout(100)
    assert sorted(row.body["properties"]["n"] for row in stored(server)) == [1, 2]
