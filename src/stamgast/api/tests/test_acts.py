"""Points spent, held and given back by the API: exact answers, once a key, and nothing changed after a refusal."""

import pytest

from .conftest import refused

ANNA = "/v1/customers/user_id:anna"


def test_a_spend_is_done_once_and_given_back(ask, get):
    before = get(ANNA).json()["balances"]["score"]
    spent = ask("/spends", "one", currency="score", amount=30, reason="a mug")
    assert spent.status_code == 201
    assert spent.json() | {"id": ""} == {
        "id": "", "kind": "spend", "currency": "score", "amount": 30, "available": before - 30,
    }  # fmt: skip
    again = ask("/spends", "one", currency="score", amount=30, reason="a mug")
    assert (again.json(), again["Idempotent-Replayed"]) == (spent.json(), "true")
    assert refused(ask("/spends", "one", currency="score", amount=31, reason="a mug")) == (422, "act_key_reused")
    back = ask(f"/spends/{spent.json()['id']}/reversals", "back", amount=10, reason="chipped")
    assert (back.status_code, back.json()["available"]) == (201, before - 20)
    too_much = ask(f"/spends/{spent.json()['id']}/reversals", "more", amount=21, reason="chipped")
    assert refused(too_much) == (409, "above_spent")
    assert get(ANNA).json()["balances"]["score"] == before - 20


def test_a_hold_is_captured_in_part_and_ends(ask, get):
    before = get(ANNA).json()["balances"]["score"]
    hold = ask("/holds", "hold", currency="score", amount=40, reason="basket").json()
    assert get(ANNA).json()["balances"]["score"] == before - 40
    captured = ask(f"/holds/{hold['id']}/capture", "capture", amount=25, reason="paid").json()
    assert (captured["amount"], captured["available"]) == (25, before - 25)
    assert refused(ask(f"/holds/{hold['id']}/release", "release", reason="late")) == (409, "hold_ended")


def test_a_transfer_reaches_the_other(ask, get):
    before = get("/v1/customers/user_id:bob").json()["balances"].get("score", 0)
    moved = ask("/transfers", "gift", currency="score", amount=12, receiver="user_id:bob", reason="birthday")
    assert moved.status_code == 201
    assert get("/v1/customers/user_id:bob").json()["balances"]["score"] == before + 12


def test_refusals_change_nothing_and_are_kept(ask, get):
    before = get(ANNA).json()["balances"]
    assert refused(ask("/spends", "", currency="score", amount=1, reason="r")) == (422, "invalid_idempotency_key")
    assert refused(ask("/spends", "k", currency="stars", amount=1, reason="r")) == (422, "currency_not_spendable")
    poor = ask("/spends", "poor", currency="score", amount=10**9, reason="r")
    assert refused(poor) == (409, "insufficient_balance")
    again = ask("/spends", "poor", currency="score", amount=10**9, reason="r")
    assert (again.json(), again["Idempotent-Replayed"]) == (poor.json(), "true")
    assert "Idempotent-Replayed" not in poor.headers
    assert get(ANNA).json()["balances"] == before


@pytest.mark.parametrize(
    ("path", "wrong", "answer"),
    [
        ("/spends", {"reason": " "}, (422, "reason_missing")),
        ("/spends", {"reason": "\0"}, (422, "reason_missing")),
        ("/spends", {"amuont": 3}, (422, "invalid_request")),
        ("/pool/gifts", {"reason": " "}, (422, "reason_missing")),
        ("/issues", {"reason": " ", "partner": "bakery"}, (422, "reason_missing")),
        ("/issues", {"partner": "a\0"}, (404, "partner_not_found")),
        ("/redemptions", {"partner": "\ud800"}, (404, "partner_not_found")),
        ("/donations", {"charity": "a\0"}, (404, "partner_not_found")),
        ("/adjustments", {"expires_at": "9999-12-31T23:59:59Z"}, (422, "invalid_act")),
        ("/adjustments", {"expires_at": "9999-12-31T23:59:59-12:00"}, (422, "invalid_act")),
        ("/adjustments", {"expires": "2036-01-01T00:00:00Z"}, (422, "invalid_request")),
    ],
)
def test_what_cannot_be_said_is_refused_and_changes_nothing(ask, get, path, wrong, answer):
    before = get(ANNA).json()["balances"]
    assert refused(ask(path, "k", **{"currency": "score", "amount": 1, "reason": "r", **wrong})) == answer
    assert get(ANNA).json()["balances"] == before


def test_a_reason_is_kept_as_it_can_be(ask, get):
    assert ask("/spends", "k", currency="score", amount=1, reason=" a\0 mug ").status_code == 201
    assert get(f"{ANNA}/movements").json()["data"][0]["reason"] == "a mug"


def test_a_misspelt_amount_captures_nothing(ask, get):
    hold = ask("/holds", "hold", currency="score", amount=40, reason="basket").json()
    assert refused(ask(f"/holds/{hold['id']}/capture", "capture", ammount=25, reason="paid")) == (422, "invalid_request")
    assert ask(f"/holds/{hold['id']}/capture", "capture", amount=25, reason="paid").json()["amount"] == 25


@pytest.mark.parametrize(
    "body",
    ["{", b'{"reason": "\xff"}', pytest.param("[" * 100_000, id="deep"), pytest.param("x" * 11_000_000, id="large")],
)
def test_a_body_that_cannot_be_read_is_a_problem_too(client, key, shop, body):
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "k"}
    answer = client.post(f"{ANNA}/spends", body, content_type="application/json", headers=headers)
    assert refused(answer) == (400, "unreadable_request")
