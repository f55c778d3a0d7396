"""PostgreSQL's own programs for copying: pg_dump, pg_restore and psql, started without a secret on their command line."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from stamgast.backups.errors import BackupFailed
from stamgast.kit.embedded import programs


class Programs:
    """The programs for one database. Those of the package know no TLS, so a connection with TLS takes the system's."""

    def __init__(self, address: str) -> None:
        place = conninfo_to_dict(address)
        password = place.pop("password", None)
        self._place = make_conninfo("", **place)
        self._environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
        with psycopg.connect(address) as connection:
            self._uses_tls = connection.info.pgconn.ssl_in_use

    def dump(self, snapshot: str) -> list[str]:
        """The whole database as it was in a snapshot, compressed a little: most of it are short texts and numbers."""
        options = ("--format=custom", "--compress=gzip:1", "--no-owner", "--no-password", f"--snapshot={snapshot}")
        return [self._path("pg_dump"), *options, f"--dbname={self._place}"]

    def list_contents(self) -> list[str]:
        """What is in a dump, a line an object."""
        return [self._path("pg_restore"), "--list"]

    def script(self, contents: str) -> list[str]:
        """A dump as SQL, of the objects in the file ``contents``."""
        return [self._path("pg_restore"), "--no-owner", f"--use-list={contents}", "--file=-"]

    def run_sql(self) -> list[str]:
        """Runs what it reads in one transaction: all of it, or nothing."""
        options = ("--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--single-transaction", "--file=-")
        return [self._path("psql"), *options, f"--dbname={self._place}"]

    @contextlib.contextmanager
    def running(self, command: list[str], **pipes: Any) -> Iterator["subprocess.Popen[bytes]"]:
        """The program for the block; raises BackupFailed with its words when it does not end well."""
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(command, stderr=said, env=self._environment, **pipes)
            try:
                yield process
                for pipe in (process.stdin, process.stdout):
                    if pipe:
                        pipe.close()
                process.wait()
            except BrokenPipeError:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1)  # the pipe is this program's when it has ended, else another's that was fed by it
                if not process.poll():
                    raise
            finally:
                process.kill()
                process.wait()
            if process.returncode:
                raise BackupFailed(f"{Path(command[0]).name} did not end well: {_reason(said)}")

    def _path(self, name: str) -> str:
        ours = programs() / name
        found = shutil.which(name) if self._uses_tls or not ours.exists() else str(ours)
        if found is None:
            raise BackupFailed(
                f"{name} is needed, of the same version as the server or newer: the one that comes with Stamgast knows no TLS. "
                "Install PostgreSQL's client programs."
            )
        return found


def _reason(said: IO[bytes]) -> str:
    """The first error that a program told of, in one line: what follows may hold rows."""
    said.seek(0)
    for line in said.read().decode(errors="replace").splitlines():
        if "error" in line.lower() or "FATAL" in line:
            return line.strip()[:300]
    return "it gave no reason."
