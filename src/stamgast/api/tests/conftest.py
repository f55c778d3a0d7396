"""A small shop: a customer who is loyal, one who is not, and keys with and without scopes."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from stamgast.access.operations import create_key
from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.flows.act import act
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.install import install
from stamgast.kit.database import transaction
from stamgast.ledger.acts import Adjust
from stamgast.programmes.queries import find_programme

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def message(number, user, event, at, **properties):
    return {
        "type": "track",
        "messageId": f"m{number}",
        "userId": user,
        "event": event,
        "timestamp": at.isoformat(),
        "properties": properties,
    }


@pytest.fixture
def shop(db):
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    messages = [message(i, "anna", "Coupon Redeemed", NOW - timedelta(days=30 - i), coupon_id="c") for i in range(21)]
    messages += [
        message(100, "bob", "Order Completed", NOW - timedelta(days=2), order_id="o1", revenue="12.50", currency="EUR"),
        message(101, "bob", "Order Completed", NOW - timedelta(days=1), order_id="o2", revenue="0.00", currency="EUR"),
        {
            "type": "identify",
            "messageId": "i1",
            "userId": "bob",
            "timestamp": NOW.isoformat(),
            "traits": {"email": "Bob@Example.org", "firstName": "Bob"},
        },
    ]
    with transaction() as cursor:
        source = ensure_source(cursor, "Web shop", at=NOW, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        activities = [
            reader.read_message(json.dumps(body).encode(), source=source, received_at=NOW, fallback_id=body["messageId"])
            for body in messages
        ]
        store(cursor, activities, [])
    while decide_pending(at=NOW, actor="test", limit=1000):
        pass


@pytest.fixture
def key(db):
    with transaction() as cursor:
        return create_key(cursor, "test", ["*"], at=NOW, actor="test")[1]


@pytest.fixture
def get(client, key):
    def ask(path, **headers):
        return client.get(path, headers={"authorization": f"Bearer {key}", **headers})

    return ask


@pytest.fixture
def statements(monkeypatch):
    """What is asked of the database from now on, through cursors of our own, which Django's own counting does not see."""
    asked = []
    execute = psycopg.Cursor.execute

    def note(self, query, *arguments, **named):
        asked.append(query)
        return execute(self, query, *arguments, **named)

    monkeypatch.setattr(psycopg.Cursor, "execute", note)
    return asked


@pytest.fixture
def ask(client, key, shop, monkeypatch):
    """Asks with a key; Anna has 100 more, of a currency that may be spent."""
    monkeypatch.setattr("stamgast.flows.act.find_programme", _with_spendable_score)

    def asked(owner, anchor):
        said = {"key": "start", "reason": "welcome", "occurred_at": NOW, "currency": "score", "amount": 100}
        return Adjust(owner_id=owner, anchor_id=anchor, **said)

    act("user_id:anna", asked, at=NOW, actor="test")

    def send(path, name, **body):
        headers = {"authorization": f"Bearer {key}"} | ({"idempotency-key": name} if name else {})
        return client.post(
            "/v1/customers/user_id:anna" + path, json.dumps(body), content_type="application/json", headers=headers
        )

    return send


def _with_spendable_score(cursor):
    programme = find_programme(cursor)
    document = programme.documents[-1]
    currencies = {"score": replace(document.currencies["score"], is_spendable=True)}
    return replace(programme, documents=(replace(document, currencies=currencies),))


def refused(answer):
    assert answer["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]
