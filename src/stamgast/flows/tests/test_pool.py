"""The pool of a household: members give and spend, leave and merge and are erased, and no segment follows it."""

from datetime import timedelta

import pytest

from stamgast.customers.errors import HouseholdNotFound, NotInHousehold
from stamgast.customers.queries import get_customer
from stamgast.flows.audit import run as run_audit
from stamgast.flows.decide_pending import settle_now
from stamgast.flows.erase import erase_within
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.pool import (
    Asked,
    give_to_pool,
    list_who_of,
    pool_id_of,
    read_pool,
    reverse_spend_from_pool,
    spend_from_pool,
    take_from_pool,
)
from stamgast.flows.set_household import set_household
from stamgast.flows.tests.conftest import BY, NOW, coupon, make_spendable, tell
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.errors import ActKeyReused, InsufficientBalance
from stamgast.ledger.queries import get_balances, list_movements
from stamgast.segments.queries import list_memberships

pytestmark = pytest.mark.django_db
ANNA, CARD, BOB = "user_id:anna", "card_number:7001", "user_id:bob"
HOME = "Elm Street 4"


def asked(key):
    return Asked(key, "for the holidays", NOW, "test")


@pytest.fixture
def home(shop):
    make_spendable(NOW)
    tell(*[coupon(200 + n, 20 - n, userId="bob") for n in range(20)])
    for member in (ANNA, BOB):
        set_household(member, HOME, reason="they said so", **BY)


def available(customer):
    with open_cursor() as cursor:
        return {row.currency: row.available for row in get_balances(cursor, get_customer(cursor, customer).id)}["score"]


def pooled():
    with open_cursor() as cursor:
        return next((row.available for row in read_pool(cursor, HOME).balances), 0)


def give(member, amount, key="gift"):
    return give_to_pool(member, currency="score", amount=amount, asked=asked(key))


def spend(member, amount, key="spend"):
    return spend_from_pool(member, currency="score", amount=amount, asked=asked(key))


def who():
    with open_cursor() as cursor:
        rows = list_movements(cursor, pool_id_of(HOME)).rows
        found = list_who_of(cursor, rows)
        return sorted((row.delta, found.get(row.act_id)) for row in rows if row.delta)


def id_of(customer):
    with open_cursor() as cursor:
        return get_customer(cursor, customer).id


def test_members_give_and_spend_what_they_have_together(home):
    before = available(ANNA), available(BOB)
    give(ANNA, 30)
    give(BOB, 20)
    assert (pooled(), available(ANNA), available(BOB)) == (50, before[0] - 30, before[1] - 20)
    spent = spend(BOB, 45)
    assert (spent.amount, spent.available, pooled()) == (45, 5, 5)
    assert spend(BOB, 45).is_repeat
    assert available(BOB) == before[1] - 20
    given = {member: sum(delta for delta, one in who() if one == id_of(member) and delta > 0) for member in (ANNA, BOB)}
    assert given == {ANNA: 30, BOB: 20}
    assert {one for delta, one in who() if delta < 0} == {id_of(BOB)}
    reverse_spend_from_pool(ANNA, spent.act_id, amount=10, asked=asked("back"))
    assert pooled() == 15
    assert run_audit(lambda check, done: None) == []


def test_nothing_goes_below_zero_and_a_refusal_is_kept(home):
    give(ANNA, 10)
    with pytest.raises(InsufficientBalance):
        spend(ANNA, 11)
    with pytest.raises(InsufficientBalance):
        spend(ANNA, 11)
    assert pooled() == 10
    with pytest.raises(ActKeyReused):
        spend(BOB, 11)
    assert spend(BOB, 4, "other").available == 6
    with pytest.raises(ActKeyReused):
        spend(ANNA, 4, "other")
    assert pooled() == 6


def test_who_lives_nowhere_has_no_pool_and_who_left_cannot_reach_it(home):
    give(BOB, 20)
    before = available(BOB)
    set_household(BOB, None, reason="moved out", at=NOW, actor="test")
    for refused in (give, spend):
        with pytest.raises(NotInHousehold):
            refused(BOB, 1, "later")
    assert (pooled(), available(BOB)) == (20, before)
    take_from_pool(HOME, BOB, currency="score", amount=15, asked=asked("settled"))
    assert (pooled(), available(BOB)) == (5, before + 15)
    with pytest.raises(NotInHousehold):
        take_from_pool(HOME, CARD, currency="score", amount=1, asked=asked("stranger"))
    with pytest.raises(HouseholdNotFound), open_cursor() as cursor:
        read_pool(cursor, "nobody lives here")
    assert run_audit(lambda check, done: None) == []


def test_a_merge_of_members_leaves_the_pool_and_names_who_they_are_now(home):
    give(ANNA, 30)
    spend(ANNA, 10)
    together = available(ANNA) + available(CARD)
    merge_customers(ANNA, CARD, reason="one person", **BY)
    assert (pooled(), available(ANNA)) == (20, together)
    assert {one for _, one in who()} == {id_of(ANNA)}
    assert run_audit(lambda check, done: None) == []


def test_what_an_erased_member_gave_stays_and_nobody_is_named(home):
    give(ANNA, 30)
    spend(ANNA, 10)
    set_household(BOB, None, reason="moved out", at=NOW, actor="test")
    with transaction() as cursor:
        erase_within(cursor, ANNA, reason="asked", at=NOW, actor="test")
    assert pooled() == 20
    assert {one for _, one in who()} == {None}
    assert run_audit(lambda check, done: None) == []


def test_no_segment_follows_a_pool_neither_when_it_fills_nor_when_it_expires(home):
    tell(*[coupon(300 + n, 2, userId="anna") for n in range(30)])
    give(ANNA, 150)
    with open_cursor() as cursor:
        assert list_memberships(cursor, [pool_id_of(HOME)]) == {}
        cursor.execute("SELECT count(*) FROM segments_change WHERE customer_id = %s", (pool_id_of(HOME),))
        assert cursor.fetchone() == (0,)
    later = NOW + timedelta(days=2_000)
    while settle_now(at=later, actor="test"):
        pass
    with open_cursor() as cursor:
        cursor.execute("SELECT count(*) FROM segments_change WHERE customer_id = %s", (pool_id_of(HOME),))
        assert cursor.fetchone() == (0,)
    assert pooled() == 0


def test_the_trail_says_who_did_it_once(home):
    give(ANNA, 5)
    give(ANNA, 5)
    with open_cursor() as cursor:
        cursor.execute("SELECT actor, action, subject FROM access_trail WHERE action = 'give to a pool'")
        assert cursor.fetchall() == [("test", "give to a pool", f"household:{HOME}")]
