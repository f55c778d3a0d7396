"""Points of what is sent back, and points that were spent on it."""

import pytest

from stamgast.flows.explain_movement import explain_movement
from stamgast.kit.database import open_cursor
from stamgast.ledger.acts import Capture, Hold, Reverse, Spend
from stamgast.ledger.errors import AboveSpent
from stamgast.ledger.queries import list_movements_between
from stamgast.ledger.types import MovementKind

from .shop import ANNA, EUROS, NOW, days, document, line, message, order, refund

pytestmark = pytest.mark.django_db
BOUGHT = EUROS["when"]
WHOLE = {"field": "quantity", "at_least": 1}


@pytest.mark.parametrize(
    ("bought", "back"),
    [
        ("Order Completed", "Order Refunded"),
        ("Order Completed", "Order Cancelled"),
        ("Till Sale", "Till Return"),
    ],
)
def test_who_buys_and_sends_back_again_and_again_keeps_no_points(open_shop, bought, back):
    """odoo PR #257854, PR #238806; erpnext #32951: points stayed when the order was sent back, without end."""
    shop = open_shop(document())
    for number in range(4):
        shop.tell(order(f"o{number}", "100.00", event=bought))
        assert shop.points() == 100
        shop.tell(order(f"o{number}", "100.00", event=back))
        assert shop.points() == 0


@pytest.mark.parametrize(
    ("rule", "bought", "back", "again"),
    [
        ({"when": BOUGHT}, 20, 10, 20),
        ({"when": {"any_line": {"category": "goods"}}}, 20, 10, 20),
        ({"when": {"field": "amount", "over": 0}}, 20, 10, 20),
        ({"when": BOUGHT, "nth": 1}, 10, 10, 10),
        ({"when": BOUGHT, "nth": 2}, 10, 0, 10),
        ({"when": BOUGHT, "every": 2}, 10, 0, 10),
        ({"when": BOUGHT, "streak": {"count": 2, "per": "day"}}, 10, 0, 10),
        ({"when": BOUGHT, "challenge": {"count": 2, "different": "properties.store", "per": "lifetime"}}, 10, 0, 10),
    ],
    ids=["each", "any line", "any amount", "first", "second", "every second", "streak", "challenge"],
)
@pytest.mark.parametrize(
    ("sold", "came_back"),
    [("Order Completed", "Order Refunded"), ("Order Completed", "Order Cancelled"), ("Till Sale", "Till Return")],
)
def test_who_buys_and_sends_all_of_it_back_keeps_no_gift(open_shop, rule, bought, back, again, sold, came_back):
    """odoo PR #257854: buy, refund, keep the points. What is given once an order, or at a turn, went on counting."""
    shop = open_shop(document({"name": "gift", "give": {"points": 10}, **rule}))

    def sale(name, ago, store, **more):
        return order(name, "20.00", NOW - days(ago), **{"products": [line("a", "20.00")], "store": store, "event": sold} | more)

    shop.tell(sale("o1", 4, "North"))
    shop.tell(sale("o2", 3, "South"))
    assert shop.points() == bought
    shop.tell(sale("o1", 0, "North", event=came_back))
    assert shop.points() == back
    shop.tell(sale("o3", 2, "North"))
    assert shop.points() == again


def test_an_order_that_came_back_whole_fills_no_card_and_reaches_no_level(open_shop):
    """odoo PR #257854, for what is reached by gifts."""
    stamp = {"name": "stamp", "when": BOUGHT, "give": {"stamps": 1}}
    card = {"name": "card", "of": "stamps", "each": 2, "give": {"points": 10}}
    levels = [{"name": "Blue", "from": 0}, {"name": "Gold", "from": 2}]
    tiers = {"qualify_on": "stamps", "period": {"calendar": "year"}, "levels": levels}
    shop = open_shop(document(stamp, currencies={"points": {}, "stamps": {}}, cards=[card], tiers=tiers))
    shop.tell(order("o1", "20.00", NOW - days(2)), order("o2", "20.00", NOW - days(1)))
    assert (shop.points(), shop.points(currency="stamps"), shop.tier()) == (10, 2, "Gold")
    shop.tell(refund("o2"))
    assert (shop.points(), shop.points(currency="stamps"), shop.tier()) == (0, 1, "Blue")
    shop.tell(order("o3", "20.00"))
    assert (shop.points(), shop.points(currency="stamps"), shop.tier()) == (10, 2, "Gold")


def test_the_gift_for_the_second_order_moves_to_the_one_that_is_second_now(open_shop):
    """odoo PR #257854: the gift went to one order, and every order after it was counted as if none had come back."""
    shop = open_shop(document({"name": "second", "when": BOUGHT, "nth": 2, "give": {"points": 10}}))
    shop.tell(*(order(f"o{number}", "20.00", NOW - days(9 - number)) for number in (1, 2, 3)))
    [lot] = shop.lots()
    shop.tell(refund("o1"))
    [moved] = shop.lots()
    assert (moved.effective_at - lot.effective_at, moved.remaining) == (days(1), 10)


def test_an_order_that_comes_back_whole_and_is_told_larger_afterwards_counts_again(open_shop):
    """odoo PR #238806: after the return nothing was right any more."""
    shop = open_shop(document({"name": "first", "when": BOUGHT, "nth": 1, "give": {"points": 10}}))
    shop.tell(order("o1", "20.00", NOW - days(3)))
    shop.tell(refund("o1", "20.00", NOW - days(2)))
    assert shop.points() == 0
    shop.tell(order("o1", "25.00", NOW - days(1), event="Order Updated"))
    assert shop.points() == 10


@pytest.mark.parametrize(
    "back", [refund("o1"), refund("o1", "0.00"), order("o1", event="Order Cancelled")], ids=["back", "of nothing", "cancelled"]
)
def test_an_order_that_is_free_counts_until_it_comes_back(open_shop, back):
    """odoo PR #257854, the other way round: what cost nothing is an order like any other."""
    first = {"name": "first", "when": {"any_line": {"category": "goods"}}, "nth": 1, "give": {"points": 10}}
    shop = open_shop(document(first))
    free = order("o1", "0.00", NOW - days(3), products=[line("a", "0.00")])
    shop.tell(free)
    assert shop.points() == 10
    shop.tell({**free, "messageId": "told by the server too"})
    assert shop.points() == 10
    shop.tell(back)
    assert shop.points() == 0


def test_a_refund_is_worth_something_only_to_a_rule_that_names_it(open_shop):
    """odoo PR #177312: lines of a refund were counted by rules that were meant for sales."""
    lines = {"name": "lines", "when": {"any_line": {"category": "goods"}}, "give": {"points": 10}}
    sorry = {"name": "sorry", "when": {"activity": "Order Refunded"}, "give": {"points": 3}}
    shop = open_shop(document(lines, sorry))
    shop.tell(order("o1", "20.00", products=[line("a", "10.00", 2)]))
    shop.tell(refund("o1", "10.00", products=[line("a", "10.00")]))
    assert shop.points() == 10 + 3
    shop.tell(order("o1", "20.00", event="Order Updated", products=[line("a", "10.00", 2)]))
    assert shop.points() == 10 + 3


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Taken back, because the activity is now worth less. Nothing, because the whole order came back."),
        ("nl", "Teruggenomen, omdat de activiteit nu minder waard is. Niets, omdat de hele bestelling is teruggekomen."),
    ],
)
def test_who_loses_a_gift_is_told_that_the_whole_order_came_back(open_shop, language, said):
    """odoo PR #257854: the points were there or gone, and nobody could say why."""
    shop = open_shop(document({"name": "gift", "when": BOUGHT, "give": {"points": 10}}))
    shop.tell(order("o1", "20.00", NOW - days(1)))
    shop.pass_to(NOW + days(1))
    shop.tell(refund("o1", at=NOW))
    with open_cursor() as cursor:
        movements = list_movements_between(cursor, shop.id_of(ANNA), since=NOW - days(2), until=NOW + days(2))
        [taken] = [one for one in movements if one.kind is MovementKind.REVERSE]
        assert explain_movement(cursor, taken.id, language=language).sentence == said


def test_points_that_were_spent_before_the_refund_are_owed_and_paid_by_the_next_earnings(open_shop):
    """odoo PR #257854: buy, spend the points, send the goods back."""
    shop = open_shop(document())
    shop.tell(order("o1", "100.00"))
    shop.ask(ANNA, Spend, "mug", currency="points", amount=80)
    shop.tell(refund("o1", "100.00"))
    assert (shop.points(), shop.balance().debt) == (0, 80)
    shop.tell(order("o2", "50.00"))
    assert (shop.points(), shop.balance().debt) == (0, 30)
    shop.tell(order("o3", "100.00"))
    assert (shop.points(), shop.balance().debt) == (70, 0)


def test_a_refund_takes_the_points_that_paid_for_the_order_no_second_time(open_shop):
    """odoo PR #212922, PR #221928: the refund of an order paid with points, whole or in part, deducted them again."""
    shop = open_shop(document())
    shop.tell(order("o1", "50.00"))
    spent = shop.ask(ANNA, Spend, "o2", currency="points", amount=20)
    shop.tell(order("o2", "30.00"))
    assert shop.points() == 50 - 20 + 30
    shop.tell(refund("o2", "10.00", number="part"))
    assert shop.points() == 50 - 20 + 20
    shop.tell(refund("o2", "20.00", number="rest"))
    assert shop.points() == 50 - 20
    shop.ask(ANNA, Reverse, "o2 back", spend_id=spent.act_id)
    assert shop.points() == 50


def test_a_part_that_is_sent_back_takes_its_part_of_the_points(open_shop):
    """erpnext #32951: of an invoice of 1000 a return of 100 left all points; Voucherify: no refund of a part."""
    shop = open_shop(document())
    shop.tell(order("o1", "1000.00"))
    shop.tell(refund("o1", "100.00"))
    assert shop.points() == 900


def test_the_balance_is_right_after_points_of_the_sign_up_come_back_from_a_cancelled_order(open_shop):
    """nopCommerce #5595: 50 at sign-up, spent on an order that gave 21; cancelled and given back it was not 50."""
    shop = open_shop(document(EUROS, {"name": "sign-up", "when": {"activity": "Signed Up"}, "give": {"points": 50}}))
    seen = []
    shop.tell(message("Signed Up", 1))
    seen.append(shop.points())
    spent = shop.ask(ANNA, Spend, "o1", currency="points", amount=50)
    seen.append(shop.points())
    shop.tell(order("o1", "21.00"))
    seen.append(shop.points())
    shop.tell(order("o1", event="Order Cancelled"))
    seen.append(shop.points())
    shop.ask(ANNA, Reverse, "o1 back", spend_id=spent.act_id)
    seen.append(shop.points())
    assert seen == [50, 0, 21, 0, 50]


def test_lines_that_come_back_count_for_nothing_in_the_next_purchase(open_shop):
    """odoo PR #177312: two pens sent back made the next two pens worth nothing; only four brought the reward."""
    pens = {"amount": 1, "per": 2, "of": {"quantity": {"category": "pen"}}}
    shop = open_shop(document({**EUROS, "give": {"points": pens}}))
    shop.tell(order("o1", "6.40", event="Till Sale", products=[line("pen", "3.20", 2, category="pen")]))
    assert shop.points() == 1
    shop.tell(order("o1", "6.40", event="Till Return", products=[line("pen", "-3.20", 2, category="pen")]))
    assert shop.points() == 0
    shop.tell(order("o2", "6.40", event="Till Sale", products=[line("pen", "3.20", 2, category="pen")]))
    assert shop.points() == 1


def test_what_is_given_back_is_what_was_taken_and_not_what_was_there(open_shop):
    """odoo PR #274951, review: of 30 points an order of 20 used 20, and the refund gave 30 back."""
    shop = open_shop(document())
    shop.tell(order("o1", "30.00"))
    hold = shop.ask(ANNA, Hold, "basket", currency="points", amount=30, lasts=days(1))
    paid = shop.ask(ANNA, Capture, "paid", hold_id=hold.act_id, amount=20)
    assert (paid.amount, shop.points()) == (20, 10)
    with pytest.raises(AboveSpent):
        shop.ask(ANNA, Reverse, "too much", spend_id=hold.act_id, amount=30)
    assert shop.ask(ANNA, Reverse, "back", spend_id=hold.act_id).amount == 20
    assert shop.points() == 30


def test_points_that_were_redeemed_can_come_back_in_parts_and_no_more_than_once(open_shop):
    """Square: what is REDEEMED is final and no points come back; Voucherify: only as a whole."""
    shop = open_shop(document())
    shop.tell(order("o1", "100.00"))
    spent = shop.ask(ANNA, Spend, "three mugs", currency="points", amount=90)
    for number in range(3):
        shop.ask(ANNA, Reverse, f"mug {number}", spend_id=spent.act_id, amount=30)
    assert shop.points() == 100
    with pytest.raises(AboveSpent):
        shop.ask(ANNA, Reverse, "a fourth", spend_id=spent.act_id, amount=1)
    assert shop.points() == 100


def test_the_discount_of_a_line_stays_its_own_when_another_line_is_sent_back(open_shop):
    """vendure #4811: the order's discount was spread again over the lines that were left."""
    wine = {
        "name": "wine",
        "when": EUROS["when"],
        "give": {"points": {"amount": 1, "per": 1, "of": {"lines": {"category": "wine"}}}},
    }
    shop = open_shop(document(wine))
    lines = [line("w", "100.00", revenue="80.00", category="wine"), line("b", "50.00", revenue="40.00", category="bread")]
    shop.tell(order("o1", "120.00", products=lines))
    assert shop.points() == 80
    shop.tell(refund("o1", "40.00", products=[lines[1]]))
    assert shop.points() == 80
    shop.tell(refund("o1", "80.00", products=[lines[0]], number="rest"))
    assert shop.points() == 0


def test_a_refund_of_a_part_takes_what_was_paid_for_it_and_not_its_price(open_shop):
    """saleor #7271: the refund of a part forgot the voucher's share. 100 less 20, half of it back."""
    shop = open_shop(document())
    shop.tell(order("o1", "80.00", discount="20.00", products=[line("a", "50.00"), line("b", "50.00")]))
    shop.tell(refund("o1", "40.00", products=[line("b", "50.00", revenue="40.00")]))
    assert shop.points() == 40


@pytest.mark.parametrize("backs", [["150.00"], ["60.00", "60.00"], [None], ["30.00", None], ["100.00", None, "5.00"]])
def test_more_cannot_come_back_than_was_bought(open_shop, backs):
    """odoo PR #257854: refunds that together are more than the order; they took points of other orders."""
    shop = open_shop(document())
    shop.tell(order("o1", "100.00"), order("o2", "7.00"))
    for number, total in enumerate(backs):
        shop.tell(refund("o1", total, number=f"back {number}"))
    assert (shop.points(), shop.balance().debt) == (7, 0)


def test_a_refund_that_is_sent_twice_is_one(open_shop):
    """odoo PR #212922: deducted twice."""
    shop = open_shop(document())
    shop.tell(order("o1", "100.00"))
    shop.tell(refund("o1", "30.00"), refund("o1", "30.00"))
    shop.tell(refund("o1", "30.00"))
    assert shop.points() == 70


def test_a_refund_that_comes_in_before_its_order_waits_for_it(open_shop):
    """odoo PR #270532: what was sold without a connection comes in late, and not in its order."""
    shop = open_shop(document())
    shop.tell(refund("o1", "30.00", NOW))
    shop.tell(order("o1", "100.00", NOW - days(1)))
    assert shop.points() == 70


def test_points_are_taken_back_by_the_rules_that_gave_them(open_shop):
    """nopCommerce #5757, beside #5595: a refund was worth what the rules of today say."""
    shop = open_shop(document())
    shop.tell(order("o1", "100.00"))
    shop.pass_to(NOW + days(10))
    shop.publish(document({**EUROS, "give": {"points": {"amount": 3, "per": 1}}}))
    shop.tell(refund("o1", "40.00", NOW + days(10)))
    assert shop.points() == 60


def test_the_document_says_whether_points_are_given_for_the_price_or_for_what_was_paid(open_shop):
    """odoo #114004: before the reward or after it is a choice. 100, of which 20 were paid with points."""
    price = {**EUROS, "name": "price", "give": {"stars": {"amount": 1, "per": 1, "of": {"lines": WHOLE}}}}
    shop = open_shop(document(EUROS, price, currencies={"points": {}, "stars": {}}))
    shop.tell(order("o1", "80.00", products=[line("a", "60.00"), line("b", "20.00", 2)]))
    assert (shop.points(), shop.points(currency="stars")) == (80, 100)


def test_a_reward_line_is_no_purchase(open_shop):
    """odoo #150833, beside #177312: the line of the reward itself counted as a point."""
    pieces = {"amount": 1, "per": 1, "of": {"quantity": {"category": "goods"}}}
    shop = open_shop(document({**EUROS, "give": {"points": pieces}}))
    lines = [line("a", "10.00", 5), line("reward", "-5.00", 1, category="reward")]
    shop.tell(order("o1", "45.00", products=lines))
    assert shop.points() == 5
