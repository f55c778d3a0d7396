"""Acts: what people and programs ask for, decided on what they have at this moment, done once, and answered for ever."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from stamgast.kit.arrays import IdArray, id_array
from stamgast.kit.database import Cursor, another, found_by_key, is_few
from stamgast.kit.ids import bucket_of
from stamgast.ledger import sql, sql_acts
from stamgast.ledger.acts import Act, ActKind, Donate, Hold, Outcome, Performed, Redeem, Spend
from stamgast.ledger.doing import Known, check, decide, keys_of, reference_of, subject_of
from stamgast.ledger.entries import Entries
from stamgast.ledger.errors import ActKeyReused, InvalidAct
from stamgast.ledger.operations.load import gather, lock_pockets, to_ids, write_uses
from stamgast.ledger.types import changes_of, to_microseconds

LARGEST_CALL = 5_000


def perform(cursor: Cursor, acts: Sequence[Act], *, at: datetime, actor: str) -> Performed:
    """Does each act once, in the order in which they are given, and answers all of them.

    An act is known by its owner and key. Known already: the answer that is kept, also where it was refused; with another
    content it is refused with ``act_key_reused``, and nothing is kept of that. What time has done by ``at`` comes first, so
    that a spend never meets what has expired and a hold is over when it is over, whether a sweeper came by or not.

    Locks the balances in key order and decides from what it reads after that. Two calls that use one key for different
    balances at once meet at the key of the act's row: UniqueViolation, and a retry finds the answer. Raises InvalidAct.
    """
    for act in acts:
        check(act, at)
    if len(acts) > LARGEST_CALL:
        raise InvalidAct(f"One call performs {LARGEST_CALL:,} acts at most; these are {len(acts):,}. Send them in parts.")
    with found_by_key(cursor, len(acts)):
        return _perform(cursor, acts, at=at, actor=actor)


def _perform(cursor: Cursor, acts: Sequence[Act], *, at: datetime, actor: str) -> Performed:
    subjects = _subjects_of(cursor, acts)
    keys = {key for act in acts for key in keys_of(act, subjects)}
    about = {(act.owner_id.bytes, subject.bytes) for act in acts if (subject := subject_of(act)) is not None}
    before, ids = another(cursor), [act.id for act in acts]
    if keys:
        pockets = lock_pockets(cursor, keys, about, asks=lambda: _ask_acts(before, ids))
    else:
        pockets = {}
        _ask_acts(before, ids)
    known = _read_acts(before)
    entries = Entries(at=to_microseconds(at), actor=actor, reason="", has_acts=True)
    done: list[tuple[Act, Known]] = []
    outcomes = []
    for act in acts:
        if (answered := known.get(act.id)) is not None:
            outcomes.append(_answer_again(act, answered))
            continue
        outcome = decide(act, [pockets[key] for key in keys_of(act, subjects)], subjects, at)
        known[act.id] = Known(act.content, outcome, reference_of(act, subjects))
        done.append((act, known[act.id]))
        outcomes.append(outcome)
    if done:
        gather(pockets.values(), entries)
        entries.write(
            cursor,
            lambda cursor: write_uses(cursor, pockets.values()),
            lambda cursor: _write_acts(cursor, done, at=at, actor=actor),
        )
    return Performed(outcomes, changes_of(entries.moved), len(entries))


def find_answer(cursor: Cursor, said: Sequence[Act]) -> Outcome | None:
    """What was answered before to an act, which may have been said in any of these ways; None where it was not. Asked under its
    key with another content, it is refused as ``perform`` refuses it."""
    _ask_acts(cursor, {act.id for act in said})
    known = _read_acts(cursor)
    answered = [(act, known[act.id]) for act in said if act.id in known]
    if not answered:
        return None
    return _answer_again(*next((pair for pair in answered if pair[0].content == pair[1].content), answered[0]))


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


def _subjects_of(cursor: Cursor, acts: Sequence[Act]) -> dict[UUID, Known]:
    """The acts that these are about: kept ones, which never change, and earlier ones of this call."""
    wanted = {subject for act in acts if (subject := subject_of(act)) is not None}
    if not wanted:
        return {}
    _ask_acts(cursor, wanted)
    subjects = _read_acts(cursor)
    for act in acts:
        if act.id in wanted and act.id not in subjects and isinstance(act, Spend | Hold | Donate | Redeem):
            outcome = Outcome(act.id, act.kind, act.currency, act.amount, 0)
            subjects[act.id] = Known(act.content, outcome, reference_of(act, subjects))
    return subjects


def _ask_acts(cursor: Cursor, ids: Collection[UUID]) -> None:
    cursor.execute(sql_acts.ACTS, (sql.numbers([bucket_of(one) for one in ids]), to_ids(ids)), prepare=is_few(len(ids)))


def _read_acts(cursor: Cursor) -> dict[UUID, Known]:
    known = {}
    for act_id, _, kind, currency, content, amount, available, refusal, sentence, reference in cursor:
        outcome = Outcome(act_id, ActKind(kind), currency, amount, available, refusal, sentence)
        known[act_id] = Known(bytes(content), outcome, reference)
    return known


def _write_acts(cursor: Cursor, done: list[tuple[Act, Known]], *, at: datetime, actor: str) -> None:
    acts = [act for act, _ in done]
    outcomes = [known.outcome for _, known in done]
    cursor.execute(
        sql_acts.INSERT_ACTS,
        (
            at,
            actor,
            sql.numbers([bucket_of(act.id) for act in acts]),
            sql.numbers([int(act.kind) for act in acts]),
            _ids([act.id for act in acts]),
            _ids([act.owner_id for act in acts]),
            _ids([act.anchor_id for act in acts]),
            _ids([subject_of(act) for act in acts]),
            _ids([getattr(act, "receiver_id", None) for act in acts]),
            _ids([getattr(act, "receiver_anchor_id", None) for act in acts]),
            sql.blobs([known.content for _, known in done]),
            sql.texts([outcome.currency for outcome in outcomes]),
            sql.texts([act.key for act in acts]),
            sql.texts([known.reference for _, known in done]),
            sql.numbers([getattr(act, "amount", None) or 0 for act in acts]),
            sql.numbers([outcome.amount for outcome in outcomes]),
            sql.numbers([outcome.available for outcome in outcomes]),
            sql.moments([to_microseconds(act.occurred_at) for act in acts]),
            sql.texts([act.reason for act in acts]),
            sql.texts([outcome.refusal for outcome in outcomes]),
            sql.texts([outcome.sentence for outcome in outcomes]),
        ),
        prepare=is_few(len(acts)),
    )


def _ids(values: Sequence[UUID | None]) -> IdArray:
    return id_array([None if value is None else value.bytes for value in values])
