"""What is sent again, and what was sold without a connection and comes in later."""

import pytest

from stamgast.ledger.acts import Spend

from .shop import ANNA, EUROS, NOW, days, document, line, message, order, refund

pytestmark = pytest.mark.django_db


def test_a_whole_history_that_is_sent_again_gives_nothing(open_shop):
    """AnthropicBots/compressor #1476: replayed events awarded twice."""
    signed_up = {"name": "sign-up", "when": {"activity": "Signed Up"}, "give": {"points": 50}}
    shop = open_shop(document(EUROS, signed_up))
    history = [
        message("Signed Up", 1, NOW - days(3)),
        order("o1", "100.00", NOW - days(2)),
        refund("o1", "30.00", NOW - days(1)),
        order("o2", "9.00", NOW),
    ]
    shop.tell(*history)
    shop.ask(ANNA, Spend, "mug", currency="points", amount=100)
    for again in (history, history[::-1], history * 2):
        shop.tell(*again)
        assert shop.points() == 50 + 70 + 9 - 100


@pytest.mark.parametrize("is_together", [True, False])
def test_an_order_of_the_till_that_is_synced_again_is_one_order(open_shop, is_together):
    """OCA/pos #185; odoo PR #222372, PR #242087: a sync that failed and was tried again doubled the points."""
    shop = open_shop(document())
    tries = [order("till-7", "25.00", NOW, event="Till Sale", number=f"try {number}") for number in range(3)]
    if is_together:
        shop.tell(*tries)
    else:
        for one in tries:
            shop.tell(one)
    assert shop.points() == 25


def test_orders_of_a_till_without_a_connection_come_in_late_and_in_any_order(open_shop):
    """odoo PR #270532: what was validated offline and synced later lost or doubled its points."""
    capped = {**EUROS, "cap": {"points": 30, "per": "day"}}
    shop = open_shop(document(capped))
    sales = [order(f"t{hour}", "20.00", NOW.replace(hour=hour), event="Till Sale") for hour in (6, 7, 8)]
    shop.tell(order("w1", "20.00", NOW.replace(hour=9)))
    for one in (sales[2], sales[0], sales[2], sales[1]):
        shop.tell(one)
    assert shop.points() == 30
    assert {lot.effective_at.hour: lot.given for lot in shop.lots()} == {6: 20, 7: 10}


def test_a_saved_order_that_changes_is_worth_what_it_became(open_shop):
    """odoo PR #241674, beside PR #222372: an order saved with one piece and paid with two kept the points of one."""
    shop = open_shop(document())
    shop.tell(order("o1", "10.00", NOW - days(1)))
    shop.tell(order("o1", "20.00", NOW, event="Order Updated", products=[line("a", "10.00", 2)]))
    assert shop.points() == 20


def test_a_voided_line_earns_nothing(open_shop):
    """FloCafe #720, beside #78: points for lines that were voided and never paid."""
    shop = open_shop(document())
    shop.tell(order("o1", "30.00", NOW - days(1), products=[line("a", "10.00"), line("b", "20.00")]))
    shop.tell(order("o1", "10.00", NOW, event="Order Updated", products=[line("a", "10.00")]))
    assert shop.points() == 10


def test_a_spend_that_is_asked_again_is_one_spend(open_shop):
    """Antavo, odoo PR #270532: no key of idempotency, so that a retry is a second one."""
    shop = open_shop(document())
    shop.tell(order("o1", "100.00"))
    answers = [shop.ask(ANNA, Spend, "basket 7", currency="points", amount=40) for _ in range(3)]
    assert [(one.amount, one.available, one.is_repeat) for one in answers] == [(40, 60, False), (40, 60, True), (40, 60, True)]
    assert shop.points() == 60
