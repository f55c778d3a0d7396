"""What each act does to the pockets that it is about. Pure: decided on what is in memory, with the moment as an argument."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from stamgast.ledger.acts import (
    Act,
    ActKind,
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
)
from stamgast.ledger.errors import InvalidAct
from stamgast.ledger.moves import Refused
from stamgast.ledger.pockets import Pocket
from stamgast.ledger.rules import LotState, StoredLot, derive_lot_id
from stamgast.ledger.types import BY_AN_ACT, MovementKind, to_microseconds

LARGEST_AMOUNT = 10**15
LONGEST_TEXT = 255
GRACE_RULE, ADJUSTED_RULE, ISSUED_RULE, RECEIVED_RULE = "grace", "adjusted", "issued", "received"
BACK_KINDS = {
    ActKind.SPEND: MovementKind.GIVE_BACK,
    ActKind.HOLD: MovementKind.GIVE_BACK,
    ActKind.DONATE: MovementKind.UNDONATE,
    ActKind.REDEEM: MovementKind.UNREDEEM,
}
Key = tuple[bytes, str]


class Known(NamedTuple):
    """An act that was answered before."""

    content: bytes
    outcome: Outcome
    reference: str


def check(act: Act, at: datetime) -> None:
    """Raises InvalidAct where nothing that anybody has could make this act possible."""
    if not 1 <= len(act.key) <= LONGEST_TEXT:
        raise InvalidAct(f"The key of an act has 1 to {LONGEST_TEXT} characters. A new UUID is a good one.")
    amount = getattr(act, "amount", None)
    if isinstance(act, Adjust):
        amount = abs(act.amount)
        if not amount:
            raise InvalidAct("An adjustment adds or takes at least 1. Send another amount; below zero it is taken.")
    if amount is not None and not 1 <= amount <= LARGEST_AMOUNT:
        raise InvalidAct(f"An amount is from 1 to {LARGEST_AMOUNT:,}, not {amount:,}.")
    if act.occurred_at > at:
        raise InvalidAct("This happened later than now. Look at the clock of the machine that says so.")
    match act:
        case Hold() if act.lasts.total_seconds() <= 0:
            raise InvalidAct("A hold lasts longer than no time at all. Say how long.")
        case Transfer() if act.receiver_id == act.owner_id:
            raise InvalidAct("Nobody transfers to themselves. Name another receiver.")
        case Adjust() if act.amount < 0 and act.expires_at is not None:
            raise InvalidAct("What is taken has no expiry. Leave it out.")
        case Adjust() | Issue() if act.expires_at is not None and act.expires_at <= act.occurred_at:
            raise InvalidAct("What is given here would have expired already. Choose a later moment, or none.")
        case Donate(charity=name) | Redeem(partner=name) | Issue(partner=name) if not 1 <= len(name) <= LONGEST_TEXT:
            raise InvalidAct(f"A partner or charity has a name of 1 to {LONGEST_TEXT} characters.")
        case _:
            pass


def subject_of(act: Act) -> UUID | None:
    """The hold or spend that an act is about."""
    match act:
        case Capture() | Release():
            return act.hold_id
        case Reverse():
            return act.spend_id
        case _:
            return None


def keys_of(act: Act, subjects: Mapping[UUID, Known]) -> list[Key]:
    """The balances that an act is about, its owner's first; none where what it is about is not known."""
    subject = subject_of(act)
    if subject is not None:
        known = subjects.get(subject)
        return [(act.owner_id.bytes, known.outcome.currency)] if known is not None and known.outcome.currency else []
    currency: str = act.currency  # type: ignore[attr-defined]  # every act without a subject has one
    receiver = [(act.receiver_id.bytes, currency)] if isinstance(act, Transfer) else []
    return [(act.owner_id.bytes, currency), *receiver]


def reference_of(act: Act, subjects: Mapping[UUID, Known]) -> str:
    """Which partner or charity an act is about; of a reversal, that of what it gives back."""
    match act:
        case Donate():
            return act.charity
        case Redeem() | Issue():
            return act.partner
        case Reverse() if act.spend_id in subjects:
            return subjects[act.spend_id].reference
        case _:
            return ""


def decide(act: Act, pockets: Sequence[Pocket], subjects: Mapping[UUID, Known], at: datetime) -> Outcome:
    """Does what time has done to these pockets, then the act, or nothing but that where it is refused."""
    if not pockets:
        code, what = ("spend_not_found", "spend") if isinstance(act, Reverse) else ("hold_not_found", "hold")
        return Outcome(act.id, act.kind, "", 0, 0, code, f"There is no such {what}. Look at those that the customer has.")
    for pocket in pockets:
        pocket.settle(to_microseconds(at))
    mine = pockets[0]
    try:
        amount = _do(act, pockets, subjects, to_microseconds(act.occurred_at))
    except Refused as refused:
        return Outcome(act.id, act.kind, mine.currency, 0, mine.available, refused.code, refused.sentence)
    return Outcome(act.id, act.kind, mine.currency, amount, mine.available)


def _do(act: Act, pockets: Sequence[Pocket], subjects: Mapping[UUID, Known], at: int) -> int:
    """Returns what was done of the act. Raises Refused, before anything moved."""
    pocket, name, reason = pockets[0], act.id.bytes, act.reason
    match act:
        case Spend():
            pocket.spend(act.amount, act=name, at=at, reason=reason)
        case Donate() | Redeem():
            kind = MovementKind.DONATE if isinstance(act, Donate) else MovementKind.REDEEM
            pocket.spend(act.amount, act=name, at=at, reason=reason, kind=kind, reference=reference_of(act, subjects))
        case Hold():
            ends_at = to_microseconds(act.occurred_at + act.lasts)
            pocket.hold(act.amount, act=name, at=at, ends_at=ends_at, reason=reason)
        case Capture():
            return pocket.capture(act.hold_id.bytes, act.amount, act=name, at=at, reason=reason)
        case Release():
            return pocket.release(act.hold_id.bytes, act=name, at=at, reason=reason)
        case Reverse():
            return _reverse(act, pocket, subjects, at)
        case Adjust() if act.amount < 0:
            pocket.spend(-act.amount, act=name, at=at, reason=reason, kind=MovementKind.ADJUST_DOWN)
        case Adjust():
            lot = _lot(act, pocket, ADJUSTED_RULE, act.amount, at, _moment(act.expires_at))
            pocket.give(lot, MovementKind.ADJUST_UP, act=name, at=at, reason=reason)
        case Issue():
            lot = _lot(act, pocket, ISSUED_RULE, act.amount, at, _moment(act.expires_at))
            pocket.give(lot, MovementKind.ISSUE, act=name, at=at, reason=reason, reference=act.partner)
        case Transfer():
            _transfer(act, pocket, pockets[1], at)
        case _:
            raise AssertionError(f"nothing is known of {act}")
    return abs(int(act.amount))


def _transfer(act: Transfer, pocket: Pocket, receiver: Pocket, at: int) -> None:
    """A lot for each lot that is moved from, so that each keeps its expiry."""
    name = act.id.bytes
    taken = pocket.spend(act.amount, act=name, at=at, reason=act.reason, kind=MovementKind.MOVE_OUT)
    for number, (lot_id, part) in enumerate(taken):
        rule = f"{RECEIVED_RULE} {number + 1}" if number else RECEIVED_RULE
        lot = _lot(act, receiver, rule, part, at, pocket.lots[lot_id].state.expires_at)
        receiver.give(lot, MovementKind.MOVE_IN, act=name, at=at, reason=act.reason)


def _reverse(act: Reverse, pocket: Pocket, subjects: Mapping[UUID, Known], at: int) -> int:
    kind = BACK_KINDS.get(subjects[act.spend_id].outcome.kind)
    if kind is None or not any(of == act.spend_id.bytes for of, _ in pocket.uses):
        raise Refused("spend_not_found", "There is no such spend. Look at those that the customer has.")

    def regive(amount: int) -> StoredLot:
        assert act.grace is not None
        return _lot(act, pocket, GRACE_RULE, amount, at, to_microseconds(act.occurred_at + act.grace))

    return pocket.give_back(
        act.spend_id.bytes,
        act.amount,
        kind=kind,
        act=act.id.bytes,
        at=at,
        reason=act.reason,
        reference=reference_of(act, subjects),
        regive=None if act.grace is None else regive,
    )


def _lot(act: Act, pocket: Pocket, rule: str, amount: int, at: int, expires_at: int | None) -> StoredLot:
    """The lot that an act gives."""
    lot_id = derive_lot_id(pocket.owner, act.id.bytes, rule, pocket.currency)
    state = LotState(amount, amount, 0, 0, 0, 0, at, expires_at)
    return StoredLot(lot_id, pocket.owner, pocket.currency, act.id.bytes, rule, BY_AN_ACT, 0, state)


def _moment(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)
