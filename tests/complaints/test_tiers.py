"""Levels: the one that was reached, from when it was reached."""

import pytest

from stamgast.ledger.acts import Spend

from .shop import ANNA, BEN, EUROS, NOW, days, document, order, refund

pytestmark = pytest.mark.django_db
THOUSANDS = {**EUROS, "give": {"points": {"amount": 1, "per": 1000}}}


def tiers(*levels, on=None):
    """Levels by what was spent in the year: (name, from, what it multiplies points by)."""
    stated = [{"name": name, "from": start} | ({"multiply": {"points": by}} if by else {}) for name, start, by in levels]
    return {"qualify_on": on or {"spend": EUROS["when"]}, "period": {"calendar": "year"}, "levels": stated}


def test_a_large_first_order_is_worth_what_the_first_level_gives(open_shop):
    """erpnext #33550: 196,000 was 217 points, as for the level from 300,000; and 20,000 reaches no level at all."""
    levels = tiers(("G1", 100_000, None), ("G2", 300_000, 1.12))
    shop = open_shop(document(THOUSANDS, tiers=levels))
    shop.tell(order("o1", "20000.00", user="ben"))
    assert (shop.points(BEN), shop.tier(BEN)) == (20, None)
    shop.tell(order("o2", "196000.00", NOW - days(3)))
    assert (shop.points(), shop.tier()) == (196, "G1")
    shop.tell(order("o3", "104000.00", NOW - days(2)))
    assert (shop.points(), shop.tier()) == (300, "G2")
    shop.tell(order("o4", "100000.00", NOW - days(1)))
    assert (shop.points(), shop.tier()) == (300 + 112, "G2")


def test_the_first_order_does_not_skip_the_first_level(open_shop):
    """erpnext #22167: the first entry was of Silver, the second level."""
    shop = open_shop(document(tiers=tiers(("Bronze", 0, None), ("Silver", 1000, 2), ("Gold", 5000, 3))))
    shop.tell(order("o1", "10.00"))
    assert (shop.points(), shop.tier()) == (10, "Bronze")


def test_the_second_level_waits_until_so_much_was_spent_in_all(open_shop):
    """erpnext #14930: from the second invoice on everybody was of the level from 100,000."""
    shop = open_shop(document(tiers=tiers(("First", 40_000, None), ("Second", 100_000, 2))))
    levels = []
    for number, total in enumerate(("45000.00", "25000.00", "25000.00", "4999.99", "0.01")):
        shop.tell(order(f"o{number}", total, NOW - days(9 - number)))
        levels.append(shop.tier())
    assert levels == ["First", "First", "First", "First", "Second"]


@pytest.mark.parametrize(
    ("total", "level"),
    [
        ("0.01", "Bronze"),
        ("999.99", "Bronze"),
        ("1000.00", "Silver"),
        ("4999.99", "Silver"),
        ("5000.00", "Gold"),
        ("900000.00", "Gold"),
    ],
)
def test_the_level_is_the_highest_that_was_reached(open_shop, total, level):
    """erpnext PR #41564: nobody knew for how many years it was the wrong one."""
    shop = open_shop(document(tiers=tiers(("Bronze", 0, None), ("Silver", 1000, 2), ("Gold", 5000, 3))))
    shop.tell(order("o1", total))
    assert shop.tier() == level


def test_what_was_sent_back_reaches_no_level(open_shop):
    """erpnext PR #41564, #32951: a level kept by what was returned, and the points that it multiplied."""
    shop = open_shop(document(tiers=tiers(("Bronze", 0, None), ("Silver", 1000, 2))))
    shop.tell(order("o1", "1000.00", NOW - days(2)))
    shop.tell(order("o2", "10.00", NOW - days(1)))
    assert (shop.points(), shop.tier()) == (1020, "Silver")
    shop.tell(refund("o1", "500.00"))
    assert (shop.points(), shop.tier()) == (510, "Bronze")


def test_spending_points_takes_no_level_away(open_shop):
    """erpnext PR #41564: levels by what was earned, and not by what is left."""
    shop = open_shop(document(tiers=tiers(("Bronze", 0, None), ("Silver", 1000, None), on="points")))
    shop.tell(order("o1", "1000.00", NOW - days(1)))
    shop.ask(ANNA, Spend, "all", currency="points", amount=1000)
    shop.tell(order("o2", "1.00"))
    assert shop.tier() == "Silver"
