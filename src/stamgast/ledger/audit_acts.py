"""What the audit asks of acts: that they say what was asked, that their movements are theirs, and that uses, holds and the lots
that they gave say what the movements say."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import ServerCursor

from stamgast.kit.database import Cursor
from stamgast.kit.ids import bucket_of
from stamgast.ledger.acts import (
    Act,
    ActKind,
    Adjust,
    Capture,
    Donate,
    Hold,
    HoldState,
    Issue,
    Redeem,
    Release,
    Reverse,
    Spend,
    Transfer,
    act_id_of,
)
from stamgast.ledger.doing import GRACE_RULE
from stamgast.ledger.entries import GIVING_BACK, USING
from stamgast.ledger.rules import derive_lot_id
from stamgast.ledger.types import BY_AN_ACT, Account, Finding, MovementKind

ROWS_A_FETCH = 10_000

PRINCIPAL: dict[ActKind, tuple[MovementKind, ...]] = {
    ActKind.SPEND: (MovementKind.SPEND,),
    ActKind.HOLD: (MovementKind.HOLD,),
    ActKind.CAPTURE: (MovementKind.CAPTURE,),
    ActKind.RELEASE: (MovementKind.RELEASE,),
    ActKind.REVERSE: GIVING_BACK,
    ActKind.ADJUST: (MovementKind.ADJUST_UP, MovementKind.ADJUST_DOWN),
    ActKind.TRANSFER: (MovementKind.MOVE_OUT,),
    ActKind.DONATE: (MovementKind.DONATE,),
    ActKind.REDEEM: (MovementKind.REDEEM,),
    ActKind.ISSUE: (MovementKind.ISSUE,),
}
"""The movements that together are the amount of an act."""

_KINDS = ", ".join(f"({int(act)}, {int(kind)})" for act, kinds in PRINCIPAL.items() for kind in kinds)

_FIRST = "(m.posted_at = a.posted_at AND m.reason = a.reason)"
"""Where it is the act itself, and not its being placed again with other lots after customers merged or came apart."""

ACT_MOVEMENTS = f"""
WITH principal (act_kind, kind) AS (VALUES {_KINDS}), moved AS (
  SELECT m.act_id, a.kind AS act_kind, a.amount, a.refusal,
    coalesce(sum(m.amount) FILTER (WHERE p.kind IS NOT NULL AND {_FIRST}), 0)::bigint AS moved,
    bool_and(p.kind IS NULL OR NOT {_FIRST}
      OR (m.actor, m.currency, coalesce(m.reference, '')) = (a.actor, a.currency, a.reference)) AS is_said
  FROM ledger_movement m LEFT JOIN ledger_act a ON a.act_id = m.act_id
  LEFT JOIN principal p ON p.act_kind = a.kind AND p.kind = m.kind
  WHERE m.act_id IS NOT NULL GROUP BY m.act_id, a.kind, a.amount, a.refusal
), compared AS (
  SELECT coalesce(m.act_id, a.act_id) AS act_id, coalesce(a.amount, -1) AS amount, coalesce(m.moved, 0) AS moved,
    coalesce(m.is_said, true) AS is_said
  FROM moved m FULL JOIN ledger_act a ON a.act_id = m.act_id
)
SELECT act_id, amount, moved FROM compared WHERE amount <> moved OR NOT is_said ORDER BY act_id LIMIT 1
"""


def say_act_movements(act_id: UUID, amount: int, moved: int) -> tuple[str, str]:
    if amount < 0:
        return str(act_id), f"Movements name act {act_id}, which does not exist."
    if amount == moved:
        return str(act_id), f"Act {act_id} says another actor, currency or partner than its movements."
    return str(act_id), f"Act {act_id} says that it did {amount}, and its movements did {moved}."


USE_MOVEMENTS = f"""
WITH moved AS (
  SELECT m.bucket, m.owner_id, m.lot_id, CASE WHEN m.kind IN ({MovementKind.EXTEND:d}, {MovementKind.UNMOVE:d}) THEN m.act_id
      ELSE coalesce(a.subject_id, m.act_id) END AS act_id,
    sum(CASE WHEN m.kind = {MovementKind.HOLD:d} THEN m.amount
      WHEN m.kind IN ({MovementKind.CAPTURE:d}, {MovementKind.RELEASE:d}) THEN -m.amount ELSE 0 END)::bigint AS held,
    sum(CASE WHEN m.kind = ANY(ARRAY{list(map(int, USING))}) THEN m.amount
      WHEN m.kind = ANY(ARRAY{list(map(int, GIVING_BACK))}) THEN -m.amount ELSE 0 END)::bigint AS used
  FROM ledger_movement m LEFT JOIN ledger_act a ON a.act_id = m.act_id WHERE m.act_id IS NOT NULL GROUP BY 1, 2, 3, 4
)
SELECT owner_id, act_id, lot_id, coalesce(u.held, 0), coalesce(u.used, 0), coalesce(m.held, 0), coalesce(m.used, 0)
FROM ledger_use u FULL JOIN moved m USING (bucket, owner_id, act_id, lot_id)
WHERE (coalesce(u.held, 0), coalesce(u.used, 0)) <> (coalesce(m.held, 0), coalesce(m.used, 0))
ORDER BY owner_id, act_id, lot_id LIMIT 1
"""


def say_use_movements(
    owner: UUID, act_id: UUID, lot_id: UUID, held: int, used: int, moved_held: int, moved_used: int
) -> tuple[str, str]:
    return str(act_id), (
        f"Act {act_id} of owner {owner} holds {held} and used {used} of lot {lot_id}, "
        f"and the movements say {moved_held} and {moved_used}."
    )


TRANSIT = f"""
SELECT act_id, currency, sum(amount) FILTER (WHERE credit = {Account.TRANSIT:d})::bigint AS went,
  sum(amount) FILTER (WHERE debit = {Account.TRANSIT:d})::bigint AS came
FROM ledger_movement WHERE act_id IS NOT NULL GROUP BY act_id, currency
HAVING sum(CASE WHEN credit = {Account.TRANSIT:d} THEN amount WHEN debit = {Account.TRANSIT:d} THEN -amount ELSE 0 END) <> 0
ORDER BY act_id, currency LIMIT 1
"""


def say_transit(act_id: UUID, currency: str, went: int | None, came: int | None) -> tuple[str, str]:
    return str(act_id), f"Of act {act_id} {went or 0} {currency} left a lot, and {came or 0} came into another."


HOLD_USES = """
WITH used AS (
  SELECT owner_id, act_id, sum(held)::bigint AS held, sum(used)::bigint AS used FROM ledger_use GROUP BY owner_id, act_id
)
SELECT h.owner_id, h.hold_id, CASE WHEN h.ended_at IS NULL THEN h.amount ELSE 0 END, h.captured, coalesce(u.held, 0),
  coalesce(u.used, 0)
FROM ledger_hold h LEFT JOIN used u ON u.owner_id = h.owner_id AND u.act_id = h.hold_id
WHERE CASE WHEN h.ended_at IS NULL THEN h.amount ELSE 0 END <> coalesce(u.held, 0) OR coalesce(u.used, 0) > h.captured
ORDER BY h.hold_id LIMIT 1
"""


def say_hold_uses(owner: UUID, hold_id: UUID, amount: int, captured: int, held: int, used: int) -> tuple[str, str]:
    return str(hold_id), (
        f"Hold {hold_id} of owner {owner} sets {amount} aside and captured {captured}; of the lots it holds {held} "
        f"and used {used}."
    )


HOLDS = f"""
SELECT coalesce(h.hold_id, a.act_id), h.hold_id IS NULL, a.act_id IS NULL
FROM (SELECT act_id, currency, amount FROM ledger_act WHERE kind = {ActKind.HOLD:d} AND refusal = '') a
FULL JOIN ledger_hold h ON h.hold_id = a.act_id
LEFT JOIN ledger_act e ON e.subject_id = h.hold_id AND e.kind IN ({ActKind.CAPTURE:d}, {ActKind.RELEASE:d}) AND e.refusal = ''
WHERE h.hold_id IS NULL OR a.act_id IS NULL OR (h.currency, h.amount) <> (a.currency, a.amount)
  OR h.captured <> CASE WHEN e.kind = {ActKind.CAPTURE:d} THEN e.amount ELSE 0 END
  OR h.ended_at IS DISTINCT FROM
    CASE WHEN e.kind IS NOT NULL THEN e.occurred_at WHEN h.ended_at IS NOT NULL THEN h.ends_at END
  OR h.state <> CASE WHEN e.kind = {ActKind.CAPTURE:d} THEN {HoldState.CAPTURED:d} WHEN e.kind IS NOT NULL
    THEN {HoldState.RELEASED:d} WHEN h.ended_at IS NULL THEN {HoldState.OPEN:d} ELSE {HoldState.OVER:d} END
ORDER BY 1 LIMIT 1
"""


def say_holds(hold_id: UUID, is_gone: bool, is_made_up: bool) -> tuple[str, str]:
    if is_gone:
        return str(hold_id), f"Act {hold_id} made a hold, and there is none."
    if is_made_up:
        return str(hold_id), f"No act made hold {hold_id}."
    return str(hold_id), f"Hold {hold_id} is not what its act made, or not what the act that ended it left."


class _Row(NamedTuple):
    """An act, with its hold or a lot that it gave."""

    bucket: int
    act_id: UUID
    kind: int
    owner_id: UUID
    key: str
    content: bytes
    currency: str
    asked: int
    amount: int
    refusal: str
    reason: str
    reference: str
    subject_id: UUID | None
    other_id: UUID | None
    occurred_at: datetime
    ends_at: datetime | None
    hold_owner: UUID | None
    hold_bucket: int | None
    lot_id: UUID | None
    lot_owner: UUID | None
    lot_currency: str
    rule: str
    effective_at: datetime
    available_at: datetime | None
    expires_at: datetime | None


_ACTS = f"""
SELECT a.bucket, a.act_id, a.kind, a.owner_id, a.key, a.content, a.currency, a.asked, a.amount, a.refusal, a.reason,
  a.reference, a.subject_id, a.other_id, a.occurred_at, h.ends_at, h.owner_id, h.bucket, l.lot_id, l.owner_id, l.currency,
  l.rule, l.effective_at, l.available_at, l.expires_at
FROM ledger_act a LEFT JOIN ledger_hold h ON h.hold_id = a.act_id
LEFT JOIN ledger_lot l ON l.activity_id = a.act_id AND l.programme_version = {BY_AN_ACT:d}
ORDER BY a.act_id, l.lot_id
"""


def audit_acts(cursor: Cursor) -> Iterator[Finding]:
    """Acts against the digest of what was asked, with how long they hold and when what they gave expires: no movement says it.

    Who knows how the digest is made can make another, as with the fingerprints of movements: that a checkpoint shows.
    """
    with ServerCursor[Any](cursor.connection, "ledger_audit_acts") as reader:
        reader.itersize = ROWS_A_FETCH
        reader.execute(_ACTS, binary=True)
        for row in map(_Row._make, reader):
            if wrong := _wrong_in(row):
                yield Finding("acts", str(row.act_id), f"Act {row.act_id} of owner {row.owner_id} {wrong}.")


def _wrong_in(row: _Row) -> str:
    """What is wrong with an act; empty where nothing is."""
    said = _act_of(row)
    if (act_id_of(row.owner_id, row.key), bucket_of(row.act_id)) != (row.act_id, row.bucket):
        return "is not the one that its owner and key make"
    if (row.refusal == "") != (row.amount > 0):
        return f"says that it did {row.amount}, and that it was {'refused' if row.refusal else 'done'}"
    if row.hold_owner is not None and row.hold_bucket != bucket_of(row.hold_owner):
        return "made a hold that is in another bucket than its owner"
    if row.lot_id is not None and row.lot_owner is not None:
        lot = derive_lot_id(row.lot_owner.bytes, row.act_id.bytes, row.rule, row.lot_currency)
        if (lot, row.effective_at, row.available_at) != (row.lot_id.bytes, row.occurred_at, None):
            return f"gave lot {row.lot_id}, which is not what it was when it was given"
    if said is not None and said.content != bytes(row.content):
        return "is not what was asked, or what it set aside or gave lasts as long as nobody asked"
    return ""


def _act_of(row: _Row) -> Act | None:
    """The act that was asked; None where how long something was to last was not kept, because it was refused."""
    common: dict[str, Any] = {"owner_id": row.owner_id, "key": row.key, "reason": row.reason, "occurred_at": row.occurred_at}
    spent: dict[str, Any] = {"currency": row.currency, "amount": row.asked}
    amount = row.asked or None
    match ActKind(row.kind), row.subject_id:
        case ActKind.SPEND, _:
            return Spend(**common, **spent)
        case ActKind.HOLD, _ if row.ends_at is not None:
            return Hold(**common, **spent, lasts=row.ends_at - row.occurred_at)
        case ActKind.CAPTURE, UUID() as subject:
            return Capture(**common, hold_id=subject, amount=amount)
        case ActKind.RELEASE, UUID() as subject:
            return Release(**common, hold_id=subject)
        case ActKind.REVERSE, UUID() as subject if row.rule == GRACE_RULE and row.expires_at is not None:
            return Reverse(**common, spend_id=subject, amount=amount, grace=row.expires_at - row.occurred_at)
        case ActKind.ADJUST, _ if not row.refusal:
            return Adjust(**common, **spent, expires_at=row.expires_at and row.expires_at.astimezone(UTC))
        case ActKind.TRANSFER, _ if row.other_id is not None:
            return Transfer(**common, **spent, receiver_id=row.other_id)
        case ActKind.DONATE, _:
            return Donate(**common, **spent, charity=row.reference)
        case ActKind.REDEEM, _:
            return Redeem(**common, **spent, partner=row.reference)
        case ActKind.ISSUE, _:
            return Issue(**common, **spent, partner=row.reference)
        case _:
            return None
