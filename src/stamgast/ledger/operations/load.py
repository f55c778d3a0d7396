"""Pockets from the database and back, for any number of owners: balances that are locked, their lots, holds and uses."""

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from stamgast.kit.arrays import IdArray, id_array
from stamgast.kit.database import Cursor, another, is_few
from stamgast.ledger import sql, sql_acts
from stamgast.ledger.acts import HoldState
from stamgast.ledger.entries import Entries, read_lots
from stamgast.ledger.moves import Held, Used
from stamgast.ledger.pockets import Pocket
from stamgast.ledger.types import to_microseconds

Key = tuple[bytes, str]


def lock_pockets(
    cursor: Cursor,
    keys: Collection[Key],
    subjects: Collection[tuple[bytes, bytes]] = (),
    lots: Collection[tuple[bytes, bytes]] = (),
    *,
    asks: Callable[[], None] = lambda: None,
) -> dict[Key, Pocket]:
    """Locks balances in key order, making those that are missing, and reads their pockets in later statements, so that what
    is read is what the lock protects. ``subjects`` (owner, hold or spend) are read too where they are over and done, and so
    are ``lots`` (owner, lot) of which nothing remains. What ``asks`` sends goes with it, after the locks."""
    locks = another(cursor)
    with cursor.connection.pipeline():
        locks.execute(sql.LOCK_BALANCES, keys_of(keys), prepare=is_few(len(keys)))
        ask_lots(cursor, keys)
        asks()
    told = {(owner.bytes, currency): (debt, held) for owner, currency, debt, held in locks}
    pockets = read_pockets(cursor, keys, told, subjects)
    if lots:
        of = [owner for owner, _ in lots]
        cursor.execute(sql.LOTS_BY_KEY, (sql.buckets(of), id_array(of), id_array([lot for _, lot in lots])), prepare=False)
        for lot in read_lots(cursor):
            pockets[lot.owner, lot.currency].lots[lot.lot_id] = lot
    return pockets


def ask_lots(cursor: Cursor, keys: Collection[Key]) -> None:
    """Asks for the lots of balances, for ``read_pockets``."""
    cursor.execute(sql_acts.LOTS_OF_BALANCES, keys_of(keys), prepare=is_few(len(keys)))


def read_pockets(
    cursor: Cursor,
    keys: Collection[Key],
    told: Mapping[Key, tuple[int, int]],
    subjects: Collection[tuple[bytes, bytes]] = (),
) -> dict[Key, Pocket]:
    """The pockets of locked balances, whose lots were asked for. ``told``: what is owed and held, where there is something."""
    pockets = {key: Pocket(*key, told.get(key, (0, 0))[0], {}) for key in keys}
    for lot in read_lots(cursor):
        pockets[lot.owner, lot.currency].lots[lot.lot_id] = lot
    holders = {owner for (owner, _), (_, held) in told.items() if held} | {owner for owner, _ in subjects}
    if holders:
        _read_holds(cursor, pockets, holders, subjects)
    return pockets


def _read_holds(
    cursor: Cursor, pockets: Mapping[Key, Pocket], holders: set[bytes], subjects: Collection[tuple[bytes, bytes]]
) -> None:
    owners = list(holders)
    named = id_array([subject for _, subject in subjects])
    cursor.execute(sql_acts.HOLDS, (sql.buckets(owners), id_array(owners), named), prepare=is_few(len(owners)))
    wanted = set(subjects)
    for owner, currency, hold_id, amount, captured, ends_at, state, ended_at in cursor:
        if (pocket := pockets.get((owner.bytes, currency))) is not None:
            ended = None if ended_at is None else to_microseconds(ended_at)
            pocket.holds[hold_id.bytes] = Held(amount, captured, to_microseconds(ends_at), HoldState(state), ended)
            wanted.add((owner.bytes, hold_id.bytes))
    if not wanted:
        return
    of = [owner for owner, _ in wanted]
    named = id_array([subject for _, subject in wanted])
    cursor.execute(sql_acts.USES, (sql.buckets(of), id_array(of), named), prepare=is_few(len(of)))
    uses = {(owner.bytes, act.bytes, lot.bytes): Used(held, used) for owner, act, lot, held, used in cursor}
    lots = {(lot.owner, lot.lot_id): lot for pocket in pockets.values() for lot in pocket.lots.values()}
    missing = {(owner, lot) for owner, _, lot in uses if (owner, lot) not in lots}
    if missing:
        of = [owner for owner, _ in missing]
        cursor.execute(sql.LOTS_BY_KEY, (sql.buckets(of), id_array(of), id_array([lot for _, lot in missing])), prepare=False)
        for lot in read_lots(cursor):
            lots[lot.owner, lot.lot_id] = lot
            if (pocket := pockets.get((lot.owner, lot.currency))) is not None:
                pocket.lots[lot.lot_id] = lot
    for (owner, act, lot_id), use in uses.items():
        if (pocket := pockets.get((owner, lots[owner, lot_id].currency))) is not None:
            pocket.uses[act, lot_id] = use


def gather(pockets: Collection[Pocket], entries: Entries) -> None:
    """Puts what moved in the pockets into the batch."""
    for pocket in pockets:
        for move in pocket.moves:
            entries.add_move(pocket.lots[move.lot], move)
        for lot_id in sorted(pocket.fresh):
            entries.put_fresh_lot(pocket.lots[lot_id])
        for lot_id in sorted(pocket.changed):
            entries.put_changed_lot(pocket.lots[lot_id])


def write_uses(cursor: Cursor, pockets: Collection[Pocket]) -> None:
    """Writes the uses and holds that changed."""
    uses = [(pocket.owner, act, lot, pocket.uses[act, lot]) for pocket in pockets for act, lot in sorted(pocket.touched)]
    if uses:
        owners = [owner for owner, _, _, _ in uses]
        cursor.execute(
            sql_acts.WRITE_USES,
            (
                sql.buckets(owners),
                id_array(owners),
                id_array([act for _, act, _, _ in uses]),
                id_array([lot for _, _, lot, _ in uses]),
                sql.numbers([use.held for _, _, _, use in uses]),
                sql.numbers([use.used for _, _, _, use in uses]),
            ),
            prepare=is_few(len(uses)),
        )
    holds = [(pocket, hold_id, pocket.holds[hold_id]) for pocket in pockets for hold_id in sorted(pocket.ended)]
    if holds:
        owners = [pocket.owner for pocket, _, _ in holds]
        cursor.execute(
            sql_acts.WRITE_HOLDS,
            (
                sql.buckets(owners),
                sql.numbers([int(hold.state) for _, _, hold in holds]),
                id_array(owners),
                id_array([hold_id for _, hold_id, _ in holds]),
                sql.texts([pocket.currency for pocket, _, _ in holds]),
                sql.numbers([hold.amount for _, _, hold in holds]),
                sql.numbers([hold.captured for _, _, hold in holds]),
                sql.moments([hold.ends_at for _, _, hold in holds]),
                sql.moments([hold.ended_at for _, _, hold in holds]),
            ),
            prepare=is_few(len(holds)),
        )


def keys_of(keys: Collection[Key]) -> tuple[str, IdArray, str]:
    """Balances as three arrays."""
    owners = [owner for owner, _ in keys]
    return sql.buckets(owners), id_array(owners), sql.texts([currency for _, currency in keys])


def to_ids(values: Collection[UUID]) -> IdArray:
    """Ids as an array."""
    return id_array([value.bytes for value in values])
