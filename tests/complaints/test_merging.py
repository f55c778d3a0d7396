"""Two customers who are one: everything of both is there, at every card; and who are two after all."""

import json
from datetime import datetime

import pytest

from stamgast.access.operations import create_key
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.unmerge_customers import withdraw_judgement
from stamgast.kit.database import transaction
from stamgast.ledger.acts import Capture, Hold, Spend

from .shop import ANNA, BEN, EUROS, NOW, days, document, order

pytestmark = pytest.mark.django_db
BY = {"actor": "staff:hanna@example.org", "at": NOW}
FIRST, SECOND = "card_number:1001", "card_number:1002"


def card(number):
    return {"externalIds": [{"type": "card_number", "id": str(number), "collection": "users", "encoding": "none"}]}


@pytest.fixture
def shop(open_shop):
    """Anna has 100 points on her first card, and Ben, who is she, 200 on the second."""
    shop = open_shop(document())
    shop.tell(order("o1", "100.00", context=card(1001)), order("o2", "200.00", user="ben", context=card(1002)))
    return shop


@pytest.fixture
def post(client):
    with transaction() as cursor:
        key = create_key(cursor, "till", ["*"], at=NOW, actor="test")[1]

    def send(path, name=None, **body):
        headers = {"authorization": f"Bearer {key}"} | ({"idempotency-key": name} if name else {})
        return client.post(f"/v1/customers/{path}", json.dumps(body), content_type="application/json", headers=headers)

    return send


def test_after_a_merge_every_point_is_there_and_both_cards_can_be_used(shop, post):
    """odoo PR #30141, PR #171706: of 100 and 200 the second card could not be used; Talon.One: no endpoint."""
    assert post(f"{FIRST}/merge", other=SECOND, reason="one person").status_code == 200
    assert shop.points(FIRST) == shop.points(SECOND) == 300
    spent = post(f"{SECOND}/spends", "one", currency="points", amount=150, reason="a mug")
    assert (spent.status_code, spent.json()["available"]) == (201, 150)
    spent = post(f"{FIRST}/spends", "two", currency="points", amount=150, reason="a mug")
    assert (spent.status_code, spent.json()["available"]) == (201, 0)
    shop.tell(order("o3", "7.00", user="ben", context=card(1002)))
    assert shop.points(FIRST) == shop.points(SECOND) == 7


def test_what_was_spent_and_held_before_a_merge_stays_so(shop):
    """odoo PR #171706: points of the second card were set to zero and the card put away, with what hung on it."""
    shop.ask(SECOND, Spend, "mug", currency="points", amount=50)
    hold = shop.ask(SECOND, Hold, "basket", currency="points", amount=30, lasts=days(1))
    merge_customers(ANNA, BEN, reason="one person", **BY)
    assert (shop.points(FIRST), shop.balance(FIRST).held) == (220, 30)
    assert shop.ask(FIRST, Capture, "paid", hold_id=hold.act_id).amount == 30
    assert (shop.points(SECOND), shop.balance(SECOND).held) == (220, 0)


def test_a_merge_that_was_wrong_is_undone_without_a_trace_in_the_balances(shop):
    """odoo PR #30141: two become one for ever."""
    shop.ask(SECOND, Spend, "mug", currency="points", amount=50)
    merged = merge_customers(ANNA, BEN, reason="one person", **BY)
    shop.tell(order("o3", "7.00", user="ben"))
    withdraw_judgement(merged.judgement.id, reason="two sisters", **BY)
    assert (shop.points(FIRST), shop.points(SECOND)) == (100, 157)


def test_what_two_got_beyond_one_members_cap_is_taken_back_when_they_are_one(open_shop):
    """odoo PR #171706: merging adds balances up, whatever the programme says of one member."""
    shop = open_shop(document({**EUROS, "cap": {"points": 50, "per": "day"}}))
    moment = datetime.fromisoformat("2026-05-20T12:00+02:00")
    shop.tell(order("o1", "40.00", moment), order("o2", "40.00", moment, user="ben"))
    assert (shop.points(ANNA), shop.points(BEN)) == (40, 40)
    merged = merge_customers(ANNA, BEN, reason="one person", **BY)
    assert shop.points(ANNA) == 50
    withdraw_judgement(merged.judgement.id, reason="two sisters", **BY)
    assert (shop.points(ANNA), shop.points(BEN)) == (40, 40)
