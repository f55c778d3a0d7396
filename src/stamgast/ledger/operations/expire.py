"""Expiry: what remains of a lot at the moment it expires goes to the account of the expired."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from stamgast.kit.arrays import IdArray, id_array
from stamgast.kit.database import Cursor, found_by_key
from stamgast.ledger import sql
from stamgast.ledger.entries import Entries, read_lots
from stamgast.ledger.rules import Step
from stamgast.ledger.types import MovementKind, Posted, to_microseconds

REASON = "expired"
LARGEST_BATCH = 5_000


def expire_due(
    cursor: Cursor, *, at: datetime, actor: str, owners: Collection[UUID] | None = None, limit: int = LARGEST_BATCH
) -> Posted:
    """Expires what is due at ``at``: all that ``owners`` have, or else the lots that are due longest, ``limit`` at most.

    One movement a lot, effective at the lot's own moment of expiry, however late it is written. What is held stays until
    the hold ends. Balances that another transaction holds are passed over, so this never waits and never deadlocks with a
    posting; that transaction, or the next sweep, takes them. Balances of ``owners`` that this transaction has posted to are
    its own and are never passed over.
    """
    if owners is None:
        return _expire_batch(cursor, at=at, actor=actor, owners=None, limit=min(limit, LARGEST_BATCH))
    movements = 0
    moved = []
    while True:
        posted = _expire_batch(cursor, at=at, actor=actor, owners=[owner.bytes for owner in owners], limit=LARGEST_BATCH)
        movements += posted.movements
        moved += posted.moved
        if posted.movements < LARGEST_BATCH:
            return Posted(movements, moved)


def _expire_batch(cursor: Cursor, *, at: datetime, actor: str, owners: list[bytes] | None, limit: int) -> Posted:
    if owners is None:
        cursor.execute(sql.DUE_BALANCES, (at, limit), prepare=False)
    elif owners:
        with found_by_key(cursor, len(owners)):
            cursor.execute(sql.DUE_BALANCES_OF_OWNERS, (sql.buckets(owners), id_array(owners), at), prepare=False)
    else:
        return Posted()
    due = {(owner.bytes, currency) for _, owner, currency in cursor.fetchall()}
    if not due:
        return Posted()
    with found_by_key(cursor, len(due)):
        return _expire_balances(cursor, due, at=at, actor=actor, limit=limit)


def _expire_balances(cursor: Cursor, due: Collection[tuple[bytes, str]], *, at: datetime, actor: str, limit: int) -> Posted:
    cursor.execute(sql.LOCK_BALANCES_IF_FREE, _keys(due), prepare=False)
    locked = {(owner.bytes, currency) for _, owner, currency in cursor.fetchall()}
    if not locked:
        return Posted()
    cursor.execute(sql.DUE_LOTS, (*_keys(locked), at, limit), prepare=False)
    entries = Entries(at=to_microseconds(at), actor=actor, reason=REASON)
    for lot in read_lots(cursor):
        state = lot.state
        assert state.expires_at is not None, "a lot that is due has a moment of expiry"
        amount = state.remaining - state.held
        after = state._replace(remaining=state.held, expired=state.expired + amount)
        entries.add_changed_lot(lot, [Step(MovementKind.EXPIRE, amount, state.expires_at)], after, lot.version)
    entries.write(cursor)
    return Posted(len(entries), entries.moved)


def _keys(balances: Collection[tuple[bytes, str]]) -> tuple[str, IdArray, str]:
    owners = [owner for owner, _ in balances]
    return sql.buckets(owners), id_array(owners), sql.texts([currency for _, currency in balances])
