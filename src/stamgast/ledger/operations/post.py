"""Posting: what is wanted for each cause meets what the ledger holds for it, and the difference is written."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from stamgast.kit.arrays import id_array
from stamgast.kit.database import Cursor, found_by_key, is_few
from stamgast.ledger import sql
from stamgast.ledger.earned import maturity_of
from stamgast.ledger.entries import Entries, read_lots
from stamgast.ledger.errors import InvalidWanted
from stamgast.ledger.rules import LotState, Step, StoredLot, decide_change, decide_repayment, derive_lot_id
from stamgast.ledger.types import MovementKind, Posted, Table, Wanted, WantedColumns, to_microseconds

LARGEST_BATCH = 5_000
LARGEST_AMOUNT = 10**15

RISING = (MovementKind.EARN, MovementKind.RESTORE, MovementKind.MATURE)

Key = tuple[bytes, str]


def post(
    cursor: Cursor,
    wanted: WantedColumns | Sequence[Wanted] | Table,
    *,
    complete: Collection[UUID] = (),
    at: datetime,
    actor: str,
    reason: str,
) -> Posted:
    """Makes the ledger hold what is wanted for each cause (owner, activity, rule, currency), by movements of the difference.

    ``wanted`` are totals: what a cause holds already is not given again, what it holds too much is reversed. Owners in
    ``complete`` are wanted whole: what they hold for other causes is taken back. An ``actor`` is an id, never a name.

    Locks the balances in key order, makes those that are missing, and reads the lots in a later statement, so that what it
    compares is what the lock protects. Idempotent because it compares; a movement's id derives from its lot and the lot's
    revision, so that not even a fault can write one twice. Raises InvalidWanted.
    """
    columns = _columns_of(wanted)
    moment = to_microseconds(at)
    movements = 0
    moved = []
    for rows, owners in _batches(columns, {owner.bytes for owner in complete}):
        entries = Entries(at=moment, actor=actor, reason=reason)
        with found_by_key(cursor, len(rows) + len(owners)):
            _gather(cursor, columns, rows, owners, entries)
            entries.write(cursor)
        movements += len(entries)
        moved += entries.moved
    return Posted(movements, moved)


def _columns_of(wanted: WantedColumns | Sequence[Wanted] | Table) -> WantedColumns:
    if isinstance(wanted, WantedColumns):
        columns = wanted
    elif isinstance(wanted, Sequence):
        columns = WantedColumns.from_rows(wanted)
    else:
        columns = WantedColumns.from_table(wanted)
    if columns.amounts and not 0 <= min(columns.amounts) <= max(columns.amounts) <= LARGEST_AMOUNT:
        raise InvalidWanted(
            f"A wanted amount is from 0 to {LARGEST_AMOUNT:,}; one is {min(columns.amounts)}, one {max(columns.amounts)}. "
            "Look at the programme's rules."
        )
    return columns


def _batches(columns: WantedColumns, complete: set[bytes]) -> Iterator[tuple[list[int], list[bytes]]]:
    """Rows in key order, cut where the owner changes, each batch with the complete owners that belong to it.

    Key order over all batches is what keeps the locks of one call in one order.
    """
    owners = columns.owners
    key = {owner: (sql.bucket_of(owner), owner) for owner in {*owners, *complete}}
    by_owner = defaultdict(list)
    for i, owner in enumerate(owners):
        by_owner[owner].append(i)
    rows: list[int] = []
    whole: list[bytes] = []
    for owner in sorted(key, key=key.__getitem__):
        more = by_owner.get(owner, ())
        if len(rows) + len(more) > LARGEST_BATCH and rows:
            yield rows, whole
            rows, whole = [], []
        rows += more
        if owner in complete:
            whole.append(owner)
    if rows or whole:
        yield rows, whole


def _gather(cursor: Cursor, columns: WantedColumns, rows: list[int], whole: list[bytes], entries: Entries) -> None:
    """Locks, reads and compares one batch, and puts the difference into ``entries``."""
    lot_ids = [derive_lot_id(columns.owners[i], columns.activities[i], columns.rules[i], columns.currencies[i]) for i in rows]
    if len(set(lot_ids)) != len(lot_ids):
        raise InvalidWanted("One cause (owner, activity, rule, currency) is wanted twice in one call. Add them up first.")
    debts = _lock(cursor, {(columns.owners[i], columns.currencies[i]) for i in rows}, whole)
    stored = _read(cursor, columns, rows, lot_ids, whole)
    risen: dict[Key, list[tuple[StoredLot, list[Step], LotState, int]]] = defaultdict(list)

    def correct(lot: StoredLot, amount: int, expires_at: int | None, matures_at: int | None, version: int) -> None:
        state = lot.state
        if state.given == amount and state.expires_at == expires_at and state.matures_at == matures_at:
            return
        steps, state = decide_change(state, amount, expires_at, matures_at)
        key = (lot.owner, lot.currency)
        for step in steps:
            if step.kind == MovementKind.OWE:
                debts[key] += step.amount
        if any(step.kind in RISING for step in steps):
            risen[key].append((lot, steps, state, version))
        else:
            entries.add_changed_lot(lot, steps, state, version)

    fresh = []
    for i, lot_id in zip(rows, lot_ids, strict=True):
        lot = stored.pop(lot_id, None)
        if lot is None:
            if columns.amounts[i]:
                fresh.append((i, lot_id))
        else:
            maturity = maturity_of(columns.matures, i, lot.state.effective_at)
            correct(lot, columns.amounts[i], columns.expires[i], maturity, columns.versions[i])
    for lot in stored.values():  # what is left belongs to complete owners, who are not to have it
        correct(lot, 0, lot.state.expires_at, lot.state.matures_at, lot.version)
    for key, lots in risen.items():
        for lot, steps, state, version in lots:
            more, after = _repay(debts, key, state)
            entries.add_changed_lot(lot, steps + more, after, version)
    _add_fresh(columns, fresh, debts, entries)


def _add_fresh(columns: WantedColumns, fresh: list[tuple[int, bytes]], debts: dict[Key, int], entries: Entries) -> None:
    if is_few(len(fresh)):
        by_itself = fresh
    else:
        owing = {key for key, debt in debts.items() if debt}
        by_itself = [(i, lot_id) for i, lot_id in fresh if (columns.owners[i], columns.currencies[i]) in owing] if owing else []
        apart = {i for i, _ in by_itself}
        entries.put_earned(columns, [(i, lot_id) for i, lot_id in fresh if i not in apart])
    for i, lot_id in by_itself:
        _add_one_fresh(columns, i, lot_id, debts, entries)


def _add_one_fresh(columns: WantedColumns, i: int, lot_id: bytes, debts: dict[Key, int], entries: Entries) -> None:
    amount, occurred_at = columns.amounts[i], columns.occurred[i]
    owner, currency = columns.owners[i], columns.currencies[i]
    matures_at = maturity_of(columns.matures, i, occurred_at)
    if matures_at is None:
        state = LotState(amount, amount, 0, 0, 0, 0, occurred_at, columns.expires[i])
        more, state = _repay(debts, (owner, currency), state)
        steps = [Step(MovementKind.EARN, amount, occurred_at), *more]
    else:
        state = LotState(amount, 0, 0, 0, 0, 0, occurred_at, columns.expires[i], amount, matures_at)
        steps = [Step(MovementKind.EARN_PENDING, amount, occurred_at)]
    lot = StoredLot(lot_id, owner, currency, columns.activities[i], columns.rules[i], columns.versions[i], 1, state)
    entries.add_fresh_lot(lot, steps)


def _repay(debts: dict[Key, int], key: Key, state: LotState) -> tuple[list[Step], LotState]:
    debt = debts.get(key, 0)
    if not debt:
        return [], state
    steps, after = decide_repayment(state, debt)
    debts[key] = debt - sum(step.amount for step in steps)
    return steps, after


def _lock(cursor: Cursor, keys: set[Key], whole: list[bytes]) -> defaultdict[Key, int]:
    """Locks the balances of what is wanted and all balances of the complete owners; returns the debts."""
    if whole:
        cursor.execute(sql.CURRENCIES_OF_OWNERS, (sql.buckets(whole), id_array(whole)), prepare=False)
        keys = keys | {(owner.bytes, currency) for owner, currency in cursor}
    ordered = list(keys)
    owners = [owner for owner, _ in ordered]
    cursor.execute(
        sql.LOCK_BALANCES,
        (sql.buckets(owners), id_array(owners), sql.texts([currency for _, currency in ordered])),
        prepare=is_few(len(ordered)),
    )
    debts: defaultdict[Key, int] = defaultdict(int)
    for owner, currency, debt, _ in cursor.fetchall():
        if debt:
            debts[owner.bytes, currency] = debt
    return debts


def _read(
    cursor: Cursor, columns: WantedColumns, rows: list[int], lot_ids: list[bytes], whole: list[bytes]
) -> dict[bytes, StoredLot]:
    """The stored lots of what is wanted, and all lots of the complete owners that hold something."""
    stored: dict[bytes, StoredLot] = {}
    is_whole = set(whole)
    apart = [(columns.owners[i], lot_id) for i, lot_id in zip(rows, lot_ids, strict=True) if columns.owners[i] not in is_whole]
    if apart:
        owners = [owner for owner, _ in apart]
        cursor.execute(
            sql.LOTS_BY_KEY,
            (sql.buckets(owners), id_array(owners), id_array([lot_id for _, lot_id in apart])),
            prepare=is_few(len(apart)),
        )
        stored.update((lot.lot_id, lot) for lot in read_lots(cursor))
    if whole:
        cursor.execute(sql.LOTS_OF_OWNERS, (sql.buckets(whole), id_array(whole)), prepare=False)
        stored.update((lot.lot_id, lot) for lot in read_lots(cursor))
    return stored
