"""What the audit asks of acts: that their movements are theirs, and that uses and holds say what the movements say."""

from uuid import UUID

from stamgast.ledger.acts import ActKind
from stamgast.ledger.entries import GIVING_BACK, USING
from stamgast.ledger.types import Account, MovementKind

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
    bool_and(p.kind IS NULL OR NOT {_FIRST} OR m.actor = a.actor) AS is_said
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
        return str(act_id), f"Act {act_id} says another actor than its movements."
    return str(act_id), f"Act {act_id} says that it did {amount}, and its movements did {moved}."


USE_MOVEMENTS = f"""
WITH moved AS (
  SELECT m.owner_id, m.lot_id, CASE WHEN m.kind IN ({MovementKind.EXTEND:d}, {MovementKind.UNMOVE:d}) THEN m.act_id
      ELSE coalesce(a.subject_id, m.act_id) END AS act_id,
    sum(CASE WHEN m.kind = {MovementKind.HOLD:d} THEN m.amount
      WHEN m.kind IN ({MovementKind.CAPTURE:d}, {MovementKind.RELEASE:d}) THEN -m.amount ELSE 0 END)::bigint AS held,
    sum(CASE WHEN m.kind = ANY(ARRAY{list(map(int, USING))}) THEN m.amount
      WHEN m.kind = ANY(ARRAY{list(map(int, GIVING_BACK))}) THEN -m.amount ELSE 0 END)::bigint AS used
  FROM ledger_movement m LEFT JOIN ledger_act a ON a.act_id = m.act_id WHERE m.act_id IS NOT NULL GROUP BY 1, 2, 3
)
SELECT owner_id, act_id, lot_id, coalesce(u.held, 0), coalesce(u.used, 0), coalesce(m.held, 0), coalesce(m.used, 0)
FROM ledger_use u FULL JOIN moved m USING (owner_id, act_id, lot_id)
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
