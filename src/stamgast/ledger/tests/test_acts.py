"""Acts by example: what each writes, what it is refused for, and that a key is done once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stamgast.kit.database import Cursor, transaction
from stamgast.kit.ids import derive_id
from stamgast.ledger.acts import (
    Act,
    Adjust,
    Capture,
    Donate,
    Hold,
    Issue,
    Outcome,
    Redeem,
    Release,
    Reverse,
    Spend,
    Transfer,
)  # fmt: skip
from stamgast.ledger.audit import audit
from stamgast.ledger.errors import REFUSALS, InvalidAct
from stamgast.ledger.operations import fold, settle_due
from stamgast.ledger.queries import get_balances, list_lots, list_movements, next_due
from stamgast.ledger.settlement import Period, Settlement, Totals, list_settlements, sum_settlements
from stamgast.ledger.tests.examples import ACTOR, ADA, BOB, START, act, day, do, give, rows_of, spend, wanted
from stamgast.ledger.types import Account, MovementKind

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def fill(cursor: Cursor) -> None:
    """Three lots of 10, of which the second expires first, and another owner's."""
    give(
        cursor,
        wanted(activity="late", expires_at=day(30)),
        wanted(activity="soon", expires_at=day(10)),
        wanted(activity="never", expires_at=None),
        wanted(BOB),
    )


def left(cursor: Cursor, owner: UUID = ADA) -> dict[str, int]:
    """What remains of each lot, by its activity."""
    names = {derive_id("activity", name): name for name in ("late", "soon", "never", "order 1")}
    return {names.get(lot.activity_id, "act"): lot.remaining for lot in list_lots(cursor, owner)}


def balance(cursor: Cursor, owner: UUID = ADA) -> tuple[int, int, int, int]:
    (found,) = get_balances(cursor, owner)
    return found.available, found.pending, found.held, found.debt


def hold(cursor: Cursor, amount: int, key: str = "hold", *, lasts: timedelta = 24 * HOUR, at: Any = START) -> Outcome:
    return do(cursor, act(Hold, key, at=at, currency="score", amount=amount, lasts=lasts), at=at)[0]


def test_spend_takes_what_expires_soonest_and_says_which_lots() -> None:
    with transaction() as cursor:
        fill(cursor)
        outcome = spend(cursor, 14, at=day(1))
        assert (outcome.amount, outcome.available, outcome.refusal) == (14, 16, "")
        assert left(cursor) == {"late": 6, "never": 10}
        movements = [row for row in list_movements(cursor, ADA).rows if row.kind is MovementKind.SPEND]
        assert sorted((row.amount, row.activity_id) for row in movements) == sorted(
            [(10, derive_id("activity", "soon")), (4, derive_id("activity", "late"))]
        )
        assert {(row.debit, row.credit, row.act_id, row.reason) for row in movements} == {
            (Account.AVAILABLE, Account.SPENT, outcome.act_id, "asked")
        }
        assert audit(cursor) == []


def test_spend_of_more_than_there_is_is_refused_and_the_refusal_is_kept() -> None:
    with transaction() as cursor:
        fill(cursor)
        refused = spend(cursor, 31)
        assert (refused.refusal, refused.amount, refused.available) == ("insufficient_balance", 0, 30)
        assert refused.sentence == "There are 30 score available, and 31 were asked for. Ask for no more than that."
        give(cursor, wanted(activity="more", amount=50))
        stored = rows_of(cursor)
        again = spend(cursor, 31)
        assert again.is_repeat
        assert (again.refusal, again.sentence) == (refused.refusal, refused.sentence)
        assert rows_of(cursor) == stored
        assert spend(cursor, 31, "another key").refusal == ""


def test_what_is_due_expires_before_a_spend_without_a_sweeper() -> None:
    with transaction() as cursor:
        fill(cursor)
        outcome = spend(cursor, 25, at=day(11))
        assert (outcome.refusal, outcome.available) == ("insufficient_balance", 20)
        (expired,) = [row for row in list_movements(cursor, ADA).rows if row.kind is MovementKind.EXPIRE]
        assert (expired.amount, expired.effective_at) == (10, day(10))
        assert settle_due(cursor, at=day(11), actor=ACTOR).movements == 0
        assert audit(cursor) == []


def test_same_key_is_done_once_and_another_content_is_refused_without_a_trace() -> None:
    with transaction() as cursor:
        fill(cursor)
        first = spend(cursor, 4)
        stored = rows_of(cursor)
        assert spend(cursor, 4, at=day(1)) == Outcome(**{**vars_of(first), "is_repeat": True})
        other = spend(cursor, 5)
        assert (other.refusal, other.amount) == ("act_key_reused", 0)
        assert rows_of(cursor) == stored
        assert spend(cursor, 4, owner=BOB).refusal == "", "another owner's key is another"
        twice = do(cursor, *[act(Spend, "twice", currency="score", amount=1)] * 2)
        assert [outcome.is_repeat for outcome in twice] == [False, True]
        assert balance(cursor)[0] == 25


def vars_of(outcome: Outcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in outcome.__slots__}


@pytest.mark.parametrize(
    "wrong",
    [
        act(Spend, "", currency="score", amount=1),
        act(Spend, "k" * 256, currency="score", amount=1),
        act(Spend, "key", currency="score", amount=0),
        act(Spend, "key", currency="score", amount=10**15 + 1),
        act(Spend, "key", currency="score", amount=1, at=day(1)),
        act(Hold, "key", currency="score", amount=1, lasts=timedelta()),
        act(Transfer, "key", currency="score", amount=1, receiver_id=ADA),
        act(Adjust, "key", currency="score", amount=0),
        act(Adjust, "key", currency="score", amount=1, expires_at=START),
        act(Donate, "key", currency="score", amount=1, charity=""),
    ],
)
def test_what_cannot_be_asked_is_an_error_and_keeps_nothing(wrong: Act) -> None:
    with transaction() as cursor:
        fill(cursor)
        stored = rows_of(cursor)
        with pytest.raises(InvalidAct):
            do(cursor, wrong)
        assert rows_of(cursor) == stored


def test_hold_sets_aside_and_capture_spends_a_part_and_releases_the_rest() -> None:
    with transaction() as cursor:
        fill(cursor)
        held = hold(cursor, 15)
        assert balance(cursor) == (15, 0, 15, 0)
        assert spend(cursor, 16).refusal == "insufficient_balance"
        captured = do(cursor, act(Capture, "capture", hold_id=held.act_id, amount=12))[0]
        assert (captured.amount, captured.available) == (12, 18)
        assert balance(cursor) == (18, 0, 0, 0)
        assert left(cursor) == {"late": 8, "never": 10}
        assert audit(cursor) == []


@pytest.mark.parametrize("first", [Capture, Release])
@pytest.mark.parametrize("then", [Capture, Release])
def test_hold_ends_once(first: type[Act], then: type[Act]) -> None:
    with transaction() as cursor:
        fill(cursor)
        held = hold(cursor, 15)
        assert do(cursor, act(first, "first", hold_id=held.act_id))[0].refusal == ""
        stored = {name: rows for name, rows in rows_of(cursor).items() if name != "act"}
        second = do(cursor, act(then, "then", hold_id=held.act_id))[0]
        word = "captured" if first is Capture else "released"
        assert second.refusal == "hold_ended"
        assert second.sentence == f"This hold was {word} before. Nothing is set aside by it any more."
        assert {name: rows for name, rows in rows_of(cursor).items() if name != "act"} == stored


def test_capture_of_more_than_was_held_or_of_no_hold_is_refused() -> None:
    with transaction() as cursor:
        fill(cursor)
        held = hold(cursor, 15)
        more = do(cursor, act(Capture, "more", hold_id=held.act_id, amount=16))[0]
        assert (more.refusal, more.amount) == ("above_held", 0)
        assert do(cursor, act(Capture, "none", hold_id=derive_id("no hold")))[0].refusal == "hold_not_found"
        spent = spend(cursor, 1)
        assert do(cursor, act(Capture, "a spend", hold_id=spent.act_id))[0].refusal == "hold_not_found"
        theirs = do(cursor, act(Capture, "not mine", BOB, hold_id=held.act_id))[0]
        assert theirs.refusal == "hold_not_found"
        assert balance(cursor)[2] == 15


@pytest.mark.parametrize("is_swept", [True, False])
def test_hold_is_over_when_its_time_is_over_whether_swept_or_not(is_swept: bool) -> None:
    with transaction() as cursor:
        fill(cursor)
        held = hold(cursor, 30, lasts=24 * HOUR)
        assert next_due(cursor) == day(1)
        if is_swept:
            assert settle_due(cursor, at=day(1), actor=ACTOR).movements == 3
        late = do(cursor, act(Capture, "late", hold_id=held.act_id, at=day(1)), at=day(1))[0]
        assert late.refusal == "hold_ended"
        assert late.sentence == "This hold lasted until its time was over and was released then. Make a new one."
        assert balance(cursor) == (30, 0, 0, 0)
        released = [row for row in list_movements(cursor, ADA).rows if row.kind is MovementKind.RELEASE]
        assert {(row.effective_at, row.act_id) for row in released} == {(day(1), held.act_id)}
        assert audit(cursor) == []


def test_what_expires_while_it_is_held_can_be_captured_and_expires_when_it_is_released() -> None:
    with transaction() as cursor:
        fill(cursor)
        held = hold(cursor, 15, lasts=24 * HOUR * 40)
        assert settle_due(cursor, at=day(11), actor=ACTOR).movements == 0, "the hold keeps it"
        captured = do(cursor, act(Capture, "capture", hold_id=held.act_id, amount=6, at=day(12)), at=day(12))[0]
        assert (captured.amount, captured.available) == (6, 20)
        (expired,) = [row for row in list_movements(cursor, ADA).rows if row.kind is MovementKind.EXPIRE]
        assert (expired.amount, expired.effective_at) == (4, day(12))
        assert audit(cursor) == []


def test_reverse_gives_back_the_same_lots_what_expires_last_first() -> None:
    with transaction() as cursor:
        fill(cursor)
        spent = spend(cursor, 24)
        part = do(cursor, act(Reverse, "part", spend_id=spent.act_id, amount=6))[0]
        assert (part.amount, part.available) == (6, 12)
        assert left(cursor) == {"never": 10, "late": 2}
        assert do(cursor, act(Reverse, "too much", spend_id=spent.act_id, amount=19))[0].refusal == "above_spent"
        rest = do(cursor, act(Reverse, "rest", spend_id=spent.act_id))[0]
        assert (rest.amount, left(cursor)) == (18, {"soon": 10, "late": 10, "never": 10})
        assert do(cursor, act(Reverse, "again", spend_id=spent.act_id))[0].refusal == "above_spent"
        assert do(cursor, act(Reverse, "none", spend_id=derive_id("no spend")))[0].refusal == "spend_not_found"
        assert audit(cursor) == []


def test_reverse_of_a_captured_hold() -> None:
    with transaction() as cursor:
        fill(cursor)
        held = hold(cursor, 15)
        assert do(cursor, act(Reverse, "early", spend_id=held.act_id))[0].refusal == "above_spent"
        do(cursor, act(Capture, "capture", hold_id=held.act_id, amount=5))
        assert do(cursor, act(Reverse, "reverse", spend_id=held.act_id))[0].amount == 5
        assert balance(cursor) == (30, 0, 0, 0)
        assert audit(cursor) == []


def test_reverse_after_expiry_expires_at_once_or_lives_for_the_grace() -> None:
    with transaction() as cursor:
        fill(cursor)
        spent = spend(cursor, 15)
        back = do(cursor, act(Reverse, "back", spend_id=spent.act_id, amount=12, at=day(11)), at=day(11))[0]
        assert (back.amount, back.available) == (12, 20), "5 of the lot that expires later, 7 that had expired"
        rest = do(cursor, act(Reverse, "grace", spend_id=spent.act_id, grace=timedelta(days=7), at=day(12)), at=day(12))[0]
        assert (rest.amount, rest.available) == (3, 23)
        (lot,) = [lot for lot in list_lots(cursor, ADA) if lot.programme_version == 0]
        assert (lot.remaining, lot.expires_at, lot.rule) == (3, day(19), "grace")
        assert audit(cursor) == []
        give(cursor, wanted(activity="late", expires_at=day(30)), complete=(ADA,), at=day(13))
        assert left(cursor) == {"late": 10, "act": 3}, "what an act gave is not for a programme to take"
        assert audit(cursor) == []


def test_reverse_pays_what_is_owed_first() -> None:
    with transaction() as cursor:
        give(cursor, wanted())
        spent = spend(cursor, 10)
        give(cursor, wanted(amount=0))
        assert balance(cursor) == (0, 0, 0, 10)
        do(cursor, act(Reverse, "reverse", spend_id=spent.act_id, amount=4))
        assert balance(cursor) == (0, 0, 0, 6)
        do(cursor, act(Reverse, "rest", spend_id=spent.act_id))
        assert balance(cursor) == (0, 0, 0, 0)
        assert audit(cursor) == []


def test_what_is_held_and_taken_back_is_owed_and_paid_when_it_is_released() -> None:
    with transaction() as cursor:
        give(cursor, wanted())
        held = hold(cursor, 10)
        give(cursor, wanted(amount=0))
        assert balance(cursor) == (0, 0, 10, 10)
        do(cursor, act(Release, "release", hold_id=held.act_id))
        assert balance(cursor) == (0, 0, 0, 0)
        assert audit(cursor) == []


def test_adjust_up_gives_a_lot_and_down_takes_what_expires_soonest() -> None:
    with transaction() as cursor:
        fill(cursor)
        up = do(cursor, act(Adjust, "up", currency="score", amount=5, expires_at=day(5)))[0]
        assert (up.amount, up.available, next_due(cursor)) == (5, 35, day(5))
        down = do(cursor, act(Adjust, "down", currency="score", amount=-7))[0]
        assert (down.amount, down.available, left(cursor)) == (7, 28, {"soon": 8, "late": 10, "never": 10})
        assert do(cursor, act(Adjust, "too far", currency="score", amount=-29))[0].refusal == "insufficient_balance"
        assert audit(cursor) == []


def test_transfer_keeps_expiries_and_pays_what_the_receiver_owes() -> None:
    with transaction() as cursor:
        fill(cursor)
        spend(cursor, 10, owner=BOB)
        give(cursor, wanted(BOB, amount=7))
        assert balance(cursor, BOB) == (0, 0, 0, 3)
        sent = do(cursor, act(Transfer, "gift", currency="score", amount=12, receiver_id=BOB))[0]
        assert (sent.amount, sent.available) == (12, 18)
        assert balance(cursor, BOB) == (9, 0, 0, 0)
        lots = {lot.rule: (lot.given, lot.remaining, lot.expires_at) for lot in list_lots(cursor, BOB)}
        assert lots == {"received": (10, 7, day(10)), "received 2": (2, 2, day(30))}
        moved = [row for owner in (ADA, BOB) for row in list_movements(cursor, owner).rows if row.act_id == sent.act_id]
        assert {row.kind for row in moved} == {MovementKind.MOVE_OUT, MovementKind.MOVE_IN}
        assert audit(cursor) == []
        give(cursor, complete=(BOB,))
        assert balance(cursor, BOB)[0] == 9, "a gift is not for a programme to take"
        assert audit(cursor) == []


def test_partners_and_charities_have_accounts_of_their_own() -> None:
    with transaction() as cursor:
        fill(cursor)
        redeemed, donated, _ = do(
            cursor,
            act(Redeem, "bread", currency="score", amount=8, partner="bakery"),
            act(Donate, "tree", currency="score", amount=3, charity="forest"),
            act(Issue, "flowers", currency="score", amount=20, partner="florist", expires_at=day(9)),
        )
        back = do(cursor, act(Reverse, "stale", spend_id=redeemed.act_id, amount=2))[0]
        assert (back.amount, balance(cursor)) == (2, (41, 0, 0, 0))
        assert do(cursor, act(Reverse, "sorry", spend_id=donated.act_id))[0].amount == 3
        fold(cursor)
        do(cursor, act(Redeem, "cake", currency="score", amount=5, partner="bakery", at=day(1)), at=day(1))
        month = Period(START.date(), day(9).date(), "UTC")
        first = [Totals("bakery", "score", 0, 6, 0), Totals("florist", "score", 20, 0, 0), Totals("forest", "score", 0, 0, 0)]
        later = Totals("bakery", "score", 0, 5, 0)
        assert list_settlements(cursor, month).rows == [
            *(Settlement(START.date(), one) for one in first),
            Settlement(day(1).date(), later),
        ]
        assert list_settlements(cursor, month._replace(since=day(1).date())).rows == [Settlement(day(1).date(), later)]
        assert sum_settlements(cursor, month, reference="bakery") == [Totals("bakery", "score", 0, 11, 0)]
        assert [one.net for one in sum_settlements(cursor, month)] == [11, -20, 0]
        assert audit(cursor) == []


def test_acts_of_one_call_see_each_other_and_are_the_rows_that_single_calls_write() -> None:
    def acts() -> list[Act]:
        hold_id = act(Hold, "hold", currency="score", amount=9, lasts=HOUR).id
        spend_id = act(Spend, "spend", currency="score", amount=12).id
        return [
            act(Hold, "hold", currency="score", amount=9, lasts=HOUR),
            act(Spend, "spend", currency="score", amount=12),
            act(Capture, "capture", hold_id=hold_id, amount=3),
            act(Reverse, "reverse", spend_id=spend_id, amount=5),
            act(Spend, "too much", currency="score", amount=100),
            act(Spend, "bob", BOB, currency="score", amount=2),
            act(Capture, "twice", hold_id=hold_id),
        ]

    written = []
    for is_batch in (True, False):
        with transaction() as cursor:
            fill(cursor)
            outcomes = do(cursor, *acts()) if is_batch else [do(cursor, one)[0] for one in acts()]
            assert audit(cursor) == []
            rows = rows_of(cursor)
            cursor.execute(
                "SELECT (to_jsonb(m) - 'batch_id')::text FROM ledger_movement m WHERE act_id IS NOT NULL ORDER BY movement_id"
            )
            movements = cursor.fetchall()
            written.append((outcomes, movements, [rows[name] for name in ("lot", "use", "hold", "act")]))
            for name in ("movement", "lot", "use", "hold", "act", "balance", "batch", "unsealed", "contra_delta"):
                cursor.execute(f"DELETE FROM ledger_{name}")
    assert written[0] == written[1]


def test_every_refusal_has_an_error_for_the_edges() -> None:
    assert set(REFUSALS) >= {"insufficient_balance", "act_key_reused", "hold_ended", "hold_not_found", "above_held"}
    assert all(REFUSALS[code].code == code for code in REFUSALS)
