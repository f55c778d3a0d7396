"""Workers share the queue by lanes: together they decide everything once, and the same as one of them alone."""

from datetime import timedelta
from uuid import UUID

import pytest

from stamgast.activities.operations import ABSENT_AFTER, FORGOTTEN_AFTER, claim_share, leave_share
from stamgast.activities.queries import count_pending
from stamgast.activities.types import WHOLE, Share
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.install import install
from stamgast.flows.tests.conftest import NOW, order, put
from stamgast.kit.database import open_cursor, transaction, trial

FIRST, SECOND = UUID(int=1), UUID(int=2)
BALANCES = "SELECT owner_id, currency, available FROM ledger_balance WHERE available > 0 ORDER BY 1, 2"
STATES = "SELECT customer_id, last_at, last_activity_id, counters::text FROM programmes_state ORDER BY 1"

pytestmark = pytest.mark.django_db


def decide(share: Share, limit: int = 7) -> int:
    return len(decide_pending(at=NOW, actor="worker", limit=limit, share=share))


def told() -> list[list[tuple[object, ...]]]:
    with open_cursor() as cursor:
        return [cursor.execute(question).fetchall() for question in (BALANCES, STATES)]


def orders() -> list[dict[str, object]]:
    """Of twenty people, one of whom has a browser that turns out to be theirs between two orders made in it."""
    made = [order(n, 40 - n % 40, f"order {n}", userId=f"person {n % 20}") for n in range(60)]
    browser = {"anonymousId": "browser"}
    late = [order(60 + n, days, f"order {60 + n}", **browser) for n, days in enumerate((30.5, 10.5))]
    return [*made, *late, order(62, 20.5, "order 62", userId="person 3", **browser)]


def test_shares_are_the_whole_and_do_not_meet() -> None:
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    put(*orders())
    with open_cursor() as cursor:
        parts = [count_pending(cursor, Share(place, 3)) for place in range(3)]
        assert sum(parts) == count_pending(cursor) == 63
    assert all(parts), "sixty orders of twenty people are in every lane of three"
    assert decide(Share(1, 3), limit=100) == parts[1]
    with open_cursor() as cursor:
        assert [count_pending(cursor, Share(place, 3)) for place in range(3)] == [parts[0], 0, parts[2]]


def test_everything_of_one_anchor_is_in_one_share() -> None:
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    put(*[order(n, 40 - n, f"order {n}", userId="anna") for n in range(20)])
    assert sorted(decide(Share(place, 4), limit=100) for place in range(4)) == [0, 0, 0, 20]


@pytest.mark.parametrize("turns", [(0, 1), (1, 0), (1, 1, 1, 0)])
def test_shares_decide_what_one_would_have_decided(turns: tuple[int, ...]) -> None:
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    with trial():
        put(*orders())
        while decide(WHOLE):
            pass
        alone = told()
    put(*orders())
    done = 0
    for turn in turns * 63:
        done += decide(Share(turn, 2), limit=3)
    assert done == 63
    assert told() == alone
    assert sorted(available for _, _, available in alone[0]) == [3] * 19 + [6]


def test_workers_share_by_how_many_said_lately_that_they_are_there() -> None:
    with transaction() as cursor:
        assert claim_share(cursor, SECOND, at=NOW) == WHOLE
        assert claim_share(cursor, FIRST, at=NOW) == Share(0, 2)
        assert claim_share(cursor, SECOND, at=NOW + ABSENT_AFTER) == Share(1, 2)
        silent = NOW + ABSENT_AFTER + timedelta(seconds=1)
        assert claim_share(cursor, SECOND, at=silent) == WHOLE, "who says nothing for so long is not waited for"
        assert claim_share(cursor, FIRST, at=silent) == Share(0, 2), "and comes back by saying so"
        leave_share(cursor, FIRST)
        assert claim_share(cursor, SECOND, at=silent) == WHOLE
        claim_share(cursor, FIRST, at=silent)
        claim_share(cursor, SECOND, at=silent + FORGOTTEN_AFTER + timedelta(seconds=1))
        assert cursor.execute("SELECT count(*) FROM activities_worker").fetchone() == (1,)


def test_a_worker_whose_clock_was_ahead_and_died_leaves_its_share_to_the_others() -> None:
    with transaction() as cursor:
        claim_share(cursor, SECOND, at=NOW + timedelta(hours=1))
        assert claim_share(cursor, FIRST, at=NOW) == WHOLE
