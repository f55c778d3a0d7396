"""What the tests of the room share: moments, owners, and acts in a few words."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from stamgast.kit.database import Cursor
from stamgast.kit.ids import derive_id
from stamgast.ledger.acts import Act, Outcome, Spend
from stamgast.ledger.operations import perform, post
from stamgast.ledger.types import Posted, Wanted

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
OWNERS = tuple(derive_id("customer", name) for name in ("ada", "bob", "cem"))
ADA, BOB, CEM = OWNERS
ACTOR = "test"
A = TypeVar("A", bound=Act)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def wanted(owner: UUID = ADA, activity: str = "order 1", amount: int = 10, **changes: Any) -> Wanted:
    values = {"rule": "purchase", "currency": "score", "occurred_at": day(0), "expires_at": day(30), "programme_version": 1}
    return Wanted(owner_id=owner, activity_id=derive_id("activity", activity), amount=amount, **(values | changes))


def give(cursor: Cursor, *rows: Wanted, complete: tuple[UUID, ...] = (), at: datetime = START) -> Posted:
    return post(cursor, rows, complete=complete, at=at, actor=ACTOR, reason="decided")


def act(kind: type[A], key: str, owner: UUID = ADA, *, at: datetime = START, **asked: Any) -> A:
    return kind(owner_id=owner, key=key, reason="asked", occurred_at=at, **asked)


def do(cursor: Cursor, *acts: Act, at: datetime = START) -> list[Outcome]:
    return perform(cursor, acts, at=at, actor=ACTOR).outcomes


def spend(cursor: Cursor, amount: int, key: str = "spend", owner: UUID = ADA, *, at: datetime = START) -> Outcome:
    (outcome,) = do(cursor, act(Spend, key, owner, at=at, currency="score", amount=amount), at=at)
    return outcome


def rows_of(cursor: Cursor) -> dict[str, list[tuple[Any, ...]]]:
    """Everything the ledger has stored, to see that something left it alone."""
    tables = ("balance", "lot", "movement", "batch", "unsealed", "seal", "contra_delta", "contra_daily", "act", "use", "hold")
    return {table: sorted(cursor.execute(f"SELECT * FROM ledger_{table}").fetchall(), key=str) for table in tables}


def timeline_of(changes: list[Any]) -> dict[tuple[UUID, str, datetime], int]:
    deltas: Counter[tuple[UUID, str, datetime]] = Counter()
    for change in changes:
        deltas[change.owner_id, change.currency, change.effective_at] += change.delta
    return {key: delta for key, delta in deltas.items() if delta}
