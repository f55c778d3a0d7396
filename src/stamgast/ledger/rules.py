"""What a correction does to a lot: pure, and the same for every caller. See docs/algorithms/expiry.md."""

from typing import NamedTuple

from stamgast.kit.ids import derive_bytes_in_bucket_of
from stamgast.ledger.types import MovementKind


class LotState(NamedTuple):
    """The amounts of a lot. Always ``remaining + pending + expired + used = given + owed``. What is held remains.

    A named tuple, because one is made for every fresh movement and a frozen dataclass takes four times as long. Moments in
    microseconds; ``matures_at`` None: available at once.
    """

    given: int
    remaining: int
    held: int
    expired: int
    used: int
    owed: int
    effective_at: int
    expires_at: int | None
    pending: int = 0
    matures_at: int | None = None

    @property
    def free(self) -> int:
        """What can be spent of it."""
        return self.remaining - self.held

    @property
    def expiry(self) -> int:
        """The moment that its expiry counts from: not before it was available."""
        assert self.expires_at is not None, "only what had a moment of expiry has expired"
        return self.expires_at if self.matures_at is None else max(self.expires_at, self.matures_at)


class StoredLot(NamedTuple):
    """A lot as it is in the database, for deciding and for writing it back."""

    lot_id: bytes
    owner: bytes
    currency: str
    activity: bytes
    rule: str
    version: int
    revision: int
    state: LotState


def derive_lot_id(owner: bytes, activity: bytes, rule: str, currency: str) -> bytes:
    """One cause is one lot."""
    return derive_bytes_in_bucket_of(owner, "lot", activity.hex(), rule, currency)


class Step(NamedTuple):
    """One movement of a lot: what it does, how much, and the moment it counts from."""

    kind: MovementKind
    amount: int
    effective_at: int


def decide_change(
    lot: LotState, wanted: int, expires_at: int | None, matures_at: int | None = None
) -> tuple[list[Step], LotState]:
    """The movements that make the lot give ``wanted`` in total, mature and expire at these moments, and the lot after them.

    What is taken back comes from what is pending, then from what remains and is free, then from what expired (restored first,
    at the moment of the expiry that it undoes), and what was used is owed. When the expiry moves, everything that expired
    comes back at the old moment, and when the maturity moves, what is free is pending again from the old one; ``settle_due``
    does both at the new moments when those have passed.
    """
    steps: list[Step] = []
    if expires_at != lot.expires_at:
        lot = _restore(lot, lot.expired, steps)
    if matures_at != lot.matures_at:
        lot = _move_maturity(lot, matures_at, steps)
    less = lot.given - wanted
    if less < 0:
        lot = _earn(lot, -less, steps)
    elif less > 0:
        lot = _restore(lot, min(lot.expired, max(0, less - lot.pending - lot.free)), steps)
        unmatured = min(less, lot.pending)
        taken = min(less - unmatured, lot.free)
        owed = less - unmatured - taken
        for kind, amount in (
            (MovementKind.REVERSE_PENDING, unmatured),
            (MovementKind.REVERSE, taken),
            (MovementKind.OWE, owed),
        ):
            if amount:
                steps.append(Step(kind, amount, lot.effective_at))
        lot = lot._replace(given=wanted, pending=lot.pending - unmatured, remaining=lot.remaining - taken, owed=lot.owed + owed)
    return steps, lot._replace(expires_at=expires_at)


def _restore(lot: LotState, amount: int, steps: list[Step]) -> LotState:
    if not amount:
        return lot
    steps.append(Step(MovementKind.RESTORE, amount, lot.expiry))
    return lot._replace(remaining=lot.remaining + amount, expired=lot.expired - amount)


def _earn(lot: LotState, amount: int, steps: list[Step]) -> LotState:
    if lot.matures_at is None:
        steps.append(Step(MovementKind.EARN, amount, lot.effective_at))
        return lot._replace(given=lot.given + amount, remaining=lot.remaining + amount)
    steps.append(Step(MovementKind.EARN_PENDING, amount, lot.effective_at))
    return lot._replace(given=lot.given + amount, pending=lot.pending + amount)


def _move_maturity(lot: LotState, matures_at: int | None, steps: list[Step]) -> LotState:
    """What is free becomes pending again, from the moment it had matured. What is held or used stays as it is."""
    if matures_at is None:
        if lot.pending:
            steps.append(Step(MovementKind.MATURE, lot.pending, lot.effective_at))
        return lot._replace(remaining=lot.remaining + lot.pending, pending=0, matures_at=None)
    if lot.free:
        since = lot.effective_at if lot.matures_at is None else lot.matures_at
        steps.append(Step(MovementKind.RETRACT, lot.free, since))
    return lot._replace(remaining=lot.held, pending=lot.pending + lot.free, matures_at=matures_at)


def decide_repayment(lot: LotState, debt: int) -> tuple[list[Step], LotState]:
    """What a lot that has just risen pays of its owner's debt."""
    paid = min(debt, lot.free)
    if not paid:
        return [], lot
    step = Step(MovementKind.REPAY, paid, lot.effective_at)
    return [step], lot._replace(remaining=lot.remaining - paid, used=lot.used + paid)
