"""Looking through the movements of everybody: each once, the last known first, whatever the filter."""

import pytest

from stamgast.kit.database import transaction
from stamgast.kit.paging import InvalidCursor
from stamgast.ledger.browsing import MovementFilter, browse_movements, sum_balances, sum_sides
from stamgast.ledger.operations import expire_due, fold, seal
from stamgast.ledger.tests.examples import ACTOR, ADA, BOB, day, give, wanted
from stamgast.ledger.types import Account, MovementKind

pytestmark = pytest.mark.django_db


def fill(cursor):
    """Movements seconds, days and a year apart, several of one moment."""
    for number, moment in enumerate([0, 0.00001, 0.00002, 1, 30, 31, 400]):
        give(
            cursor, *(wanted(owner, f"order {number} {n}", currency="points" if n else "score", occurred_at=day(moment),
                             expires_at=day(moment + 500)) for n, owner in enumerate([ADA, BOB, ADA])),
            at=day(moment),
        )  # fmt: skip
        if number == 3:
            seal(cursor, at=day(moment))
            fold(cursor)
    expire_due(cursor, at=day(540), actor=ACTOR)


def pages(cursor, asked, limit):
    rows, after, count = [], None, 0
    while True:
        page = browse_movements(cursor, asked, after=after, limit=limit)
        rows += page.rows
        after = page.next_cursor
        count += 1
        assert count < 100
        if after is None:
            return rows


@pytest.mark.parametrize("limit", [1, 4, 50])
@pytest.mark.parametrize(
    "asked",
    [
        MovementFilter(),
        MovementFilter(owner=ADA),
        MovementFilter(kind=MovementKind.EXPIRE),
        MovementFilter(currency="points", since=day(0.00002), until=day(400)),
        MovementFilter(owner=BOB, kind=MovementKind.EARN, currency="points"),
        MovementFilter(since=day(2), until=day(3)),
        MovementFilter(currency="stars"),
    ],
)
def test_pages_hold_each_movement_once(asked, limit):
    with transaction() as cursor:
        fill(cursor)
        everything = sorted(
            (row for owner in (ADA, BOB) for row in pages(cursor, MovementFilter(owner=owner), 50)),
            key=lambda row: (row.posted_at, row.id), reverse=True,
        )  # fmt: skip
        assert len(everything) > 21
        expected = [
            row.id
            for row in everything
            if (asked.owner is None or row.owner_id == asked.owner)
            and (asked.kind is None or row.kind == asked.kind)
            and (asked.currency is None or row.currency == asked.currency)
            and (asked.since is None or row.posted_at >= asked.since)
            and (asked.until is None or row.posted_at < asked.until)
        ]
        assert [row.id for row in pages(cursor, asked, limit)] == expected


def test_one_page_looks_back_so_far_and_says_where_to_look_on():
    with transaction() as cursor:
        fill(cursor)
        page = browse_movements(cursor, MovementFilter(kind=MovementKind.OWE), after=None, limit=10)
        assert page.rows == []
        assert page.next_cursor is not None


def test_sums_of_both_sides_agree():
    with transaction() as cursor:
        assert (sum_balances(cursor), sum_sides(cursor)) == ([], [])
        assert browse_movements(cursor, MovementFilter(), after=None, limit=5).rows == ()
        fill(cursor)
        owned = {row.currency: row.available + row.pending + row.held - row.debt for row in sum_balances(cursor)}
        sides = sum_sides(cursor)
        for currency, amount in owned.items():
            assert sum(side.debit - side.credit for side in sides if side.currency == currency) == amount
        assert {side.account for side in sides} == {Account.PROGRAMME, Account.EXPIRED}
        with pytest.raises(InvalidCursor):
            browse_movements(cursor, MovementFilter(), after="abc", limit=1)
