"""What crosses the door of the ledger: what is wanted, what was posted, and the rows that readers get."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple, Protocol, TypeAlias
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class MovementKind(IntEnum):
    """What a movement does. The numbers are stored and hashed: they never change meaning."""

    EARN = 1
    REVERSE = 2
    EXPIRE = 3
    RESTORE = 4
    OWE = 5
    REPAY = 6
    SPEND = 7
    HOLD = 8
    CAPTURE = 9
    RELEASE = 10
    GIVE_BACK = 11
    MOVE_OUT = 12
    MOVE_IN = 13
    ADJUST_UP = 14
    ADJUST_DOWN = 15
    EARN_PENDING = 16
    REVERSE_PENDING = 17
    MATURE = 18
    RETRACT = 19
    DONATE = 20
    UNDONATE = 21
    REDEEM = 22
    UNREDEEM = 23
    ISSUE = 24
    BORROW = 25
    EXTEND = 26
    HAND_OVER = 27
    TAKE_OVER = 28
    UNADJUST = 29
    UNMOVE = 30


class Account(IntEnum):
    """Where a movement takes from and gives to. From 10 on they are the owner's own, below that the programme's side."""

    PROGRAMME = 1
    EXPIRED = 2
    SPENT = 3
    ADJUSTED = 4
    TRANSIT = 5
    PARTNER = 6
    CHARITY = 7
    ISSUED = 8
    AVAILABLE = 11
    PENDING = 12
    HELD = 13
    DEBT = 14


FIRST_OWNER_ACCOUNT = 10
BY_AN_ACT = 0
"""The programme version of a lot that an act gave. Programmes begin at 1, and decide nothing about it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one cause (owner, activity, rule, currency) should have given in total. Not a difference."""

    owner_id: UUID
    activity_id: UUID
    rule: str
    currency: str
    amount: int
    occurred_at: datetime
    expires_at: datetime | None
    programme_version: int
    available_at: datetime | None = None


class Table(Protocol):
    """The part of an Arrow table that the ledger reads, so that the room needs no Arrow."""

    @property
    def column_names(self) -> list[str]: ...

    def column(self, name: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class WantedColumns:
    """Many ``Wanted`` as columns: ids as 16 bytes, moments as microseconds since 1970 in UTC."""

    owners: Sequence[bytes]
    activities: Sequence[bytes]
    rules: Sequence[str]
    currencies: Sequence[str]
    amounts: Sequence[int]
    occurred: Sequence[int]
    expires: Sequence[int | None]
    versions: Sequence[int]
    matures: Sequence[int | None] | None = None
    """When each becomes available; None, for all of them: at once."""

    @classmethod
    def from_rows(cls, rows: Sequence[Wanted]) -> "WantedColumns":
        """Columns of rows."""
        return cls(
            [row.owner_id.bytes for row in rows],
            [row.activity_id.bytes for row in rows],
            [row.rule for row in rows],
            [row.currency for row in rows],
            [row.amount for row in rows],
            [to_microseconds(row.occurred_at) for row in rows],
            [None if row.expires_at is None else to_microseconds(row.expires_at) for row in rows],
            [row.programme_version for row in rows],
            [None if row.available_at is None else to_microseconds(row.available_at) for row in rows],
        )

    @classmethod
    def from_table(cls, table: Table) -> "WantedColumns":
        """Columns of decisions: ``customer_id, activity_id, rule, currency, amount, occurred_at, expires_at, version`` and,
        where the table has it, ``available_at``."""
        has_maturity = "available_at" in table.column_names
        return cls(
            table.column("customer_id").to_pylist(),
            table.column("activity_id").to_pylist(),
            table.column("rule").to_pylist(),
            table.column("currency").to_pylist(),
            table.column("amount").to_pylist(),
            table.column("occurred_at").cast("int64").to_pylist(),
            table.column("expires_at").cast("int64").to_pylist(),
            table.column("version").to_pylist(),
            table.column("available_at").cast("int64").to_pylist() if has_maturity else None,
        )


RawChange: TypeAlias = tuple[bytes, str, int, int, bytes]
"""A ``Change`` as it is written: ids in bytes, the moment in microseconds. It becomes one for who reads it."""


class Change(NamedTuple):
    """A change of what an owner has available, and when it counts from. A named tuple, because there is one a movement."""

    owner_id: UUID
    currency: str
    effective_at: datetime
    delta: int
    movement_id: UUID


@dataclass(frozen=True, slots=True)
class Posted:
    """What one call wrote."""

    movements: int = 0
    moved: list[RawChange] = field(default_factory=list)

    @property
    def changes(self) -> list[Change]:
        """The changes of what is available, in the order in which they were written."""
        return changes_of(self.moved)


@dataclass(frozen=True, slots=True)
class Balance:
    """What an owner has of one currency."""

    owner_id: UUID
    currency: str
    available: int
    pending: int
    held: int
    debt: int


@dataclass(frozen=True, slots=True)
class Movement:
    """One immutable row of the ledger."""

    id: UUID
    owner_id: UUID
    kind: MovementKind
    currency: str
    debit: Account
    credit: Account
    amount: int
    effective_at: datetime
    posted_at: datetime
    lot_id: UUID | None
    activity_id: UUID | None
    rule: str
    programme_version: int | None
    reason: str
    actor: str
    batch_id: UUID
    act_id: UUID | None = None
    reference: str | None = None

    @property
    def delta(self) -> int:
        """What it changed in what the owner has available."""
        if self.credit == Account.AVAILABLE:
            return self.amount
        return -self.amount if self.debit == Account.AVAILABLE else 0


@dataclass(frozen=True, slots=True)
class Lot:
    """What one cause gave, and what became of it."""

    id: UUID
    owner_id: UUID
    currency: str
    activity_id: UUID
    rule: str
    programme_version: int
    given: int
    remaining: int
    held: int
    expired: int
    used: int
    owed: int
    effective_at: datetime
    expires_at: datetime | None
    pending: int = 0
    available_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The first row that a check of the audit found wrong."""

    check: str
    subject: str
    sentence: str


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970; exact, because it never passes through a float."""
    return (moment - EPOCH) // _MICROSECOND


def changes_of(moved: Sequence[RawChange]) -> list[Change]:
    """The changes that these are."""
    return [
        Change(UUID(bytes=owner), currency, to_moment(effective_at), delta, UUID(bytes=movement))
        for owner, currency, effective_at, delta, movement in moved
    ]


def to_moment(microseconds: int) -> datetime:
    """The moment back from its microseconds."""
    return EPOCH + timedelta(microseconds=microseconds)
