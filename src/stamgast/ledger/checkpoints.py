"""What the ledger held at one moment, in a few kilobytes, and whether it still holds it.

A chain that only its own author can check proves nothing: who has the superuser's password may write it anew from the first
link. A checkpoint holds links of the chain and is kept somewhere else, so that no such rewriting agrees with it.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

from psycopg import ServerCursor

from stamgast.access.queries import read_trail
from stamgast.kit.database import Cursor
from stamgast.ledger.adjusting import SET_LIMIT
from stamgast.ledger.canonical import GENESIS, link_of
from stamgast.ledger.types import BY_AN_ACT, FIRST_OWNER_ACCOUNT, Finding

LARGEST_MARKS = 1_024
"""So many links a checkpoint holds at most, evenly spread: the first batch that differs is found to within that step."""
DAYS_OF_ACTS = 31
"""So many days of acts a checkpoint holds: those before are in the checkpoints of then."""
STILL_COMING = timedelta(hours=1)
"""A day is over when nothing that says it was written on that day can still be committed."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The chain up to link ``sequence``, batches that had no link yet, and what all of them add up to.

    ``marks`` are links by number, the last one among them. ``totals`` are debit and credit by currency and account of the
    programme's side; what owners have is their difference. ``acts`` are the last days that were over (UTC), each with how
    many acts were answered, refusals among them, and a digest of what they say and of when what they gave expires: the chain
    holds movements only. ``approved`` is the same of what a second person approved, and ``limits`` of what was set above which
    one is needed.
    """

    sequence: int
    marks: tuple[tuple[int, str], ...]
    unsealed: tuple[tuple[str, str], ...]
    movements: int
    amount: int
    totals: tuple[tuple[str, int, int, int], ...]
    acts: tuple[tuple[str, int, str], ...] = ()
    approved: tuple[tuple[str, int, str], ...] = ()
    limits: tuple[tuple[str, int, str], ...] = ()


def take_checkpoint(cursor: Cursor, *, at: datetime) -> Checkpoint:
    """What the ledger holds now. In one REPEATABLE READ transaction, so that all parts are of one moment. Reads no movement."""
    cursor.execute("SELECT sequence FROM ledger_head WHERE id = 1")
    row = cursor.fetchone()
    sequence = int(row[0]) if row else 0
    step = max(1, -(-sequence // LARGEST_MARKS))
    numbers = sorted({*range(step, sequence + 1, step), *([sequence] if sequence else [])})
    cursor.execute("SELECT sequence, chain FROM ledger_seal WHERE sequence = ANY(%s) ORDER BY sequence", (numbers,))
    marks = tuple((int(number), bytes(chain).hex()) for number, chain in cursor)
    cursor.execute(
        "SELECT b.id, b.root FROM ledger_unsealed u JOIN ledger_batch b ON b.id = u.batch_id ORDER BY u.posted_at, b.id"
    )
    unsealed = tuple((str(batch_id), bytes(root).hex()) for batch_id, root in cursor)
    cursor.execute("SELECT coalesce(sum(rows), 0)::bigint, coalesce(sum(total), 0)::bigint FROM ledger_batch")
    movements, amount = cursor.fetchone() or (0, 0)
    cursor.execute(
        """SELECT currency, account, sum(debit)::bigint, sum(credit)::bigint FROM (
          SELECT currency, account, debit, credit FROM ledger_contra_delta
          UNION ALL SELECT currency, account, debit, credit FROM ledger_contra_daily
        ) AS kept GROUP BY currency, account ORDER BY currency, account"""
    )
    totals = tuple((currency, int(account), int(debit), int(credit)) for currency, account, debit, credit in cursor)
    last = (at.astimezone(UTC) - STILL_COMING).date() - timedelta(days=1)
    first = last - timedelta(days=DAYS_OF_ACTS - 1)
    acts, approved, limits = (tuple(days(cursor, first, last)) for days in (_acts, _approvals, _limits))
    return Checkpoint(sequence, marks, unsealed, int(movements), int(amount), totals, acts, approved, limits)


def compare_with_checkpoint(cursor: Cursor, checkpoint: Checkpoint) -> list[Finding]:
    """What of a checkpoint no longer holds: empty when today's ledger holds all of it, and perhaps more after it.

    Makes the chain anew from today's roots, so that neither batches nor links can be exchanged; that the roots are those of
    today's movements is what ``audit`` proves.
    """
    found = next(_differing_chain(cursor, checkpoint), None)
    findings = [found] if found else []
    roots = dict(checkpoint.unsealed)
    cursor.execute("SELECT id::text, root FROM ledger_batch WHERE id = ANY(%s::uuid[])", (list(roots),))
    today = {batch_id: bytes(root).hex() for batch_id, root in cursor}
    for batch_id, root in checkpoint.unsealed:
        if today.get(batch_id) != root:
            sentence = f"Batch {batch_id} waited for its link when the checkpoint was made, and is not what it was then."
            findings.append(Finding("checkpoint", batch_id, sentence))
            break
    return findings or [
        *_differing_sums(cursor, checkpoint),
        *_differing_days(cursor, _acts, "acts", checkpoint.acts),
        *_differing_days(cursor, _approvals, "approvals", checkpoint.approved),
        *_differing_days(cursor, _limits, "limits", checkpoint.limits),
    ]


def _differing_chain(cursor: Cursor, checkpoint: Checkpoint) -> Iterator[Finding]:
    marks = dict(checkpoint.marks)
    link, agreed = GENESIS, 0
    batches: list[UUID] = []
    for number, batch_id, root in _roots(cursor, checkpoint.sequence):
        if root is None or number != agreed + len(batches) + 1:
            yield Finding(
                "checkpoint", str(batch_id), f"The chain has lost its link {agreed + len(batches) + 1}, or its batch."
            )
            return
        link = link_of(link, batch_id.bytes, root)
        batches.append(batch_id)
        if number in marks:
            if marks[number] != link.hex():
                yield _differs(agreed + 1, number, batches)
                return
            agreed, batches = number, []
    if agreed < checkpoint.sequence:
        last = agreed + len(batches)
        yield Finding("checkpoint", str(last), f"The chain ends at link {last}; it had {checkpoint.sequence}.")


def _differs(first: int, last: int, batches: Sequence[UUID]) -> Finding:
    since = "is not what it was when the checkpoint was made"
    if first == last:
        return Finding("checkpoint", str(batches[0]), f"Batch {batches[0]}, link {first} of the chain, {since}.")
    sentence = f"One of the batches {batches[0]} to {batches[-1]}, links {first} to {last} of the chain, {since}."
    return Finding("checkpoint", str(batches[0]), sentence)


def _roots(cursor: Cursor, sequence: int) -> Iterator[tuple[int, UUID, bytes | None]]:
    with ServerCursor[Any](cursor.connection, "ledger_checkpoint_chain") as reader:
        reader.execute(
            """SELECT s.sequence, s.batch_id, b.root FROM ledger_seal s LEFT JOIN ledger_batch b ON b.id = s.batch_id
            WHERE s.sequence <= %s ORDER BY s.sequence""",
            (sequence,),
            binary=True,
        )
        yield from reader


def _differing_sums(cursor: Cursor, checkpoint: Checkpoint) -> Iterator[Finding]:
    """The same batches with another content show here, where nobody audits the movements beside it."""
    cursor.execute(
        """WITH held AS MATERIALIZED (
          SELECT batch_id FROM ledger_seal WHERE sequence <= %(sequence)s UNION SELECT unnest(%(unsealed)s::uuid[])
        ), sides AS (
          SELECT currency, debit AS account, amount AS debit, 0 AS credit FROM ledger_movement
          WHERE batch_id IN (SELECT batch_id FROM held)
          UNION ALL SELECT currency, credit, 0, amount FROM ledger_movement WHERE batch_id IN (SELECT batch_id FROM held)
        )
        SELECT currency, account, sum(debit)::bigint, sum(credit)::bigint FROM sides WHERE account < %(first)s
        GROUP BY currency, account ORDER BY currency, account""",
        {
            "sequence": checkpoint.sequence,
            "unsealed": [batch_id for batch_id, _ in checkpoint.unsealed],
            "first": FIRST_OWNER_ACCOUNT,
        },
    )
    today = tuple((currency, int(account), int(debit), int(credit)) for currency, account, debit, credit in cursor)
    for one in sorted({*checkpoint.totals} ^ {*today}):
        currency, account, *_ = one
        sentence = f"Account {account} of the programme has other sums of {currency} than when the checkpoint was made."
        yield Finding("checkpoint", f"{account} {currency}", sentence)
        return


_MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::bigint"
_ACTS = f"""
WITH given AS MATERIALIZED (
  SELECT activity_id, owner_id,
    jsonb_agg(jsonb_build_array(rule, {_MICROSECONDS.format("expires_at")}) ORDER BY rule) AS lots
  FROM ledger_lot WHERE programme_version = {BY_AN_ACT:d} AND rule <> 'borrowed' GROUP BY activity_id, owner_id
), said AS MATERIALIZED (
  SELECT (a.posted_at AT TIME ZONE 'UTC')::date AS day, a.act_id AS id, sha256(convert_to(jsonb_build_array(
    a.bucket, a.act_id, a.kind, a.owner_id, a.anchor_id, a.subject_id, a.other_id, a.other_anchor_id, encode(a.content, 'hex'),
    a.currency, a.key, a.reference, a.asked, a.amount, a.available, {_MICROSECONDS.format("a.occurred_at")},
    {_MICROSECONDS.format("a.posted_at")}, a.reason, a.actor, a.refusal, a.sentence, g.lots
  )::text, 'UTF8')) AS digest
  FROM ledger_act a LEFT JOIN given g ON g.activity_id = a.act_id AND g.owner_id = coalesce(a.other_id, a.owner_id)
  WHERE a.posted_at >= %(first)s::timestamp AT TIME ZONE 'UTC'
    AND a.posted_at < (%(last)s::timestamp + interval '1 day') AT TIME ZONE 'UTC'
)
"""
"""What an act gave is looked at where it was given: a merge puts a copy elsewhere and leaves this."""
_APPROVED = f"""
WITH said AS MATERIALIZED (
  SELECT (p.decided_at AT TIME ZONE 'UTC')::date AS day, p.id, sha256(convert_to(jsonb_build_array(
    p.id, p.owner_id, p.anchor_id, p.currency, p.amount, p.partner, {_MICROSECONDS.format("p.expires_at")}, p.key,
    encode(p.content, 'hex'), p.asked_by, {_MICROSECONDS.format("p.asked_at")}, p.decided_by,
    {_MICROSECONDS.format("p.decided_at")}, p.act_id
  )::text, 'UTF8')) AS digest
  FROM ledger_adjustmentproposal p
  WHERE p.state = 'approved' AND p.decided_at >= %(first)s::timestamp AT TIME ZONE 'UTC'
    AND p.decided_at < (%(last)s::timestamp + interval '1 day') AT TIME ZONE 'UTC'
)
"""
_A_DAY = """
SELECT d::date::text, count(said.id), coalesce(encode(sha256(string_agg(said.digest, '' ORDER BY said.id)), 'hex'), '')
FROM generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') AS d LEFT JOIN said ON said.day = d::date
GROUP BY d ORDER BY d
"""


def _days(said: str, cursor: Cursor, first: date, last: date) -> list[tuple[str, int, str]]:
    return cursor.execute(said + _A_DAY, {"first": first, "last": last}, prepare=False).fetchall()


_acts, _approvals = partial(_days, _ACTS), partial(_days, _APPROVED)


def _limits(cursor: Cursor, first: date, last: date) -> list[tuple[str, int, str]]:
    """As the trail has them, with which the audit compares those in force."""
    said = {(first + timedelta(days=number)).isoformat(): list[str]() for number in range((last - first).days + 1)}
    for line in read_trail(cursor, [SET_LIMIT]):
        at, detail = line.at.astimezone(UTC), line.detail
        if (day := at.date().isoformat()) in said:
            said[day].append(json.dumps([at.isoformat(), line.actor, detail["currency"], detail["before"], detail["limit"]]))
    return [(day, len(lines), sha256("\n".join(lines).encode()).hexdigest() if lines else "") for day, lines in said.items()]


def _differing_days(
    cursor: Cursor,
    days_of: Callable[[Cursor, date, date], list[tuple[str, int, str]]],
    what: str,
    days: Sequence[tuple[str, int, str]],
) -> Iterator[Finding]:
    if not days:
        return
    first, last = date.fromisoformat(days[0][0]), date.fromisoformat(days[-1][0])
    for (day, count, digest), (_, today, other) in zip(days, days_of(cursor, first, last), strict=True):
        if digest != other:
            there = f"there were {count} then, and there are {today}" if count != today else "one of them says something else"
            sentence = f"The {what} of {day} are not what they were when the checkpoint was made: {there}."
            yield Finding("checkpoint", day, sentence)
            return
