"""Acts: what people and programs ask for, decided on what they have at this moment, done once, and answered for ever."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from stamgast.kit.database import Cursor
from stamgast.kit.ids import bucket_of
from stamgast.ledger import sql, sql_acts
from stamgast.ledger.acts import Act, ActKind, Capture, Hold, Outcome, Performed, Release, Reverse, Spend
from stamgast.ledger.entries import Entries, derive_lot_id
from stamgast.ledger.errors import ActKeyReused, InvalidAct
from stamgast.ledger.operations.load import Key, gather, lock_pockets, to_ids, write_uses
from stamgast.ledger.pockets import Pocket, Refused
from stamgast.ledger.rules import LotState, StoredLot
from stamgast.ledger.types import BY_AN_ACT, MovementKind, to_microseconds

LARGEST_AMOUNT = 10**15
LONGEST_KEY = 255
LARGEST_CALL = 5_000
GRACE_RULE = "grace"


class Known(NamedTuple):
    """An act that was answered before."""

    content: bytes
    outcome: Outcome
    reference: str


def perform(cursor: Cursor, acts: Sequence[Act], *, at: datetime, actor: str) -> Performed:
    """Does each act once, in the order in which they are given, and answers all of them.

    An act is known by its owner and key. Known already: the answer that is kept, also where it was refused; with another
    content it is refused with ``act_key_reused``, and nothing is kept of that. What time has done by ``at`` comes first, so
    that a spend never meets what has expired and a hold is over when it is over, whether a sweeper came by or not.

    Locks the balances in key order and decides from what it reads after that. Two calls that use one key for different
    balances at once meet at the key of the act's row: UniqueViolation, and a retry finds the answer. Raises InvalidAct.
    """
    for act in acts:
        _check(act, at)
    if len(acts) > LARGEST_CALL:
        raise InvalidAct(f"One call performs {LARGEST_CALL:,} acts at most; these are {len(acts):,}. Send them in parts.")
    subjects = _subjects_of(cursor, acts)
    keys = {key for act in acts if (key := _key_of(act, subjects)) is not None}
    about = {(act.owner_id.bytes, subject.bytes) for act in acts if (subject := _subject_of(act)) is not None}
    pockets = lock_pockets(cursor, keys, about) if keys else {}
    known = _read_acts(cursor, [act.id for act in acts])
    entries = Entries(at=to_microseconds(at), actor=actor, reason="", has_acts=True)
    done: list[tuple[Act, Outcome, str]] = []
    outcomes = []
    for act in acts:
        if (before := known.get(act.id)) is not None:
            outcomes.append(_answer_again(act, before))
            continue
        reference = _reference_of(act, subjects)
        outcome = _decide(act, pockets.get(_key_of(act, subjects) or (b"", "")), subjects, reference, at)
        known[act.id] = Known(act.content, outcome, reference)
        done.append((act, outcome, reference))
        outcomes.append(outcome)
    if done:
        gather(pockets.values(), entries)
        entries.write(cursor)
        write_uses(cursor, pockets.values())
        _write_acts(cursor, done, at=at, actor=actor)
    return Performed(outcomes, entries.changes, len(entries))


def _check(act: Act, at: datetime) -> None:
    if not 1 <= len(act.key) <= LONGEST_KEY:
        raise InvalidAct(f"The key of an act has 1 to {LONGEST_KEY} characters. A new UUID is a good one.")
    amount = getattr(act, "amount", None)
    if amount is not None and not 1 <= amount <= LARGEST_AMOUNT:
        raise InvalidAct(f"An amount is from 1 to {LARGEST_AMOUNT:,}, not {amount:,}.")
    if act.occurred_at > at:
        raise InvalidAct("This happened later than now. Look at the clock of the machine that says so.")
    if isinstance(act, Hold) and act.lasts.total_seconds() <= 0:
        raise InvalidAct("A hold lasts longer than no time at all. Say how long.")


def _subject_of(act: Act) -> UUID | None:
    match act:
        case Capture() | Release():
            return act.hold_id
        case Reverse():
            return act.spend_id
        case _:
            return None


def _subjects_of(cursor: Cursor, acts: Sequence[Act]) -> dict[UUID, Known]:
    """The acts that these are about: kept ones, which never change, and earlier ones of this call."""
    wanted = {subject for act in acts if (subject := _subject_of(act)) is not None}
    subjects = _read_acts(cursor, wanted)
    for act in acts:
        if act.id in wanted and act.id not in subjects and isinstance(act, Spend | Hold):
            outcome = Outcome(act.id, act.kind, act.currency, act.amount, 0)
            subjects[act.id] = Known(act.content, outcome, _reference_of(act, subjects))
    return subjects


def _key_of(act: Act, subjects: Mapping[UUID, Known]) -> Key | None:
    """The balance that an act is about; None where what it is about is not known."""
    subject = _subject_of(act)
    if subject is None:
        return act.owner_id.bytes, str(getattr(act, "currency"))  # noqa: B009  # every act without a subject has one
    known = subjects.get(subject)
    return None if known is None or not known.outcome.currency else (act.owner_id.bytes, known.outcome.currency)


def _reference_of(act: Act, subjects: Mapping[UUID, Known]) -> str:
    subject = _subject_of(act)
    known = None if subject is None else subjects.get(subject)
    return "" if known is None else known.reference


def _answer_again(act: Act, before: Known) -> Outcome:
    if before.content != act.content:
        outcome = before.outcome
        return replace(
            outcome,
            amount=0,
            refusal=ActKeyReused.code,
            sentence="This key was used before, for something else. Nothing was done; take a new key for a new act.",
        )
    return replace(before.outcome, is_repeat=True)


def _decide(act: Act, pocket: Pocket | None, subjects: Mapping[UUID, Known], reference: str, at: datetime) -> Outcome:
    if pocket is None:
        code, what = ("spend_not_found", "spend") if isinstance(act, Reverse) else ("hold_not_found", "hold")
        return Outcome(act.id, act.kind, "", 0, 0, code, f"There is no such {what}. Look at those that the customer has.")
    now = to_microseconds(at)
    pocket.settle(now)
    moment = to_microseconds(act.occurred_at)
    try:
        amount = _do(act, pocket, subjects, reference, moment)
    except Refused as refused:
        return Outcome(act.id, act.kind, pocket.currency, 0, pocket.available, refused.code, refused.sentence)
    return Outcome(act.id, act.kind, pocket.currency, amount, pocket.available)


def _do(act: Act, pocket: Pocket, subjects: Mapping[UUID, Known], reference: str, at: int) -> int:
    """Does one act to its pocket; returns what was done of it. Raises Refused, before anything moved."""
    name, reason = act.id.bytes, act.reason
    match act:
        case Spend():
            pocket.spend(act.amount, act=name, at=at, reason=reason)
            return act.amount
        case Hold():
            ends_at = at + to_microseconds(act.occurred_at + act.lasts) - to_microseconds(act.occurred_at)
            pocket.hold(act.amount, act=name, at=at, ends_at=ends_at, reason=reason)
            return act.amount
        case Capture():
            return pocket.capture(act.hold_id.bytes, act.amount, act=name, at=at, reason=reason)
        case Release():
            return pocket.release(act.hold_id.bytes, act=name, at=at, reason=reason)
        case Reverse():
            return _reverse(act, pocket, subjects, reference, at)
        case _:
            raise AssertionError(f"nothing is known of {act}")


def _reverse(act: Reverse, pocket: Pocket, subjects: Mapping[UUID, Known], reference: str, at: int) -> int:
    if not any(of == act.spend_id.bytes for of, _ in pocket.uses):
        raise Refused("spend_not_found", "There is no such spend. Look at those that the customer has.")

    def regive(amount: int) -> StoredLot:
        assert act.grace is not None
        state = LotState(amount, amount, 0, 0, 0, 0, at, to_microseconds(act.occurred_at + act.grace))
        return lot_of_act(act, pocket.currency, GRACE_RULE, state)

    return pocket.give_back(
        act.spend_id.bytes,
        act.amount,
        kind=BACK_KINDS[subjects[act.spend_id].outcome.kind],
        act=act.id.bytes,
        at=at,
        reason=act.reason,
        reference=reference,
        regive=None if act.grace is None else regive,
    )


BACK_KINDS = {ActKind.SPEND: MovementKind.GIVE_BACK, ActKind.HOLD: MovementKind.GIVE_BACK}


def lot_of_act(act: Act, currency: str, rule: str, state: LotState, owner: UUID | None = None) -> StoredLot:
    """The lot that an act gives."""
    owner = owner or act.owner_id
    lot_id = derive_lot_id(owner.bytes, act.id.bytes, rule, currency)
    return StoredLot(lot_id, owner.bytes, currency, act.id.bytes, rule, BY_AN_ACT, 1, state)


def _read_acts(cursor: Cursor, ids: Collection[UUID]) -> dict[UUID, Known]:
    if not ids:
        return {}
    cursor.execute(sql_acts.ACTS, (sql.numbers([bucket_of(one) for one in ids]), to_ids(ids)), prepare=False)
    known = {}
    for act_id, _, kind, currency, content, amount, available, refusal, sentence, reference in cursor:
        outcome = Outcome(act_id, ActKind(kind), currency, amount, available, refusal, sentence)
        known[act_id] = Known(bytes(content), outcome, reference)
    return known


def _write_acts(cursor: Cursor, done: list[tuple[Act, Outcome, str]], *, at: datetime, actor: str) -> None:
    acts = [act for act, _, _ in done]
    cursor.execute(
        sql_acts.INSERT_ACTS,
        (
            [bucket_of(act.id) for act in acts],
            [int(act.kind) for act in acts],
            [act.id for act in acts],
            [act.owner_id for act in acts],
            [act.anchor_id for act in acts],
            [_subject_of(act) for act in acts],
            [None for act in acts],
            [act.content for act in acts],
            [outcome.currency for _, outcome, _ in done],
            [act.key for act in acts],
            [reference for _, _, reference in done],
            [getattr(act, "amount", None) or 0 for act in acts],
            [outcome.amount for _, outcome, _ in done],
            [outcome.available for _, outcome, _ in done],
            [act.occurred_at for act in acts],
            [at] * len(acts),
            [act.reason for act in acts],
            [actor] * len(acts),
            [outcome.refusal for _, outcome, _ in done],
            [outcome.sentence for _, outcome, _ in done],
        ),
        prepare=False,
    )
