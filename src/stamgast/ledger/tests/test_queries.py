"""Pages of movements, and what is not there."""

import pytest

from stamgast.kit.database import transaction
from stamgast.kit.ids import derive_id
from stamgast.kit.paging import InvalidCursor
from stamgast.ledger.errors import MovementNotFound
from stamgast.ledger.operations import expire_due
from stamgast.ledger.queries import (
    get_movement,
    list_available,
    list_given,
    list_lots,
    list_movements,
    list_movements_between,
    list_owner_timeline,
    sum_given,
)
from stamgast.ledger.tests.examples import ADA, BOB, CEM, day, give, wanted
from stamgast.ledger.types import to_microseconds

pytestmark = pytest.mark.django_db
ORDER = derive_id("activity", "order 1")


def test_pages_hold_each_movement_once_latest_first() -> None:
    with transaction() as cursor:
        give(cursor, *(wanted(activity=f"order {n}", occurred_at=day(n // 3)) for n in range(10)), wanted(BOB))
        seen, after = [], None
        while True:
            page = list_movements(cursor, ADA, after=after, limit=3)
            seen += page.rows
            after = page.next_cursor
            if after is None:
                break
        assert len({row.id for row in seen}) == len(seen) == 10
        assert [row.effective_at for row in seen] == sorted((row.effective_at for row in seen), reverse=True)


@pytest.mark.parametrize("after", ["nonsense", "WzEsMl0", "WzEsIngiXQ"])
def test_cursor_of_another_list_is_refused(after: str) -> None:
    with transaction() as cursor, pytest.raises(InvalidCursor):
        list_movements(cursor, ADA, after=after)


def test_movement_that_is_not_there_is_not_found() -> None:
    with transaction() as cursor, pytest.raises(MovementNotFound) as refusal:
        get_movement(cursor, derive_id("nothing"))
    assert refusal.value.code == "movement_not_found"


def test_owners_are_kept_apart() -> None:
    with transaction() as cursor:
        give(cursor, wanted(ADA), wanted(BOB, amount=3, currency="points"))
        assert list_available(cursor, [ADA, BOB, CEM]) == {ADA: {"score": 10}, BOB: {"points": 3}}
        assert [(change.owner_id, change.delta) for change in list_owner_timeline(cursor, {BOB: day(0)})] == [(BOB, 3)]
        assert list_available(cursor, []) == {}
        assert list_lots(cursor, CEM) == []


def test_a_timeline_begins_at_a_moment_of_each_owner() -> None:
    with transaction() as cursor:
        for owner in (ADA, BOB):
            give(cursor, *(wanted(owner, f"order {n}", n, occurred_at=day(n)) for n in (1, 2, 3)))
        changes = list_owner_timeline(cursor, {ADA: day(2), BOB: day(3)})
        assert sorted((change.owner_id, change.delta) for change in changes) == sorted([(ADA, 2), (ADA, 3), (BOB, 3)])


def test_sums_and_windows_say_what_was_given_and_expired() -> None:
    with transaction() as cursor:
        give(cursor, wanted(amount=10, occurred_at=day(0), expires_at=day(3)), at=day(0))
        give(cursor, wanted(BOB, amount=9, occurred_at=day(2)), wanted(CEM, amount=5, occurred_at=day(0)), at=day(2))
        give(cursor, wanted(BOB, amount=7, occurred_at=day(2)), at=day(2))
        expire_due(cursor, at=day(4), actor="test")
        assert sum_given(cursor, "score", since=day(2)) == (7, 10), "CEM's counts from before, ADA's was posted before"
        assert sum_given(cursor, "score", since=day(9)) == (0, 0)
        window = list_movements_between(cursor, BOB, since=day(2), until=day(2))
        assert sorted(row.delta for row in window) == [-2, 9]
        assert list_movements_between(cursor, BOB, since=day(3), until=day(9)) == []
        assert list_given(cursor, [ADA, BOB]) == {
            (ADA.bytes, ORDER.bytes, "purchase", "score"): (10, to_microseconds(day(0)), None, to_microseconds(day(3))),
            (BOB.bytes, ORDER.bytes, "purchase", "score"): (7, to_microseconds(day(2)), None, to_microseconds(day(30))),
        }
