"""One owner's one currency in memory: its lots, its holds and what it owes, and what each act does to them.

Pure: no clock, no database. What moves is gathered, lot by lot, for ``operations`` to write. A lot is named by its id, an act
too, moments are microseconds since 1970. What an act is refused for is raised as ``Refused`` before anything moved.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stamgast.ledger.acts import HoldState
from stamgast.ledger.moves import Held, Move, Refused, Used
from stamgast.ledger.rules import StoredLot
from stamgast.ledger.types import MovementKind

FOR_EVER = 2**63


@dataclass(slots=True)
class Pocket:
    """What there is, what moved (``moves``), and what changed (``changed``, ``fresh``: ids of lots; ``touched``: of uses)."""

    owner: bytes
    currency: str
    debt: int
    lots: dict[bytes, StoredLot]
    holds: dict[bytes, Held] = field(default_factory=dict)
    uses: dict[tuple[bytes, bytes], Used] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    changed: set[bytes] = field(default_factory=set)
    fresh: set[bytes] = field(default_factory=set)
    touched: set[tuple[bytes, bytes]] = field(default_factory=set)
    ended: set[bytes] = field(default_factory=set)

    @property
    def available(self) -> int:
        """What can be spent."""
        return sum(lot.state.free for lot in self.lots.values())

    def settle(self, at: int) -> None:
        """What time has done by ``at``: holds that are over, then what matured, then what expired."""
        over = [(hold.ends_at, hold_id) for hold_id, hold in self.holds.items() if _is_open(hold) and hold.ends_at <= at]
        for ends_at, hold_id in sorted(over):
            self._end(hold_id, HoldState.OVER, ends_at, act=hold_id, reason="hold over")
        matured = [lot for lot in self.lots.values() if lot.state.pending and (lot.state.matures_at or 0) <= at]
        for lot in sorted(matured, key=lambda lot: (lot.state.matures_at or 0, lot.lot_id)):
            self._mature(lot)
        due = [lot for lot in self.lots.values() if lot.state.free and _expiry(lot) <= at]
        for lot in sorted(due, key=lambda lot: (_expiry(lot), lot.lot_id)):
            self._expire(lot.lot_id, lot.state.free, lot.state.expiry)

    def spend(
        self,
        amount: int,
        *,
        act: bytes,
        at: int,
        reason: str,
        kind: MovementKind = MovementKind.SPEND,
        reference: str = "",
    ) -> list[tuple[bytes, int]]:
        """Takes an amount from the lots that expire soonest; returns how much of which."""
        taken = self._take(amount)
        for lot_id, part in taken:
            state = self.lots[lot_id].state
            self._move(lot_id, kind, part, at, act, reason, reference)
            self._set(lot_id, remaining=state.remaining - part, used=state.used + part)
            self._use(act, lot_id, used=part)
        return taken

    def hold(self, amount: int, *, act: bytes, at: int, ends_at: int, reason: str) -> None:
        """Sets an amount aside, from the lots that expire soonest."""
        for lot_id, part in self._take(amount):
            self._move(lot_id, MovementKind.HOLD, part, at, act, reason)
            self._set(lot_id, held=self.lots[lot_id].state.held + part)
            self._use(act, lot_id, held=part)
        self.holds[act] = Held(amount, 0, ends_at)
        self.ended.add(act)

    def capture(self, hold_id: bytes, amount: int | None, *, act: bytes, at: int, reason: str) -> int:
        """Spends what is held, or a part of it, and releases the rest; returns what it spent."""
        hold = self._open(hold_id)
        wanted = hold.amount if amount is None else amount
        if wanted > hold.amount:
            raise Refused(
                "above_held", f"The hold is of {hold.amount:,} {self.currency}, so {wanted:,} cannot be captured. Capture less."
            )
        left = wanted
        for lot_id in self._held_by(hold_id):
            part = min(left, self.uses[hold_id, lot_id].held)
            if part:
                state = self.lots[lot_id].state
                self._move(lot_id, MovementKind.CAPTURE, part, at, act, reason)
                self._set(lot_id, remaining=state.remaining - part, held=state.held - part, used=state.used + part)
                self._use(hold_id, lot_id, held=-part, used=part)
                left -= part
        hold.captured = wanted
        self._end(hold_id, HoldState.CAPTURED, at, act=act, reason=reason)
        return wanted

    def release(self, hold_id: bytes, *, act: bytes, at: int, reason: str) -> int:
        """Ends a hold; returns what it had set aside."""
        hold = self._open(hold_id)
        self._end(hold_id, HoldState.RELEASED, at, act=act, reason=reason)
        return hold.amount

    def give_back(
        self,
        spend_id: bytes,
        amount: int | None,
        *,
        kind: MovementKind,
        act: bytes,
        at: int,
        reason: str,
        reference: str = "",
        regive: Callable[[int], StoredLot] | None,
    ) -> int:
        """Gives back what a spend took, or a part of it, what expires last first; returns how much.

        Debts are paid from it first. What has expired meanwhile expires at once, or moves into the lot that ``regive`` makes
        of an amount.
        """
        taken = {lot_id: use.used for (of, lot_id), use in self.uses.items() if of == spend_id and use.used}
        left = sum(taken.values())
        wanted = left if amount is None else amount
        if not left or wanted > left:
            raise Refused(
                "above_spent",
                f"Of this spend {left:,} {self.currency} can still be given back, not {wanted:,}."
                if left
                else "All of this spend was given back before. Nothing is left of it.",
            )
        late, todo = 0, wanted
        for lot_id in sorted(taken, key=self._order, reverse=True):
            part = min(todo, taken[lot_id])
            if not part:
                break
            todo -= part
            state = self.lots[lot_id].state
            self._move(lot_id, kind, part, at, act, reason, reference)
            self._set(lot_id, remaining=state.remaining + part, used=state.used - part)
            self._use(spend_id, lot_id, used=-part)
            if _expiry(self.lots[lot_id]) > at:
                self._repay(lot_id, part, at)
            elif regive is None:
                self._expire(lot_id, part, at)
            else:
                state = self.lots[lot_id].state
                self._move(lot_id, MovementKind.EXTEND, part, at, act, reason)
                self._set(lot_id, remaining=state.remaining - part, used=state.used + part)
                self._use(act, lot_id, used=part)
                late += part
        if late:
            assert regive is not None, "only a grace makes a lot"
            self.give(regive(late), MovementKind.MOVE_IN, act=act, at=at, reason=reason)
        return wanted

    def give(self, lot: StoredLot, kind: MovementKind, *, act: bytes, at: int, reason: str, reference: str = "") -> None:
        """Adds a lot that is given here, and lets it pay what is owed."""
        assert lot.lot_id not in self.lots, "a lot's id derives from its act, and an act is done once"
        self.lots[lot.lot_id] = lot
        self.fresh.add(lot.lot_id)
        self._move(lot.lot_id, kind, lot.state.given, at, act, reason, reference)
        self._repay(lot.lot_id, lot.state.given, at)

    def lift(self, act: bytes, lot_id: bytes, kind: MovementKind, *, at: int, reason: str, reference: str) -> None:
        """Takes an act off a lot, as if it had never been, to place it somewhere else. What was owed for it is paid with it."""
        use, state = self.uses[act, lot_id], self.lots[lot_id].state
        if use.used:
            self._move(lot_id, kind, use.used, at, act, reason, reference, is_again=True)
        if use.held:
            self._move(lot_id, MovementKind.RELEASE, use.held, at, act, reason, is_again=True)
        self._set(lot_id, remaining=state.remaining + use.used, used=state.used - use.used, held=state.held - use.held)
        self._use(act, lot_id, held=-use.held, used=-use.used)
        self._repay(lot_id, self.lots[lot_id].state.free, _since(self.lots[lot_id]))

    def hand_over(self, lot_id: bytes, *, reason: str) -> int:
        """Empties a lot that an act gave, because it is another owner's now; returns what was in it."""
        lot = self.lots[lot_id]
        amount = lot.state.free
        if amount:
            self._move(lot_id, MovementKind.HAND_OVER, amount, _since(lot), lot.activity, reason, is_again=True)
            self._set(lot_id, remaining=lot.state.remaining - amount, used=lot.state.used + amount)
        return amount

    def take_over(self, lot: StoredLot, *, reason: str) -> None:
        """Takes what another owner handed over into the lot of the same act."""
        known = self.lots.get(lot.lot_id)
        amount = lot.state.given
        if known is None:
            self.lots[lot.lot_id] = lot
            self.fresh.add(lot.lot_id)
        else:
            self._set(lot.lot_id, given=known.state.given + amount, remaining=known.state.remaining + amount)
        self._move(lot.lot_id, MovementKind.TAKE_OVER, amount, _since(lot), lot.activity, reason, is_again=True)

    def place(
        self,
        act: bytes,
        used: int,
        held: int,
        kind: MovementKind,
        *,
        preferred: Sequence[bytes],
        spare: StoredLot,
        at: int,
        reason: str,
        reference: str,
    ) -> None:
        """Puts an act that was lifted on the lots of this owner: those of the same causes first, then those that expire
        soonest and had not at the moment of the act. What is short is owed, on one of them or on ``spare``."""
        for amount, is_hold in ((used, False), (held, True)):
            for lot_id, part in self._find(amount, preferred, spare, act, at, reason):
                state = self.lots[lot_id].state
                if is_hold:
                    self._move(lot_id, MovementKind.HOLD, part, at, act, reason, is_again=True)
                    self._set(lot_id, held=state.held + part)
                    self._use(act, lot_id, held=part)
                else:
                    self._move(lot_id, kind, part, at, act, reason, reference, is_again=True)
                    self._set(lot_id, remaining=state.remaining - part, used=state.used + part)
                    self._use(act, lot_id, used=part)

    def _find(
        self, amount: int, preferred: Sequence[bytes], spare: StoredLot, act: bytes, at: int, reason: str
    ) -> list[tuple[bytes, int]]:
        living = [lot_id for lot_id, lot in self.lots.items() if _expiry(lot) > at]
        order = list(dict.fromkeys([*(lot for lot in preferred if lot in self.lots), *sorted(living, key=self._order)]))
        found: dict[bytes, int] = {}
        for lot_id in order:
            if part := min(amount, self.lots[lot_id].state.free):
                found[lot_id] = part
                amount -= part
        if amount:
            lot_id = order[0] if order else spare.lot_id
            if not order:
                self.lots[lot_id] = spare
                self.fresh.add(lot_id)
            state = self.lots[lot_id].state
            self._move(lot_id, MovementKind.BORROW, amount, at, act, reason, is_again=True)
            self._set(lot_id, remaining=state.remaining + amount, owed=state.owed + amount)
            self.debt += amount
            found[lot_id] = found.get(lot_id, 0) + amount
        return list(found.items())

    def even_out(self) -> None:
        """Pays what is owed from what is available: after a merge both may be there, and neither came first."""
        for lot_id in sorted(self.lots, key=self._order):
            self._repay(lot_id, self.lots[lot_id].state.free, _since(self.lots[lot_id]))

    def _take(self, amount: int) -> list[tuple[bytes, int]]:
        """Which lots an amount comes from: those that expire soonest, then the oldest."""
        free = sorted((lot_id for lot_id, lot in self.lots.items() if lot.state.free), key=self._order)
        available = self.available
        if amount > available:
            raise Refused(
                "insufficient_balance",
                f"There are {available:,} {self.currency} available, and {amount:,} were asked for. Ask for no more than that.",
            )
        taken = []
        for lot_id in free:
            part = min(amount, self.lots[lot_id].state.free)
            taken.append((lot_id, part))
            amount -= part
            if not amount:
                break
        return taken

    def _order(self, lot_id: bytes) -> tuple[int, int, bytes]:
        state = self.lots[lot_id].state
        return FOR_EVER if state.expires_at is None else state.expires_at, state.effective_at, lot_id

    def _held_by(self, hold_id: bytes) -> list[bytes]:
        return sorted((lot for (act, lot), use in self.uses.items() if act == hold_id and use.held), key=self._order)

    def _open(self, hold_id: bytes) -> Held:
        hold = self.holds.get(hold_id)
        if hold is None:
            raise Refused("hold_not_found", "There is no such hold. Look at the customer's holds for those there are.")
        if not _is_open(hold):
            raise Refused("hold_ended", _ENDED[hold.state])
        return hold

    def _end(self, hold_id: bytes, state: HoldState, at: int, *, act: bytes, reason: str) -> None:
        """Ends a hold: what is still set aside is available again, and what would have expired meanwhile expires."""
        for lot_id in self._held_by(hold_id):
            part = self.uses[hold_id, lot_id].held
            self._move(lot_id, MovementKind.RELEASE, part, at, act, reason)
            self._set(lot_id, held=self.lots[lot_id].state.held - part)
            self._use(hold_id, lot_id, held=-part)
            if _expiry(self.lots[lot_id]) <= at:
                self._expire(lot_id, part, at)
            else:
                self._repay(lot_id, part, at)
        hold = self.holds[hold_id]
        hold.state, hold.ended_at = state, at
        self.ended.add(hold_id)

    def _mature(self, lot: StoredLot) -> None:
        state = lot.state
        assert state.matures_at is not None, "only what has a moment of maturity is pending"
        self._move(lot.lot_id, MovementKind.MATURE, state.pending, state.matures_at, None, "available")
        self._set(lot.lot_id, remaining=state.remaining + state.pending, pending=0)
        self._repay(lot.lot_id, state.pending, state.matures_at)

    def _expire(self, lot_id: bytes, amount: int, at: int) -> None:
        state = self.lots[lot_id].state
        self._move(lot_id, MovementKind.EXPIRE, amount, at, None, "expired")
        self._set(lot_id, remaining=state.remaining - amount, expired=state.expired + amount)

    def _repay(self, lot_id: bytes, risen: int, at: int) -> None:
        """What comes into a pocket that owes pays first."""
        paid = min(self.debt, risen)
        if paid:
            state = self.lots[lot_id].state
            self._move(lot_id, MovementKind.REPAY, paid, at, None, "repaid")
            self._set(lot_id, remaining=state.remaining - paid, used=state.used + paid)
            self.debt -= paid

    def _move(
        self,
        lot_id: bytes,
        kind: MovementKind,
        amount: int,
        at: int,
        act: bytes | None,
        reason: str,
        reference: str = "",
        *,
        is_again: bool = False,
    ) -> None:
        # A lot moves in no moment before it was there: a clock that is behind must not make a balance negative in the past.
        state = self.lots[lot_id].state
        at = max(at, state.effective_at if state.matures_at is None or kind in _PENDING_KINDS else state.matures_at)
        lot = self.lots[lot_id]
        self.lots[lot_id] = lot._replace(revision=lot.revision + 1)
        self.moves.append(Move(lot_id, kind, amount, at, act, reason, reference, lot.revision + 1, is_again))

    def _set(self, lot_id: bytes, **amounts: int) -> None:
        lot = self.lots[lot_id]
        self.lots[lot_id] = lot._replace(state=lot.state._replace(**amounts))
        if lot_id not in self.fresh:
            self.changed.add(lot_id)

    def _use(self, act: bytes, lot_id: bytes, *, held: int = 0, used: int = 0) -> None:
        use = self.uses.setdefault((act, lot_id), Used())
        use.held += held
        use.used += used
        self.touched.add((act, lot_id))


_PENDING_KINDS = (MovementKind.EARN_PENDING, MovementKind.REVERSE_PENDING)
_ENDED = {
    HoldState.CAPTURED: "This hold was captured before. Nothing is set aside by it any more.",
    HoldState.RELEASED: "This hold was released before. Nothing is set aside by it any more.",
    HoldState.OVER: "This hold lasted until its time was over and was released then. Make a new one.",
}


def _is_open(hold: Held) -> bool:
    return hold.state is HoldState.OPEN


def _since(lot: StoredLot) -> int:
    return lot.state.effective_at if lot.state.matures_at is None else lot.state.matures_at


def _expiry(lot: StoredLot) -> int:
    return FOR_EVER if lot.state.expires_at is None else lot.state.expiry
