"""Many at once at one balance, on connections of their own. What happens without the locks is in ``ledger/tests``."""

import threading
from collections import Counter

import pytest
from django.db import connection

from stamgast.flows.decide_pending import decide_pending
from stamgast.kit.errors import StamgastError
from stamgast.ledger.acts import Capture, Hold, Release, Reverse, Spend, Transfer

from .shop import ANNA, BEN, EUROS, NOW, days, document, order

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls):
    """Calls all from threads of their own, as near to one moment as can be; what each answered or was refused for."""
    start, told = threading.Barrier(len(calls)), []

    def run(call):
        try:
            start.wait(30)
            told.append(call())
        except StamgastError as refused:
            told.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(told) == len(calls)
    return told


def refusals(told):
    return Counter(one for one in told if isinstance(one, str))


@pytest.fixture
def shop(open_shop):
    """Anna has 100 points and Ben 1."""
    shop = open_shop(document())
    shop.tell(order("o1", "100.00"), order("o2", "1.00", user="ben"))
    return shop


def test_twenty_gifts_at_once_of_all_points_give_them_once(shop):
    """fuint #71: 20 parallel gifts of 100 points from an account of 100 credited 2,000."""
    ben = shop.id_of(BEN)
    gift = [
        lambda n=n: shop.ask(ANNA, Transfer, f"gift {n}", currency="points", amount=100, receiver_id=ben) for n in range(20)
    ]
    assert refusals(at_once(*gift)) == {"insufficient_balance": 19}
    assert (shop.points(ANNA), shop.points(BEN)) == (0, 101)


def test_one_balance_is_redeemed_once_by_many_tills(shop):
    """medusa PR #16347 (one gift card redeemed more than once); saleor #544, PR #15855; django-oscar PR #4612, #4580;
    POSNext #198; PrestaShop #29493."""
    told = at_once(*[lambda n=n: shop.ask(ANNA, Spend, f"till {n}", currency="points", amount=60) for n in range(10)])
    assert refusals(told) == {"insufficient_balance": 9}
    assert shop.points() == 40


def test_what_was_set_aside_is_settled_once(shop):
    """vendure PR #4660: the lock was let go before the settlement, in five fixes one after another."""
    hold = shop.ask(ANNA, Hold, "basket", currency="points", amount=60, lasts=days(1)).act_id
    captures = [lambda n=n: shop.ask(ANNA, Capture, f"paid {n}", hold_id=hold) for n in range(6)]
    releases = [lambda n=n: shop.ask(ANNA, Release, f"left {n}", hold_id=hold) for n in range(6)]
    assert refusals(at_once(*captures, *releases)) == {"hold_ended": 11}
    assert shop.points() in (40, 100)
    assert shop.balance().held == 0


def test_a_spend_is_given_back_once_by_many(shop):
    """nopCommerce #6487; Square: a redemption taken back twice."""
    spend = shop.ask(ANNA, Spend, "mug", currency="points", amount=60).act_id
    told = at_once(*[lambda n=n: shop.ask(ANNA, Reverse, f"back {n}", spend_id=spend) for n in range(8)])
    assert refusals(told) == {"above_spent": 7}
    assert shop.points() == 100


def test_points_are_set_aside_before_there_is_an_order(shop):
    """shopper #510: the counter was looked at after the order was made, so that both orders were."""
    baskets = [lambda n=n: shop.ask(ANNA, Hold, f"b {n}", currency="points", amount=80, lasts=days(1)) for n in range(2)]
    told = at_once(*baskets)
    assert refusals(told) == {"insufficient_balance": 1}
    [hold] = [one for one in told if not isinstance(one, str)]
    assert shop.ask(ANNA, Capture, "order", hold_id=hold.act_id).amount == 80
    assert shop.points() == 20


def test_a_cap_of_a_rule_holds_when_many_workers_decide(open_shop):
    """medusa PR #13760: a limit that is read, and then written, is passed by those who read before."""
    shop = open_shop(document({**EUROS, "cap": {"points": 25, "per": "lifetime"}}))
    shop.take_in(*[order(f"o{number}", "10.00", NOW - days(number)) for number in range(12)])

    def work():
        while decide_pending(at=NOW, actor="worker", limit=1):
            pass

    assert at_once(*[work] * 4) == [None] * 4
    work()
    assert shop.points() == 25
