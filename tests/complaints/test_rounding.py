"""Cents and points that should come out even: what was paid is read once and never counted again from its parts."""

import json

import pytest

from stamgast.ledger.acts import Spend
from stamgast.ledger.errors import InsufficientBalance

from .shop import ANNA, CENTS, EUROS, document, line, order, refund

pytestmark = pytest.mark.django_db
ORDERS = {
    "odoo PR #156897: 5.60, 8.92, 44.91, 217.26, 2400.00 at 15 %": (
        ["6.44", "10.258", "51.6465", "249.849", "2760.00"],
        ("3078.19", "3078.20"),
    ),
    "odoo PR #237624: 9.99 twice at 19.99 %": (["11.987001", "11.987001"], ("23.97", "23.98")),
    "odoo PR #271032: 11.50 twice at 15 %": (["13.225", "13.225"], ("26.45", "26.46")),
    "odoo PR #275961: 42.609 twice at 15 %, less 20.4 %": (["39.0043", "39.0043"], ("78.00", "78.01")),
    "odoo PR #271577: 76.01 at 21 %": (["91.9721"], ("91.97", "91.97")),
}
"""The prices with tax, and what the whole costs rounded once, and line by line."""
EVERY_ORDER = pytest.mark.parametrize(("prices", "totals"), ORDERS.values(), ids=ORDERS)


@EVERY_ORDER
@pytest.mark.parametrize("which", [0, 1])
def test_what_was_paid_counts_however_the_lines_would_round(open_shop, prices, totals, which):
    """odoo PR #156897, PR #237624, PR #271032, PR #275961, PR #271577: the till and the server rounded otherwise."""
    shop = open_shop(document(CENTS))
    shop.tell(order("o1", totals[which], products=[line(str(n), price) for n, price in enumerate(prices)]))
    assert shop.points() == int(totals[which].replace(".", ""))


@EVERY_ORDER
@pytest.mark.parametrize("which", [0, 1])
def test_sent_back_line_by_line_no_cent_is_left_to_give_points_for(open_shop, prices, totals, which):
    """odoo PR #156897, PR #237624, PR #271032, PR #275961, PR #271577: 0.01 was left, or 0.01 too much taken."""
    shop = open_shop(document(CENTS))
    lines = [line(str(n), price) for n, price in enumerate(prices)]
    shop.tell(order("o0", "1.00"), order("o1", totals[which], products=lines))
    for number, one in enumerate(lines[:-1]):
        shop.tell(refund("o1", products=[one], number=f"line {number}"))
    shop.tell(refund("o1", number="the last"))
    assert (shop.points(), shop.balance().debt) == (100, 0)


@EVERY_ORDER
def test_what_a_discount_of_all_makes_free_gives_nothing(open_shop, prices, totals):
    """odoo PR #156897, PR #237624, PR #271032: 100 % off was 0.01."""
    shop = open_shop(document({**CENTS, "give": {"points": 5}, "when": {"field": "amount", "over": 0}}))
    lines = [line(str(n), price, discount=price) for n, price in enumerate(prices)]
    shop.tell(order("o1", "0.00", products=lines))
    assert shop.points() == 0


def test_a_line_is_rounded_once_after_its_quantity(open_shop):
    """saleor tests/test_rounding_issue.py: 4 times 0.255 is 1.02, and 1.04 when each piece is rounded."""
    shop = open_shop(document(CENTS))
    shop.tell(order("o1", products=[line("a", "0.255", 4)]))
    assert shop.points() == 102


def test_a_discount_that_is_a_line_is_taken_off_the_sum(open_shop):
    """odoo PR #271577: 76.01 at 21 % is 91.97, less 10 %."""
    shop = open_shop(document(CENTS))
    shop.tell(order("o1", products=[line("a", "91.9721"), line("discount", "-9.19721")]))
    assert shop.points() == 9197 - 920


@pytest.mark.parametrize("points", [1, 3, 33, 101, 303, 3029, 3030, 3031, 100_000])
def test_points_at_three_hundredths_are_exact(open_shop, points):
    """odoo PR #219640: 3030 points at 0.03 each; as a float it used too many points."""
    shop = open_shop(document({**EUROS, "give": {"points": {"amount": 1, "per": 0.03}}}))
    worth = f"{points * 3 // 100}.{points * 3 % 100:02}"
    shop.tell(order("o1", worth))
    assert shop.points() == points
    with pytest.raises(InsufficientBalance):
        shop.ask(ANNA, Spend, "one more", currency="points", amount=points + 1)
    assert shop.ask(ANNA, Spend, "all", currency="points", amount=points).available == 0


@pytest.mark.parametrize("total", ["-1.6e-14", "1.6e-14", "-0.0", "-0.004", "0.0049999"])
def test_a_total_that_is_nothing_but_noise_is_nothing(open_shop, total):
    """medusa #12226: a total of -1.6e-14, as JSON writes it."""
    shop = open_shop(document(CENTS, {"name": "visit", "when": {"field": "amount", "over": 0}, "give": {"points": 7}}))
    shop.tell(json.dumps(order("o1", 98765)).replace("98765", total).encode())
    assert (shop.points(), shop.balance().debt) == (0, 0)


@pytest.mark.parametrize(
    ("total", "cents"),
    [
        ("14.9925", 1499),
        ("14.995", 1500),
        ("14.985", 1499),
        ("14.9949999999999999999999", 1499),
        (14.995, 1500),
        (0.1 + 0.2, 30),
    ],
)
def test_a_half_cent_goes_up_wherever_it_comes_from(open_shop, total, cents):
    """saleor #12040: 19.99 less 25 % is 14.9925, and which way it rounds was said nowhere."""
    shop = open_shop(document(CENTS))
    shop.tell(order("o1", total))
    assert shop.points() == cents


@pytest.mark.parametrize(("rounding", "given"), [("down", 14), ("nearest", 15), ("up", 15)])
def test_half_a_point_goes_as_the_document_says(open_shop, rounding, given):
    """saleor #12040: the direction of rounding is stated, in one place."""
    shop = open_shop(document(round=rounding))
    shop.tell(order("o1", "14.50"))
    assert shop.points() == given


@pytest.mark.parametrize("rounding", ["down", "nearest", "up"])
def test_parts_sent_back_leave_what_the_rest_is_worth_and_round_no_second_time(open_shop, rounding):
    """odoo PR #219640, saleor #7271: each part rounded by itself adds up to another number."""
    shop = open_shop(document(round=rounding))
    shop.tell(order("o1", "10.00"))
    left = []
    for number, total in enumerate(("3.33", "3.33", "3.33", "0.01")):
        shop.tell(refund("o1", total, number=f"part {number}"))
        left.append(shop.points())
    assert left == {"down": [6, 3, 0, 0], "nearest": [7, 3, 0, 0], "up": [7, 4, 1, 0]}[rounding]


@pytest.mark.parametrize(("per", "rounding", "given"), [(0.2, "down", 99), (0.2, "nearest", 100), (1, "down", 19)])
def test_cash_back_of_five_percent_is_in_whole_cents(open_shop, per, rounding, given):
    """odoo #147433: cash back. 5 % of 19.99 is 99.95 cents; or 1 cent for each whole euro."""
    back = {"name": "back", "when": EUROS["when"], "give": {"cash": {"amount": 1, "per": per}}}
    shop = open_shop(document(back, currencies={"cash": {}}, round=rounding))
    shop.tell(order("o1", "19.99"))
    assert shop.points(currency="cash") == given
