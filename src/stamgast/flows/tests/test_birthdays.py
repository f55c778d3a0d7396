"""Points in the month of a birthday: whenever, wherever and however it is told, the ledger is what replay gives."""

from datetime import timedelta
from itertools import count

import pytest

from stamgast.customers.birthdays import birth_months, month_of
from stamgast.customers.queries import find_customer, list_traits
from stamgast.flows.audit import run as audit
from stamgast.flows.erase import erase
from stamgast.flows.install import BEGINNING, install
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.publish import put_in_force
from stamgast.flows.tests.conftest import BY, NOW, coupon, order, tell
from stamgast.flows.unmerge_customers import withdraw_judgement
from stamgast.kit.database import open_cursor
from stamgast.ledger.queries import get_balances

BIRTHDAYS = """programme: default
timezone: Europe/Amsterdam
currencies: {points: {}}
earn:
  - name: coupon
    when: {activity: Coupon Redeemed}
    give: {points: 1}
  - name: birthday
    when: {all: [{activity: Coupon Redeemed}, {birthday_month: true}]}
    give: {points: 10}
    cap: {points: 10, per: year}
"""
NUMBERS = count()


@pytest.fixture
def club(db):
    """Anna used a coupon in April and two in May, without a word about her birthday."""
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    put_in_force(BIRTHDAYS, effective_from=BEGINNING, at=NOW, actor="test", reason="test")
    tell(coupon(1, 40, userId="anna"), coupon(2, 20, userId="anna"), coupon(3, 10, userId="anna"))


def identify(days_ago=0, *, who="anna", **traits):
    number = next(NUMBERS)  # each a second later than the one before
    at = (NOW - timedelta(days=days_ago, hours=1) + timedelta(seconds=number)).isoformat()
    return {"type": "identify", "userId": who, "messageId": f"i{number}", "timestamp": at, "traits": traits}


def points(reference="user_id:anna"):
    """Of a customer, after the audit found nothing to say."""
    assert audit(lambda check, rows: None) == []
    with open_cursor() as cursor:
        customer = find_customer(cursor, reference)
        assert customer is not None
        return sum(balance.available for balance in get_balances(cursor, customer.id))


def test_a_birthday_that_is_told_later_gives_for_what_was_before_and_a_corrected_one_takes_it_back(club):
    assert points() == 3
    tell(identify(birthday="1990-05-12"))
    assert points() == 13, "the cap lets one of two through"
    tell(identify(birthday="1990-05-31", name="Anna"))
    assert points() == 13
    tell(identify(birthday="1990-07-12"))
    assert points() == 3
    tell(identify(birthday="1990-04-30"))
    assert points() == 13
    tell(identify(birthday=None))
    assert points() == 3


def test_what_is_told_of_before_what_is_known_changes_nothing(club):
    tell(identify(birthday="1990-05-12"))
    tell(identify(5, birthday="1990-07-12"))
    assert points() == 13


def test_another_trait_that_was_told_last_counts(club):
    tell(identify(9, birth_date="1990-07-12"), identify(8, birthday="1990-05-12"))
    assert points() == 13
    tell(identify(7, birth_date="1990-07-12"))
    assert points() == 3, "the value was known, but not as the last"
    tell(identify(6, birth_month=5))
    assert points() == 13


def test_a_customer_is_decided_on_with_the_birthday_that_is_known(club):
    tell(identify(birthday="1990-06-12"))
    tell(coupon(4, 0, userId="anna"))
    assert points() == 14
    tell(coupon(5, 15, userId="bob"), identify(0, who="bob", birthday="1980-05-01"))
    tell(coupon(6, 0, userId="bob"))
    assert points("user_id:bob") == 12


@pytest.mark.parametrize(
    "value", ["1990-13-12", "1990-02-30", "--05-12", "05/12/1990", "", 5, True, ["1990-05-12"], {"month": 5}]
)
def test_what_is_no_birthday_is_none(club, value):
    tell(identify(birthday=value))
    assert points() == 3


@pytest.mark.parametrize(
    ("name", "value", "month"),
    [
        ("birthday", "1990-05-12", 5),
        ("birth_date", " 1992-02-29 ", 2),
        ("date_of_birth", "1990-05-12T00:00:00.000Z", 5),
        ("birthday", "1990-05-12T00:00:00+02:00", 5),
        ("birthday", "1990-05-31T22:00:00.000Z", None),  # the first of June in Amsterdam
        ("birthday", "1990-05-12 00:00:00", 5),
        ("birthday", "1991-02-29", None),
        ("birthday", "0000-05-12", None),
        ("birthday", "1990-05-12 or so", None),
        ("birthday", "٢٠٠٠-05-12", None),
        ("birthday", 5, None),
        ("birth_month", 12, 12),
        ("birth_month", 13, None),
        ("birth_month", 0, None),
        ("birth_month", True, None),
        ("birth_month", 5.0, None),
        ("birth_month", "5", 5),
        ("birth_month", " 05", 5),
        ("birth_month", "５", None),
        ("birth_month", "may", None),
        ("birth_month", "1.0", None),
        ("birth_month", None, None),
    ],
)
def test_the_month_of_a_trait(name, value, month):
    assert month_of(name, value) == month


def test_a_merge_brings_the_birthday_and_its_withdrawal_takes_it_away(club):
    tell(identify(0, who="annie", birthday="1990-05-12"), coupon(7, 12, userId="annie"))
    assert (points(), points("user_id:annie")) == (3, 11)
    effect = merge_customers("user_id:anna", "user_id:annie", reason="one person", **BY)
    assert points() == 14
    withdraw_judgement(effect.judgement.id, reason="two after all", **BY)
    assert (points(), points("user_id:annie")) == (3, 11)


def test_who_is_erased_keeps_the_month_and_no_more_of_the_birthday(club):
    tell(identify(birthday="1990-05-12"))
    with open_cursor() as cursor:
        customer = find_customer(cursor, "user_id:anna")
    erase("user_id:anna", reason="asked", **BY)
    assert points(str(customer.id)) == 13
    with open_cursor() as cursor:
        assert [(trait.name, trait.value) for trait in list_traits(cursor, customer.id)] == [("birth_month", 5)]
    tell(coupon(8, 30, userId="anna"), identify(birthday="1990-07-12", who="anna"))
    assert points(str(customer.id)) == 14


def test_a_programme_that_asks_for_no_birthday_leaves_none_with_who_is_erased(db):
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    tell(order(1, 9, "A1", userId="anna"), identify(birthday="1990-05-12"))
    with open_cursor() as cursor:
        customer = find_customer(cursor, "user_id:anna")
        assert birth_months(cursor, [customer.id]) == {customer.id: 5}
    erase("user_id:anna", reason="asked", **BY)
    with open_cursor() as cursor:
        assert birth_months(cursor, [customer.id]) == {}
