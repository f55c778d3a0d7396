"""A shop with one programme and its clock in hand, in which the complaints are played through."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import count_pending, load_catalogue
from stamgast.activities.types import NewActivity
from stamgast.customers.queries import get_customer
from stamgast.flows.act import act
from stamgast.flows.audit import run as audit
from stamgast.flows.decide_pending import decide_pending, review_now, settle_now
from stamgast.flows.install import BEGINNING, install
from stamgast.flows.publish import publish_programme
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.queries import get_balances, list_lots
from stamgast.ledger.types import Balance
from stamgast.programmes.queries import list_tier_stays

ZONE = "Europe/Amsterdam"
NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
ANNA, BEN = "user_id:anna", "user_id:ben"
EUROS = {
    "name": "euros",
    "when": {"field": "kind", "in": ["Order Completed", "Till Sale"]},
    "give": {"points": {"amount": 1, "per": 1}},
}
CENTS = {**EUROS, "name": "cents", "give": {"points": {"amount": 1, "per": 0.01}}}


def document(*rules, currencies=None, zone=ZONE, **more):
    """A programme of these rules; JSON is YAML."""
    earn = list(rules or [EUROS])
    return json.dumps(
        {"programme": "default", "timezone": zone, "currencies": currencies or {"points": {}}, "earn": earn, **more}
    )


def message(event, number, at=NOW, user="anna", context=None, **properties):
    """What a shop sends. The same number is the same message."""
    said = {"type": "track", "event": event, "messageId": f"{event} {number}", "timestamp": at.isoformat(), "userId": user}
    return said | {"properties": properties} | ({"context": context} if context else {})


def order(order_id, total=None, at=NOW, *, event="Order Completed", number=None, user="anna", **more):
    """An order, or with another ``event`` what became of it; with another ``number`` told in another message."""
    stated = {} if total is None else {"total": total}
    return message(event, number or order_id, at, user, order_id=order_id, currency="EUR", **stated, **more)


def refund(order_id, total=None, at=NOW, **more):
    """Something, or with no total everything, comes back."""
    return order(order_id, total, at, **{"event": "Order Refunded"} | more)


def line(product, price, quantity=1, **more):
    """A line of an order."""
    return {"product_id": product, "category": more.pop("category", "goods"), "price": price, "quantity": quantity, **more}


class Shop:
    """Everything happens at ``now``, and what is told is decided at once."""

    def __init__(self, text):
        self.now = NOW
        install(timezone=ZONE, at=NOW, actor="test")
        self.publish(text, since=BEGINNING)

    def publish(self, text, since=None):
        """Puts a document in force, from now on or since another moment."""
        said = {"at": self.now, "actor": "test", "reason": "test", "progress": lambda done, total: None}
        return publish_programme(text, effective_from=since or self.now, **said)

    def tell(self, *messages):
        """Messages come in, as they stand on the wire where they are bytes; all that waits is decided."""
        self.take_in(*messages)
        while decide_pending(at=self.now, actor="worker", limit=1000):
            pass
        self.pass_to(self.now)

    def take_in(self, *messages):
        """Messages come in and wait."""
        with transaction() as cursor:
            source = ensure_source(cursor, "Shop", at=NOW, actor="test")
            reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
            raw = [said if isinstance(said, bytes) else json.dumps(said).encode() for said in messages]
            read = [reader.read_message(text, source=source, received_at=self.now, fallback_id="") for text in raw]
            assert [one for one in read if not isinstance(one, NewActivity)] == []
            store(cursor, read, [])

    def pass_to(self, moment):
        """It becomes later: what is due matures, expires and is reviewed."""
        self.now = moment
        while settle_now(at=moment, actor="worker"):
            pass
        review_now(at=moment, actor="worker")

    def ask(self, customer, kind, key, **values):
        """Something is asked of a customer's points."""

        def asked(owner, anchor):
            return kind(owner_id=owner, anchor_id=anchor, key=key, reason="asked", occurred_at=self.now, **values)

        return act(customer, asked, at=self.now, actor="test")

    def balance(self, customer=ANNA, currency="points"):
        """All that a customer has of a currency."""
        with open_cursor() as cursor:
            owner = get_customer(cursor, customer).id
            rows = get_balances(cursor, owner)
        return next((row for row in rows if row.currency == currency), Balance(owner, currency, 0, 0, 0, 0))

    def points(self, customer=ANNA, currency="points"):
        """What can be spent."""
        return self.balance(customer, currency).available

    def lots(self, customer=ANNA):
        """What is left of what was given, those that expire soonest first."""
        with open_cursor() as cursor:
            return list_lots(cursor, get_customer(cursor, customer).id)

    def tier(self, customer=ANNA):
        """The level that a customer holds."""
        with open_cursor() as cursor:
            stays = list_tier_stays(cursor, "default", [get_customer(cursor, customer).id])
        return stays[-1].tier if stays else None

    def id_of(self, customer) -> UUID:
        """The id of a customer."""
        with open_cursor() as cursor:
            return get_customer(cursor, customer).id

    def close(self):
        """Nothing waits, and the audit finds nothing."""
        with transaction() as cursor:
            assert count_pending(cursor) == 0
            findings = audit(lambda check, done: None)
        assert not findings, findings


def days(count):
    """So many days."""
    return timedelta(days=count)
