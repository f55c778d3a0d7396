"""Puts a backup back: nothing is touched before all of it was read and found right, and what was there goes last."""

import contextlib
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import IO

import msgspec
import psycopg
from psycopg import sql

from stamgast.backups.container import read_description, read_members, too_new, verify
from stamgast.backups.errors import BackupDamaged, HoldsData
from stamgast.backups.making import DATABASE, LAKE
from stamgast.backups.programs import Programs
from stamgast.backups.types import Description
from stamgast.kit.embedded import EmbeddedServer
from stamgast.lake.manifest import find_manifest, get_manifest, put_manifest
from stamgast.lake.places import SERVER, set_offset

Progress = Callable[[int], None]
UNKNOWN_TO_OLD_SERVERS = b"SET transaction_timeout = 0;\n"
OWNERS_DEFAULTS = " DEFAULT ACL "
BEFORE = """
DO $$ BEGIN
  CREATE ROLE stamgast_app NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
  IF NOT pg_has_role(current_user, 'stamgast_app', 'MEMBER') THEN
    EXECUTE format('GRANT stamgast_app TO %I', current_user);
  END IF;
END $$;
"""
EMPTIED = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n"
AFTER = """
SET search_path = public;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO stamgast_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO stamgast_app;
"""


def examine(path: Path, known_migrations: Collection[str], progress: Progress) -> Description:
    """Reads all of it; raises BackupDamaged, or BackupTooNew when it has tables that this version does not know."""
    description = read_description(path)
    if set(description.migrations) - set(known_migrations):
        raise too_new(description.version)
    verify(path, description, progress)
    return description


def restore_embedded(path: Path, description: Description, data: Path, *, over: str | None, progress: Progress) -> None:
    """Makes the backup the installation in the folder ``data``, whose claim the caller holds.

    A folder that holds data is refused unless it is named in ``over``. It is replaced when the restored one is complete, so
    that a restore that fails or is killed leaves it as it was.
    """
    postgres, lake = data / "postgres", data / "lake"
    draft, replaced = data / ".restoring", data / ".replaced"
    if (postgres.exists() or lake.exists()) and not _names(over, data):
        raise HoldsData(f"{data} holds an installation. To replace it, name it: stamgast restore {path} --over {data}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    server = EmbeddedServer(draft / "postgres")
    server.start()
    try:
        restore_database(path, description, server.url(), is_emptied=False, progress=progress)
        restore_lake(path, draft / "lake", server.url())
    finally:
        server.stop()
    shutil.rmtree(replaced, ignore_errors=True)
    replaced.mkdir()
    for folder in (postgres, lake):
        if folder.exists():
            folder.rename(replaced / folder.name)
        if (draft / folder.name).exists():
            (draft / folder.name).rename(folder)
    shutil.rmtree(draft)
    shutil.rmtree(replaced)


def restore_external(
    path: Path, description: Description, address: str, lake: Path, *, over: str | None, progress: Progress
) -> None:
    """Makes the backup the database at ``address``, in one transaction, and the lake in its folder.

    A database with tables, or a lake, is refused unless the database is named in ``over``.
    """
    with psycopg.connect(address) as connection:
        name = connection.info.dbname
        row = connection.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchone()
    holds_tables = bool(row and row[0])
    if (holds_tables or lake.exists()) and over != name:
        where = f"The database {name}" if holds_tables else f"The lake in {lake}"
        raise HoldsData(f"{where} holds data. To replace it, name the database: stamgast restore {path} --over {name}")
    restore_database(path, description, address, is_emptied=holds_tables, progress=progress)
    draft = lake.with_name(".restoring")
    shutil.rmtree(draft, ignore_errors=True)
    restore_lake(path, draft, address)
    shutil.rmtree(lake, ignore_errors=True)
    if draft.exists():
        draft.rename(lake)


def restore_database(path: Path, description: Description, address: str, *, is_emptied: bool, progress: Progress) -> None:
    """The tables with their rows and rights, all or nothing; then counts every table. Raises BackupFailed, BackupDamaged."""
    programs = Programs(address)
    with tempfile.NamedTemporaryFile("w", suffix=".list") as contents:
        contents.writelines(_contents(programs, path))
        contents.flush()
        with (
            programs.running(programs.run_sql(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as database,
            programs.running(programs.script(contents.name), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as script,
        ):
            assert database.stdin
            assert script.stdin
            assert script.stdout
            feeder = threading.Thread(target=_feed, args=(path, script.stdin, progress), daemon=True)
            feeder.start()
            database.stdin.write(((EMPTIED if is_emptied else "") + BEFORE).encode())
            for chunk in _for_any_server(script.stdout):
                database.stdin.write(chunk)
            feeder.join()
            if script.wait() == 0:
                database.stdin.write(f"{AFTER}{set_offset(description.place)};\n".encode())
    with psycopg.connect(address, autocommit=True) as connection:
        for table, rows in description.rows.items():
            found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", table))).fetchone()
            if found != (rows,):
                raise BackupDamaged(f"The table {table} should have {rows:,} rows and has {found and found[0]:,}.")
        connection.execute("ANALYZE")


def restore_lake(path: Path, folder: Path, address: str) -> None:
    """The files of the lake, which from now on is the lake of the database at ``address``."""
    for name, chunks in read_members(path):
        if name.startswith(LAKE):
            file = folder / name.removeprefix(LAKE)
            assert ".." not in file.parts, "a backup under its own checksums does not leave its folder"
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as target:
                target.writelines(chunks)
    if find_manifest(folder) is not None:
        with psycopg.connect(address) as connection:
            row = connection.execute(SERVER).fetchone()
        assert row is not None
        put_manifest(folder, msgspec.structs.replace(get_manifest(folder), server=str(row[0])))


def _names(over: str | None, data: Path) -> bool:
    return over is not None and Path(over).expanduser().absolute() == data.absolute()


def _contents(programs: Programs, path: Path) -> Iterator[str]:
    """What is in the dump, but for the rights of the former owner's future tables: that account need not exist here."""
    with programs.running(programs.list_contents(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as listing:
        assert listing.stdin
        assert listing.stdout
        feeder = threading.Thread(target=_feed, args=(path, listing.stdin, lambda size: None), daemon=True)
        feeder.start()
        lines = listing.stdout.read().decode().splitlines(keepends=True)
        feeder.join()
    return (line for line in lines if OWNERS_DEFAULTS not in line)


def _feed(path: Path, sink: IO[bytes], progress: Progress) -> None:
    """The dump into a program, as far as the program wants it."""
    for name, chunks in read_members(path):
        if name == DATABASE:
            with contextlib.suppress(BrokenPipeError), contextlib.closing(sink):
                for chunk in chunks:
                    sink.write(chunk)
                    progress(len(chunk))
            return


def _for_any_server(script: IO[bytes]) -> Iterator[bytes]:
    """The script without the one setting at its head that servers before version 17 do not know."""
    head = script.read(16 * 1024)
    yield head.replace(UNKNOWN_TO_OLD_SERVERS, b"", 1)
    while chunk := script.read(1024 * 1024):
        yield chunk
