"""Consent follows the identifiers: told by activities, through the deciding, with a customer that is joined and comes apart."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.customers.consent.queries import list_consents, may_contact
from stamgast.customers.queries import get_customer
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.install import install
from stamgast.kit.database import open_cursor, transaction

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _installed() -> None:
    install(timezone="Europe/Amsterdam", at=NOON, actor="test")


def send(minute: int, message_type: str = "track", **message: object) -> None:
    at = (NOON + timedelta(minutes=minute)).isoformat()
    body = {"type": message_type, "messageId": f"{minute}", "timestamp": at, **message}
    with transaction() as cursor:
        source = ensure_source(cursor, "shop", at=NOON, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        read = reader.read_message(
            json.dumps(body).encode(), source=source, received_at=NOON + timedelta(days=1), fallback_id="x"
        )
        store(cursor, [read], [])
    decide_pending(at=NOON, actor="test", limit=100)


def holds(reference: str) -> dict[tuple[str, str], str]:
    with open_cursor() as cursor:
        return {
            (one.purpose, one.channel): one.state.value for one in list_consents(cursor, get_customer(cursor, reference).id)
        }


def give(minute: int, state: str = "Given", **who: object) -> None:
    properties = {"purpose": "newsletter", "channel": "email", "text": "May we?"}
    send(minute, event=f"Consent {state}", properties=properties, **who)


def test_consent_joins_and_parts_with_the_identifiers_it_came_with() -> None:
    give(10, anonymousId="phone")
    give(20, "Withdrawn", userId="2")
    send(30, "identify", userId="2", anonymousId="phone")
    assert holds("user_id:2") == {("newsletter", "email"): "withdrawn"}
    assert holds("anonymous_id:phone") == {("newsletter", "email"): "withdrawn"}
    send(5, "identify", userId="1", anonymousId="phone")  # late: the telephone was somebody else's first
    assert holds("user_id:1") == {("newsletter", "email"): "given"}
    assert holds("user_id:2") == {("newsletter", "email"): "withdrawn"}


def test_unsubscribing_in_the_words_of_the_e_mail_specification() -> None:
    give(10, userId="1")
    send(20, event="Unsubscribed", userId="1", properties={"email_id": "7"})
    with open_cursor() as cursor:
        customer = get_customer(cursor, "user_id:1").id
        moments = [may_contact(cursor, customer, "newsletter", "email", at=NOON + timedelta(minutes=at)) for at in (9, 10, 20)]
    assert moments == [False, True, False]
