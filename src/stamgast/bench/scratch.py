"""What measurements against PostgreSQL share: a database of their own on the server in use, and that server's pgbench."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import psycopg
from django.db import connection
from psycopg import sql

from stamgast.kit.embedded import programs
from stamgast.kit.errors import Kind, StamgastError

PGBENCH_SCALE = 10
PGBENCH_CLIENTS = 8


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


def _address_of(database: str) -> str:
    named = connection.settings_dict
    user = quote(str(named["USER"] or ""), safe="")
    password = f":{quote(str(named['PASSWORD']), safe='')}" if named["PASSWORD"] else ""
    options = {"host": named["HOST"], "port": named["PORT"]}
    return f"postgresql://{user}{password}@/{database}?" + urlencode({key: value for key, value in options.items() if value})
