"""Makes a backup while everything runs: the lake as it is, and the database as it is at a moment no earlier than that."""

import hashlib
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from stamgast import __version__
from stamgast.backups.container import CHUNK, writing
from stamgast.backups.programs import Programs
from stamgast.backups.types import FORMAT, Description
from stamgast.lake.export import ARCHIVE, alone
from stamgast.lake.manifest import NAME, find_manifest
from stamgast.lake.places import BEYOND

DATABASE = "database.dump"
LAKE = "lake/"
Progress = Callable[[str, int, int | None], None]


def back_up(
    address: str, lake: Path, to: Path, *, settings: Mapping[str, str], secret: str, at: datetime, progress: Progress
) -> Description:
    """Writes the backup to the file ``to``; ``progress(what, bytes done, bytes in all)`` is called on the way.

    Intake, worker and pages go on. Exports to the lake wait, so that no row can be in the copy of the lake that is not in that
    of the database; the tables are held against being dropped. Raises BackupExists, BackupFailed.
    """
    programs = Programs(address)
    with writing(to, at) as writer, alone(lake, waits=True), psycopg.connect(address) as connection:
        tables = _hold_tables(connection)
        snapshot, place, postgres = _row(
            connection, f"SELECT pg_export_snapshot(), {BEYOND}, current_setting('server_version')"
        )
        size = _row(connection, "SELECT pg_database_size(current_database())")[0]
        with programs.running(programs.dump(snapshot), stdout=subprocess.PIPE) as dump:
            assert dump.stdout
            writer.add(DATABASE, _told(_chunks(dump.stdout), lambda done: progress("Database", done, max(size, done))))
        for path in _files_of(lake):
            with path.open("rb") as file:
                writer.add(LAKE + path.relative_to(lake).as_posix(), _chunks(file))
        rows = {table: _row(connection, _count(table))[0] for table in tables}
        migrations = connection.execute("SELECT app || '.' || name FROM django_migrations ORDER BY app, name").fetchall()
        return writer.finish(
            Description(
                format=FORMAT,
                made_at=at,
                version=__version__,
                postgres=postgres,
                migrations=tuple(name for (name,) in migrations),
                place=place,
                rows=rows,
                settings=dict(settings),
                secret_mark=mark_of(secret),
            )
        )


def mark_of(secret: str) -> str:
    """Whether two secrets are one can be seen from their marks; what they are, which is random, cannot."""
    return hashlib.sha256(b"stamgast backup\0" + secret.encode()).hexdigest()[:16]


def _hold_tables(connection: "psycopg.Connection[tuple[Any, ...]]") -> list[str]:
    """Keeps every table from being changed in its form until the end of the transaction, whose snapshot comes after that."""
    found = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
        "AND relnamespace = 'public'::regnamespace ORDER BY relname"
    ).fetchall()
    connection.rollback()
    tables = [str(name) for (name,) in found]
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    names = sql.SQL(", ").join(sql.Identifier("public", table) for table in tables)
    connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))
    return tables


def _count(table: str) -> sql.Composed:
    return sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", table))


def _row(connection: "psycopg.Connection[tuple[Any, ...]]", query: str | sql.Composed) -> tuple[Any, ...]:
    row = connection.execute(query if isinstance(query, sql.Composed) else query.encode()).fetchone()
    assert row is not None
    return row


def _files_of(lake: Path) -> list[Path]:
    """The archive, which is nowhere else; what the manifest names, and then the manifest."""
    archived = sorted((lake / ARCHIVE).glob("*.parquet"))
    manifest = find_manifest(lake)
    if manifest is None:
        return archived
    listed = {part.file for state in manifest.datasets.values() for part in state.parts}
    listed |= {state.columns for state in manifest.datasets.values()}
    return [*archived, *(lake / file for file in sorted(listed)), lake / NAME]


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _told(chunks: Iterator[bytes], tell: Callable[[int], None]) -> Iterator[bytes]:
    done = 0
    for chunk in chunks:
        done += len(chunk)
        tell(done)
        yield chunk
