"""Imports on the real database: what is stored, what is rejected, and that stopping and repeating change nothing."""

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stamgast.activities.errors import InvalidSourceName
from stamgast.activities.importers import running
from stamgast.activities.importers.errors import ImportUnderWay, InvalidMapping, MissingColumn, UnreadableFile
from stamgast.kit.database import open_cursor, transaction

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = """\
source: kassa
kind: Order Completed
timestamp: {column: datum, zone: Europe/Amsterdam, format: "%d-%m-%Y %H:%M"}
identifiers: {card_number: klant, email: {column: mail}}
group_by: bon
properties:
  order_id: bon
  revenue: {sum: bedrag}
  currency: {constant: EUR}
products:
  product_id: artikel
  category: {column: groep, values: {Koffie: coffee}}
  quantity: {column: aantal, type: number}
  revenue: {column: bedrag, type: money}
csv: {delimiter: ";", decimal: ","}
"""
ROWS = """\
bon;datum;klant;mail;artikel;groep;aantal;bedrag
1;31-01-2025 10:05;C900;;k1;Koffie;2;5,00
2;31-01-2025 10:06;C901;a@example.org;"taart ""groot""
vers";Gebäck;1;1.012,50
1;31-01-2025 10:05;C900;;k2;;01;0,10

3;31-02-2025 10:06;C901;;a;b;1;1,00
4;31-01-2025 10:06;C901;;a;b;1;1,x
4;31-01-2025 10:06;C901;;a;b;1;1,00
5;31-01-2025 10:06;C901;;a;b;1
6;31-01-2099 10:06;C901;;a;b;1;2
7;31-01-2025 10:06;unknown;;a;b;1;2
;31-01-2025 10:06;C901;;a;b;1;2
8;31-01-2025 10:06;C901;;a;b;1;2
8;31-01-2025 10:06;C902;;a;b;1;2
"""


def test_lines_become_orders_and_the_rest_is_rejected(imported, bodies, tmp_path):
    outcome = imported("\ufeff" + ROWS, ORDERS)
    assert (outcome.is_finished, outcome.rows, outcome.activities_new, outcome.rows_rejected) == (True, 12, 2, 9)
    assert bodies() == [
        {
            "type": "track",
            "event": "Order Completed",
            "timestamp": "2025-01-31T09:05:00Z",
            "context": {"externalIds": [{"id": "C900", "type": "card_number", "collection": "users", "encoding": "none"}]},
            "properties": {
                "order_id": "1",
                "revenue": "5.1",
                "currency": "EUR",
                "products": [
                    {"product_id": "k1", "category": "coffee", "quantity": 2, "revenue": "5.00"},
                    {"product_id": "k2", "quantity": 1, "revenue": "0.10"},
                ],
            },
        },
        {
            "type": "track",
            "event": "Order Completed",
            "timestamp": "2025-01-31T09:06:00Z",
            "context": {
                "externalIds": [
                    {"id": "C901", "type": "card_number", "collection": "users", "encoding": "none"},
                    {"id": "a@example.org", "type": "email", "collection": "users", "encoding": "none"},
                ]
            },
            "properties": {
                "order_id": "2",
                "revenue": "1012.5",
                "currency": "EUR",
                "products": [{"product_id": 'taart "groot"\nvers', "category": "Gebäck", "quantity": 1, "revenue": "1012.50"}],
            },
        },
    ]
    with (tmp_path / "rows.csv.rejects.csv").open(encoding="utf-8", newline="") as file:
        header, *rejects = csv.reader(file, delimiter=";")
    assert header == ["line", "reason", "bon", "datum", "klant", "mail", "artikel", "groep", "aantal", "bedrag"]
    assert [(row[0], row[1].split(": it needs")[0]) for row in rejects] == [
        ("10", "it has 7 fields, and the header has 8"),
        ("7", "datum: 31-02-2025 10:06 is not a moment in the form %d-%m-%Y %H:%M"),
        ("8", "bedrag: 1,x is not an amount"),
        ("9", "line 8 of the same order is refused"),
        ("11", "datum: 31-01-2099 10:06 lies in the future"),
        ("12", "The message points at nobody"),
        ("13", "bon is empty"),
        ("14", "the lines of this order differ in klant"),
        ("15", "the lines of this order differ in klant"),
    ]
    assert rejects[2][2:] == ["4", "31-01-2025 10:06", "C901", "", "a", "b", "1", "1,x"]
    assert rejects[0][2:] == ["5", "31-01-2025 10:06", "C901", "", "a", "b", "1"]


def test_rejects_can_be_corrected_and_imported(imported, bodies, tmp_path):
    imported(ROWS, ORDERS)
    rejects = tmp_path / "rows.csv.rejects.csv"
    corrected = tmp_path / "corrected.csv"
    corrected.write_text(rejects.read_text("utf-8").replace("1,x", "1,50"), "utf-8")
    outcome = imported(corrected, ORDERS)
    assert (outcome.activities_new, outcome.rows_rejected) == (1, 7)
    assert bodies()[-1]["properties"]["revenue"] == "2.5"
    assert (tmp_path / "corrected.csv.rejects.csv").read_text("utf-8").splitlines()[0] == (
        "line;reason;bon;datum;klant;mail;artikel;groep;aantal;bedrag"
    )


def test_twice_adds_nothing(imported, bodies):
    first = imported(ROWS, ORDERS)
    again = imported(ROWS, ORDERS)
    assert (first.was_finished, again.was_finished) == (False, True)
    assert (again.activities_new, again.rows_rejected) == (first.activities_new, first.rows_rejected)
    # Another text of the mapping, or of the file, is another import of the same activities.
    for file, mapping in ((ROWS, ORDERS + "# a remark"), (ROWS + "\n", ORDERS)):
        outcome = imported(file, mapping)
        assert (outcome.activities_new, outcome.activities_repeated) == (0, 2)
    assert len(bodies()) == 2


def test_latin_1_is_read_as_the_mapping_says(imported, bodies, tmp_path):
    outcome = imported(ROWS.encode("windows-1252"), ORDERS.replace('decimal: ","', 'decimal: ",", encoding: windows-1252'))
    assert outcome.activities_new == 2
    assert bodies()[1]["properties"]["products"][0]["category"] == "Gebäck"


@pytest.mark.parametrize(
    ("file", "mapping", "error", "sentence"),
    [
        (ROWS.encode("windows-1252"), ORDERS, UnreadableFile, r"line 4 of .*rows\.csv is not utf-8\. Name the file's encoding"),
        (
            ROWS,
            ORDERS.replace("artikel", "article"),
            MissingColumn,
            "has no column 'article', which the mapping names. It has bon, datum",
        ),
        ("", ORDERS, UnreadableFile, "is empty: its first line has to name the columns"),
        ("a;a\n1;2\n", ORDERS, UnreadableFile, "has two columns 'a'"),
        (ROWS, ORDERS.replace("source: kassa\n", ""), InvalidMapping, "The mapping names no source"),
    ],
)
def test_refuses_as_a_whole(imported, bodies, file, mapping, error, sentence):
    with pytest.raises(error, match=sentence):
        imported(file, mapping)
    assert bodies() == []


def test_refuses_a_file_that_is_not_there_or_not_parquet(imported, tmp_path):
    with pytest.raises(UnreadableFile, match="cannot be read: No such file"):
        imported(tmp_path / "none.csv", ORDERS)
    (tmp_path / "not.parquet").write_text("bon;datum")
    with pytest.raises(UnreadableFile, match="is not a Parquet file that can be read"):
        imported(tmp_path / "not.parquet", ORDERS)


def test_only_a_header_is_an_empty_import(imported, bodies):
    outcome = imported(ROWS.splitlines()[0] + "\n", ORDERS)
    assert (outcome.is_finished, outcome.rows, outcome.activities_new) == (True, 0, 0)


def test_parquet_values_come_as_they_are_written(imported, bodies, tmp_path):
    table = pa.table(
        {
            "who": pa.array([7, 8], pa.int64()),
            "at": pa.array(["2026-03-29 02:30:00", "2026-03-29 03:30:00"]).cast(pa.timestamp("ns")),
            "seen": pa.array([True, None]),
            "ratio": pa.array([0.1, 1e6], pa.float64()),
            "paid": pa.array([Decimal("1.10"), Decimal("-2.00")], pa.decimal128(18, 2)),
            "kind": pa.array(["a", "b"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "visits.parquet")
    mapping = """\
source: app
kind: App Opened
timestamp: {column: at, zone: Europe/Amsterdam}
identifiers: {user_id: who}
properties:
  seen: {column: seen, type: boolean}
  ratio: {column: ratio, type: number}
  paid: {column: paid, type: money}
  kind: {column: kind, values: {a: first}, otherwise: other}
traits: {kind: kind}
"""
    assert imported(tmp_path / "visits.parquet", mapping).activities_new == 2
    head = {"type": "track", "event": "App Opened"}
    # Half past two did not exist on that night: the clock's own hour after the gap.
    assert bodies() == [
        head | {"timestamp": "2026-03-29T01:30:00Z", "userId": "7", "context": {"traits": {"kind": "a"}},
                "properties": {"seen": True, "ratio": "0.1", "paid": "1.10", "kind": "first"}},
        head | {"timestamp": "2026-03-29T01:30:00Z", "userId": "8", "context": {"traits": {"kind": "b"}},
                "properties": {"ratio": 1000000, "paid": "-2.00", "kind": "other"}},
    ]  # fmt: skip


def test_identify_carries_traits(imported, bodies):
    imported(
        "id,since,age\n1,2026-01-01,\n2,2026-01-02,45-54\n",
        "source: crm\nkind: identify\ntimestamp: since\nidentifiers: {user_id: id}\ntraits: {age: age}\n",
    )
    assert bodies() == [
        {"type": "identify", "timestamp": "2026-01-01T00:00:00Z", "userId": "1"},
        {"type": "identify", "timestamp": "2026-01-02T00:00:00Z", "userId": "2", "traits": {"age": "45-54"}},
    ]


def test_a_column_says_the_kind(imported, bodies):
    mapping = """\
source: t
kind: {column: what, values: {sale: Order Completed, hello: identify}}
timestamp: day
identifiers: {user_id: who}
group_by: nr
properties: {order_id: nr}
"""
    rows = (
        "nr,day,who,what\n1,2026-01-01,7,sale\n1,2026-01-01,7,\n2,2026-01-02,7,Swipe\n3,2026-01-03,7,hello\n4,2026-01-03,7,\n"
    )
    outcome = imported(rows + "5,2026-01-03,7,sale\n5,2026-01-03,7,Swipe\n", mapping)
    assert (outcome.activities_new, outcome.rows_rejected) == (3, 3)
    assert outcome.reasons == [("the lines of this order differ in what", 2), ("what is empty", 1)]
    assert [(body["type"], body.get("event")) for body in bodies()] == [
        ("track", "Order Completed"),
        ("track", "Swipe"),
        ("identify", None),
    ]


def test_rows_without_a_key_count_each_once(imported, bodies):
    visits = "card,day\nA1,2026-01-01\nA1,2026-01-01\nA2,2026-01-01\n"
    mapping = "source: door\nkind: Visit\ntimestamp: day\nidentifiers: {card_number: card}\n"
    assert imported(visits, mapping).activities_new == 3
    more = imported(visits + "A1,2026-01-01\n", mapping)
    assert (more.activities_new, more.activities_repeated) == (1, 3)


def test_lines_far_apart_are_one_order(imported, bodies, monkeypatch):
    monkeypatch.setattr(running, "ROWS_PER_BATCH", 7)
    rows = "".join(f"{number % 10},2026-01-01,{number % 10 + 1},0.1\n" for number in range(1000))
    mapping = """\
source: t
kind: Order Completed
timestamp: day
identifiers: {user_id: who}
group_by: o
properties: {order_id: o, revenue: {sum: x}}
products: {revenue: {column: x, type: money}}
"""
    assert imported("o,day,who,x\n" + rows, mapping).activities_new == 10
    assert {(len(body["properties"]["products"]), body["properties"]["revenue"]) for body in bodies()} == {(100, "10")}


def _many(count):
    return (
        "id,at\n"
        + "".join(f"{number},2026-01-01 {number // 60 % 24:02}:{number % 60:02}\n" for number in range(1, count + 1))
        + "x,never\n"
    )


MANY = "source: many\nkind: Visit\ntimestamp: at\nidentifiers: {user_id: id}\nmessage_id: id\n"


def test_goes_on_after_a_crash_in_the_middle_of_a_transaction(imported, bodies, monkeypatch, tmp_path):
    monkeypatch.setattr(running, "MESSAGES_PER_TRANSACTION", 10)
    store = running.store
    calls = []

    def crash(cursor, activities, refusals):
        calls.append(len(activities))
        stored = store(cursor, activities, refusals)
        if len(calls) == 4:
            raise MemoryError
        return stored

    monkeypatch.setattr(running, "store", crash)
    with pytest.raises(MemoryError):
        imported(_many(95), MANY)
    assert len(bodies()) == 30
    outcome = imported(_many(95), MANY)
    assert calls == [10] * 4 + [10] * 6 + [5]
    assert (outcome.is_finished, outcome.activities_new, outcome.activities_repeated, outcome.rows_rejected) == (True, 95, 0, 1)
    assert len(bodies()) == 95
    assert (tmp_path / "rows.csv.rejects.csv").read_text().splitlines() == [
        "line,reason,id,at",
        '97,"at: never is not a moment in the form ISO 8601, such as 2026-03-01 12:00:00",x,never',
    ]


def test_what_a_crash_left_in_the_rejects_is_cut_off(imported, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "MESSAGES_PER_TRANSACTION", 10)
    text = _many(5) + _many(30).split("\n", 1)[1]
    advance = running.progress.advance
    monkeypatch.setattr(
        running.progress, "advance", lambda *args, **more: 1 / 0 if more["last_first_row"] > 30 else advance(*args, **more)
    )
    with pytest.raises(ZeroDivisionError):
        imported(text, MANY)
    monkeypatch.undo()
    rejects = tmp_path / "rows.csv.rejects.csv"
    assert len(rejects.read_text().splitlines()) == 3
    outcome = imported(text, MANY)
    assert outcome.rows_rejected == 2
    assert [line.split(",")[0] for line in rejects.read_text().splitlines()] == ["line", "7", "38"]


def test_under_another_name_it_goes_on_and_its_rejects_have_a_header(imported, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "MESSAGES_PER_TRANSACTION", 10)
    text = _many(5) + _many(30).split("\n", 1)[1]
    asked = []
    assert not imported(text, MANY, should_stop=lambda: len(asked) == 1, report=lambda *_: asked.append(1)).is_finished
    moved = (tmp_path / "rows.csv").rename(tmp_path / "moved.csv")
    assert imported(moved, MANY).rejects == tmp_path / "moved.csv.rejects.csv"
    lines = (tmp_path / "moved.csv.rejects.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["line", "38"]
    again = imported(moved.rename(tmp_path / "third.csv"), MANY)
    assert (again.was_finished, again.rows_rejected, again.rejects) == (True, 2, None)


def test_a_header_and_no_more_is_a_file_without_rows(imported):
    assert imported("id,at", MANY).is_finished
    assert imported("id,at\n", MANY).rows == 0


def test_a_likely_delimiter_is_named_and_an_impossible_source_refused(imported):
    with pytest.raises(MissingColumn, match=r"It looks as if ';' stands between its fields: say so under csv\.delimiter\.$"):
        imported("id;at\n1;2026-01-01\n", MANY)
    with pytest.raises(InvalidSourceName):
        imported("id,at\n", MANY, source="a\nb")


def test_stops_when_asked_and_goes_on(imported, bodies, monkeypatch):
    monkeypatch.setattr(running, "MESSAGES_PER_TRANSACTION", 10)
    told = []
    outcome = imported(
        _many(45), MANY, report=lambda done, total: told.append((done, total)), should_stop=lambda: len(told) == 2
    )
    assert (outcome.is_finished, outcome.rows, told) == (False, 20, [(10, 46), (20, 46)])
    outcome = imported(_many(45), MANY)
    assert (outcome.is_finished, outcome.activities_new, outcome.rows) == (True, 45, 46)


def test_two_at_once_do_not_count_twice(imported, bodies, monkeypatch):
    monkeypatch.setattr(running, "MESSAGES_PER_TRANSACTION", 10)
    inner = []

    def interfere(done, total):
        if not inner:
            inner.append(None)
            inner.append(imported(_many(25), MANY))

    with pytest.raises(ImportUnderWay):
        imported(_many(25), MANY, report=interfere)
    assert inner[1].is_finished
    assert len(bodies()) == 25


def test_what_is_imported_waits_to_be_decided_once(imported):
    imported(_many(5), MANY)
    imported(_many(5) + "\n", MANY)
    with open_cursor() as cursor:
        pending = cursor.execute("SELECT count(*), count(DISTINCT activity_id) FROM activities_pending").fetchone()
    assert pending == (5, 5)


def test_the_moment_of_import_decides_what_is_future(imported):
    row = "id,at\n1,2026-01-01 12:00\n"
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert imported(row, MANY, at=noon - timedelta(seconds=1)).rows_rejected == 1
    with transaction() as cursor:
        cursor.execute("TRUNCATE activities_import")
    assert imported(row, MANY, at=noon).activities_new == 1
