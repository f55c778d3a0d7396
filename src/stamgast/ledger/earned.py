"""What programmes give for the first time, where it is much: from the columns that are wanted to the rows that are written,
with nothing between. Most postings are of this kind, so this is where their time goes. Private to the room.

``rows`` are the places of causes in the columns, each with the id of its lot: lots of which nothing is stored, and whose owners
owe nothing, so that each begins with one movement.
"""

from collections.abc import Iterator, Sequence

from stamgast.kit.ids import derive_bytes_in_bucket_of
from stamgast.ledger.canonical import digest_texts, fingerprint_of
from stamgast.ledger.fresh import LotValues, MovementValues
from stamgast.ledger.types import Account, MovementKind, WantedColumns

Rows = Sequence[tuple[int, bytes]]
FIRST_REVISION = 1


def earned_lots(columns: WantedColumns, rows: Rows) -> Iterator[LotValues]:
    """The lots."""
    for i, lot_id in rows:
        amount, occurred_at = columns.amounts[i], columns.occurred[i]
        matures_at = maturity_of(columns.matures, i, occurred_at)
        remaining, pending = (amount, 0) if matures_at is None else (0, amount)
        yield (
            lot_id, columns.owners[i], columns.currencies[i], columns.activities[i], columns.rules[i], columns.versions[i],
            FIRST_REVISION, (amount, remaining, 0, 0, 0, 0, occurred_at, columns.expires[i], pending, matures_at),
        )  # fmt: skip


def earned_movements(columns: WantedColumns, rows: Rows, *, at: int, actor: str, reason: str) -> Iterator[MovementValues]:
    """Their movements, ``at`` in microseconds since 1970."""
    now, later = int(MovementKind.EARN), int(MovementKind.EARN_PENDING)
    debit, available, pending = int(Account.PROGRAMME), int(Account.AVAILABLE), int(Account.PENDING)
    revision = str(FIRST_REVISION)
    for i, lot_id in rows:
        owner, activity, rule, currency = columns.owners[i], columns.activities[i], columns.rules[i], columns.currencies[i]
        amount, occurred_at, version = columns.amounts[i], columns.occurred[i], columns.versions[i]
        is_now = maturity_of(columns.matures, i, occurred_at) is None
        kind, credit = (now, available) if is_now else (later, pending)
        movement_id = derive_bytes_in_bucket_of(owner, "movement", lot_id.hex(), str(kind), revision)
        fingerprint = fingerprint_of(
            movement_id, owner, lot_id, activity, kind, debit, credit, amount, occurred_at, at, version,
            digest_texts(currency, rule, reason, actor),
        )  # fmt: skip
        yield (
            kind, debit, credit, version, amount, occurred_at, movement_id, owner, lot_id, activity, fingerprint, currency,
            rule, reason, None, "",
        )  # fmt: skip


def maturity_of(matures: Sequence[int | None] | None, i: int, occurred_at: int) -> int | None:
    """When what this cause gives becomes available; None where it is at once."""
    available_at = None if matures is None else matures[i]
    return None if available_at is None or available_at <= occurred_at else available_at
