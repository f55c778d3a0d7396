"""From movements and orders over the lake to the liability and its journal: the example of the standard, end to end."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from django.db import connection

from stamgast.access.queries import list_trail
from stamgast.access.types import TrailFilter
from stamgast.books.errors import InvalidValuation
from stamgast.books.operations import set_valuation
from stamgast.books.queries import list_valuations
from stamgast.flows.export_lake import export
from stamgast.flows.measure_liability import measure_liability, read_liability, refresh_liability
from stamgast.insights.liability import Clock
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import derive_id, derive_id_in_bucket_of
from stamgast.lake.errors import LakeNotThere
from stamgast.ledger.operations import post, seal
from stamgast.ledger.types import Wanted

ADA, BOB = (derive_id("customer", name) for name in ("ada", "bob"))
ORDER = derive_id("activity", "order")
NOW = datetime(2026, 4, 10, 9, tzinfo=UTC)
ASKED = {"now": NOW, "zone": "Europe/Amsterdam", "money": "EUR"}


def moment(month: int, day: int = 10) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def give(owner: UUID, amount: int, at: datetime, *, currency: str = "points", activity: UUID = ORDER) -> None:
    row = Wanted(owner, activity, "purchase", currency, amount, at, datetime(2027, 2, 1, tzinfo=UTC), 1)
    with transaction() as cursor:
        post(cursor, [row], at=at, actor="test", reason="decided")


def move(owner: UUID, kind: int, credit: int, amount: int, at: datetime) -> None:
    """Out of what an owner has of the order's points, as a batch of its own."""
    movement, batch = derive_id_in_bucket_of(owner, "moved", str(kind), str(at)), derive_id("batch", str(kind), str(at))
    with transaction() as cursor:
        cursor.execute(
            """INSERT INTO ledger_movement (bucket, kind, debit, credit, amount, effective_at, posted_at, movement_id, owner_id,
              batch_id, lot_id, fingerprint, currency, rule, reason, actor)
            SELECT l.bucket, %s, 11, %s, %s, %s, %s, %s, l.owner_id, %s, l.lot_id, '', 'points', '', 'test', 'test'
            FROM ledger_lot l WHERE l.owner_id = %s AND l.currency = 'points'""",
            (kind, credit, amount, at, at, movement, batch, owner),
        )
        assert cursor.rowcount == 1
        cursor.execute("INSERT INTO ledger_batch VALUES (%s, %s, 1, %s, '', 'test')", (batch, at, amount))
        cursor.execute("INSERT INTO ledger_unsealed VALUES (%s, %s)", (batch, at))


def spend(owner: UUID, amount: int, at: datetime) -> None:
    move(owner, 7, 3, amount, at)


def value(share: int, valid_from: date, *, today: date, price_minor: int = 1_000) -> None:
    with transaction() as cursor:
        set_valuation(
            cursor, currency="points", valid_from=valid_from, price_minor=price_minor, share=share, is_fitted=False,
            reason="as the year before", today=today, at=NOW, actor="test",
        )  # fmt: skip


@pytest.fixture
def folder(transactional_db, tmp_path):
    """An order of 1,000.00 in January that gave 10,000 points of a cent: 4,500 spent in February, 4,000 in March."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO activities_source (id, name, is_strict, created_at, created_by)
              VALUES (77, 'till', false, now(), 'test')"""
        )
        cursor.execute(
            """INSERT INTO activities_activity (id, source_id, type, kind, anchor_id, identifiers, occurred_at, received_at,
              order_id, amount_minor, currency, line_count, body)
            VALUES (%s, 77, 'track', 'Order Completed', %s, '[]', %s, %s, 'o1', 100000, 'EUR', 0, '{}')""",
            (ORDER, derive_id("anchor"), moment(1), moment(1)),
        )
    give(ADA, 10_000, moment(1))
    spend(ADA, 4_500, moment(2))
    spend(ADA, 4_000, moment(3))
    with transaction() as cursor:
        seal(cursor, at=NOW)
    return tmp_path / "lake"


def bring_up(folder) -> None:
    with transaction() as cursor:
        seal(cursor, at=NOW)
    export(at=NOW, folder=folder)


def test_the_example_of_the_standard_from_orders_and_movements(folder) -> None:
    bring_up(folder)
    value(9_500, date(2026, 1, 1), today=date(2026, 1, 31))
    value(9_700, date(2026, 3, 1), today=date(2026, 3, 20))
    found = measure_liability(folder, **ASKED)
    told = [(f"{one.month:%m}", one.kind, one.debit, one.credit, one.amount_minor, one.revision_minor) for one in found.entries]
    assert told == [
        ("01", "deferred", "sales", "contract_liability", 8_676, 0),
        ("02", "earned", "contract_liability", "points_revenue", 4_110, 0),
        ("03", "earned", "contract_liability", "points_revenue", 3_493, -160),
    ]
    (points,) = found.currencies
    assert (points.outstanding, points.deferred_minor, points.price_minor, points.share) == (1_500, 1_073, 1_000, 0.97)
    assert [(one.given, one.redeemed, one.expired, one.outstanding) for one in points.months] == [
        (10_000, 0, 0, 10_000), (0, 4_500, 0, 5_500), (0, 4_000, 0, 1_500),
    ]  # fmt: skip
    (held,) = points.by_age_and_expiry
    assert (held.earned, held.expires, held.points) == (date(2026, 1, 1), date(2027, 2, 1), 1_500)
    assert (points.expectation.through, points.expectation.is_firm) == (date(2026, 3, 1), False)
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


def test_any_past_moment_is_told_by_both_clocks(folder) -> None:
    give(BOB, 700, moment(2, 20))  # counts from 20 February; by then nobody knew of more
    with transaction() as cursor:
        row = Wanted(BOB, ORDER, "purchase", "points", 300, moment(2, 20), datetime(2027, 2, 1, tzinfo=UTC), 1)
        post(cursor, [row], at=moment(3, 25), actor="test", reason="decided")
    bring_up(folder)

    def outstanding(**limits) -> int:
        return sum(one.outstanding for one in measure_liability(folder, **ASKED, **limits).currencies)

    assert outstanding() == 1_500 + 300
    assert outstanding(at=moment(2, 25), known_at=moment(2, 25)) == 5_500 + 700
    assert outstanding(at=moment(2, 25)) == 5_500 + 300, "what we know now of then"
    assert outstanding(known_at=moment(2, 25)) == 5_500 + 700
    assert outstanding(at=moment(1, 1)) == 0


def test_a_correction_is_booked_when_it_is_known_or_where_it_belongs(folder) -> None:
    give(BOB, 700, moment(1, 20))
    with transaction() as cursor:
        row = Wanted(BOB, ORDER, "purchase", "points", 300, moment(1, 20), datetime(2027, 2, 1, tzinfo=UTC), 1)
        post(cursor, [row], at=moment(3, 25), actor="test", reason="decided")
    value(9_500, date(2026, 1, 1), today=date(2026, 1, 31))
    bring_up(folder)

    def kinds(clock: Clock) -> Counter[tuple[str, str]]:
        found = measure_liability(folder, **ASKED, booked_by=clock)
        return Counter((f"{one.month:%m}", one.kind) for one in found.entries)

    known, happened = kinds(Clock.KNOWN), kinds(Clock.HAPPENED)
    assert known["03", "taken_back"] == 1
    assert ("03", "taken_back") not in happened
    before = measure_liability(folder, **ASKED, at=moment(3, 1), known_at=moment(3, 1)).entries
    assert measure_liability(folder, **ASKED).entries[: len(before)] == before, "what is booked stays"


def test_points_that_expire_leave_nothing_in_the_books(folder) -> None:
    value(9_500, date(2026, 1, 1), today=date(2026, 1, 31))
    move(ADA, 3, 2, 1_500, datetime(2027, 2, 1, tzinfo=UTC))
    bring_up(folder)
    found = measure_liability(folder, **ASKED | {"now": datetime(2027, 4, 1, tzinfo=UTC)})
    assert sum(one.amount_minor for one in found.entries if one.kind == "earned") == 8_676
    (points,) = found.currencies
    assert (points.outstanding, points.deferred_minor, points.by_age_and_expiry) == (0, 0, ())
    assert (points.expectation.share, points.expectation.expected) == (0.85, 0)


def test_the_usual_answer_is_kept_until_something_changes(folder) -> None:
    with pytest.raises(LakeNotThere):
        read_liability(folder, **ASKED)
    bring_up(folder)
    first = read_liability(folder, **ASKED)
    assert first is not None
    assert first.currencies[0].deferred_minor is None
    stamp = (folder / "liability.json").stat().st_mtime_ns
    assert read_liability(folder, **ASKED) == first
    assert (folder / "liability.json").stat().st_mtime_ns == stamp
    value(9_500, date(2026, 1, 1), today=date(2026, 1, 31))
    changed = read_liability(folder, **ASKED)
    assert changed is not None
    assert changed.currencies[0].deferred_minor is not None


def test_the_worker_follows_the_lake_and_rests_in_between(folder) -> None:
    def outstanding(minutes: int) -> int:
        refresh_liability(folder, now=NOW + timedelta(minutes=minutes), zone="Europe/Amsterdam", money="EUR")
        found = read_liability(folder, **ASKED)
        assert found is not None
        return found.currencies[0].outstanding

    bring_up(folder)
    assert outstanding(0) == 1_500
    give(BOB, 700, moment(4, 1))
    bring_up(folder)
    assert read_liability(folder, **ASKED).currencies[0].outstanding == 1_500, "a page does not work it out"
    assert outstanding(0) == 1_500, "it was just worked out"
    assert outstanding(60) == 2_200


def test_a_valuation_stands_in_the_trail_and_closed_months_stay_closed(folder) -> None:
    value(9_500, date(2020, 1, 1), today=date(2026, 3, 20))
    with pytest.raises(InvalidValuation):
        value(9_000, date(2026, 2, 28), today=date(2026, 3, 20))
    value(9_000, date(2026, 3, 1), today=date(2026, 3, 20))
    for wrong in ({"share": 10_001}, {"price_minor": -1, "share": 5}):
        with pytest.raises(InvalidValuation):
            value(**{"valid_from": date(2026, 4, 1), "today": date(2026, 4, 1), **wrong})
    with open_cursor() as cursor:
        assert [one.share for one in list_valuations(cursor)] == [9_500, 9_000]
        lines = list_trail(cursor, TrailFilter(action="set valuation"), after=None, limit=10).rows
    assert [(line.subject, line.detail["share"]) for line in lines] == [("points", 9_000), ("points", 9_500)]
