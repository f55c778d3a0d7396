"""Webhooks in the console: added with a secret shown once, tried, looked at, sent again, rotated, switched off and on."""

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.test import Client

from stamgast.access.operations import create_staff
from stamgast.access.types import Role
from stamgast.activities.types import Source
from stamgast.console.tests import PASSWORD
from stamgast.customers.queries import get_customer
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import new_id
from stamgast.webhooks.operations import claim_due, create_endpoint, settle, switch, write_events
from stamgast.webhooks.queries import get_endpoint, list_deliveries, list_endpoints
from stamgast.webhooks.types import Endpoint, EventKind, Fact, Outcome, Reach, WhyOff

FORM = {"name": "Mail program", "url": "https://example.org/hooks", "kinds": ["segment.entered", "customer.merged"]}


@pytest.fixture
def endpoint(shop: Source) -> Endpoint:
    """One that asks for everything; one event about customer 900 was answered with 500, another with 204."""
    now = utc_now()
    wanted = {"name": "crm", "url": "https://example.org/", "kinds": [*EventKind], "reach": Reach(), "random": bytes(32)}
    with transaction() as cursor:
        made, _secret = create_endpoint(cursor, **wanted, at=now, actor="me")
        customer = str(get_customer(cursor, "user_id:900").id)
        data = {"customer_id": customer, "segment": "loyal-customers"}
        facts = [Fact(UUID(int=number), EventKind.SEGMENT_ENTERED, now, data) for number in (1, 2)]
        write_events(cursor, facts, at=now)
        bad, good = sorted(claim_due(cursor, new_id(), limit=9, at=now), key=lambda one: one.event_id)
        settle(cursor, bad, Outcome(500, "", "<b>busy</b>", 12), at=now, chance=0.5, actor="worker")
        settle(cursor, good, Outcome(204, "", "", 7), at=now, chance=0.5, actor="worker")
    return made


def deliveries(endpoint: Endpoint):
    with open_cursor() as cursor:
        return list_deliveries(cursor, endpoint.id, state=None, before=None, limit=50).rows


def last_act() -> str:
    with open_cursor() as cursor:
        return cursor.execute("SELECT action FROM access_trail ORDER BY at DESC, id DESC LIMIT 1").fetchone()[0]


def said(client: Client, answer, address: str) -> str:
    assert (answer.status_code, answer["Location"]) == (302, address)
    return client.get(address).content.decode()


def test_a_webhook_is_added_and_its_secret_is_shown_once(signed_in: Client) -> None:
    assert "No other system is told" in signed_in.get("/webhooks").content.decode()
    answer = signed_in.post("/webhooks", FORM)
    assert answer.status_code == 200
    [secret] = set(re.findall(r"whsec_[\w+/=]+", answer.content.decode()))
    with open_cursor() as cursor:
        [made] = list_endpoints(cursor)
    assert (made.name, made.kinds, made.created_by) == (
        "Mail program", ("segment.entered", "customer.merged"), "staff:owner@example.org",
    )  # fmt: skip
    for address in ("/webhooks", f"/webhooks/{made.id}"):
        text = signed_in.get(address).content.decode()
        assert "Mail program" in text
        assert secret not in text
    assert last_act() == "create webhook"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"name": ""}, "A name has 1 to 100"),
        ({"kinds": []}, "Choose at least one event."),
        ({"url": "example"}, "This is not an address"),
        ({"url": "http://example.org/"}, "must begin with https://"),
        ({"url": "https://me:word@example.org/"}, "Leave the user"),
        ({"url": "https://10.0.0.1/"}, "within this network"),
    ],
)
def test_what_cannot_be_used_is_said_and_what_was_typed_is_kept(
    signed_in: Client, changed: dict[str, object], expected: str
) -> None:
    answer = signed_in.post("/webhooks", FORM | changed)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert expected in text
    assert f'value="{(FORM | changed)["url"]}"' in text
    with open_cursor() as cursor:
        assert list_endpoints(cursor) == []


def test_the_log_says_what_became_of_each_event(signed_in: Client, endpoint: Endpoint) -> None:
    text = signed_in.get(f"/webhooks/{endpoint.id}").content.decode()
    assert text.count("A customer came into a segment</a>") == 2
    assert "Noor" in text
    assert "Answered 500" in text
    assert "in 5 seconds" in text or "in 4 seconds" in text
    waiting = signed_in.get(f"/webhooks/{endpoint.id}?state=waiting", headers={"HX-Request": "true"}).content.decode()
    assert ("Answered 500" in waiting, "Answered 204" in waiting, "<html" in waiting) == (True, False, False)
    [row] = [one for one in deliveries(endpoint) if one.state == "waiting"]
    one = signed_in.get(f"/webhooks/{endpoint.id}/deliveries/{row.id}").content.decode()
    assert "&lt;b&gt;busy&lt;/b&gt;" in one
    assert "&quot;segment&quot;: &quot;loyal-customers&quot;" in one
    assert signed_in.get(f"/webhooks/{endpoint.id}/deliveries/999999").status_code == 404


def test_dutch_is_dutch(signed_in: Client, endpoint: Endpoint) -> None:
    text = signed_in.get(f"/webhooks/{endpoint.id}", headers={"Accept-Language": "nl"}).content.decode()
    assert "Een klant kwam in een segment" in text
    assert "opnieuw over" in text


def test_testing_and_sending_again(signed_in: Client, endpoint: Endpoint) -> None:
    home = f"/webhooks/{endpoint.id}"
    assert "A test is on its way" in said(signed_in, signed_in.post(f"{home}/test"), home)
    assert deliveries(endpoint)[0].kind == "webhook.test"
    arrived = next(row for row in deliveries(endpoint) if row.state == "delivered")
    assert "sent again" in said(signed_in, signed_in.post(f"{home}/deliveries/{arrived.id}/again"), home)
    assert {row.state for row in deliveries(endpoint)} == {"waiting"}
    with transaction() as cursor:
        cursor.execute("UPDATE webhooks_delivery SET state = 'failed'")
    since = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert "0 events are sent again" in said(signed_in, signed_in.post(f"{home}/again", {"since": since}), home)
    assert "3 events are sent again" in said(signed_in, signed_in.post(f"{home}/again", {"since": "2026-01-01T00:00"}), home)
    assert "Choose the moment" in said(signed_in, signed_in.post(f"{home}/again", {"since": "yesterday"}), home)
    assert last_act() == "send failed webhooks again"


def test_a_new_secret_is_shown_once_and_both_hold_for_a_day(signed_in: Client, endpoint: Endpoint) -> None:
    answer = signed_in.post(f"/webhooks/{endpoint.id}/secret")
    assert re.search(r"whsec_[\w+/=]+", answer.content.decode())
    assert "The former secret still signs along" in answer.content.decode()
    text = signed_in.get(f"/webhooks/{endpoint.id}").content.decode()
    assert ("whsec_" in text, "The former secret still signs along" in text) == (False, True)


def test_off_and_on(signed_in: Client, endpoint: Endpoint) -> None:
    home = f"/webhooks/{endpoint.id}"
    text = said(signed_in, signed_in.post(f"{home}/switch", {"is_on": "0"}), home)
    assert "Switched off since" in text
    answer = signed_in.post(f"{home}/test", headers={"Referer": home})
    assert "Switch it on first" in said(signed_in, answer, home)
    assert "All is well" not in text
    assert "Switched on" in said(signed_in, signed_in.post(f"{home}/switch", {"is_on": "1"}), home)
    assert last_act() == "switch webhook on"


def test_who_was_given_up_is_counted_in_the_navigation(signed_in: Client, endpoint: Endpoint) -> None:
    assert "switched off by themselves" not in signed_in.get("/").content.decode()
    with transaction() as cursor:
        switch(cursor, endpoint.id, is_on=False, at=utc_now(), actor="worker", why=WhyOff.GONE)
    assert "switched off by themselves" in signed_in.get("/").content.decode()
    assert "because it answered 410" in signed_in.get("/webhooks").content.decode()


def test_another_address_and_choice(signed_in: Client, endpoint: Endpoint) -> None:
    home = f"/webhooks/{endpoint.id}"
    said(signed_in, signed_in.post(home, FORM | {"reason": "moved"}), home)
    with open_cursor() as cursor:
        found = get_endpoint(cursor, endpoint.id)
        reason = cursor.execute("SELECT detail->>'reason' FROM access_trail ORDER BY at DESC, id DESC LIMIT 1").fetchone()
    assert (found.name, found.url, found.kinds) == ("Mail program", FORM["url"], ("segment.entered", "customer.merged"))
    assert reason == ("moved",)
    answer = signed_in.post(home, FORM | {"url": "http://example.org/"})
    assert (answer.status_code, "must begin with https://" in answer.content.decode()) == (422, True)


def test_an_analyst_sees_the_log_without_names_and_without_buttons(shop: Source, endpoint: Endpoint, staff: str) -> None:
    with transaction() as cursor:
        create_staff(
            cursor, email="ana@example.org", name="Ana", password=PASSWORD, at=utc_now(), actor="test", role=Role.ANALYST
        )
    client = Client()
    assert client.post("/sign-in", {"email": "ana@example.org", "password": PASSWORD}).status_code == 302
    text = client.get(f"/webhooks/{endpoint.id}").content.decode()
    assert "Answered 500" in text
    for kept_back in ("Noor", "Send a test", "Make a new secret", "Send again"):
        assert kept_back not in text
    assert json.loads(deliveries(endpoint)[0].body)["data"]["customer_id"]


def test_a_webhook_is_deleted_by_its_name_with_its_log_and_the_trail_keeps_it(signed_in: Client, endpoint: Endpoint) -> None:
    address = f"/webhooks/{endpoint.id}/delete"
    assert address in signed_in.get(f"/webhooks/{endpoint.id}").content.decode()
    assert "Delete the webhook crm?" in signed_in.get(address).content.decode()
    refused = signed_in.post(address, {"confirmation": "CRM", "reason": "moved"})
    assert (refused.status_code, "Nothing was deleted" in refused.content.decode()) == (422, True)
    with open_cursor() as cursor:
        assert len(list_endpoints(cursor)) == 1
    answer = signed_in.post(address, {"confirmation": "crm", "reason": "moved"})
    assert (answer.status_code, answer["Location"]) == (302, "/webhooks")
    with open_cursor() as cursor:
        left = [
            cursor.execute(f"SELECT count(*) FROM webhooks_{table}").fetchone() for table in ("endpoint", "delivery", "attempt")
        ]
        trail = cursor.execute(
            "SELECT actor, detail->>'name', detail->>'url', detail->>'reason' FROM access_trail WHERE action = 'delete webhook'"
        ).fetchall()
    assert left == [(0,)] * 3
    assert trail == [("staff:owner@example.org", "crm", "https://example.org/", "moved")]
    assert signed_in.get(address).status_code == 404
