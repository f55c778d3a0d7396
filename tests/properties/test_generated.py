"""Generated programmes over generated messages in any order: the ledger has what replay gives, and can say why.

``test_any_order`` asks an oracle that knows one programme; here the programme is any, and what is asked is that the four
properties of deciding hold: parity, any order, correction by difference, explanation.
"""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction as django_transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.activities.types import NewActivity
from stamgast.flows.audit import run as audit
from stamgast.flows.decide_pending import decide_pending, review_now, settle_now
from stamgast.flows.explain_movement import explain_movement
from stamgast.flows.install import BEGINNING
from stamgast.flows.publish import follow_version
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.queries import list_movements_between
from stamgast.ledger.types import MovementKind
from stamgast.programmes.operations import publish, stop_deciding
from stamgast.programmes.tests.generated import CATEGORIES, KINDS, MOMENTS, documents

START = datetime(2031, 1, 1, tzinfo=UTC)
GIVING = (MovementKind.EARN, MovementKind.EARN_PENDING)
TAKING = (MovementKind.REVERSE, MovementKind.REVERSE_PENDING, MovementKind.OWE)
BY = {"actor": "test", "reason": "test"}

lines = st.fixed_dictionaries(
    {"product_id": st.sampled_from("12"), "category": st.sampled_from(CATEGORIES), "quantity": st.integers(-1, 4)},
    optional={"price": st.integers(0, 3000).map(lambda cents: cents / 100)},
)
told = st.fixed_dictionaries(
    {
        "event": st.sampled_from([*KINDS, *KINDS, "Order Refunded", "Order Updated", "Order Cancelled"]),
        "at": MOMENTS,
        "who": st.sampled_from([{"userId": "u"}, {"anonymousId": "a"}, {"userId": "u", "anonymousId": "a"}, {"userId": "v"}]),
        "order_id": st.sampled_from("123"),
        "total": st.none() | (st.sampled_from([0, 1000]) | st.integers(-100, 5000)).map(lambda cents: f"{cents / 100:.2f}"),
        "products": st.none() | st.lists(lines, max_size=2),
        "size": st.sampled_from([None, "L", 3]),
    }
)


corrections = st.none() | st.tuples(MOMENTS, documents())


def message(number, row):
    properties = {name: row[name] for name in ("order_id", "total", "products", "size") if row[name] is not None}
    body = {"type": "track", "messageId": f"m{number}", "timestamp": row["at"].isoformat(), "event": row["event"]}
    return json.dumps({**body, "properties": properties | {"currency": "EUR"}, **row["who"]}).encode()


def take_in(rows, at):
    with transaction() as cursor:
        source = ensure_source(cursor, "Shop", at=START, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        read = [reader.read_message(text, source=source, received_at=at, fallback_id="") for text in rows]
        refused = [(one.reason, one.detail) for one in read if not isinstance(one, NewActivity)]
        assert not refused, refused
        store(cursor, read, [])


def drain(at, limit):
    while decide_pending(at=at, actor="worker", limit=limit):
        pass


def pass_time(at):
    while settle_now(at=at, actor="worker"):
        pass
    review_now(at=at, actor="worker")


def given_lots():
    """What each cause gave, whoever has it, and the balances."""
    with open_cursor() as cursor:
        cursor.execute(
            """SELECT activity_id, rule, currency, given, expires_at FROM ledger_lot WHERE given <> 0
            ORDER BY 1, 2, 3"""
        )
        lots = cursor.fetchall()
        cursor.execute(
            """SELECT currency, sum(available), sum(pending), sum(debt) FROM ledger_balance GROUP BY currency
            HAVING (sum(available), sum(pending), sum(debt)) <> (0, 0, 0) ORDER BY 1"""
        )
        return lots, cursor.fetchall()


def explain_all():
    """What each cause had given after each movement that gave or took is what the explanation of that movement comes to."""
    with open_cursor() as cursor:
        cursor.execute("SELECT DISTINCT owner_id FROM ledger_movement")
        for (owner,) in cursor.fetchall():
            movements = [row for row in every_movement(cursor, owner) if row.kind in GIVING + TAKING]
            after = defaultdict(int)
            for row in movements:
                after[row.lot_id, row.posted_at] += row.amount if row.kind in GIVING else -row.amount
            for row in {(row.lot_id, row.posted_at): row for row in movements}.values():
                total = sum(amount for (lot, at), amount in after.items() if lot == row.lot_id and at <= row.posted_at)
                explanation = explain_movement(cursor, row.id, language="en").explanation
                outcomes = explanation.outcomes if explanation is not None else ()
                told = [one.amount for one in outcomes if (one.rule, one.currency) == (row.rule, row.currency)]
                assert total == sum(told), (row, explanation)


def every_movement(cursor, owner):
    return list_movements_between(cursor, owner, since=BEGINNING, until=START + timedelta(days=90_000))


def play(batches, versions, *, corrected=None, limit=100):
    """Batches of messages come in one after another, each a day later, and maybe a version is corrected on the way."""
    with transaction() as cursor:
        for start, text in versions:
            publish(cursor, json.dumps(text), effective_from=start, at=START, **BY)
    at = START
    for number, batch in enumerate(batches):
        at = START + timedelta(days=number + 1)
        take_in(batch, at)
        drain(at, limit)
        pass_time(at)
        if corrected is not None and number == 0:
            with transaction() as cursor:  # whatever the linter says of it
                stop_deciding(cursor)
                version = publish(cursor, json.dumps(corrected[1]), effective_from=corrected[0], at=at, **BY)
            actor = {"progress": lambda done, total: None, "should_stop": lambda: False, "actor": BY["actor"]}
            assert follow_version(version, at=at, **actor)
    at = START + timedelta(days=100)
    pass_time(at)
    found = audit(lambda check, done: None)
    assert [finding.sentence for finding in found] == []


def split(arrivals, data):
    """Batches of any size."""
    batches = []
    while arrivals:
        size = data.draw(st.integers(1, len(arrivals)))
        batches.append(arrivals[:size])
        arrivals = arrivals[size:]
    return batches


@pytest.mark.django_db
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(told, min_size=1, max_size=9), documents(), corrections, st.data())
def test_any_programme_in_any_order_gives_what_it_gives_in_one_go(rows, document, corrected, data):
    messages = [message(number, row) for number, row in enumerate(rows)]
    with django_transaction.atomic():
        play([messages], [(BEGINNING, document)] + ([corrected] if corrected else []))
        at_once = given_lots()
        django_transaction.set_rollback(True)
    again = data.draw(st.lists(st.sampled_from(messages), max_size=2))
    batches = split(data.draw(st.permutations(messages + again)), data)
    with django_transaction.atomic():
        play(batches, [(BEGINNING, document)], corrected=corrected, limit=data.draw(st.sampled_from([1, 3, 100])))
        assert given_lots() == at_once
        django_transaction.set_rollback(True)


@pytest.mark.django_db
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(told, min_size=1, max_size=7), documents(), corrections, st.data())
def test_what_each_movement_says_of_itself_comes_to_what_was_given(rows, document, corrected, data):
    """Of customers who stay who they are: whose an activity is, is told as it is known today."""
    messages = [message(number, {**row, "who": {"userId": row["who"].get("userId", "u")}}) for number, row in enumerate(rows)]
    with django_transaction.atomic():
        play(split(data.draw(st.permutations(messages)), data), [(BEGINNING, document)], corrected=corrected)
        explain_all()
        django_transaction.set_rollback(True)
