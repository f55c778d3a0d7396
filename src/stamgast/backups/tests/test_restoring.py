"""A database with a lake, moved to another database and to a folder: all of it, its rights, and the order of storing."""

import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psycopg
import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from stamgast.backups.container import read_description, read_members, writing
from stamgast.backups.errors import BackupDamaged, BackupFailed, BackupTooNew, HoldsData
from stamgast.backups.making import back_up
from stamgast.backups.restoring import examine, restore_embedded, restore_external
from stamgast.backups.types import Description
from stamgast.flows.export_lake import DATASETS, database_address, export
from stamgast.kit.embedded import EmbeddedServer
from stamgast.lake.check import check
from stamgast.lake.export import export as export_lake
from stamgast.lake.manifest import get_manifest

AT = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = "a secret that no backup may hold, in whatever form it is kept"
ROWS = "SELECT id, occurred_at, amount_minor, body FROM activities_activity ORDER BY id"
SOURCE = "INSERT INTO activities_source (id, name, is_strict, created_at, created_by) VALUES (77, 'till', false, now(), 'test')"
ACTIVITIES = """
INSERT INTO activities_activity
  (id, source_id, type, kind, anchor_id, identifiers, occurred_at, received_at, amount_minor, line_count, body)
SELECT md5('activity' || i)::uuid, 77, 'track', 'Till Sale', md5('anchor')::uuid, '[]',
  timestamptz '2026-01-01' + i * interval '1 h', now(), i, 0, E'tab\t, quote", back\\\\slash, ☕'
FROM generate_series(%s::int, %s::int) AS i
"""


def known() -> set[str]:
    return {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}


@pytest.fixture
def backup(transactional_db: None, tmp_path: Path) -> Path:
    """Of a database with 40 activities, of which the lake had 30 when it was made."""
    lake, path = tmp_path / "lake", tmp_path / "backup.tar"
    with connection.cursor() as cursor:
        cursor.execute(SOURCE)
        cursor.execute(ACTIVITIES, (1, 30))
    export(at=AT, folder=lake)
    with connection.cursor() as cursor:
        cursor.execute(ACTIVITIES, (31, 40))
    (lake / "archive").mkdir()
    (lake / "archive" / "2025-01-0.parquet").write_bytes(b"months past")
    told: list[int] = []
    settings = {"STAMGAST_TIMEZONE": "Europe/Amsterdam"}
    back_up(
        database_address(),
        lake,
        path,
        settings=settings,
        secret=SECRET,
        at=AT,
        progress=lambda what, done, total: told.append(done),
    )
    assert told
    return path


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of an empty database."""
    address, name = os.environ["STAMGAST_DATABASE_URL"], f"restored_{secrets.token_hex(4)}"
    with psycopg.connect(address, autocommit=True) as administration:
        administration.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield urlsplit(address)._replace(path=f"/{name}").geturl()
        administration.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def restore(path: Path, address: str, lake: Path, over: str | None = None) -> Description:
    description = examine(path, known(), lambda size: None)
    restore_external(path, description, address, lake, over=over, progress=lambda size: None)
    return description


def rows_of(database: Any) -> Any:
    return database.execute(ROWS).fetchall()


def check_that_storing_and_exporting_go_on(address: str, lake: Path) -> None:
    with psycopg.connect(address) as database:
        database.execute(ACTIVITIES, (41, 50))
    exported = export_lake(address, lake, DATASETS, at=AT)
    assert exported.rows["activities"] == 20
    assert (lake / "archive" / "2025-01-0.parquet").read_bytes() == b"months past"
    with psycopg.connect(address) as database:
        places = database.execute(
            "SELECT min(stored_in), max(stored_in) FROM activities_activity WHERE amount_minor > 40"
        ).fetchone()
        before = database.execute("SELECT max(stored_in) FROM activities_activity WHERE amount_minor <= 40").fetchone()
        assert places
        assert before
        assert int(places[0]) > int(before[0])
        with database.cursor() as cursor:
            assert check(cursor, lake, DATASETS) == []
    assert sum(part.rows for part in get_manifest(lake).datasets["activities"].parts) == 50


def test_everything_is_there_and_goes_on(backup: Path, elsewhere: str, tmp_path: Path) -> None:
    restore(backup, elsewhere, tmp_path / "other lake")
    with psycopg.connect(elsewhere) as database, connection.cursor() as here:
        here.execute(ROWS)
        assert rows_of(database) == here.fetchall()
        assert len(rows_of(database)) == 40
        database.execute("SET ROLE stamgast_app")
        database.execute("CREATE TEMP TABLE is_allowed AS SELECT 1")
        for forbidden in ("UPDATE ledger_movement SET amount = 1", "DELETE FROM ledger_batch"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction():
                database.execute(forbidden)
    with psycopg.connect(elsewhere) as database:
        database.execute("CREATE TABLE of_a_later_migration (id int)")
        database.execute("SET ROLE stamgast_app")
        database.execute("SELECT * FROM of_a_later_migration")
    check_that_storing_and_exporting_go_on(elsewhere, tmp_path / "other lake")


def test_a_database_with_data_is_replaced_only_by_name(backup: Path, elsewhere: str, tmp_path: Path) -> None:
    lake, name = tmp_path / "other lake", urlsplit(elsewhere).path[1:]
    with psycopg.connect(elsewhere) as database:
        database.execute("CREATE TABLE something (id int)")
    for over in (None, "stamgast"):
        with pytest.raises(HoldsData, match=f"--over {name}"):
            restore(backup, elsewhere, lake, over)
    with psycopg.connect(elsewhere) as database:
        assert database.execute("SELECT count(*) FROM something").fetchone() == (0,)
        assert not lake.exists()
    restore(backup, elsewhere, lake, name)
    restore(backup, elsewhere, lake, name)
    with psycopg.connect(elsewhere) as database:
        assert database.execute("SELECT to_regclass('something')").fetchone() == (None,)
    check_that_storing_and_exporting_go_on(elsewhere, lake)


def test_a_restore_that_fails_changes_nothing(backup: Path, elsewhere: str, tmp_path: Path) -> None:
    """The dump under right checksums, and broken all the same."""
    description, broken = read_description(backup), tmp_path / "broken.tar"
    with writing(broken, AT) as writer:
        for member, chunks in read_members(backup):
            content = b"".join(chunks)
            if not member.startswith("backup.json"):
                writer.add(member, [content[: len(content) * 9 // 10] if member == "database.dump" else content])
        writer.finish(description)
    name = urlsplit(elsewhere).path[1:]
    with psycopg.connect(elsewhere) as database:
        database.execute("CREATE TABLE something (id int)")
    with pytest.raises(BackupFailed, match="pg_restore did not end well"):
        restore(broken, elsewhere, tmp_path / "other lake", name)
    with psycopg.connect(elsewhere) as database:
        assert database.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchall() == [
            ("something",)
        ]


def test_a_folder_with_data_is_replaced_only_by_name(backup: Path, tmp_path: Path) -> None:
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    data = tmp_path / "data"
    data.mkdir()
    (data / "secret_key").write_text("kept")
    description = examine(backup, known(), lambda size: None)
    restore_embedded(backup, description, data, over=None, progress=lambda size: None)
    with pytest.raises(HoldsData, match=f"--over {data}"):
        restore_embedded(backup, description, data, over=str(tmp_path), progress=lambda size: None)
    restore_embedded(backup, description, data, over=str(data), progress=lambda size: None)
    assert sorted(path.name for path in data.iterdir()) == ["lake", "postgres", "secret_key"]
    server = EmbeddedServer(data / "postgres")
    server.start()
    try:
        check_that_storing_and_exporting_go_on(server.url(), data / "lake")
    finally:
        server.stop()


def test_a_newer_backup_is_refused_and_so_is_one_without_its_rows(backup: Path, elsewhere: str, tmp_path: Path) -> None:
    with pytest.raises(BackupTooNew, match="newer than this one"):
        examine(backup, known() - {"activities.0001_initial"}, lambda size: None)
    description = examine(backup, known(), lambda size: None)
    more = msgspec.structs.replace(description, rows=description.rows | {"activities_activity": 41})
    with pytest.raises(BackupDamaged, match="activities_activity should have 41 rows and has 40"):
        restore_external(backup, more, elsewhere, tmp_path / "other lake", over=None, progress=lambda size: None)


def test_no_secret_is_in_it(backup: Path) -> None:
    content = backup.read_bytes()
    assert SECRET.encode() not in content
    assert b"STAMGAST_TIMEZONE" in content
