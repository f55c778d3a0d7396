"""The export against a real PostgreSQL: nothing skipped, nothing twice, nothing half, whatever happens in between."""

import fcntl
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from stamgast.kit.claims import DatabaseUnavailable
from stamgast.lake import parts
from stamgast.lake.check import check
from stamgast.lake.errors import LakeBusy, LakeNotThere, LakeOfAnotherServer, LakeUnreadable
from stamgast.lake.export import LOCK, export
from stamgast.lake.manifest import find_manifest, get_manifest
from stamgast.lake.reading import open_lake
from stamgast.lake.types import Difference, Log, Snapshot

AT = datetime(2026, 3, 1, tzinfo=UTC)
SALES = Log(
    name="sales",
    query="SELECT id, moment, amount FROM sale WHERE stored_in >= '{low}'::xid8 AND stored_in < '{high}'::xid8",
    limit="SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
    month_of="moment",
    key="id",
    sums=("amount",),
)
NAMES = Snapshot("names", "SELECT id, name FROM named ORDER BY id")


@pytest.fixture
def address(transactional_db):
    """A table of our own in the test database, seen from other connections too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE sale (id bigint PRIMARY KEY, moment timestamptz NOT NULL, amount bigint NOT NULL,"
            " stored_in xid8 NOT NULL DEFAULT pg_current_xact_id())"
        )
        cursor.execute("CREATE TABLE named (id bigint PRIMARY KEY, name text)")
    info = connection.connection.info
    yield psycopg.conninfo.make_conninfo(**{**info.get_parameters(), "password": info.password or None})
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE sale; DROP TABLE named")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "lake"


def sell(address, first, count, *, days=300):
    with psycopg.connect(address) as other:
        store(other, first, count, days=days)


def store(other, first, count, *, days=300):
    other.execute(
        "INSERT INTO sale SELECT i, timestamptz '2025-01-01' + (i %% %s) * interval '1 day', i * 7"
        " FROM generate_series(%s::bigint, %s) AS i",
        (days, first, first + count - 1),
    )


def ids(folder):
    return Counter(open_lake(folder)["sales"].to_pyarrow()["id"].to_pylist())


def differences(folder):
    with connection.cursor() as wrapped:
        return check(wrapped.cursor, folder, [SALES, NAMES])


def test_each_export_adds_what_is_new(address, folder):
    sell(address, 1, 1000)
    first = export(address, folder, [SALES], at=AT)
    assert first.rows == {"sales": 1000}
    assert ids(folder) == Counter(range(1, 1001))
    assert export(address, folder, [SALES], at=AT).version == first.version
    sell(address, 1001, 5, days=1)
    assert export(address, folder, [SALES], at=AT).rows == {"sales": 5}
    assert ids(folder) == Counter(range(1, 1006))
    assert differences(folder) == []
    rows = open_lake(folder)["sales"].filter(lambda t: t.id == 40).to_pyarrow().to_pylist()
    assert rows == [{"id": 40, "moment": datetime(2025, 2, 10, tzinfo=UTC), "amount": 280}]
    files = {part.file for part in get_manifest(folder).datasets["sales"].parts}
    assert {file.split("/")[1] for file in files} == {f"month=2025-{month:02}" for month in range(1, 11)}


def test_a_transaction_that_ends_late_is_not_skipped(address, folder):
    with psycopg.connect(address) as slow:
        store(slow, 1, 10)
        sell(address, 11, 10)
        export(address, folder, [SALES], at=AT)
        assert ids(folder) == Counter(), "what was stored after the open transaction waits for it"
        assert differences(folder) == []
    export(address, folder, [SALES], at=AT)
    assert ids(folder) == Counter(range(1, 21))


def test_a_lake_without_rows_has_its_columns(address, folder):
    with pytest.raises(LakeNotThere):
        open_lake(folder)
    export(address, folder, [SALES, NAMES], at=AT)
    tables = open_lake(folder)
    assert tables["sales"].count().to_pyarrow().as_py() == 0
    assert str(tables["sales"].schema()["moment"]) == "timestamp('UTC', 6)"
    assert tables["names"].columns == ("id", "name")


def test_what_a_first_export_has_not_come_to_is_not_there(address, folder):
    sell(address, 1, 10)
    export(address, folder, [SALES], at=AT)
    with pytest.raises(LakeNotThere):
        open_lake(folder)["names"]


def test_a_column_that_is_added_later_is_null_before(address, folder):
    sell(address, 1, 3)
    export(address, folder, [SALES], at=AT)
    sell(address, 4, 1)
    import dataclasses

    wider = dataclasses.replace(SALES, query=SALES.query.replace("amount FROM", "amount, 'EUR' AS currency FROM"))
    export(address, folder, [wider], at=AT)
    rows = open_lake(folder)["sales"].select("id", "currency").order_by("id").to_pyarrow().to_pylist()
    assert [row["currency"] for row in rows] == [None, None, None, "EUR"]


def test_a_snapshot_is_replaced_when_it_changed_and_only_then(address, folder):
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("INSERT INTO named VALUES (1, 'a'), (2, 'b')")
        first = export(address, folder, [NAMES], at=AT).version
        opened = open_lake(folder)["names"]
        assert export(address, folder, [NAMES], at=AT).version == first
        other.execute("UPDATE named SET name = 'c' WHERE id = 1")
        assert export(address, folder, [NAMES], at=AT).version == first + 1
    assert open_lake(folder)["names"].order_by("id").to_pyarrow()["name"].to_pylist() == ["c", "b"]
    assert opened.order_by("id").to_pyarrow()["name"].to_pylist() == ["a", "b"], "who had opened it reads on"
    export(address, folder, [NAMES], at=AT + timedelta(hours=2))
    export(address, folder, [NAMES], at=AT + timedelta(hours=4))
    assert len(list((folder / "names").glob("part-*"))) == 1


def test_many_small_files_are_joined(address, folder):
    for n in range(parts.MOST_SMALL_PARTS + 5):
        sell(address, n * 10 + 1, 10, days=20)
        export(address, folder, [SALES], at=AT + timedelta(minutes=n))
    state = get_manifest(folder).datasets["sales"]
    assert len(state.parts) <= parts.MOST_SMALL_PARTS + 1
    assert ids(folder) == Counter(range(1, 10 * (parts.MOST_SMALL_PARTS + 5) + 1))
    assert differences(folder) == []


def test_check_names_the_month_that_differs(address, folder):
    sell(address, 1, 300)
    export(address, folder, [SALES], at=AT)
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("UPDATE sale SET amount = amount + 1 WHERE moment = '2025-03-05'")
        other.execute("DELETE FROM sale WHERE moment = '2025-06-05'")
    found = differences(folder)
    assert [(d.dataset, d.month, d.what, d.in_lake - d.in_database) for d in found] == [
        ("sales", "2025-03", "amount", -1),
        ("sales", "2025-06", "rows", 1),
        ("sales", "2025-06", "keys", 1),
        ("sales", "2025-06", "amount", 155 * 7),
    ]
    assert str(Difference("sales", "2025-06", "rows", 1000, 999)) == "sales 2025-06: rows 1,000 in the lake, 999 in PostgreSQL"


def test_check_sees_a_file_that_is_listed_twice_or_lost(address, folder):
    sell(address, 1, 300)
    export(address, folder, [SALES], at=AT)
    manifest_path, part = folder / "manifest.json", get_manifest(folder).datasets["sales"].parts[3]
    (folder / part.file).unlink()
    with pytest.raises(LakeUnreadable):
        differences(folder)
    manifest_path.write_text(manifest_path.read_text()[:100])
    with pytest.raises(LakeUnreadable):
        get_manifest(folder)


def test_two_exports_at_once_are_one_too_many(address, folder):
    folder.mkdir()
    with (folder / LOCK).open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(LakeBusy):
            export(address, folder, [SALES], at=AT)
    assert find_manifest(folder) is None


def test_a_lake_of_another_server_is_refused(address, folder):
    export(address, folder, [SALES], at=AT)
    path = folder / "manifest.json"
    before = path.read_text().replace(get_manifest(folder).server, "12345/1")
    path.write_text(before)
    with pytest.raises(LakeOfAnotherServer):
        export(address, folder, [SALES], at=AT)
    assert path.read_text() == before


def test_no_server_and_no_secret_in_the_message(folder):
    with pytest.raises(DatabaseUnavailable) as caught:
        export("postgresql://someone:hidden@127.0.0.1:1/none", folder, [SALES], at=AT)
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


EXPORT_FOR_EVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from stamgast.lake.export import export
from stamgast.lake.types import Log, Snapshot
address, folder, datasets = sys.argv[1], Path(sys.argv[2]), eval(sys.argv[3])
print("begun", flush=True)
while True:
    export(address, folder, datasets, at=datetime.now(UTC))
"""


def unlisted(folder):
    """Files on the disk that no manifest names: an export is at work, or was killed at it."""
    manifest = find_manifest(folder)
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*/*.*")}
    return on_disk - (manifest.files() if manifest else set())


def test_killed_anywhere_it_loses_nothing_and_repeats_nothing(address, folder):
    """The exporter is killed as soon as it is seen at work, or a little later, while rows come in; readers look after it."""
    dice = random.Random(7)
    killed_at_work, stored = 0, 0
    for delay in (0, 0, 0, 0.01, 0.1):
        command = [sys.executable, "-c", EXPORT_FOR_EVER, address, str(folder), repr([SALES, NAMES])]
        exporter = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert exporter.stdout.readline() == b"begun\n"
        leftovers, deadline = unlisted(folder), time.monotonic() + 20
        while not unlisted(folder) - leftovers and time.monotonic() < deadline:
            sell(address, stored + 1, 5000)
            stored += 5000
        time.sleep(delay * dice.random())
        exporter.kill()
        exporter.communicate()
        killed_at_work += bool(unlisted(folder))
        if find_manifest(folder):
            found = ids(folder)
            assert max(found.values(), default=1) == 1
            assert found == Counter(range(1, len(found) + 1)), "what is there is all that was stored up to a moment"
    assert killed_at_work > 0, "no kill met the export at work, so this test has shown nothing"
    export(address, folder, [SALES, NAMES], at=datetime.now(UTC) + timedelta(hours=2))
    assert ids(folder) == Counter(range(1, stored + 1))
    assert differences(folder) == []
    assert unlisted(folder) == set()
