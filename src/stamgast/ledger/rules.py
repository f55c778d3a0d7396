"""What a correction does to a lot: pure, and the same for every caller. See docs/algorithms/expiry.md."""

from typing import NamedTuple

from stamgast.ledger.types import MovementKind


class LotState(NamedTuple):
    """The amounts of a lot. Always ``remaining + expired + used = given + owed``.

    A named tuple, because one is made for every fresh movement and a frozen dataclass takes four times as long.
    """

    given: int
    remaining: int
    held: int
    expired: int
    used: int
    owed: int
    effective_at: int
    expires_at: int | None


class Step(NamedTuple):
    """One movement of a lot: what it does, how much, and the moment it counts from."""

    kind: MovementKind
    amount: int
    effective_at: int


def decide_change(lot: LotState, wanted: int, expires_at: int | None) -> tuple[list[Step], LotState]:
    """The movements that make the lot give ``wanted`` in total and expire at ``expires_at``, and the lot after them.

    What is taken back comes from what remains and is free, then from what expired (restored first, at the moment of the
    expiry that it undoes), and what was used is owed. When the expiry moves, everything that expired comes back at the old
    moment; ``expire_due`` takes it at the new one when that has passed.
    """
    steps: list[Step] = []
    short = max(0, lot.given - wanted - (lot.remaining - lot.held))
    restored = lot.expired if expires_at != lot.expires_at else min(lot.expired, short)
    if restored:
        assert lot.expires_at is not None, "only what had a moment of expiry has expired"
        steps.append(Step(MovementKind.RESTORE, restored, lot.expires_at))
        lot = lot._replace(remaining=lot.remaining + restored, expired=lot.expired - restored)
    if wanted > lot.given:
        more = wanted - lot.given
        steps.append(Step(MovementKind.EARN, more, lot.effective_at))
        lot = lot._replace(given=wanted, remaining=lot.remaining + more)
    elif wanted < lot.given:
        less = lot.given - wanted
        taken = min(less, lot.remaining - lot.held)
        if taken:
            steps.append(Step(MovementKind.REVERSE, taken, lot.effective_at))
        if less > taken:
            steps.append(Step(MovementKind.OWE, less - taken, lot.effective_at))
        lot = lot._replace(given=wanted, remaining=lot.remaining - taken, owed=lot.owed + less - taken)
    return steps, lot._replace(expires_at=expires_at)


def decide_repayment(lot: LotState, debt: int) -> tuple[list[Step], LotState]:
    """What a lot that has just risen pays of its owner's debt."""
    paid = min(debt, lot.remaining - lot.held)
    if not paid:
        return [], lot
    step = Step(MovementKind.REPAY, paid, lot.effective_at)
    return [step], lot._replace(remaining=lot.remaining - paid, used=lot.used + paid)
