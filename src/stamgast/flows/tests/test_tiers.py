"""Tiers live: kept as replay has them, moved by the clock, and the same whatever arrives first."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest
from django.db import transaction as django_transaction

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.activities.types import NewActivity
from stamgast.customers.queries import get_customer
from stamgast.flows.audit import run as audit
from stamgast.flows.decide_pending import decide_pending, review_now
from stamgast.flows.install import BEGINNING
from stamgast.flows.publish import publish_programme, put_in_force
from stamgast.flows.read_standing import read_standing
from stamgast.kit.database import open_cursor, transaction
from stamgast.programmes.operations import publish
from stamgast.programmes.queries import count_outdated, list_tier_stays, next_review

pytestmark = pytest.mark.django_db
DOCUMENT = """
programme: club
timezone: Europe/Amsterdam
currencies: {points: {}, stamps: {}, coffees: {}}
earn:
  - name: purchase
    when: {all: [{activity: Order Completed}, {field: amount, over: 0}]}
    give: {points: {amount: 1, per: 1.00}, stamps: 1}
tiers:
  qualify_on: points
  period: {calendar: month}
  levels:
    - {name: Blue, from: 0}
    - {name: Gold, from: 100, benefits: {delivery: {en: free delivery, nl: gratis bezorging}}}
cards:
  - {name: card, of: stamps, each: 3, give: {coffees: 1}}
"""
JANUARY, MARCH = datetime(2026, 1, 20, 12, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC)


def order(number: int, at: datetime, euros: int, **more: Any) -> dict[str, Any]:
    properties = {"order_id": f"o{number}", "currency": "EUR", "total": euros}
    body = {"type": "track", "event": "Order Completed", "messageId": f"m{number}", "userId": "u", "properties": properties}
    return body | {"timestamp": at.isoformat()} | more


def receive(message: dict[str, Any], now: datetime) -> None:
    with transaction() as cursor:
        source = ensure_source(cursor, "Shop", at=now, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        read = reader.read_message(msgspec.json.encode(message), source=source, received_at=now, fallback_id="")
        assert isinstance(read, NewActivity)
        store(cursor, [read], [])
    while decide_pending(at=now, actor="test", limit=10):
        pass


def stays() -> list[tuple[str, str | None, str]]:
    with open_cursor() as cursor:
        customer = get_customer(cursor, "user_id:u")
        rows = list_tier_stays(cursor, "club", [customer.id])
    return [(row.since.astimezone(UTC).isoformat()[:16], row.tier, row.cause) for row in rows]


@pytest.fixture(autouse=True)
def programme() -> None:
    with transaction() as cursor:
        publish(cursor, DOCUMENT, effective_from=BEGINNING, at=JANUARY, actor="test", reason="test")


def test_the_clock_moves_down_whom_nobody_heard_of_since() -> None:
    receive(order(1, JANUARY, 120), JANUARY)
    assert stays() == [("2026-01-20T12:00", "Gold", "reached")]
    with open_cursor() as cursor:
        due = next_review(cursor)
    assert due == datetime(2026, 1, 31, 23, tzinfo=UTC)  # midnight in Amsterdam: reviewed, and kept
    assert review_now(at=due - timedelta(seconds=1), actor="test") == 0
    assert review_now(at=due, actor="test") == 1
    assert len(stays()) == 1
    assert review_now(at=MARCH, actor="test") == 1
    assert stays()[1:] == [("2026-02-28T23:00", "Blue", "reviewed")]
    assert review_now(at=MARCH, actor="test") == 0
    assert audit(lambda check, rows: None) == []


@pytest.mark.parametrize("publishes_after", [JANUARY + timedelta(days=5), JANUARY - timedelta(days=5)])
def test_a_version_that_reaches_back_behind_a_review_holds_it_anew(publishes_after: datetime) -> None:
    """Also of who did nothing since: the calendar year begins on that day, and Gold would not have been lost in March."""
    receive(order(1, JANUARY, 120), JANUARY)
    review_now(at=MARCH, actor="test")
    assert stays()[1:] == [("2026-02-28T23:00", "Blue", "reviewed")]
    by_year = DOCUMENT.replace("calendar: month", "calendar: year")
    publish_programme(
        by_year, effective_from=publishes_after, at=MARCH, actor="test", reason="test", progress=lambda done, total: None
    )
    assert stays() == [("2026-01-20T12:00", "Gold", "reached")]
    assert audit(lambda check, rows: None) == []


def test_reviewed_members_are_not_decided_again_by_a_version_that_held_already() -> None:
    receive(order(1, JANUARY, 120), JANUARY)
    february = datetime(2026, 2, 1, tzinfo=UTC)
    scheduled = put_in_force(
        DOCUMENT.replace("from: 100", "from: 90"), effective_from=february, at=JANUARY, actor="test", reason="test"
    )
    review_now(at=MARCH, actor="test")
    with open_cursor() as cursor:
        assert count_outdated(cursor, scheduled) == 0


def test_what_comes_in_after_the_review_and_happened_before_it_still_counts() -> None:
    receive(order(1, JANUARY, 120), JANUARY)
    review_now(at=MARCH, actor="test")
    assert stays()[-1][1] == "Blue"
    receive(order(2, datetime(2026, 2, 27, 12, tzinfo=UTC), 100), MARCH)
    assert stays() == [("2026-01-20T12:00", "Gold", "reached")]


def test_a_return_takes_the_level_with_it() -> None:
    """Others keep the wrong tier for years: a refund is decided again, and the stays with it."""
    receive(order(1, JANUARY, 120), JANUARY)
    refund = order(9, JANUARY + timedelta(hours=1), 30, event="Order Refunded")
    refund["properties"]["order_id"] = "o1"
    receive(refund, JANUARY + timedelta(hours=2))
    assert stays() == [("2026-01-20T12:00", "Blue", "reached")]
    assert audit(lambda check, rows: None) == []


def test_of_two_levels_that_are_reached_at_one_moment_the_last_holds_and_the_audit_knows_it() -> None:
    document = DOCUMENT.replace("- {name: Gold,", "- {name: Silver, from: 50}\n    - {name: Gold,")
    with transaction() as cursor:
        publish(cursor, document, effective_from=BEGINNING, at=JANUARY, actor="test", reason="test")
    receive(order(1, JANUARY, 60), JANUARY)
    receive(order(2, JANUARY, 60), JANUARY)
    assert stays() == [("2026-01-20T12:00", "Gold", "reached")]
    assert audit(lambda check, rows: None) == []


def test_any_order_of_arrival_ends_in_the_same_stays_and_cards() -> None:
    orders = [order(n, JANUARY + timedelta(days=20 * n), euros) for n, euros in enumerate((60, 120, 40, 50))]
    now = JANUARY + timedelta(days=90)
    found = []
    for arrivals in permutations(orders):
        with django_transaction.atomic():
            for message in arrivals:
                receive(message, now)
            review_now(at=now, actor="test")
            with open_cursor() as cursor:
                view = read_standing(cursor, get_customer(cursor, "user_id:u").id, at=now)
            assert view is not None
            found.append((stays(), view.since, [card.on_card for card in view.standing.cards]))
            django_transaction.set_rollback(True)
    assert all(one == found[0] for one in found)
    assert found[0][2] == [1]
    assert [tier for _, tier, _ in found[0][0]] == ["Blue", "Gold", "Blue"]
