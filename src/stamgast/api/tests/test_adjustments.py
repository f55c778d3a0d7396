"""Balances put right by the API: exact answers, once a key, and nothing changed after a refusal."""

from uuid import UUID

import pytest

from stamgast.flows.adjust import approve_adjustment, refuse_adjustment
from stamgast.flows.erase import erase
from stamgast.kit.clock import utc_now
from stamgast.kit.database import transaction
from stamgast.ledger.adjusting import set_limit

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
        ("k", {"reason": " "}, (422, "reason_missing")),
        ("k", {"amount": -(10**9)}, (409, "insufficient_balance")),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(ask, get, name, wrong, answer):
    before = get(ANNA).json()["balances"]
    assert refused(ask("/adjustments", name, **{**LATE, **wrong})) == answer
    assert get(ANNA).json()["balances"] == before


@pytest.fixture
def limited(ask):
    with transaction() as cursor:
        set_limit(cursor, "score", 25, at=utc_now(), actor="test", reason="")


def test_above_the_limit_it_waits_and_the_same_request_says_what_became_of_it(limited, ask, get):
    before = get(ANNA).json()["balances"]["score"]
    waits = ask("/adjustments", "up", **LATE)
    assert waits.status_code == 202
    told = waits.json()
    assert told | {"id": "", "asked_at": ""} == {
        "id": "", "state": "waiting", "currency": "score", "amount": 30, "asked_at": "",
    }  # fmt: skip
    again = ask("/adjustments", "up", **LATE)
    assert (again.status_code, again.json(), again["Idempotent-Replayed"]) == (202, told, "true")
    assert refused(ask("/adjustments", "up", **{**LATE, "amount": 29})) == (422, "act_key_reused")
    assert get(ANNA).json()["balances"]["score"] == before
    approve_adjustment(UUID(told["id"]), reason="", at=utc_now(), actor="staff:bob@example.org")
    done = ask("/adjustments", "up", **LATE)
    assert (done.status_code, done.json()["amount"], done.json()["available"]) == (201, 30, before + 30)
    assert ask("/adjustments", "small", **{**LATE, "amount": 25}).status_code == 201
    assert ask("/adjustments", "smaller", **{**LATE, "amount": -1}).status_code == 202, "25 and 1 are above 25"


def test_what_a_second_person_refused_stays_refused(limited, ask, get):
    before = get(ANNA).json()["balances"]
    proposal = ask("/adjustments", "up", **LATE).json()
    refuse_adjustment(UUID(proposal["id"]), reason="no photo", at=utc_now(), actor="staff:bob@example.org")
    assert refused(ask("/adjustments", "up", **LATE)) == (409, "adjustment_refused")
    assert get(ANNA).json()["balances"] == before


def test_who_was_erased_is_not_adjusted_by_our_own_id(ask, get, client, key):
    anna = get(ANNA).json()["id"]
    erase(anna, reason="asked", at=utc_now(), actor="test")
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "k"}
    answer = client.post(f"/v1/customers/{anna}/adjustments", LATE, content_type="application/json", headers=headers)
    assert refused(answer) == (409, "customer_erased")
