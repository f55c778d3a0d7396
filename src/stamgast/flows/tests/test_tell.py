"""What other systems are told: one event for each entry, exit, merge and separation, in the transaction of the fact."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.customers.histories import list_judgements
from stamgast.customers.queries import get_customer
from stamgast.flows.decide_pending import decide_again, decide_pending, settle_now
from stamgast.flows.install import install
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.tell import fact_of_change, tell_changes, tell_customers
from stamgast.flows.unmerge_customers import separate_identifier, withdraw_judgement
from stamgast.kit.database import open_cursor, transaction
from stamgast.segments.queries import get_segment, list_changes
from stamgast.segments.types import Change
from stamgast.webhooks.operations import create_endpoint, switch
from stamgast.webhooks.queries import list_endpoints
from stamgast.webhooks.types import EventKind, Reach

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BY = {"actor": "staff:hanna@example.org", "at": NOW}
pytestmark = pytest.mark.django_db


def coupons(count, days_ago, prefix="c", **who):
    at = (NOW - timedelta(days=days_ago)).isoformat()
    body = {"type": "track", "event": "Coupon Redeemed", "timestamp": at, "properties": {}, **who}
    return [{**body, "messageId": f"{prefix}{number}"} for number in range(count)]


def come_in(*bodies):
    with transaction() as cursor:
        source = ensure_source(cursor, "Web shop", at=NOW, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        read = [
            reader.read_message(json.dumps(body).encode(), source=source, received_at=NOW, fallback_id=body["messageId"])
            for body in bodies
        ]
        store(cursor, read, [])


def send(*bodies, at=NOW):
    come_in(*bodies)
    while decide_pending(at=at, actor="worker", limit=1000):
        pass


def ask(kinds=tuple(EventKind)):
    with transaction() as cursor:
        return create_endpoint(
            cursor, name="crm", url="https://example.org/", kinds=kinds, reach=Reach(), random=bytes(32), **BY
        )[0]


def told():
    with open_cursor() as cursor:
        rows = cursor.execute("SELECT id, body FROM webhooks_event ORDER BY created_at, occurred_at, id").fetchall()
    return [(event_id, json.loads(body)) for event_id, body in rows]


def kinds_and_data(since=0):
    return [(body["type"], body["data"]) for _, body in told()[since:]]


def id_of(reference):
    with open_cursor() as cursor:
        return str(get_customer(cursor, reference).id)


@pytest.fixture
def shop():
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")


def test_an_entry_and_an_exit_are_told_once_and_without_personal_data(shop):
    ask()
    anna = coupons(21, 700, userId="anna")
    anna[0]["context"] = {"traits": {"name": "Anna Visser", "email": "anna@example.org"}}
    send(*anna)
    send(*anna)
    [(_, entered)] = told()
    assert entered == {
        "type": "segment.entered",
        "timestamp": (NOW - timedelta(days=700)).isoformat().replace("+00:00", "Z"),
        "data": {"customer_id": id_of("user_id:anna"), "segment": "loyal-customers", "known_at": "2026-06-01T12:00:00Z"},
    }
    settle_now(at=NOW + timedelta(days=60), actor="worker")
    [_, (_, left)] = told()
    assert (left["type"], left["data"]["customer_id"]) == ("segment.left", id_of("user_id:anna"))
    assert left["timestamp"] > entered["timestamp"]


def test_every_entry_and_exit_that_is_recorded_is_one_event_whatever_is_corrected(shop):
    """Late, refunded, merged, separated and decided again: the events are the lines of entries and exits, one to one."""
    ask((EventKind.SEGMENT_ENTERED, EventKind.SEGMENT_LEFT))
    send(*coupons(12, 20, "a", userId="anna"), *coupons(12, 10, "b", anonymousId="d1"))
    send(*coupons(21, 900, "old", userId="bram"))
    send(*coupons(21, 5, "new", userId="bram"), *coupons(3, 800, "late", userId="bram"))
    merged = merge_customers("user_id:anna", "anonymous_id:d1", reason="same card", **BY)
    withdraw_judgement(merged.judgement.id, reason="a mistake", **BY)
    merge_customers("user_id:anna", "anonymous_id:d1", reason="same card after all", actor="test", at=NOW + timedelta(hours=1))
    with open_cursor() as cursor:
        customer = get_customer(cursor, "user_id:bram").id
    decide_again(customers=[customer], at=NOW + timedelta(hours=2), actor="test", reason="again")
    settle_now(at=NOW + timedelta(days=800), actor="worker")
    with open_cursor() as cursor:
        changes = list_changes(cursor, get_segment(cursor, "loyal-customers"), before=None, limit=500).rows
        assert len({change.is_entry for change in changes}) == 2
        assert len(changes) >= 8
    assert sorted(event_id for event_id, _ in told()) == sorted(fact_of_change(change).id for change in changes)


def test_who_asks_for_entries_only_is_told_nothing_else(shop):
    ask((EventKind.SEGMENT_ENTERED,))
    send(*coupons(21, 700, userId="anna"))
    settle_now(at=NOW + timedelta(days=60), actor="worker")
    assert [body["type"] for _, body in told()] == ["segment.entered"]


def test_nothing_is_written_where_nobody_asks(shop):
    endpoint = ask()
    with transaction() as cursor:
        switch(cursor, endpoint.id, is_on=False, **BY)
    send(*coupons(21, 5, userId="anna"), {**coupons(1, 4, "x", userId="anna")[0], "anonymousId": "d1"})
    assert told() == []


class Counting(psycopg.Cursor):
    """A cursor that counts its statements."""

    statements = 0

    def execute(self, *arguments, **named):
        self.statements += 1
        return super().execute(*arguments, **named)


@pytest.mark.parametrize(("is_listening", "changed", "expected"), [(True, False, 0), (False, True, 1), (True, True, 3)])
def test_who_tells_nothing_asks_nothing_and_where_nobody_listens_one_question_is_all(shop, is_listening, changed, expected):
    """With a listener: the question, the event with its deliveries, and the word that wakes the worker."""
    endpoint = ask()
    if not is_listening:
        with transaction() as cursor:
            switch(cursor, endpoint.id, is_on=False, **BY)
    change = Change(1, "loyal-customers", UUID(int=9), True, NOW, NOW, None)
    connection.ensure_connection()
    with Counting(connection.connection) as cursor:
        told_now = tell_changes(cursor, [change] if changed else [], at=NOW)
        assert (cursor.statements, told_now) == (expected, int(is_listening and changed))
        cursor.statements = 0
        merged = {UUID(int=1): UUID(int=2)} if changed else {}
        told_now = tell_customers(cursor, merged, [], at=NOW)
        assert (cursor.statements, told_now) == (expected, int(is_listening and changed))


def test_what_breaks_before_its_end_is_told_once_by_the_next_try(shop, monkeypatch):
    ask()
    come_in(*coupons(21, 5, userId="anna"))

    def broken(*_, **__):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("stamgast.flows.decide_pending.tell_changes", broken)
        with pytest.raises(ZeroDivisionError):
            decide_pending(at=NOW, actor="worker", limit=1000)
    assert told() == []
    decide_pending(at=NOW, actor="worker", limit=1000)
    assert [body["type"] for _, body in told()] == ["segment.entered"]


def test_evidence_that_joins_two_customers_is_told(shop):
    ask((EventKind.CUSTOMER_MERGED, EventKind.CUSTOMER_SEPARATED))
    send(*coupons(1, 9, "a", userId="anna"), *coupons(1, 8, "b", anonymousId="d1"))
    anna, device = id_of("user_id:anna"), id_of("anonymous_id:d1")
    assert told() == []
    joins = {"type": "identify", "messageId": "i", "userId": "anna", "anonymousId": "d1", "timestamp": NOW.isoformat()}
    send(joins)
    send(joins)
    assert kinds_and_data() == [("customer.merged", {"customer_id": anna, "merged_customer_id": device})]


def test_what_staff_merge_separate_and_take_back_is_told_and_a_trial_is_not(shop):
    ask((EventKind.CUSTOMER_MERGED, EventKind.CUSTOMER_SEPARATED))
    send(*coupons(1, 9, "a", userId="anna"), *coupons(1, 8, "b", anonymousId="d1"))
    anna, device = id_of("user_id:anna"), id_of("anonymous_id:d1")
    merge_customers("user_id:anna", "anonymous_id:d1", reason="look", is_trial=True, **BY)
    assert told() == []
    merge_customers("user_id:anna", "anonymous_id:d1", reason="one", **BY)
    assert kinds_and_data() == [("customer.merged", {"customer_id": anna, "merged_customer_id": device})]
    with open_cursor() as cursor:
        [made] = list_judgements(cursor, get_customer(cursor, "user_id:anna").id)
    withdraw_judgement(made.judgement.id, reason="two", actor="test", at=NOW + timedelta(minutes=1))
    assert kinds_and_data(1) == [("customer.separated", {"customer_id": anna, "separated_customer_id": device})]
    merge_customers("user_id:anna", "anonymous_id:d1", reason="one", actor="test", at=NOW + timedelta(minutes=2))
    separate_identifier("user_id:anna", "anonymous_id:d1", reason="two", actor="test", at=NOW + timedelta(minutes=3))
    assert [kind for kind, _ in kinds_and_data(2)] == ["customer.merged", "customer.separated"]
    with open_cursor() as cursor:
        assert len(list_endpoints(cursor)) == 1
