"""A timeline read page by page is the timeline read at once: nothing twice, nothing lost, what expired in its place."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from stamgast.activities.operations import create_source, store
from stamgast.activities.queries import load_reader
from stamgast.activities.types import NewActivity
from stamgast.customers.queries import anchors_of, find_customer
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.install import install
from stamgast.flows.list_customers import describe_customers
from stamgast.flows.read_timeline import Event, read_timeline
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.queries import list_movements, sum_given
from stamgast.ledger.types import MovementKind

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BODY = (
    '{"type":"track","userId":"900","messageId":"m%d","event":"Order Completed","timestamp":"%s",'
    '"properties":{"order_id":"%d","revenue":"1.00"}}'
)


@pytest.fixture
def customer(db: None) -> UUID:
    """Forty orders, three weeks apart, some at one moment: the first of them have expired."""
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    with transaction() as cursor:
        source, _key = create_source(cursor, "shop", at=NOW, actor="test")
        reader = load_reader(cursor, currency="EUR", timezone="Europe/Amsterdam")
        moments = [NOW - timedelta(weeks=3 * (n - n % 2)) for n in range(40)]
        messages = [(BODY % (n, at.isoformat(), n)).encode() for n, at in enumerate(moments)]
        read = [reader.read_message(body, source=source, received_at=NOW, fallback_id="x") for body in messages]
        store(cursor, [one for one in read if isinstance(one, NewActivity)], [])
    decide_pending(at=NOW, actor="test", limit=100)
    with open_cursor() as cursor:
        found = find_customer(cursor, "user_id:900")
    assert found is not None
    return found.id


def read(customer: UUID, limit: int) -> list[Event]:
    events: list[Event] = []
    before = None
    with open_cursor() as cursor:
        anchors = anchors_of(cursor, [customer])[customer]
        while True:
            page = read_timeline(cursor, customer, anchors, before=before, limit=limit)
            events += page.rows
            if page.next_cursor is None:
                return events
            before = page.next_cursor


def told(events: list[Event]) -> list[tuple[datetime, UUID | None, frozenset[UUID]]]:
    return [(e.at, e.activity.id if e.activity else None, frozenset(m.id for m in e.movements)) for e in events]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 39, 40])
def test_pages_join_without_a_seam(customer: UUID, limit: int) -> None:
    whole, paged = told(read(customer, 100)), told(read(customer, limit))
    assert sorted(whole, key=str) == sorted(paged, key=str)
    assert [row[0] for row in paged] == sorted((row[0] for row in paged), reverse=True)


def test_everything_of_the_ledger_is_told_once(customer: UUID) -> None:
    events = read(customer, 100)
    with open_cursor() as cursor:
        movements = list_movements(cursor, customer, limit=500).rows
        description = describe_customers(cursor, [customer])[customer]
        ever = sum_given(cursor, "score", since=NOW - timedelta(days=5000))
        lately = sum_given(cursor, "score", since=NOW - timedelta(days=1))
    assert sorted(m.id for e in events for m in e.movements) == sorted(m.id for m in movements)
    assert sum(1 for e in events if e.activity is not None) == 40
    gone = sum(m.amount for m in movements if m.kind is MovementKind.EXPIRE)
    assert gone > 0
    assert (ever, lately) == ((40, gone), (2, 0))
    assert (description.orders, description.available["score"]) == (40, 40 - gone)
