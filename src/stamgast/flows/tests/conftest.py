"""A shop in which one person is two customers, and what people do in it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.install import install
from stamgast.flows.publish import put_in_force
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.adjusting import set_limit
from stamgast.programmes.queries import list_versions

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BY = {"actor": "staff:hanna@example.org", "at": NOW}


def put(*bodies):
    """What comes in, and waits."""
    with transaction() as cursor:
        source = ensure_source(cursor, "Web shop", at=NOW, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        read = [
            reader.read_message(json.dumps(body).encode(), source=source, received_at=NOW, fallback_id=body["messageId"])
            for body in bodies
        ]
        store(cursor, read, [])


def tell(*bodies):
    put(*bodies)
    while decide_pending(at=NOW, actor="worker", limit=1000):
        pass


def coupon(number, days_ago, **who):
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {"type": "track", "event": "Coupon Redeemed", "messageId": f"c{number}", "timestamp": at, "properties": {}, **who}


def order(number, days_ago, order_id, **who):
    at = (NOW - timedelta(days=days_ago)).isoformat()
    properties = {"order_id": order_id, "revenue": "12.30", "currency": "EUR"}
    body = {"type": "track", "event": "Order Completed", "messageId": f"o{number}", "timestamp": at}
    return {**body, "properties": properties, **who}


def make_spendable(at):
    """From a moment on the score can be spent."""
    with open_cursor() as cursor:
        document = list_versions(cursor, "default")[-1].document.replace("spendable: false", "spendable: true")
    put_in_force(document, effective_from=at, at=NOW, actor="test", reason="to spend")


@pytest.fixture
def shop():
    """Anna has 60 points and one order on her number, and 50 and two orders on her card, which nothing connects."""
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    card = {"context": {"externalIds": [{"type": "card_number", "id": "7001", "collection": "users", "encoding": "none"}]}}
    tell(
        *[coupon(n, 30 - n, userId="anna") for n in range(12)],
        *[coupon(20 + n, 10 - n, anonymousId="d1", **card) for n in range(10)],
        order(1, 9, "A1", userId="anna"),
        order(2, 8, "B1", **card, anonymousId="d1"),
        order(3, 7, "B2", **card, anonymousId="d1"),
    )


def limit(amount):
    with transaction() as cursor:
        set_limit(cursor, "score", amount, at=NOW, actor="staff:owner@example.org", reason="the auditor asked")


@pytest.fixture
def limited(db, shop):
    """One person may adjust 100 of a customer alone."""
    limit(100)
