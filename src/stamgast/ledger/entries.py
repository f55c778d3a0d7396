"""The movements of one batch while they are gathered, and how they are written with what follows from them.

Columns and packed bytes instead of objects, because this is where the time of a posting goes. Decides nothing: what moves is
decided in ``rules``. Private to the room.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any
from uuid import UUID

from stamgast.kit.arrays import id_array
from stamgast.kit.database import Cursor, another, is_few
from stamgast.kit.ids import derive_bytes_in_bucket_of, derive_id
from stamgast.ledger import sql
from stamgast.ledger.canonical import digest_texts, fingerprint_of, root_of
from stamgast.ledger.earned import Rows, earned_lots, earned_movements
from stamgast.ledger.fresh import (
    FreshMovement,
    MovementValues,
    amounts_of,
    copy_lots,
    copy_movements,
    insert_lots,
    insert_movements,
)
from stamgast.ledger.moves import Move
from stamgast.ledger.rules import LotState, Step, StoredLot
from stamgast.ledger.types import (
    FIRST_OWNER_ACCOUNT,
    Account,
    MovementKind,
    RawChange,
    WantedColumns,
    to_microseconds,
    to_moment,
)

MICROSECONDS_PER_DAY = 86_400_000_000
AVAILABLE = int(Account.AVAILABLE)
"""As a plain integer, because adding to and comparing with an enumeration takes ten times as long."""

ENTRIES: dict[int, tuple[int, int]] = {
    MovementKind.EARN: (Account.PROGRAMME, Account.AVAILABLE),
    MovementKind.REVERSE: (Account.AVAILABLE, Account.PROGRAMME),
    MovementKind.EXPIRE: (Account.AVAILABLE, Account.EXPIRED),
    MovementKind.RESTORE: (Account.EXPIRED, Account.AVAILABLE),
    MovementKind.OWE: (Account.DEBT, Account.PROGRAMME),
    MovementKind.REPAY: (Account.AVAILABLE, Account.DEBT),
    MovementKind.SPEND: (Account.AVAILABLE, Account.SPENT),
    MovementKind.HOLD: (Account.AVAILABLE, Account.HELD),
    MovementKind.CAPTURE: (Account.HELD, Account.SPENT),
    MovementKind.RELEASE: (Account.HELD, Account.AVAILABLE),
    MovementKind.GIVE_BACK: (Account.SPENT, Account.AVAILABLE),
    MovementKind.MOVE_OUT: (Account.AVAILABLE, Account.TRANSIT),
    MovementKind.MOVE_IN: (Account.TRANSIT, Account.AVAILABLE),
    MovementKind.ADJUST_UP: (Account.ADJUSTED, Account.AVAILABLE),
    MovementKind.ADJUST_DOWN: (Account.AVAILABLE, Account.ADJUSTED),
    MovementKind.EARN_PENDING: (Account.PROGRAMME, Account.PENDING),
    MovementKind.REVERSE_PENDING: (Account.PENDING, Account.PROGRAMME),
    MovementKind.MATURE: (Account.PENDING, Account.AVAILABLE),
    MovementKind.RETRACT: (Account.AVAILABLE, Account.PENDING),
    MovementKind.DONATE: (Account.AVAILABLE, Account.CHARITY),
    MovementKind.UNDONATE: (Account.CHARITY, Account.AVAILABLE),
    MovementKind.REDEEM: (Account.AVAILABLE, Account.PARTNER),
    MovementKind.UNREDEEM: (Account.PARTNER, Account.AVAILABLE),
    MovementKind.ISSUE: (Account.ISSUED, Account.AVAILABLE),
    MovementKind.BORROW: (Account.DEBT, Account.AVAILABLE),
    MovementKind.EXTEND: (Account.AVAILABLE, Account.TRANSIT),
    MovementKind.HAND_OVER: (Account.AVAILABLE, Account.TRANSIT),
    MovementKind.TAKE_OVER: (Account.TRANSIT, Account.AVAILABLE),
    MovementKind.UNADJUST: (Account.ADJUSTED, Account.AVAILABLE),
    MovementKind.UNMOVE: (Account.TRANSIT, Account.AVAILABLE),
}

GIVING = (
    MovementKind.EARN,
    MovementKind.EARN_PENDING,
    MovementKind.MOVE_IN,
    MovementKind.ADJUST_UP,
    MovementKind.ISSUE,
    MovementKind.TAKE_OVER,
)
"""What adds to what a lot has given."""
TAKING = (MovementKind.REVERSE, MovementKind.REVERSE_PENDING, MovementKind.OWE)
"""What takes from what a lot has given."""
USING = (
    MovementKind.SPEND,
    MovementKind.CAPTURE,
    MovementKind.REDEEM,
    MovementKind.DONATE,
    MovementKind.ADJUST_DOWN,
    MovementKind.MOVE_OUT,
    MovementKind.EXTEND,
)
"""What an act uses of a lot."""
GIVING_BACK = (
    MovementKind.GIVE_BACK,
    MovementKind.UNREDEEM,
    MovementKind.UNDONATE,
    MovementKind.UNADJUST,
    MovementKind.UNMOVE,
)
"""What undoes that."""


def read_lots(cursor: Cursor) -> list[StoredLot]:
    """The lots that the last statement selected."""
    lots = []
    for row in cursor.fetchall():  # a row at a time takes the driver six times as long
        lot_id, owner, currency, activity, rule, version, revision = row[:7]
        given, remaining, held, expired, used, owed = row[7:13]
        effective_at = to_microseconds(row[13])
        expires_at = None if row[14] is None else to_microseconds(row[14])
        matures_at = None if row[16] is None else to_microseconds(row[16])
        state = LotState(given, remaining, held, expired, used, owed, effective_at, expires_at, row[15], matures_at)
        lots.append(StoredLot(lot_id.bytes, owner.bytes, currency, activity.bytes, rule, version, revision, state))
    return lots


class Entries:
    """Gathers what one batch writes. ``at`` in microseconds since 1970. ``has_acts``: movements may belong to acts."""

    def __init__(self, *, at: int, actor: str, reason: str, has_acts: bool = False) -> None:
        self.at = at
        self._has_acts = has_acts
        self.actor = actor
        self.reason = reason
        self.moved: list[RawChange] = []
        self._movements: list[FreshMovement] = []
        self._total = 0
        self._balances: defaultdict[tuple[bytes, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self._contra: defaultdict[tuple[int, str, str, int], list[int]] = defaultdict(lambda: [0, 0])
        self._fresh_lots: list[StoredLot] = []
        self._earned: tuple[WantedColumns, Rows] = (WantedColumns.from_rows(()), ())
        self._fingerprints: list[bytes] = []
        self._changed_lots: list[tuple[StoredLot, LotState, int, int]] = []

    def __len__(self) -> int:
        return len(self._movements) + len(self._earned[1])

    def add_fresh_lot(self, lot: StoredLot, steps: Iterable[Step]) -> None:
        """A lot that does not exist yet, and its first movements."""
        self.put_fresh_lot(lot)
        self._add_movements(lot, steps, lot.version, lot.revision)

    def add_changed_lot(self, lot: StoredLot, steps: Iterable[Step], state: LotState, version: int) -> None:
        """A lot that exists and becomes ``state`` by these movements."""
        revision = lot.revision + 1
        self._changed_lots.append((lot, state, version, revision))
        self._add_movements(lot, steps, version, revision)

    def put_fresh_lot(self, lot: StoredLot) -> None:
        """A lot that does not exist yet, without its movements."""
        self._fresh_lots.append(lot)

    def put_changed_lot(self, lot: StoredLot) -> None:
        """A lot that exists and is now so, without its movements."""
        self._changed_lots.append((lot, lot.state, lot.version, lot.revision))

    def put_earned(self, columns: WantedColumns, rows: Rows) -> None:
        """Many lots that do not exist yet and begin with one movement each. Their movements are made when they are written."""
        self._earned = (columns, rows)

    def add_move(self, lot: StoredLot, move: Move) -> None:
        """A movement of an act, or of what time does. Those of an act have their id from it, so that an act moves a lot in
        one way once; where an act is placed again, the id is from the lot's revision."""
        kind, act = move.kind, move.act
        parts = (str(move.revision),) if act is None or move.is_again else ("act", act.hex())
        self._add_movement(
            lot, kind, move.amount, move.effective_at, lot.version, parts, move.reason, act=act, reference=move.reference
        )

    def _add_movements(self, lot: StoredLot, steps: Iterable[Step], version: int, revision: int) -> None:
        parts = (str(revision),)
        for kind, amount, effective_at in steps:
            self._add_movement(lot, kind, amount, effective_at, version, parts, self.reason)

    def _add_movement(
        self,
        lot: StoredLot,
        kind: MovementKind,
        amount: int,
        effective_at: int,
        version: int,
        parts: tuple[str, ...],
        reason: str,
        act: bytes | None = None,
        reference: str = "",
    ) -> None:
        owner, currency = lot.owner, lot.currency
        debit, credit = ENTRIES[kind]
        movement_id = derive_bytes_in_bucket_of(owner, "movement", lot.lot_id.hex(), str(int(kind)), *parts)
        fingerprint = fingerprint_of(
            movement_id, owner, lot.lot_id, lot.activity, kind, debit, credit, amount, effective_at, self.at, version,
            digest_texts(currency, lot.rule, reason, self.actor), act, reference,
        )  # fmt: skip
        self._movements.append(
            FreshMovement(
                kind, debit, credit, version, amount, effective_at, movement_id, owner, lot.lot_id, lot.activity, fingerprint,
                currency, lot.rule, reason, act, reference,
            )
        )  # fmt: skip
        self._tally(owner, currency, debit, credit, amount, effective_at, movement_id, fingerprint, reference)

    def _tally(
        self,
        owner: bytes,
        currency: str,
        debit: int,
        credit: int,
        amount: int,
        effective_at: int,
        movement_id: bytes,
        fingerprint: bytes,
        reference: str,
    ) -> None:
        self._total += amount
        self._fingerprints.append(fingerprint)
        balance = self._balances[owner, currency]
        day = effective_at // MICROSECONDS_PER_DAY
        if debit > FIRST_OWNER_ACCOUNT:
            balance[debit - AVAILABLE] -= amount
        else:
            self._contra[debit, reference, currency, day][0] += amount
        if credit > FIRST_OWNER_ACCOUNT:
            balance[credit - AVAILABLE] += amount
        else:
            self._contra[credit, reference, currency, day][1] += amount
        if AVAILABLE in (debit, credit):
            delta = amount if credit == AVAILABLE else -amount
            self.moved.append((owner, currency, effective_at, delta, movement_id))

    def write(self, cursor: Cursor, *others: Callable[[Cursor], None]) -> None:
        """Writes everything, and what ``others`` write with it, in one journey where it is little.

        The caller holds the balances' locks, so that a second movement of one id is a broken ledger: the primary key refuses
        it, and with it the transaction.
        """
        batch_id = self._batch_id()
        goes_in_one = is_few(len(self) + len(self._fresh_lots))
        if not goes_in_one:
            self._copy(cursor, batch_id)
        lots, balances = another(cursor), another(cursor)
        with cursor.connection.pipeline():
            if goes_in_one and self._fresh_lots:
                insert_lots(cursor, self._fresh_lots)
            if self._changed_lots:
                self._write_changed_lots(lots)
            if self:
                if goes_in_one:
                    insert_movements(cursor, self._movements, at=self.at, batch_id=batch_id.bytes, actor=self.actor)
                self._write_balances(balances)
                cursor.execute(sql.INSERT_BATCH, self._batch(batch_id), prepare=True)
            for write in others:
                write(cursor)
        if self._changed_lots:
            assert lots.rowcount == len(self._changed_lots), "a lot that was read under its balance's lock is still there"
        if self:
            assert balances.rowcount == len(self._balances), "every balance was locked, so every balance exists"

    def _batch_id(self) -> UUID:
        columns, rows = self._earned
        first = next(chain(self._movements, self._earned_movements(columns, rows[:1])), None)
        return derive_id() if first is None else derive_id("batch", first[6].hex())

    def _earned_movements(self, columns: WantedColumns, rows: Rows) -> Iterator[MovementValues]:
        return earned_movements(columns, rows, at=self.at, actor=self.actor, reason=self.reason)

    def _copy(self, cursor: Cursor, batch_id: UUID) -> None:
        columns, rows = self._earned
        if self._fresh_lots or rows:
            copy_lots(cursor, chain(self._fresh_lots, earned_lots(columns, rows)))
        movements = chain(self._movements, self._tallied(self._earned_movements(columns, rows)))
        copy_movements(cursor, movements, at=self.at, batch_id=batch_id.bytes, actor=self.actor, has_acts=self._has_acts)

    def _tallied(self, earned: Iterable[MovementValues]) -> Iterator[MovementValues]:
        """The same movements, each counted as it goes by."""
        for movement in earned:
            _, debit, credit, _, amount, effective_at, movement_id, owner, _, _, fingerprint, currency, _, _, _, reference = (
                movement
            )
            self._tally(owner, currency, debit, credit, amount, effective_at, movement_id, fingerprint, reference)
            yield movement

    def _write_balances(self, cursor: Cursor) -> None:
        keys = list(self._balances)
        owners = [owner for owner, _ in keys]
        sums = list(self._balances.values())
        cursor.execute(
            sql.UPDATE_BALANCES,
            (
                sql.buckets(owners),
                id_array(owners),
                sql.texts([currency for _, currency in keys]),
                sql.numbers([available for available, _, _, _ in sums]),
                sql.numbers([pending for _, pending, _, _ in sums]),
                sql.numbers([held for _, _, held, _ in sums]),
                sql.numbers([-debt for _, _, _, debt in sums]),
            ),
            prepare=is_few(len(keys)),
        )

    def _batch(self, batch_id: UUID) -> dict[str, Any]:
        contra = sorted(self._contra.items())
        return {
            "id": batch_id,
            "at": to_moment(self.at),
            "rows": len(self),
            "total": self._total,
            "root": root_of(self._fingerprints),
            "actor": self.actor,
            "accounts": sql.numbers([account for (account, _, _, _), _ in contra]),
            "references": sql.texts([reference for (_, reference, _, _), _ in contra]),
            "currencies": sql.texts([currency for (_, _, currency, _), _ in contra]),
            "days": sql.dates([day for (_, _, _, day), _ in contra]),
            "debits": sql.numbers([debit for _, (debit, _) in contra]),
            "credits": sql.numbers([credit for _, (_, credit) in contra]),
        }

    def _write_changed_lots(self, cursor: Cursor) -> None:
        lots = [lot for lot, _, _, _ in self._changed_lots]
        states = [state for _, state, _, _ in self._changed_lots]
        owners = [lot.owner for lot in lots]
        cursor.execute(
            sql.UPDATE_LOTS,
            (
                sql.buckets(owners),
                id_array(owners),
                id_array([lot.lot_id for lot in lots]),
                *amounts_of(states),
                sql.moments([state.expires_at for state in states]),
                sql.numbers([state.pending for state in states]),
                sql.moments([state.matures_at for state in states]),
                sql.numbers([version for _, _, version, _ in self._changed_lots]),
                sql.numbers([revision for _, _, _, revision in self._changed_lots]),
            ),
            prepare=is_few(len(lots)),
        )
