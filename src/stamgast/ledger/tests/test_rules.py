"""Corrections of one lot, for all lots."""

from hypothesis import given
from hypothesis import strategies as st

from stamgast.ledger.rules import LotState, Step, decide_change, decide_repayment
from stamgast.ledger.types import MovementKind

AMOUNT = st.integers(0, 20)
EARN, REVERSE, RESTORE, OWE, REPAY = (
    MovementKind.EARN, MovementKind.REVERSE, MovementKind.RESTORE, MovementKind.OWE, MovementKind.REPAY,
)  # fmt: skip


EARN_PENDING, REVERSE_PENDING, MATURE, RETRACT = (
    MovementKind.EARN_PENDING, MovementKind.REVERSE_PENDING, MovementKind.MATURE, MovementKind.RETRACT,
)  # fmt: skip
MATURITIES = st.sampled_from([None, 60, 150])


@st.composite
def lots(draw: st.DrawFn, maturities: st.SearchStrategy[int | None] = MATURITIES) -> LotState:
    remaining, expired, used = draw(AMOUNT), draw(AMOUNT), draw(AMOUNT)
    held = draw(st.integers(0, remaining))
    matures_at = draw(maturities)
    pending = draw(AMOUNT) if matures_at is not None else 0
    owed = draw(st.integers(0, remaining + pending + expired + used))
    expires_at = draw(st.sampled_from([None, 100, 200])) if not expired else draw(st.sampled_from([100, 200]))
    given = remaining + pending + expired + used - owed
    return LotState(given, remaining, held, expired, used, owed, 50, expires_at, pending, matures_at)


@given(lots(), AMOUNT, st.sampled_from([None, 100, 200]), MATURITIES)
def test_change_gives_what_is_wanted_and_adds_up(
    lot: LotState, wanted: int, expires_at: int | None, matures_at: int | None
) -> None:
    steps, after = decide_change(lot, wanted, expires_at, matures_at)
    total = {kind: sum(step.amount for step in steps if step.kind == kind) for kind in MovementKind}
    earned, reversed_ = total[EARN] + total[EARN_PENDING], total[REVERSE] + total[REVERSE_PENDING]
    assert after.given == wanted == lot.given + earned - reversed_ - total[OWE]
    assert (after.expires_at, after.matures_at, after.held) == (expires_at, matures_at, lot.held)
    assert after.remaining + after.pending + after.expired + after.used == after.given + after.owed
    moved = total[MATURE] - total[RETRACT]
    assert after.remaining == lot.remaining + total[EARN] + total[RESTORE] - total[REVERSE] + moved
    assert after.pending == lot.pending + total[EARN_PENDING] - total[REVERSE_PENDING] - moved
    assert after.expired == lot.expired - total[RESTORE]
    assert after.pending >= 0
    assert not after.pending or after.matures_at is not None
    assert not total[REVERSE] or not after.pending, "what is pending is taken first"
    assert after.owed == lot.owed + total[OWE]
    assert min(after.given, after.expired, after.owed, after.remaining - after.held) >= 0
    assert all(step.amount > 0 for step in steps)
    assert len({step.kind for step in steps}) == len(steps), "a movement's id has its kind in it, so each kind comes once"
    assert not total[OWE] or after.remaining == after.held, "nothing is owed while something is free"
    assert not total[OWE] or not after.expired, "nothing is owed while something expired could be taken back"


@given(lots(st.none()), st.sampled_from([None, 100, 200]))
def test_change_to_the_same_total_moves_only_what_the_expiry_moves(lot: LotState, expires_at: int | None) -> None:
    steps, after = decide_change(lot, lot.given, expires_at)
    again, same = decide_change(after, after.given, expires_at)
    assert (again, same) == ([], after)
    restored = lot.expired if expires_at != lot.expires_at else 0
    assert steps == ([Step(RESTORE, restored, lot.expires_at)] if restored and lot.expires_at else [])


@given(lots(), AMOUNT)
def test_repayment_takes_what_is_free_and_no_more_than_the_debt(lot: LotState, debt: int) -> None:
    steps, after = decide_repayment(lot, debt)
    paid = min(debt, lot.remaining - lot.held)
    assert steps == ([Step(REPAY, paid, lot.effective_at)] if paid else [])
    assert (after.remaining, after.used) == (lot.remaining - paid, lot.used + paid)


def test_reversal_after_expiry_restores_only_what_it_takes() -> None:
    lot = LotState(10, 0, 0, 10, 0, 0, 50, 100)
    steps, after = decide_change(lot, 6, 100)
    assert steps == [Step(RESTORE, 4, 100), Step(REVERSE, 4, 50)]
    assert after == LotState(6, 0, 0, 6, 0, 0, 50, 100)


def test_reversal_after_spending_takes_the_rest_as_debt() -> None:
    lot = LotState(10, 3, 0, 0, 7, 0, 50, 100)
    steps, after = decide_change(lot, 0, 100)
    assert steps == [Step(REVERSE, 3, 50), Step(OWE, 7, 50)]
    assert after == LotState(0, 0, 0, 0, 7, 7, 50, 100)
