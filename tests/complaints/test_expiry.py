"""Points that expire: those that should, all of them, at their moment, and no others."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from stamgast.ledger.acts import Adjust, Issue, Reverse, Spend, Transfer
from stamgast.ledger.errors import InsufficientBalance

from .shop import ANNA, BEN, EUROS, NOW, ZONE, days, document, order, refund

pytestmark = pytest.mark.django_db
MONTH = {"points": {"expires": {"after": "30 days"}}}
INSTANT = timedelta(microseconds=1)


def test_what_was_spent_is_not_taken_off_again_when_the_points_it_came_from_expire(open_shop):
    """FloCafe #78: expired credits dropped out while the debits stayed, and the balance collapsed."""
    shop = open_shop(document(currencies=MONTH))
    shop.tell(order("old", "100.00", NOW))
    shop.ask(ANNA, Spend, "mug", currency="points", amount=80)
    shop.pass_to(NOW + days(20))
    shop.tell(order("new", "50.00", NOW + days(20)))
    assert shop.points() == 70
    shop.pass_to(NOW + days(30))
    assert (shop.points(), shop.balance().debt) == (50, 0)
    shop.pass_to(NOW + days(50))
    assert (shop.points(), shop.balance().debt) == (0, 0)


def test_every_lot_with_an_expiry_expires_whatever_gave_it(open_shop):
    """liberusoftware/ecommerce-laravel PR #1056: lots with another label never expired."""
    second = {"name": "more", "when": {"activity": "Till Sale"}, "give": {"points": 10}}
    shop = open_shop(document(EUROS, second, currencies=MONTH))
    end = NOW + days(30)
    shop.tell(order("o1", "100.00"), order("o2", "5.00", event="Till Sale"), order("o3", "40.00", user="ben"))
    shop.ask(ANNA, Adjust, "sorry", currency="points", amount=20, expires_at=end)
    shop.ask(ANNA, Issue, "partner", currency="points", amount=3, partner="Bakery", expires_at=end)
    shop.ask(BEN, Transfer, "gift", currency="points", amount=40, receiver_id=shop.id_of(ANNA))
    spent = shop.ask(ANNA, Spend, "mug", currency="points", amount=9)
    shop.ask(ANNA, Reverse, "back", spend_id=spent.act_id)
    assert shop.points() == 100 + 5 + 10 + 20 + 3 + 40
    assert {lot.expires_at for lot in shop.lots()} == {end}
    shop.pass_to(end - INSTANT)
    assert shop.points() == 178
    shop.pass_to(end)
    assert (shop.points(), shop.lots()) == (0, [])


def test_what_has_expired_cannot_be_spent_before_anybody_swept_it_up(open_shop):
    """drupal userpoints patch 885174; FloCafe #62, beside #78: expiry that waits for a job."""
    shop = open_shop(document(currencies=MONTH))
    shop.tell(order("o1", "100.00"))
    shop.now = NOW + days(30)
    with pytest.raises(InsufficientBalance):
        shop.ask(ANNA, Spend, "mug", currency="points", amount=1)
    shop.pass_to(shop.now)
    shop.pass_to(shop.now + days(1))
    assert (shop.points(), shop.balance().debt) == (0, 0)


def test_what_expires_first_is_spent_first(open_shop):
    """odoo PR #206048: a later award was used while an earlier one lapsed."""
    shop = open_shop(document(currencies=MONTH))
    shop.tell(order("o1", "60.00", NOW - days(20)), order("o2", "60.00", NOW))
    shop.ask(ANNA, Spend, "mug", currency="points", amount=60)
    shop.pass_to(NOW + days(10))
    assert shop.points() == 60


def test_a_refund_of_what_has_expired_takes_nothing_more(open_shop):
    """FloCafe #78: the same points taken twice, by the clock and by the refund."""
    shop = open_shop(document(currencies=MONTH))
    shop.tell(order("o1", "100.00"))
    shop.pass_to(NOW + days(40))
    shop.tell(order("o2", "7.00", shop.now))
    shop.tell(refund("o1", "100.00", shop.now))
    assert (shop.points(), shop.balance().debt) == (7, 0)


@pytest.mark.parametrize(
    ("zone", "end"),
    [
        (ZONE, "2026-07-02T00:00+02:00"),
        ("America/Los_Angeles", "2026-07-02T00:00-07:00"),
        ("Pacific/Kiritimati", "2026-07-03T00:00+14:00"),  # there the order was on the second of June
    ],
)
def test_points_expire_when_their_last_day_ends_in_the_programmes_zone(open_shop, zone, end):
    """Kademi #4759: they expired at midnight of the server's zone."""
    shop = open_shop(document(currencies={"points": {"expires": {"after": "30 days", "at": "end of day"}}}, zone=zone))
    shop.tell(order("o1", "100.00"))
    over = datetime.fromisoformat(end).astimezone(UTC)
    shop.pass_to(over - INSTANT)
    assert shop.points() == 100
    shop.pass_to(over)
    assert shop.points() == 0


def test_deciding_again_moves_no_expiry(open_shop):
    """woocommerce-android PR #16279: each save moved the date by the zone's hours."""
    shop = open_shop(document(currencies={"points": {"expires": {"after": "5 months", "at": "end of day"}}}))
    shop.tell(order("o1", "100.00"))
    end = datetime(2026, 11, 2, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)  # beyond the end of summer time
    for number in range(4):
        shop.pass_to(NOW + days(number))
        shop.tell(refund("o1", "1.00", shop.now, number=f"back {number}"))
        assert [(lot.given, lot.expires_at) for lot in shop.lots()] == [(99 - number, end)]
