"""Balances put right by the API: exact answers, once a key, and nothing changed after a refusal."""

import pytest

from .conftest import refused

ANNA = "/v1/customers/user_id:anna"
LATE = {"currency": "score", "amount": 30, "reason": "the parcel was late"}


def test_a_balance_is_put_right_up_and_down_once_a_key(ask, get):
    before = get(ANNA).json()["balances"]["score"]
    up = ask("/adjustments", "up", **LATE)
    assert up.status_code == 201
    assert up.json() | {"id": ""} == {
        "id": "", "kind": "adjust", "currency": "score", "amount": 30, "available": before + 30,
    }  # fmt: skip
    again = ask("/adjustments", "up", **LATE)
    assert (again.json(), again["Idempotent-Replayed"]) == (up.json(), "true")
    assert refused(ask("/adjustments", "up", **{**LATE, "amount": 31})) == (422, "act_key_reused")
    down = ask("/adjustments", "down", **{**LATE, "amount": -10})
    assert (down.status_code, down.json()["amount"], down.json()["available"]) == (201, -10, before + 20)
    taken = [row for row in get(f"{ANNA}/movements").json()["data"] if row["kind"] == "adjust_down"]
    assert sum(row["amount"] for row in taken) == -10  # over the lots that expire soonest
    assert {row["reason"] for row in taken} == {"the parcel was late"}


def test_what_is_added_may_expire(ask, get):
    assert ask("/adjustments", "a", **LATE, expires_at="2036-01-01T00:00:00Z").status_code == 201
    past = ask("/adjustments", "b", **LATE, expires_at="2016-01-01T00:00:00Z")
    assert refused(past) == (422, "invalid_act")
    taken = ask("/adjustments", "c", **{**LATE, "amount": -1}, expires_at="2036-01-01T00:00:00Z")
    assert refused(taken) == (422, "invalid_act")


@pytest.mark.parametrize(
    ("name", "wrong", "answer"),
    [
        ("", {}, (422, "invalid_idempotency_key")),
        ("k", {"amount": 0}, (422, "invalid_act")),
        ("k", {"currency": "miles"}, (422, "unknown_currency")),
        ("k", {"reason": ""}, (422, "invalid_request")),
        ("k", {"amount": -(10**9)}, (409, "insufficient_balance")),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(ask, get, name, wrong, answer):
    before = get(ANNA).json()["balances"]
    assert refused(ask("/adjustments", name, **{**LATE, **wrong})) == answer
    assert get(ANNA).json()["balances"] == before
