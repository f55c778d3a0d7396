"""The code of the first page and of the guides runs as it stands there, against a real server, and does what they say."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright
from tests.clients.conftest import node, packages  # noqa: F401  fixtures
from tests.clients.test_browser import FLAGS
from tests.installation import Installation

ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:8000"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Reader:
    """Somebody who follows the pages on an installation of their own, word by word, but for the port."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.installation, self.folder = installation, folder
        self.environment = installation.environment | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def code(self, page: str, language: str) -> list[str]:
        """The blocks of one language on a page, for this installation."""
        text = (ROOT / "docs" / page).read_text("utf-8")
        blocks = [block for found, block in FENCE.findall(text) if found == language]
        assert blocks, f"{page} has no {language}"
        return [block.replace(ADDRESS, f"http://127.0.0.1:{self.installation.port}") for block in blocks]

    def run(self, *command: str, code: str, **settings: str) -> str:
        done = subprocess.run(
            command, input=code, cwd=self.folder, env=self.environment | settings, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def source(self, name: str) -> str:
        return str(json.loads(self.installation.run("source", "create", name, "--json"))["write_key"])

    def customer(self, reference: str, key: str, *, until: Any = lambda customer: True) -> dict[str, Any]:
        """The customer once the worker has decided so far that ``until`` holds."""
        deadline = time.monotonic() + 20
        while True:
            status, answer = self.installation.request("GET", f"/v1/customers/{reference}", key=key)
            if (status == 200 and until(answer)) or time.monotonic() > deadline:
                assert status == 200, answer
                assert isinstance(answer, dict)
                return answer
            time.sleep(0.05)


@pytest.fixture
def reader(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("guides")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    installation = Installation(folder)
    try:
        installation.wait_until_ready()
        work = folder / "work"
        work.mkdir()
        shutil.copytree(ROOT / "examples", work / "examples")
        yield Reader(installation, work)
    finally:
        installation.stop()


@pytest.mark.xdist_group("guides")
def test_who_follows_the_pages_gets_what_they_say(
    reader: Reader,
    node: str,  # noqa: F811
    packages: Path,  # noqa: F811
) -> None:
    api_key = json.loads(reader.installation.run("key", "create", "--scope", "*", "--json"))["key"]
    follow_five_minutes(reader)
    follow_web_shop(reader, api_key, packages)
    follow_till(reader, api_key)
    follow_app(reader, api_key, node)


def follow_five_minutes(reader: Reader) -> None:
    said = reader.run("bash", "-euo", "pipefail", code="\n".join(reader.code("start.md", "bash")))
    success, customer = re.fullmatch(r"({.*?})({.*})Ada may sign in .*\n", said, re.DOTALL).groups()  # type: ignore[union-attr]
    assert json.loads(success) == {"success": True}
    anna = json.loads(customer)
    assert (anna["orders"]["revenue"], anna["balances"], len(anna["identifiers"])) == ("25.10", {"score": 1}, 3)


def follow_web_shop(reader: Reader, api_key: str, packages: Path) -> None:  # noqa: F811
    write_key = reader.source("The guide's shop")
    [html] = reader.code("guides/web-shop.md", "html")
    [identify] = reader.code("guides/web-shop.md", "js")
    folder = reader.folder / "shop"
    shutil.copytree(packages / "node_modules" / "@segment" / "analytics-next" / "dist" / "umd", folder)
    (folder / "index.js").rename(folder / "analytics-next.js")
    (folder / "index.html").write_text(html.replace("WRITE_KEY", write_key), "utf-8")
    with serve(folder) as shop, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        page = browser.new_page()
        page.goto(shop)
        page.evaluate(f"async () => {{ await analytics.ready(); await {identify} }}")
        anna = reader.customer("user_id:900", api_key, until=lambda customer: len(customer["identifiers"]) == 4)
        browser.close()
    assert sorted(one["kind"] for one in anna["identifiers"]) == ["anonymous_id", "anonymous_id", "email", "user_id"]

    [server] = reader.code("guides/web-shop.md", "python")
    reader.run(sys.executable, "-", code=server, WRITE_KEY=write_key)
    anna = reader.customer("user_id:900", api_key, until=lambda customer: customer["orders"]["revenue"] == "12.55")
    assert (anna["orders"]["count"], anna["orders"]["revenue"], anna["balances"]) == (1, "12.55", {"score": 1})


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """A web server of the shop's own, on another origin than Stamgast."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def follow_till(reader: Reader, api_key: str) -> None:
    write_key = reader.source("Tills")
    [till] = reader.code("guides/till.md", "python")
    for _ in range(2):
        reader.run(sys.executable, "-", code=till, WRITE_KEY=write_key)
    holder = reader.customer("card_number:7712345", api_key, until=lambda customer: customer["orders"]["count"])
    assert (holder["orders"]["count"], holder["orders"]["revenue"]) == (1, "25.10")
    assert reader.customer("anonymous_id:receipt-till-3-10013", api_key)["orders"]["revenue"] == "2.70"

    [night] = reader.code("guides/till.md", "bash")
    assert "3 new activities" in reader.run("bash", "-euo", "pipefail", code=night)

    [card] = reader.code("guides/till.md", "json")
    assert reader.installation.request("POST", "/v1/batch", {"batch": [json.loads(card)]}, key=write_key)[0] == 200
    anna = reader.customer("user_id:900", api_key, until=lambda customer: customer["orders"]["count"] == 2)
    assert (anna["orders"]["count"], anna["orders"]["revenue"]) == (2, "37.65")


def follow_app(reader: Reader, api_key: str, node: str) -> None:  # noqa: F811
    [app] = reader.code("guides/app.md", "js")
    reader.run(node, "--input-type=module", "-", code=app, WRITE_KEY=reader.source("App"))
    reader.customer("user_id:900", api_key, until=lambda customer: len(customer["identifiers"]) == 6)
    [server] = reader.code("guides/app.md", "python")
    shown = json.loads(reader.run(sys.executable, "-", code=server, API_KEY=api_key))
    assert shown["score"] == sum(row["amount"] for row in shown["history"]) == 2
