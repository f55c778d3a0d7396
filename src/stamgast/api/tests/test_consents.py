"""Consent as a system tells it and asks for it."""

import pytest
from django.test import Client

from stamgast.access.operations import create_key
from stamgast.kit.database import open_cursor, transaction

from .conftest import NOW

BOB = "/v1/customers/email:bob@example.org/consents"


@pytest.fixture
def put(client, key):
    def send(path, body, **headers):
        return client.put(path, body, "application/json", headers={"authorization": f"Bearer {key}", **headers})

    return send


def trail():
    with open_cursor() as cursor:
        return cursor.execute("SELECT action, detail::text FROM access_trail WHERE action = 'set consent'").fetchall()


def test_double_opt_in_from_the_request_to_the_link(shop, put, get):
    answer = put(f"{BOB}/newsletter/email", {"state": "requested", "source": "checkout", "language": "nl"})
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["change"]["text"].startswith("Ja, stuur me de nieuwsbrief")
    assert get(BOB).json()["data"][0]["state"] == "requested"
    stranger = Client(enforce_csrf_checks=True)
    page = stranger.get(body["confirm_url"], headers={"accept-language": "nl"})
    assert page.status_code == 200
    assert "Ja, stuur me de nieuwsbrief" in page.content.decode()
    assert "bob" not in page.content.decode().lower()
    assert get(BOB).json()["data"][0]["state"] == "requested", "reading the link changes nothing"
    assert stranger.post(body["confirm_url"]).status_code == 200
    assert get(BOB).json()["data"][0]["state"] == "given"
    assert stranger.post(body["confirm_url"]).status_code == 409
    assert stranger.get(body["withdraw_url"]).status_code == 200
    assert get(BOB).json()["data"][0]["state"] == "given"
    one_click = stranger.post(
        body["withdraw_url"], "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
    )
    assert one_click.status_code == 200
    listed = get(BOB).json()
    assert listed["data"][0]["state"] == "withdrawn"
    assert [change["state"] for change in listed["changes"]] == ["withdrawn", "given", "requested"]
    assert [change["source"] for change in listed["changes"]] == ["unsubscribe link", "confirmation", "checkout"]
    assert stranger.post(body["withdraw_url"][:-3]).status_code == 404
    assert len(trail()) == 1


def test_sending_a_change_again_with_its_key_writes_it_once(shop, put, get):
    body = {"state": "given", "source": "checkout"}
    first = put(f"{BOB}/newsletter/email", body, **{"idempotency-key": "a"})
    again = put(f"{BOB}/newsletter/email", body, **{"idempotency-key": "a"})
    assert again.json() == first.json()
    other = put(f"{BOB}/newsletter/email", {**body, "state": "withdrawn"}, **{"idempotency-key": "a"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(get(BOB).json()["changes"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (f"{BOB}/other/email", {"state": "given", "source": "x"}, 422, "unknown_consent"),
        (f"{BOB}/newsletter/email", {"state": "maybe", "source": "x"}, 422, "invalid_request"),
        (f"{BOB}/newsletter/email", {"state": "given"}, 422, "invalid_request"),
        (f"{BOB}/newsletter/email", {"state": "given", "source": "x", "occurred_at": "2999-01-01T00:00:00Z"}, 422,
         "invalid_consent"),
        ("/v1/customers/user_id:nobody/consents/newsletter/email", {"state": "given", "source": "x"}, 404,
         "customer_not_found"),
    ],
)  # fmt: skip
def test_what_is_refused_changes_nothing(shop, put, get, path, body, status, code):
    answer = put(path, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert get(BOB).json() == {"data": [], "changes": []}
    assert trail() == []


def test_a_key_that_may_only_read_writes_nothing(shop, client, get):
    with transaction() as cursor:
        narrow = create_key(cursor, "narrow", ["customers:read"], at=NOW, actor="test")[1]
    headers = {"authorization": f"Bearer {narrow}"}
    answer = client.put(f"{BOB}/newsletter/email", {"state": "given", "source": "x"}, "application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert client.get(BOB, headers=headers).status_code == 200
    assert get(BOB).json()["changes"] == []


def test_reading_takes_as_many_queries_however_many_changes_there_are(shop, put, get, statements):
    for changes in range(3):
        statements.clear()
        assert len(get(BOB).json()["changes"]) == changes
        asked = [statement for statement in statements if "customers_" in str(statement)]
        assert len(asked) == 3, "the identifier, the customer, the changes"
        put(f"{BOB}/newsletter/email", {"state": "given", "source": "checkout"})
