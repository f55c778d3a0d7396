"""What time does to balances: holds that are over are released, what is pending matures, and what is due expires."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from stamgast.kit.arrays import id_array
from stamgast.kit.database import Cursor, found_by_key
from stamgast.ledger import sql, sql_acts
from stamgast.ledger.entries import Entries
from stamgast.ledger.operations.expire import LARGEST_BATCH, expire_due
from stamgast.ledger.operations.load import ask_lots, gather, keys_of, read_pockets, write_uses
from stamgast.ledger.types import Posted, to_microseconds


def settle_due(
    cursor: Cursor, *, at: datetime, actor: str, owners: Collection[UUID] | None = None, limit: int = LARGEST_BATCH
) -> Posted:
    """Does what is due at ``at``: all of what ``owners`` have, or else what is due longest, ``limit`` balances or lots at most.

    Each movement counts from the moment that it was due, however late it is written. Balances that another transaction has
    locked are passed over, as ``expire_due`` does; acts do the same for their own balances before they decide.
    """
    settled = _settle_pockets(cursor, at=at, actor=actor, owners=owners, limit=limit)
    expired = expire_due(cursor, at=at, actor=actor, owners=owners, limit=limit)
    return Posted(settled.movements + expired.movements, settled.moved + expired.moved)


def _settle_pockets(cursor: Cursor, *, at: datetime, actor: str, owners: Collection[UUID] | None, limit: int) -> Posted:
    """The balances with a hold that is over or with something that matures, whole; few have either."""
    if owners is None:
        cursor.execute(sql_acts.DUE_KEYS, {"at": at, "limit": min(limit, LARGEST_BATCH)}, prepare=False)
    elif owners:
        named = [owner.bytes for owner in owners]
        cursor.execute(
            sql_acts.DUE_KEYS_OF_OWNERS, {"buckets": sql.buckets(named), "owners": id_array(named), "at": at}, prepare=False
        )
    else:
        return Posted()
    due = [(owner.bytes, currency) for owner, currency in cursor]
    if not due:
        return Posted()
    with found_by_key(cursor, len(due)):
        return _settle_keys(cursor, due, at=at, actor=actor)


def _settle_keys(cursor: Cursor, due: Collection[tuple[bytes, str]], *, at: datetime, actor: str) -> Posted:
    cursor.execute(sql_acts.FREE_BALANCES, keys_of(due), prepare=False)
    told = {(owner.bytes, currency): (debt, held) for owner, currency, debt, held in cursor}
    if not told:
        return Posted()
    ask_lots(cursor, told.keys())
    pockets = read_pockets(cursor, told.keys(), told)
    entries = Entries(at=to_microseconds(at), actor=actor, reason="", has_acts=True)
    for pocket in pockets.values():
        pocket.settle(to_microseconds(at))
    gather(pockets.values(), entries)
    entries.write(cursor, lambda cursor: write_uses(cursor, pockets.values()))
    return Posted(len(entries), entries.moved)
