"""Corrections of one lot, for all lots."""

from hypothesis import given
from hypothesis import strategies as st

from stamgast.ledger.rules import LotState, Step, decide_change, decide_repayment
from stamgast.ledger.types import MovementKind

AMOUNT = st.integers(0, 20)
EARN, REVERSE, RESTORE, OWE, REPAY = (
    MovementKind.EARN, MovementKind.REVERSE, MovementKind.RESTORE, MovementKind.OWE, MovementKind.REPAY,
)  # fmt: skip


@st.composite
def lots(draw: st.DrawFn) -> LotState:
    remaining, expired, used = draw(AMOUNT), draw(AMOUNT), draw(AMOUNT)
    held = draw(st.integers(0, remaining))
    owed = draw(st.integers(0, remaining + expired + used))
    expires_at = draw(st.sampled_from([None, 100, 200])) if not expired else draw(st.sampled_from([100, 200]))
    return LotState(remaining + expired + used - owed, remaining, held, expired, used, owed, 50, expires_at)


@given(lots(), AMOUNT, st.sampled_from([None, 100, 200]))
def test_change_gives_what_is_wanted_and_adds_up(lot: LotState, wanted: int, expires_at: int | None) -> None:
    steps, after = decide_change(lot, wanted, expires_at)
    total = {kind: sum(step.amount for step in steps if step.kind == kind) for kind in MovementKind}
    assert after.given == wanted == lot.given + total[EARN] - total[REVERSE] - total[OWE]
    assert after.expires_at == expires_at
    assert after.remaining + after.expired + after.used == after.given + after.owed
    assert after.remaining == lot.remaining + total[EARN] + total[RESTORE] - total[REVERSE]
    assert after.expired == lot.expired - total[RESTORE]
    assert after.owed == lot.owed + total[OWE]
    assert min(after.given, after.expired, after.owed, after.remaining - after.held) >= 0
    assert all(step.amount > 0 for step in steps)
    assert len({step.kind for step in steps}) == len(steps), "a movement's id has its kind in it, so each kind comes once"
    assert not total[OWE] or after.remaining == after.held, "nothing is owed while something is free"
    assert not total[OWE] or not after.expired, "nothing is owed while something expired could be taken back"


@given(lots(), st.sampled_from([None, 100, 200]))
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
