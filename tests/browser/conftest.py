"""A whole shop in a database of its own, served by the real commands, and a browser that notes every complaint of the page."""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from psycopg import sql

from stamgast.flows.export_lake import DATASETS
from stamgast.lake.manifest import find_manifest
from tests.browser.seed import EMAIL, PASSWORD

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_SECONDS = 120
SERIOUS = {"serious", "critical"}
WIDE = {"width": 1280, "height": 860}
NARROW = {"width": 390, "height": 844}
BOTH = pytest.mark.parametrize(("language", "size"), [("en", WIDE), ("nl", NARROW)], ids=["en-1280", "nl-390"])
"""What is done on a page is done in both languages and at both widths; that it stands well in each, every page shows."""


@dataclass(frozen=True, slots=True)
class Shop:
    """Where the console answers, the write key of its web shop, and the surroundings in which its commands run."""

    address: str
    write_key: str
    environment: Mapping[str, str]


@dataclass
class Visit:
    """A page in the browser, with what it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The name of a database with the whole shop in it, made once and copied for every module, and the write key."""
    with _database() as name:
        environment = _environment(name, tmp_path_factory.mktemp("seeded"))
        subprocess.run([sys.executable, "-m", "stamgast", "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
        seed = [sys.executable, "-m", "tests.browser.seed"]
        said = subprocess.run(seed, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        yield name, said.split()[-1]


@pytest.fixture(scope="module")
def shop(seeded: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    template, write_key = seeded
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    processes = []
    with _database(template) as name:
        environment = _environment(name, tmp_path_factory.mktemp("data")) | {"STAMGAST_BIND": f"127.0.0.1:{port}"}
        try:
            processes += [
                subprocess.Popen([sys.executable, "-m", "stamgast", part], env=environment) for part in ("web", "worker")
            ]
            _wait_for(f"http://127.0.0.1:{port}/readyz")
            _wait_for_lake(Path(environment["STAMGAST_DATA"]) / "lake")
            yield Shop(f"http://127.0.0.1:{port}", write_key, environment)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(PATIENCE_SECONDS)


@contextmanager
def _database(template: str = "template1") -> Iterator[str]:
    """The name of a new database, a copy of another, that is there for as long as this lasts."""
    url, name = os.environ["STAMGAST_DATABASE_URL"], f"browser_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield name
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _environment(database: str, folder: Path) -> dict[str, str]:
    return os.environ | {
        "STAMGAST_DATABASE_URL": urlsplit(os.environ["STAMGAST_DATABASE_URL"])._replace(path=f"/{database}").geturl(),
        "STAMGAST_DATA": str(folder),
        "STAMGAST_TIMEZONE": "Europe/Amsterdam",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "default",
    }


def _wait_for(address: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _wait_for_lake(folder: Path) -> None:
    """Until the worker has exported everything once: before that no page has measures."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (found := find_manifest(folder)) is None or len(found.datasets) < len(DATASETS):
        assert time.monotonic() < end, "the worker exported nothing"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with the module, because its event loop would stand in the way of every other test of the process."""
    with sync_playwright() as playwright:
        system = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), None)
        opened = playwright.chromium.launch(headless=True, args=list(FLAGS), executable_path=system)
        yield opened
        opened.close()


FIRST_PAGE_MILLISECONDS = 120_000
"""A server that has just started still imports what its pages need, and how long that takes is the machine's affair."""
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def state(browser: Browser, shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cookies of somebody who is signed in."""
    path = tmp_path_factory.mktemp("state") / "state.json"
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(FIRST_PAGE_MILLISECONDS)
    page.goto(f"{shop.address}/sign-in")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{shop.address}/")
    context.storage_state(path=path)
    context.close()
    return path


def open_context(browser: Browser, shop: Shop, state: Path | None, language: str, size: dict[str, int]) -> BrowserContext:
    locale = {"en": "en-GB", "nl": "nl-NL"}[language]
    return browser.new_context(
        base_url=shop.address, storage_state=state, locale=locale, viewport=size, reduced_motion="reduce"
    )


def visit(context: BrowserContext) -> Visit:
    """A page whose console, errors and broken policies are written down."""
    found = Visit(context.new_page())
    page = found.page
    page.on(
        "console",
        lambda said: found.complaints.append(f"{said.type}: {said.text}") if said.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: found.complaints.append(f"exception: {error}"))
    # A page that is left lets go of what it still asked for.
    page.on(
        "requestfailed",
        lambda request: found.complaints.append(f"failed: {request.url}") if request.failure != "net::ERR_ABORTED" else None,
    )
    page.on(
        "response",
        lambda response: found.complaints.append(f"{response.status}: {response.url}") if response.status >= 500 else None,
    )
    return found


STILL_LOOKS, STILL_MILLISECONDS = 2, 40


def settle(page: Page) -> None:
    """Waits until what the page loads by itself is there."""
    page.wait_for_load_state("load")
    looks = 0
    while looks < STILL_LOOKS:  # what came may ask for more
        looks += 1
        page.wait_for_timeout(STILL_MILLISECONDS)
        if page.locator(".htmx-request").count():
            page.wait_for_selector(".htmx-request", state="detached", timeout=FIRST_PAGE_MILLISECONDS)
            looks = 0
    if page.locator("#measures, [data-chart]").count():
        page.wait_for_selector("html[data-charts=drawn]", timeout=FIRST_PAGE_MILLISECONDS)


def findings(page: Page) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:160]}"
        for rule in found["violations"]
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]
