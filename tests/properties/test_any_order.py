"""Activities permuted, repeated, delayed and split into any batches end in the state that the plain oracle gives."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction as django_transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import count_pending, load_catalogue
from stamgast.activities.types import NewActivity
from stamgast.customers.queries import find_customer
from stamgast.flows import history
from stamgast.flows.audit import run as audit
from stamgast.flows.decide_pending import decide_pending, settle_now
from stamgast.flows.install import BEGINNING
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.queries import list_available
from stamgast.programmes import deciding
from stamgast.programmes.matching import match_few
from stamgast.programmes.operations import publish
from stamgast.segments.operations import define_segment
from stamgast.segments.queries import list_memberships

from . import oracle

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ZONE = "Europe/Amsterdam"
PROGRAMME = {"zone": ZONE, "months": 3, "daily_cap": 7}
OVER = 6
DOCUMENT = """
programme: test
timezone: Europe/Amsterdam
currencies:
  score: {expires: {after: 3 months}, spendable: false}
earn:
  - name: purchase
    when: {field: amount, over: 0}
    give: {score: 1}
  - name: second
    when: {activity: Order Completed}
    every: 2
    give: {score: 1}
  - name: coupon
    when: {activity: Coupon Redeemed}
    give: {score: 5}
    cap: {score: 7, per: day}
"""

identifiers = st.one_of(
    st.tuples(st.sampled_from(["user_id:u1", "user_id:u2"])),
    st.tuples(st.sampled_from(["anonymous_id:a1", "anonymous_id:a2"])),
    st.tuples(
        st.sampled_from(["user_id:u1", "user_id:u2", "user_id:u3"]), st.sampled_from(["anonymous_id:a1", "anonymous_id:a2"])
    ),
)
moments = st.integers(0, 40).map(lambda step: NOW - timedelta(days=110) + timedelta(hours=step * 66))
told = st.builds(
    lambda who, at, kind, order, cents: (who, at, kind, order, cents),
    identifiers,
    moments,
    st.sampled_from([oracle.ORDER] * 4 + [oracle.COUPON] * 4 + [oracle.REFUND, oracle.CANCEL, oracle.UPDATE, "Page Liked"]),
    st.sampled_from(["o1", "o2", "o3"]),
    st.sampled_from([None, 0, 100, 250]),
)


def message_of(number, row):
    who, at, kind, order, cents = row
    fields = dict(text.split(":") for text in who)
    body = {"type": "track", "messageId": f"m{number}", "timestamp": at.isoformat(), "event": kind, "properties": {}}
    if kind == oracle.ALIAS:
        user, previous = (text.partition(":")[2] for text in who[:2])
        return json.dumps({**body, "type": "alias", "userId": user, "previousId": previous}).encode()
    if kind in (oracle.ORDER, oracle.REFUND, oracle.CANCEL, oracle.UPDATE):
        body["properties"] = {"order_id": order, "currency": "EUR"}
        if cents is not None:
            body["properties"]["total"] = f"{cents // 100}.{cents % 100:02}"
    if "user_id" in fields:
        body["userId"] = fields["user_id"]
    if "anonymous_id" in fields:
        body["anonymousId"] = fields["anonymous_id"]
    return json.dumps(body).encode()


def read(cursor, rows):
    """The messages as activities, and as the oracle is told of them."""
    source = ensure_source(cursor, "Shop", at=NOW, actor="test")
    reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
    activities, messages = [], []
    for number, row in enumerate(rows):
        activity = reader.read_message(message_of(number, row), source=source, received_at=NOW, fallback_id=str(number))
        assert isinstance(activity, NewActivity), activity
        who, at, kind, order, cents = row
        refers = kind in (oracle.ORDER, oracle.REFUND, oracle.CANCEL, oracle.UPDATE)
        messages.append(
            oracle.Told(f"m{number}", at, who, kind, order if refers else None, cents if refers else None, activity.id.bytes)
        )
        activities.append(activity)
    return activities, messages


def drain(limit):
    while decide_pending(at=NOW, actor="test", limit=limit):
        pass
    while settle_now(at=NOW, actor="test"):
        pass


def found(cursor):
    """What the system says of every identifier: with whom it is one customer, the score, the membership, the stays."""
    cursor.execute("SELECT kind || ':' || value FROM customers_identifier ORDER BY 1")
    customers = {text: find_customer(cursor, text).id for (text,) in cursor.fetchall()}
    together = defaultdict(set)
    for text, customer in customers.items():
        together[customer].add(text)
    available = list_available(cursor, list(together))
    memberships = list_memberships(cursor, list(together))
    cursor.execute("SELECT customer_id, entered_at, left_at FROM segments_stay ORDER BY entered_at")
    spans = defaultdict(list)
    for customer, entered_at, left_at in cursor.fetchall():
        spans[customer].append((entered_at, left_at))
    assert set(spans) <= set(together)
    return {
        frozenset(texts): (available.get(customer, {}).get("score", 0), bool(memberships.get(customer)), spans[customer])
        for customer, texts in together.items()
    }


def expected(messages, said=(), limits=oracle.LIMITS):
    return {
        frozenset(person.identifiers): (
            oracle.score(person, NOW, **PROGRAMME),
            oracle.score(person, NOW, **PROGRAMME) > OVER,
            oracle.stays(person, NOW, over=OVER, **PROGRAMME),
        )
        for person in oracle.people(messages, said, limits)
    }


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(told, min_size=1, max_size=14), st.data())
def test_any_order_and_repetition_ends_as_the_oracle_says(rows, data):
    with django_transaction.atomic():
        with transaction() as cursor:
            publish(cursor, DOCUMENT, effective_from=BEGINNING, at=NOW, actor="test", reason="test")
            define_segment(cursor, name="Few", condition={"balance": "score", "over": OVER}, at=NOW, actor="test")
            activities, messages = read(cursor, rows)
        arrivals = data.draw(st.permutations(activities + data.draw(st.lists(st.sampled_from(activities), max_size=4))))
        while arrivals:
            size = data.draw(st.integers(1, len(arrivals)))
            with transaction() as cursor:
                store(cursor, arrivals[:size], [])
            arrivals = arrivals[size:]
            drain(data.draw(st.sampled_from([1, 3, 100])))
        with open_cursor() as cursor:
            assert count_pending(cursor) == 0
            assert found(cursor) == expected(messages)
        assert audit(lambda check, rows: None) == []
        django_transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.parametrize("without", ["nothing", "the mark of what came back whole", "the silence on refunds"])
def test_an_order_that_came_back_whole_would_be_counted(monkeypatch, without):
    """The control: engines that count such an order, or its refund, are told from one that does not."""
    net_of = history._net_of
    if without == "the mark of what came back whole":
        monkeypatch.setattr(history, "_net_of", lambda *told: net_of(*told)._replace(is_returned=False))
    elif without == "the silence on refunds":
        monkeypatch.setattr(deciding, "match", match_few)
    anna = ("user_id:u1",)
    rows = [
        (anna, NOW - timedelta(days=9), oracle.ORDER, "o1", 100),
        (anna, NOW - timedelta(days=8), oracle.REFUND, "o1", 100),
        (anna, NOW - timedelta(days=7), oracle.ORDER, "o2", 250),
    ]
    with transaction() as cursor:
        publish(cursor, DOCUMENT, effective_from=BEGINNING, at=NOW, actor="test", reason="test")
        define_segment(cursor, name="Few", condition={"balance": "score", "over": OVER}, at=NOW, actor="test")
        activities, messages = read(cursor, rows)
        store(cursor, activities, [])
    drain(100)
    with open_cursor() as cursor:
        assert (found(cursor) == expected(messages)) is (without == "nothing")
