"""What measurements against PostgreSQL share: a database of their own on the server in use, and that server's pgbench."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import psycopg
from django.db import connection
from psycopg import sql

from stamgast.activities.operations import create_source
from stamgast.kit.embedded import programs
from stamgast.kit.errors import Kind, StamgastError

PGBENCH_SCALE = 10
PGBENCH_CLIENTS = 8
START_SECONDS = 60


class BenchFailed(StamgastError):
    """A part of the measurement did not run."""

    code = "bench_failed"
    kind = Kind.UNAVAILABLE


@contextmanager
def scratch_database() -> Iterator[str]:
    """The address of an empty database on the server in use, gone afterwards: no measurement writes into the shop's data."""
    name = f"stamgast_bench_{secrets.token_hex(4)}"
    with psycopg.connect(_address_of(str(connection.settings_dict["NAME"])), autocommit=True) as administration:
        administration.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield _address_of(name)
        finally:
            administration.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def migrate(address: str) -> None:
    """Makes the tables, in a process of its own because this one is bound to the shop's database."""
    environment = {**os.environ, "STAMGAST_DATABASE_URL": address, "STAMGAST_SECRET_KEY": secrets.token_urlsafe(64)}
    command = [sys.executable, "-m", "stamgast", "migrate"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchFailed(f"The scratch database could not be migrated: {done.stderr.strip()[-300:]}")


class Pgbench:
    """The TPC-B-like load of pgbench, 8 clients, on tables that are filled once."""

    def __init__(self, address: str) -> None:
        program = programs() / "pgbench"
        command = str(program) if program.exists() else shutil.which("pgbench")
        if command is None:
            raise BenchFailed("There is no pgbench to compare with. Install PostgreSQL's programs.")
        self._command = command
        self._address = address
        self._run("-i", "-q", "-s", str(PGBENCH_SCALE))

    def transactions_per_second(self, seconds: int) -> float:
        """One run."""
        said = self._run("-n", "-c", str(PGBENCH_CLIENTS), "-j", "2", "-T", str(max(1, seconds)))
        found = re.search(r"tps = ([0-9.]+)", said)
        if found is None:
            raise BenchFailed("pgbench said nothing about transactions a second.")
        return float(found[1])

    def _run(self, *options: str) -> str:
        done = subprocess.run([self._command, *options, self._address], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchFailed(f"pgbench did not run: {done.stderr.strip()[-300:]}")
        return done.stdout


@contextmanager
def web_process(address: str) -> Iterator[int]:
    """``stamgast web`` on a free port, on a database that is migrated first; the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    migrate(address)
    with process("web", address, STAMGAST_BIND=f"127.0.0.1:{port}") as web:
        _wait_until_open(port, web)
        yield port


@contextmanager
def process(command: str, address: str, **settings: str) -> Iterator["subprocess.Popen[bytes]"]:
    """One of our own long-running commands on that database, ended with the measurement."""
    environment = {
        **os.environ,
        "STAMGAST_DATABASE_URL": address,
        "STAMGAST_SECRET_KEY": secrets.token_urlsafe(64),
        "STAMGAST_LOG_LEVEL": "error",
        **settings,
    }
    started = subprocess.Popen([sys.executable, "-m", "stamgast", command], env=environment, stdout=subprocess.DEVNULL)
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(timeout=30)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def new_source(address: str) -> str:
    """A source for the measurement; its write key."""
    with psycopg.connect(address) as database, database.cursor() as cursor:
        return create_source(cursor, "bench", at=datetime.now(UTC), actor="bench")[1]


def _wait_until_open(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise BenchFailed("The web process did not start. `stamgast doctor` says what is wrong.")


def _address_of(database: str) -> str:
    named = connection.settings_dict
    user = quote(str(named["USER"] or ""), safe="")
    password = f":{quote(str(named['PASSWORD']), safe='')}" if named["PASSWORD"] else ""
    options = {"host": named["HOST"], "port": named["PORT"]}
    return f"postgresql://{user}{password}@/{database}?" + urlencode({key: value for key, value in options.items() if value})
