"""A person who is signed in, and one small shop."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from stamgast.access.operations import create_staff
from stamgast.access.types import Role
from stamgast.activities.messages import Refused
from stamgast.activities.operations import create_source, install_kinds, store
from stamgast.activities.queries import load_reader
from stamgast.activities.types import NewActivity, Source
from stamgast.console.tests import PASSWORD
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.install import install
from stamgast.kit.clock import utc_now
from stamgast.kit.database import transaction


@pytest.fixture
def staff(db: None) -> str:
    with transaction() as cursor:
        create_staff(cursor, email="owner@example.org", name="Sanne", password=PASSWORD, at=utc_now(), actor="test")
    return "owner@example.org"


@pytest.fixture
def signed_in(client: Client, staff: str) -> Client:
    answer = client.post("/sign-in", {"email": staff, "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    return client


@pytest.fixture
def marketer(signed_in: Client) -> Client:
    """A second person, who is signed in too."""
    with transaction() as cursor:
        create_staff(
            cursor, email="m@example.org", name="Mo", password=PASSWORD, at=utc_now(), actor="test", role=Role.MARKETER
        )
    client = Client()
    assert client.post("/sign-in", {"email": "m@example.org", "password": PASSWORD}).status_code == 302
    return client


def send(source: Source, *messages: bytes, at: datetime) -> None:
    """Takes messages in as the web does, and decides them."""
    with transaction() as cursor:
        reader = load_reader(cursor, currency="EUR", timezone="Europe/Amsterdam")
        read = [reader.read_message(body, source=source, received_at=at, fallback_id=f"{n}") for n, body in enumerate(messages)]
        kept = [one for one in read if isinstance(one, NewActivity)]
        store(cursor, kept, [one for one in read if isinstance(one, Refused)])
    decide_pending(at=at, actor="test", limit=1_000)


@pytest.fixture
def shop(db: None) -> Source:
    """One source; customer 900 bought twice and redeemed a coupon, 901 only looked; one message was refused."""
    now = datetime.now(UTC)
    install(timezone="Europe/Amsterdam", at=now, actor="test")
    with transaction() as cursor:
        install_kinds(cursor)
        source, _key = create_source(cursor, "web shop", at=now, actor="test")
    day = (now - timedelta(days=1)).isoformat()
    send(
        source,
        b'{"type":"identify","userId":"900","messageId":"a","traits":{"name":"Noor <b>de</b> Wit"},"timestamp":"%s"}'
        % day.encode(),
        b'{"type":"track","userId":"900","messageId":"b","event":"Order Completed","timestamp":"%s",'
        b'"properties":{"order_id":"1","revenue":"12.30","currency":"EUR"}}' % day.encode(),
        b'{"type":"track","userId":"900","messageId":"c","event":"Order Completed","timestamp":"%s",'
        b'"properties":{"order_id":"2","revenue":"7.70","currency":"EUR"}}' % day.encode(),
        b'{"type":"track","userId":"900","messageId":"d","event":"Coupon Redeemed","timestamp":"%s","properties":{}}'
        % day.encode(),
        b'{"type":"page","anonymousId":"901","messageId":"e","timestamp":"%s"}' % day.encode(),
        b'{"type":"track","event":"Order Completed","messageId":"f","properties":{"order_id":"3"}}',
        at=now,
    )
    return source
