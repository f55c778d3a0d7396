"""Households: at most one at a time, whatever order they are told in, and following the customer that is meant."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from stamgast.customers import operations
from stamgast.customers.errors import HouseholdNotFound, InvalidHousehold, ReasonMissing
from stamgast.customers.households import get_household, list_stays, set_household
from stamgast.customers.queries import get_customer
from stamgast.customers.types import Sighting
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import derive_id

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def told(day: int, household: object, *identifiers: str, is_reissue: bool = False) -> Sighting:
    at = START + timedelta(days=day)
    traits = {} if is_reissue else {"household_id": household}
    return Sighting(
        derive_id("told", f"{day} {identifiers}"), at, at, identifiers, "shop", traits=traits, is_reissue=is_reissue
    )


def resolve(*sightings: Sighting) -> None:
    with transaction() as cursor:
        operations.resolve(cursor, sightings, at=NOW, actor="worker")


def stays(reference: str) -> list[tuple[str, int, int | None]]:
    with open_cursor() as cursor:
        customer = get_customer(cursor, reference).id
        found = list_stays(cursor, [customer]).get(customer, [])
    return [(one.household, (one.began_at - START).days, one.ended_at and (one.ended_at - START).days) for one in found]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5))))
def test_stays_are_the_same_in_any_order(order: tuple[int, ...]) -> None:
    history = [
        told(1, "h1", "user_id:1"),
        told(2, "h1", "user_id:1"),
        told(3, "h2", "user_id:1"),
        told(5, None, "user_id:1"),
        told(9, 7, "user_id:1"),
    ]
    for place in order:
        resolve(history[place], history[place])
    assert stays("user_id:1") == [("h1", 1, 3), ("h2", 3, 5), ("7", 9, None)]


def test_what_is_no_id_says_nothing() -> None:
    resolve(told(1, "h1", "user_id:1"), told(2, "", "user_id:1"), told(3, ["h2"], "user_id:1"), told(4, True, "user_id:1"))
    assert stays("user_id:1") == [("h1", 1, None)]


def test_households_follow_merges_and_withdrawals() -> None:
    resolve(told(1, "h1", "user_id:1"), told(4, "h2", "card_number:9"))
    with transaction() as cursor:
        ids = [operations_id(cursor, "user_id:1"), operations_id(cursor, "card_number:9")]
        judged = operations.judge(cursor, *ids, is_same=True, reason="r", at=NOW, actor="staff:a")
    assert stays("user_id:1") == stays("card_number:9") == [("h1", 1, 4), ("h2", 4, None)]
    with transaction() as cursor:
        operations.withdraw(cursor, judged.judgement.id, reason="r", at=NOW, actor="staff:a")
    assert (stays("user_id:1"), stays("card_number:9")) == ([("h1", 1, None)], [("h2", 4, None)])


def operations_id(cursor, reference):
    cursor.execute("SELECT id FROM customers_identifier WHERE kind || ':' || value = %s", (reference,))
    return cursor.fetchone()[0]


def test_staff_put_customers_together_and_take_them_out() -> None:
    resolve(told(1, "h1", "user_id:1"), told(2, "h1", "user_id:2"))
    with transaction() as cursor:
        two = get_customer(cursor, "user_id:2").id
        set_household(cursor, two, None, reason="moved out", at=START + timedelta(days=30), actor="staff:a")
        members = get_household(cursor, "h1")
    assert [(one.ended_at is None, one.actor) for one in members] == [(True, "shop"), (False, "shop")]
    with transaction() as cursor:
        for household, reason, refused in (("", "r", InvalidHousehold), ("h2", " ", ReasonMissing)):
            with pytest.raises(refused):
                set_household(cursor, two, household, reason=reason, at=NOW, actor="staff:a")
        with pytest.raises(HouseholdNotFound):
            get_household(cursor, "h2")


def test_a_reissued_card_is_the_same_customers_above_any_limit() -> None:
    resolve(told(1, "h1", "card_number:1"), told(2, "h1", "card_number:3"))
    resolve(told(3, None, "card_number:2", "card_number:1", is_reissue=True))
    with open_cursor() as cursor:
        assert get_customer(cursor, "card_number:1").id == get_customer(cursor, "card_number:2").id
        assert get_customer(cursor, "card_number:3").id != get_customer(cursor, "card_number:2").id
