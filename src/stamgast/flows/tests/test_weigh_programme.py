"""What a draft would do is what it does: weighed, then published, and counted in the ledger and the segment."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_reader
from stamgast.activities.types import NewActivity
from stamgast.customers.queries import find_customer
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.install import BEGINNING, install
from stamgast.flows.publish import Follower, put_in_force
from stamgast.flows.weigh_programme import Effect, weigh_programme
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.queries import sum_available
from stamgast.programmes.documents import default_document
from stamgast.programmes.errors import PublishedMeanwhile
from stamgast.segments.queries import count_members, get_segment

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONE = "Europe/Amsterdam"
DRAFT = (
    default_document(ZONE).replace("score: 5", "score: 9").replace("{score: 1}", "{score: 1}\n    cap: {score: 50, per: day}")
)


@pytest.fixture
def shop(db: None) -> None:
    """Customers c10 to c30 redeemed as many coupons as their number, one a day; c200 bought 120 times on one day."""
    install(timezone=ZONE, at=NOW, actor="test")
    with transaction() as cursor:
        source = ensure_source(cursor, "Shop", at=NOW, actor="test")
        reader = load_reader(cursor, currency="EUR", timezone=ZONE)
        told = [("Coupon Redeemed", n, NOW - timedelta(days=day + 1), f"{n}-{day}") for n in range(10, 31) for day in range(n)]
        told += [("Order Completed", 200, NOW - timedelta(days=9, minutes=i), f"o{i}") for i in range(120)]
        kept = []
        for event, customer, moment, number in told:
            message = {
                "type": "track", "event": event, "messageId": number, "userId": f"c{customer}",
                "timestamp": moment.isoformat(), "properties": {"order_id": number, "revenue": "3.00", "currency": "EUR"},
            }  # fmt: skip
            read = reader.read_message(msgspec.json.encode(message), source=source, received_at=NOW, fallback_id="")
            assert isinstance(read, NewActivity)
            kept.append(read)
        store(cursor, kept, [])
    while decide_pending(at=NOW, actor="test", limit=10_000):
        pass


def weigh(document: str, effective_from: datetime | None, customers: int = 4_000) -> Effect:
    with open_cursor() as cursor:
        return weigh_programme(cursor, document, effective_from=effective_from, at=NOW, customers=customers)


def standing() -> tuple[int, int]:
    with open_cursor() as cursor:
        return count_members(cursor, get_segment(cursor, "Loyal customers")), sum_available(cursor, "score")


@pytest.mark.parametrize("effective_from", [None, NOW - timedelta(days=11), NOW - timedelta(days=5)])
def test_what_is_weighed_comes_true(shop: None, effective_from: datetime | None) -> None:
    before = standing()
    effect = weigh(DRAFT, effective_from)
    assert standing() == before
    assert (effect.before.value, effect.sums["score"][0].value) == before
    assert (effect.customers, effect.looked_at, effect.is_sample) == (22, 22, False)
    assert effect.after.value == effect.before.value + effect.entering.value - effect.leaving.value
    put_in_force(DRAFT, effective_from=effective_from or BEGINNING, at=NOW, actor="test", reason="test")
    Follower().turn(at=NOW, actor="test", should_stop=lambda: False)
    assert standing() == (effect.after.value, effect.sums["score"][1].value)
    assert standing() != before


def test_by_hand(shop: None) -> None:
    """Coupons of 9: over 100 from 12 on, was from 21 on. One who bought 120 times on a day keeps 50."""
    effect = weigh(DRAFT, None)
    assert (effect.before.value, effect.after.value, effect.entering.value, effect.leaving.value) == (11, 19, 9, 1)
    assert effect.sums["score"][0].value == 5 * sum(range(10, 31)) + 120
    assert effect.sums["score"][1].value == 9 * sum(range(10, 31)) + 50
    with open_cursor() as cursor:
        leaver = find_customer(cursor, "user_id:c200")
    assert leaver is not None
    assert effect.first_leaving == (leaver.id,)
    assert weigh(DRAFT, NOW - timedelta(days=5)).decided_again == 21


def test_a_sample_is_the_same_each_time_and_its_intervals_hold_what_is(shop: None) -> None:
    whole, some = weigh(DRAFT, None), weigh(DRAFT, None, customers=12)
    assert some == weigh(DRAFT, None, customers=12)
    assert (some.looked_at, some.customers, some.is_sample) == (12, 22, True)
    for one, all_ in ((some.before, whole.before), (some.after, whole.after), (some.entering, whole.entering)):
        assert one.low <= all_.value <= one.high
        assert one.low < one.value < one.high


def test_a_version_that_came_meanwhile_is_not_passed_over(shop: None) -> None:
    put_in_force(DRAFT, effective_from=NOW, at=NOW, actor="a", reason="first", after=1)
    with pytest.raises(PublishedMeanwhile):
        put_in_force(DRAFT.replace("score: 9", "score: 8"), effective_from=NOW, at=NOW, actor="b", reason="second", after=1)
    with open_cursor() as cursor:
        trail = cursor.execute("SELECT actor, action, subject FROM access_trail WHERE action = 'publish programme'").fetchall()
    assert trail == [("a", "publish programme", "programme:default")]
