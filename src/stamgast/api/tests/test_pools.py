"""The pool of a household by the API: exact answers, once a key, and nothing changed after a refusal."""

import json

import pytest

from .conftest import refused

NOBODY = "00000000-0000-0000-0000-000000000009"


@pytest.fixture
def send(ask, client, key):
    """Asks anything with a key, of a shop in which Anna has 100 more and lives in a household."""

    def post(path, name, **body):
        headers = {"authorization": f"Bearer {key}"} | ({"idempotency-key": name} if name else {})
        return client.post(f"/v1{path}", json.dumps(body), content_type="application/json", headers=headers)

    assert post("/customers/user_id:anna/household", "live", household="elm/4", reason="said so").status_code == 200
    return post


GIFT = {"currency": "score", "amount": 40, "reason": "for us"}


def test_a_pool_is_given_to_and_spent_from(send, get):
    gift = send("/customers/user_id:anna/pool/gifts", "gift", **GIFT)
    assert (gift.status_code, gift.json()["kind"], gift.json()["amount"]) == (201, "transfer", 40)
    spent = send("/customers/user_id:anna/pool/spends", "spend", currency="score", amount=25, reason="a picnic")
    assert (spent.status_code, spent.json()["available"]) == (201, 15)
    again = send("/customers/user_id:anna/pool/spends", "spend", currency="score", amount=25, reason="a picnic")
    assert (again.json(), again["Idempotent-Replayed"]) == (spent.json(), "true")
    back = send(f"/customers/user_id:anna/pool/spends/{spent.json()['id']}/reversals", "back", amount=5, reason="rain")
    assert (back.status_code, back.json()["available"]) == (201, 20)
    anna = get("/v1/customers/user_id:anna").json()["id"]
    pool = get("/v1/households/elm/4/pool").json()
    assert (pool["household"], pool["members"]) == ("elm/4", [anna])
    assert pool["balances"] == [{"currency": "score", "available": 20, "pending": 0, "held": 0, "debt": 0}]
    page = get("/v1/households/elm/4/pool/movements?limit=2").json()
    assert len(page["data"]) == 2
    assert page["next_cursor"]
    assert {row["member_id"] for row in page["data"]} == {anna}
    assert {row["customer_id"] for row in page["data"]} == {pool["id"]}
    out = send("/households/elm/4/pool/transfers", "out", currency="score", amount=20, reason="split", receiver="user_id:anna")
    assert (out.status_code, out.json()["available"]) == (201, 0)


def test_what_cannot_be_is_refused_and_changes_nothing(send, get):
    send("/customers/user_id:anna/pool/gifts", "gift", **GIFT)
    assert refused(send("/customers/user_id:bob/pool/gifts", "g", **GIFT)) == (409, "not_in_household")
    assert refused(send("/customers/user_id:bob/pool/spends", "s", **GIFT)) == (409, "not_in_household")
    assert refused(send("/customers/user_id:anna/pool/spends", "s", **{**GIFT, "amount": 41})) == (409, "insufficient_balance")
    assert refused(send("/customers/user_id:anna/pool/spends", "", **GIFT)) == (422, "invalid_idempotency_key")
    unknown = send("/customers/user_id:anna/pool/spends", "u", **{**GIFT, "currency": "miles"})
    assert refused(unknown) == (422, "currency_not_spendable")
    lost = send(f"/customers/user_id:anna/pool/spends/{NOBODY}/reversals", "r", reason="none")
    assert refused(lost) == (404, "spend_not_found")
    stranger = send("/households/elm/4/pool/transfers", "t", receiver="user_id:bob", **GIFT)
    assert refused(stranger) == (409, "not_in_household")
    assert get("/v1/households/elm/4/pool").json()["balances"][0]["available"] == 40
    assert refused(get("/v1/households/nowhere/pool")) == (404, "household_not_found")
