"""Merge, separate and withdraw by the API: exact answers, and nothing changed after a refusal."""

import json

import pytest

from stamgast.access.operations import create_key
from stamgast.kit.database import transaction

from .conftest import NOW


@pytest.fixture
def post(client, key):
    def send(path, **body):
        return client.post(path, json.dumps(body), content_type="application/json", headers={"authorization": f"Bearer {key}"})

    return send


def test_a_merge_is_told_tried_done_and_undone(shop, get, post):
    anna, bob = (get(f"/v1/customers/user_id:{name}").json() for name in ("anna", "bob"))
    tried = post("/v1/customers/user_id:anna/merge", other="user_id:bob", reason="one household card", dry_run=True)
    assert (tried.status_code, tried.json()["dry_run"], len(tried.json()["customers"])) == (200, True, 1)
    assert get("/v1/customers/user_id:bob").json() == bob
    done = post("/v1/customers/user_id:anna/merge", other="user_id:bob", reason="one household card").json()
    (merged,) = done["customers"]
    assert (merged["id"], merged["orders"]) == (anna["id"], 1)
    assert set(merged["identifiers"]) == {"user_id:anna", "user_id:bob", "email:bob@example.org"}
    assert get(f"/v1/customers/{bob['id']}").json()["id"] == anna["id"]
    links = get("/v1/customers/user_id:bob/links").json()
    assert {row["identifier"]: row["judgement"] and row["judgement"]["reason"] for row in links["data"]} == {
        "user_id:anna": None,
        "user_id:bob": "one household card",
        "email:bob@example.org": "one household card",
    }
    assert [(row["is_in_force"], row["judgement"]["actor"]) for row in links["judgements"]] == [(True, "key:test")]
    undone = post(f"/v1/judgements/{done['judgement']['id']}/withdraw", reason="two people")
    assert (undone.status_code, len(undone.json()["customers"])) == (200, 2)
    assert get("/v1/customers/user_id:anna").json() | {"identifiers": 0} == anna | {"identifiers": 0}
    assert get("/v1/customers/user_id:bob").json()["id"] == bob["id"]


def test_an_identifier_is_separated(shop, get, post):
    answer = post("/v1/customers/user_id:bob/separate", identifier="email:Bob@example.org", reason="his wife's address")
    assert answer.status_code == 200
    assert [one["identifiers"] for one in answer.json()["customers"]] in (
        [["user_id:bob"], ["email:bob@example.org"]],
        [["email:bob@example.org"], ["user_id:bob"]],
    )


def test_refusals(shop, get, post, client):
    before = get("/v1/customers/user_id:bob").json()

    def code(response):
        assert response["content-type"] == "application/problem+json"
        return response.status_code, response.json()["code"]

    assert code(post("/v1/customers/user_id:bob/merge", other="user_id:nobody", reason="r")) == (404, "customer_not_found")
    assert code(post("/v1/customers/user_id:bob/merge", other="user_id:bob", reason="r")) == (409, "already_one_customer")
    assert code(post("/v1/customers/user_id:bob/merge", other="user_id:anna", reason="")) == (422, "invalid_request")
    assert code(post("/v1/customers/user_id:bob/merge", other="user_id:anna", reason=" ")) == (422, "reason_missing")
    assert code(post("/v1/customers/user_id:bob/separate", identifier="user_id:anna", reason="r")) == (
        422,
        "nothing_to_separate",
    )
    assert code(post(f"/v1/judgements/{before['id']}/withdraw", reason="r")) == (404, "judgement_not_found")
    with transaction() as cursor:
        narrow = create_key(cursor, "narrow", ["customers:read"], at=NOW, actor="test")[1]
    refused = client.post(
        "/v1/customers/user_id:bob/merge",
        json.dumps({"other": "user_id:anna", "reason": "r"}),
        content_type="application/json",
        headers={"authorization": f"Bearer {narrow}"},
    )
    assert code(refused) == (403, "missing_scope")
    assert get("/v1/customers/user_id:bob").json() == before


def test_households_by_the_api(shop, get, post):
    bob = get("/v1/customers/user_id:bob").json()["id"]
    answer = post("/v1/customers/user_id:bob/household", household="h 7/a", reason="told us")
    assert (answer.status_code, [one["household"] for one in answer.json()["data"]]) == (200, ["h 7/a"])
    found = get("/v1/households/h%207/a").json()
    assert [(one["customer_id"], one["ended_at"], one["actor"]) for one in found["members"]] == [(bob, None, "key:test")]
    assert post("/v1/customers/user_id:bob/household", household=None, reason="left").status_code == 200
    assert get("/v1/households/h%207/a").json()["members"][0]["ended_at"] is not None
    assert get("/v1/households/other").json()["code"] == "household_not_found"
    assert post("/v1/customers/user_id:bob/household", household=" ", reason="r").json()["code"] == "invalid_household"
