"""What the tests of the room share: moments, owners, and a spend that stands in until spending is built."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from stamgast.kit.database import Cursor
from stamgast.kit.ids import bucket_of, derive_id
from stamgast.ledger import entries, sql
from stamgast.ledger.operations import post
from stamgast.ledger.rules import Step
from stamgast.ledger.types import Account, Posted, Wanted, to_microseconds

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
OWNERS = tuple(derive_id("customer", name) for name in ("ada", "bob", "cem"))
ADA, BOB, CEM = OWNERS
ACTOR = "test"
SPEND, SPENT = 99, 3
entries.ENTRIES[SPEND] = (Account.AVAILABLE, SPENT)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def wanted(owner: UUID = ADA, activity: str = "order 1", amount: int = 10, **changes: Any) -> Wanted:
    values = {"rule": "purchase", "currency": "score", "occurred_at": day(0), "expires_at": day(30), "programme_version": 1}
    return Wanted(owner_id=owner, activity_id=derive_id("activity", activity), amount=amount, **(values | changes))


def give(cursor: Cursor, *rows: Wanted, complete: tuple[UUID, ...] = (), at: datetime = START) -> Posted:
    return post(cursor, rows, complete=complete, at=at, actor=ACTOR, reason="decided")


def spend(cursor: Cursor, lot_id: bytes, owner: UUID, amount: int, *, at: datetime) -> None:
    cursor.execute(sql.LOTS_BY_KEY, (sql.numbers([bucket_of(owner)]), sql.ids([owner.bytes]), sql.ids([lot_id])))
    (lot,) = entries.read_lots(cursor)
    state = lot.state._replace(remaining=lot.state.remaining - amount, used=lot.state.used + amount)
    batch = entries.Entries(at=to_microseconds(at), actor=ACTOR, reason="spent")
    batch.add_changed_lot(lot, [Step(SPEND, amount, to_microseconds(at))], state, lot.version)
    batch.write(cursor)


def rows_of(cursor: Cursor) -> dict[str, list[tuple[Any, ...]]]:
    """Everything the ledger has stored, to see that something left it alone."""
    tables = ("balance", "lot", "movement", "batch", "unsealed", "seal", "contra_delta", "contra_daily")
    return {table: sorted(cursor.execute(f"SELECT * FROM ledger_{table}").fetchall(), key=str) for table in tables}


def timeline_of(changes: list[Any]) -> dict[tuple[UUID, str, datetime], int]:
    deltas: Counter[tuple[UUID, str, datetime]] = Counter()
    for change in changes:
        deltas[change.owner_id, change.currency, change.effective_at] += change.delta
    return {key: delta for key, delta in deltas.items() if delta}
