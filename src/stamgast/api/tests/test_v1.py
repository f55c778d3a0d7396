"""The API as a script sees it: exact answers, and refusals that say what to do."""

import psycopg
from django.db import OperationalError

from stamgast.access.operations import create_key
from stamgast.kit.database import transaction

from .conftest import NOW


def test_a_customer_is_found_by_any_identifier_and_by_our_id(shop, get):
    by_user = get("/v1/customers/user_id:bob")
    assert by_user.status_code == 200
    body = by_user.json()
    assert get("/v1/customers/email:BOB@example.org").json() == body
    assert get(f"/v1/customers/{body['id']}").json() == body
    assert [(row["kind"], row["value"]) for row in body["identifiers"]] == [("user_id", "bob"), ("email", "bob@example.org")]
    assert body["traits"]["firstName"] == {"value": "Bob", "source": "Web shop", "occurred_at": "2026-06-01T12:00:00Z"}
    assert body["balances"] == {"score": 1}
    assert body["segments"] == []
    assert body["orders"] == {
        "count": 1,
        "count_of_zero": 1,
        "revenue": "12.50",
        "currency": "EUR",
        "first_at": "2026-05-30T12:00:00Z",
        "last_at": "2026-05-30T12:00:00Z",
    }
    assert (body["first_seen"], body["last_seen"]) == ("2026-05-30T12:00:00Z", "2026-06-01T12:00:00Z")


def test_the_members_of_a_segment_by_name_and_by_slug(shop, get):
    anna = get("/v1/customers/user_id:anna").json()
    assert anna["balances"] == {"score": 105}
    assert anna["segments"] == [{"name": "Loyal customers", "slug": "loyal-customers", "entered_at": "2026-05-22T12:00:00Z"}]
    page = get("/v1/segments/Loyal%20customers/members")
    assert page.status_code == 200
    assert page.json() == {
        "data": [{"customer_id": anna["id"], "entered_at": "2026-05-22T12:00:00Z"}],
        "next_cursor": None,
    }
    assert get("/v1/segments/loyal-customers/members").json() == page.json()
    (segment,) = get("/v1/segments").json()["data"]
    assert (segment["name"], segment["members"]) == ("Loyal customers", 1)
    dutch = get("/v1/segments/loyal-customers", **{"accept-language": "nl"}).json()["sentence"]
    assert (segment["sentence"], dutch) == ("the score is over 100", "de score is hoger dan 100")


def test_movements_page_by_cursor_and_each_is_explained(shop, get):
    first = get("/v1/customers/user_id:anna/movements?limit=20").json()
    rest = get(f"/v1/customers/user_id:anna/movements?limit=20&cursor={first['next_cursor']}").json()
    assert (len(first["data"]), len(rest["data"]), rest["next_cursor"]) == (20, 1, None)
    movement = rest["data"][0]
    assert (movement["kind"], movement["amount"], movement["currency"]) == ("earn", 5, "score")
    explanation = get(f"/v1/movements/{movement['id']}/explanation").json()
    assert explanation["movement"] == movement
    assert explanation["activity"]["kind"] == "Coupon Redeemed"
    assert explanation["programme_version"] == 1
    applied = [rule for rule in explanation["rules"] if rule["applied"]]
    assert [(rule["amount"], rule["currency"]) for rule in applied] == [(5, "score")]
    refused = [rule for rule in explanation["rules"] if not rule["applied"]]
    assert refused
    assert all(rule["failures"] for rule in refused)
    dutch = get(f"/v1/movements/{movement['id']}/explanation", **{"accept-language": "nl"}).json()
    assert dutch["sentence"].startswith("Gekregen: ")


def test_customers_are_listed_last_seen_first_and_searched(shop, get):
    listed = get("/v1/customers?limit=1").json()
    assert [row["name"] for row in listed["data"]] == ["Bob"]
    rest = get(f"/v1/customers?cursor={listed['next_cursor']}").json()
    assert [row["identifier"] for row in rest["data"]] == ["user_id:anna"]
    assert [row["identifier"] for row in get("/v1/customers?search=bob@").json()["data"]] == ["user_id:bob"]


def test_refusals_are_problems_with_a_code(shop, get, client):
    def code(response):
        assert response["content-type"] == "application/problem+json"
        return response.status_code, response.json()["code"]

    assert code(client.get("/v1/customers")) == (401, "unauthorized")
    assert code(client.get("/v1/customers", headers={"authorization": "Bearer sgk_wrong"})) == (401, "unauthorized")
    assert code(get("/v1/customers/user_id:nobody")) == (404, "customer_not_found")
    assert code(get("/v1/customers/user_id:no/body")) == (404, "customer_not_found")
    assert code(get("/v1/segments/nobody/members")) == (404, "segment_not_found")
    assert code(get("/v1/movements/00000000-0000-0000-0000-000000000000")) == (404, "movement_not_found")
    assert code(get("/v1/customers?cursor=made-up")) == (422, "invalid_cursor")
    assert code(get("/v1/customers?limit=100000")) == (422, "invalid_request")
    assert code(client.get("/v1/nobody")) == (404, "not_found")
    assert code(client.post("/v1/Track", b"{}", content_type="application/json")) == (404, "not_found")
    posted = client.post("/v1/customers", b"{}", content_type="application/json")
    assert code(posted) == (405, "method_not_allowed")
    assert posted["allow"] == "GET"
    with transaction() as cursor:
        narrow = create_key(cursor, "narrow", ["segments:read"], at=NOW, actor="test")[1]
    assert code(client.get("/v1/customers", headers={"authorization": f"Bearer {narrow}"})) == (403, "missing_scope")


def test_what_fails_here_is_a_problem_too(shop, get, client, monkeypatch):
    def fail(error):
        def failing(*args, **more):
            raise error

        monkeypatch.setattr("stamgast.api.profiles.read_customer", failing)
        client.raise_request_exception = False
        response = get("/v1/customers/user_id:bob")
        assert response["content-type"] == "application/problem+json"
        return response.status_code, response.json()["code"]

    assert fail(OperationalError("gone")) == (503, "unavailable")
    assert fail(psycopg.InterfaceError("gone")) == (503, "unavailable")
    assert fail(RuntimeError("a fault")) == (500, "internal_error")


def test_the_api_describes_itself(client, db):
    document = client.get("/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert any(path.startswith("/v1/customers/{") for path in document["paths"])


def test_every_operation_says_how_it_refuses_and_every_write_that_it_may_be_sent_again(client, db):
    document = client.get("/v1/openapi.json").json()
    operations = [(method, one) for path in document["paths"].values() for method, one in path.items()]
    assert {one["responses"]["default"]["content"].popitem()[0] for _, one in operations} == {"application/problem+json"}
    keyed = [method for method, one in operations if any(p["name"] == "Idempotency-Key" for p in one.get("parameters", []))]
    assert sorted(keyed) == sorted(method for method, _ in operations if method != "get")
    assert keyed
