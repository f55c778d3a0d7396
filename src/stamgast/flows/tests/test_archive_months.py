"""Messages that moved to the archive: everything that read them before reads them still, and nothing comes twice or goes."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pyarrow.parquet as pq
import pytest
from django.conf import settings

from stamgast.activities.archive import archive_folder, find_damage, list_archive, recall, remove_leftovers
from stamgast.activities.contents import list_devices, load_properties
from stamgast.activities.errors import ArchiveDamaged
from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import count_pending, get_activity, load_catalogue
from stamgast.activities.timeline import list_activities
from stamgast.activities.types import NewActivity
from stamgast.cli import doctor
from stamgast.customers.queries import anchors_of, get_customer
from stamgast.customers.rules import id_of
from stamgast.flows import work
from stamgast.flows.archive_months import archive_months
from stamgast.flows.audit import run as audit
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.erase import erase
from stamgast.flows.export_lake import check, export
from stamgast.flows.install import BEGINNING
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.queries import list_available
from stamgast.programmes.operations import publish

NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
DOCUMENT = """
programme: beans
timezone: Europe/Amsterdam
currencies:
  score: {expires: {after: 24 months}, spendable: false}
earn:
  - name: coffee
    when: {all: [{activity: Order Completed}, {any_line: {category: coffee}}]}
    give: {score: 2}
  - name: purchase
    when: {activity: Order Completed}
    give: {score: 1}
"""


@pytest.fixture
def shop(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a year of two customers: Anna buys coffee each month, Ben bread. The programme reads lines."""
    monkeypatch.setattr(settings, "CONFIGURATION", replace(settings.CONFIGURATION, data=tmp_path))
    with transaction() as cursor:
        publish(cursor, DOCUMENT, effective_from=BEGINNING, at=NOW, actor="test", reason="test")
    for month in range(1, 8):
        come_in("anna", f"a{month}", datetime(2026, month, 3, tzinfo=UTC), category="coffee")
        come_in("ben", f"b{month}", datetime(2026, month, 4, tzinfo=UTC), category="bread")
    decide()


def come_in(
    who: str, order: str, at: datetime, *, event: str = "Order Completed", category: str = "", received: datetime | None = None
) -> UUID:
    lines = [{"product_id": "p", "category": category, "quantity": 1, "price": "4.00"}]
    message = {
        "type": "track",
        "event": event,
        "messageId": f"{event} {order}",
        "userId": who,
        "timestamp": at.isoformat(),
        "properties": {"order_id": order, "currency": "EUR", "products": lines},
    }
    with transaction() as cursor:
        source = ensure_source(cursor, "Shop", at=NOW, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        received = received or at + timedelta(seconds=1)
        read = reader.read_message(msgspec.json.encode(message), source=source, received_at=received, fallback_id="")
        assert isinstance(read, NewActivity)
        store(cursor, [read], [])
        return read.id


def decide() -> None:
    while decide_pending(at=NOW, actor="test", limit=100):
        pass


def archive(**how: Any) -> list[str]:
    return [done.month for done in archive_months(keep_months=2, at=NOW, progress=lambda month, rows: None, **how)]


def ask(query: str) -> list[tuple[Any, ...]]:
    with open_cursor() as cursor:
        return cursor.execute(query.encode()).fetchall()


def score_of(who: str) -> int:
    with open_cursor() as cursor:
        customer = get_customer(cursor, f"user_id:{who}")
        return list_available(cursor, [customer.id])[customer.id].get("score", 0)


def findings() -> list[Any]:
    with transaction():
        return audit(lambda check, rows: None)


KEPT = "SELECT to_char(received_at, 'YYYY-MM'), count(*) FROM activities_activity WHERE body IS NOT NULL GROUP BY 1 ORDER BY 1"


def test_old_months_move_and_everything_reads_them(shop: None) -> None:
    everything = "SELECT id, body FROM activities_activity ORDER BY id"
    before = dict(ask(everything))
    assert (score_of("anna"), score_of("ben")) == (21, 7)
    assert archive() == ["2026-01", "2026-02", "2026-03", "2026-04"]
    assert ask(KEPT) == [("2026-05", 2), ("2026-06", 2), ("2026-07", 2)]
    assert findings() == []
    with open_cursor() as cursor:
        anna = get_customer(cursor, "user_id:anna")
        anchors = anchors_of(cursor, [anna.id])[anna.id]
        page = list_activities(cursor, anchors, limit=50)
        assert [[line.category for line in row.lines] for row in page.rows] == [["coffee"]] * 7
        oldest = get_activity(cursor, page.rows[-1].id)
        assert load_properties(cursor, [oldest.id]) == {oldest.id: oldest.properties}
        assert list_devices(cursor, anchors) == []
        assert (oldest.order_id, oldest.properties["products"][0]["price"]) == ("a1", "4.00")
        cursor.execute("UPDATE activities_activity SET anchor_id = gen_random_uuid() WHERE id = %s", (oldest.id,))
        assert get_activity(cursor, oldest.id) == oldest
        assert {month.month: month.rows for month in list_archive(cursor)} == dict.fromkeys(
            ("2026-01", "2026-02", "2026-03", "2026-04"), 2
        )
        assert [find_damage(month) for month in list_archive(cursor)] == [None] * 4
    assert len(before) == len(ask(everything)) == 14
    assert archive() == []


def test_what_comes_in_for_an_archived_month_is_right(shop: None) -> None:
    archive()
    again = come_in("anna", "a1", datetime(2026, 1, 3, tzinfo=UTC), category="coffee", received=NOW)
    assert ask(f"SELECT count(*) FROM activities_activity WHERE id = '{again}'") == [(1,)]
    with open_cursor() as cursor:
        assert count_pending(cursor) == 0, "a message of an archived month was taken for a new one"
    come_in("anna", "a1", datetime(2026, 1, 9, tzinfo=UTC), event="Order Refunded", category="coffee", received=NOW)
    come_in("ben", "late", datetime(2026, 2, 9, tzinfo=UTC), category="coffee", received=NOW)
    decide()
    assert (score_of("anna"), score_of("ben")) == (21 - 3, 7 + 3), "decided again over messages in the archive"
    assert findings() == []
    export(at=NOW)
    assert check() == []


def test_it_stops_and_goes_on_where_it_was(shop: None) -> None:
    asked = iter([False, True])
    assert archive(should_stop=lambda: next(asked, True)) == []
    with open_cursor() as cursor:
        assert [(month.month, month.removed_at) for month in list_archive(cursor)] == [("2026-01", None)]
    assert findings() == []
    assert archive() == ["2026-01", "2026-02", "2026-03", "2026-04"]
    assert len(list(archive_folder().glob("*.parquet"))) == 4
    assert findings() == []


def test_a_message_that_changed_after_it_was_copied_stays(shop: None) -> None:
    asked = iter([False, True])
    archive(should_stop=lambda: next(asked, True))
    with transaction() as cursor:
        cursor.execute("UPDATE activities_activity SET body = '{}' WHERE order_id = 'a1'")
    archive()
    assert ask("SELECT order_id, body FROM activities_activity WHERE received_at < '2026-02-01' ORDER BY 1") == [
        ("a1", "{}"),
        ("b1", None),
    ]


def test_a_month_waits_for_what_waits(shop: None) -> None:
    come_in("ben", "b8", datetime(2026, 2, 9, tzinfo=UTC), category="coffee")
    assert archive() == ["2026-01", "2026-03", "2026-04"]
    decide()
    assert archive() == ["2026-02"]
    assert (score_of("ben"), findings()) == (10, [])


def test_a_file_that_is_damaged_or_gone_is_told_and_nothing_is_decided_without_it(shop: None) -> None:
    archive()
    with open_cursor() as cursor:
        first, second = list_archive(cursor)[:2]
    path = archive_folder() / first.file
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    (archive_folder() / second.file).rename(archive_folder() / "elsewhere")
    assert find_damage(first) == "its file cannot be read"
    assert find_damage(second) == "its file is gone"
    come_in("anna", "a0", datetime(2026, 1, 1, tzinfo=UTC), category="coffee", received=NOW)
    before = score_of("anna")
    with pytest.raises(ArchiveDamaged):
        decide()
    assert score_of("anna") == before
    path.write_bytes(whole)
    (archive_folder() / "elsewhere").rename(archive_folder() / second.file)
    decide()
    assert (score_of("anna"), findings()) == (before + 3, [])


def test_the_worker_archives_what_the_shop_does_not_keep(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    work._archive(threading.Event())
    assert len(ask(KEPT)) == 7, "the default is to keep everything"
    monkeypatch.setattr(settings, "CONFIGURATION", replace(settings.CONFIGURATION, keep_months=1))
    monkeypatch.setattr(work, "utc_now", lambda: NOW)
    work._archive(threading.Event())
    assert [month for month, _ in ask(KEPT)] == ["2026-06", "2026-07"]
    assert [(finding.name, finding.state) for finding in doctor._archive()] == [("archive", "well")]
    with open_cursor() as cursor:
        (archive_folder() / list_archive(cursor)[1].file).unlink()
    [finding] = doctor._archive()
    assert (finding.state, finding.found) == ("wrong", "2026-02: its file is gone")


def test_what_is_recalled_is_in_the_table_and_no_longer_in_the_archive(shop: None) -> None:
    everything = "SELECT id, body FROM activities_activity WHERE order_id LIKE 'a%' ORDER BY id"
    before = ask(everything)
    archive()
    with transaction() as cursor:
        assert recall(cursor, [id_of("user_id:anna")]) == 4
    assert ask(everything) == before
    with open_cursor() as cursor:
        remove_leftovers(cursor)
        assert [(find_damage(month), month.rows) for month in list_archive(cursor)] == [(None, 1)] * 4
        files = [archive_folder() / month.file for month in list_archive(cursor)]
    assert sorted(archive_folder().glob("*.parquet*")) == sorted(files)
    assert [pq.read_table(file)["order_id"].to_pylist() for file in files] == [["b1"], ["b2"], ["b3"], ["b4"]]
    assert archive() == []
    assert findings() == []


def test_an_erasure_finds_what_is_archived(shop: None) -> None:
    untouched = "SELECT id, anchor_id, identifiers, amount_minor FROM activities_activity WHERE order_id LIKE 'b%' ORDER BY id"
    before = ask(untouched)
    archive()
    receipt = erase("user_id:anna", reason="asked for it", at=NOW, actor="test")
    assert receipt.removed["activities"] == 7
    archive()
    with open_cursor() as cursor:
        remove_leftovers(cursor)
    kept = [body for (body,) in ask("SELECT body FROM activities_activity WHERE body IS NOT NULL")]
    archived = [body for file in archive_folder().glob("*.parquet") for body in pq.read_table(file)["body"].to_pylist()]
    assert (len(kept), len(archived)) == (10, 4)
    assert [body for body in (*kept, *archived) if "anna" in body] == []
    assert ask(untouched) == before
    assert findings() == []
    assert ask("SELECT sum(amount) FROM ledger_movement") == [(28,)]
