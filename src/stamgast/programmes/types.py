"""What crosses the room's door: the columns that ``decide`` takes and gives, and the versions of a programme."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import pyarrow as pa

MOMENT = pa.timestamp("us", tz="UTC")
LINE = pa.struct(
    [
        ("product_id", pa.string()),
        ("category", pa.string()),
        ("quantity", pa.int64()),
        ("amount_minor", pa.int64()),
    ]
)


def _column(name: str, type_: pa.DataType, *, is_nullable: bool = True) -> "pa.Field[Any]":
    return pa.field(name, type_, nullable=is_nullable)


ACTIVITIES = pa.schema(
    [
        _column("activity_id", pa.binary(16), is_nullable=False),
        _column("customer_id", pa.binary(16), is_nullable=False),
        _column("occurred_at", MOMENT, is_nullable=False),
        _column("kind", pa.string(), is_nullable=False),
        _column("source", pa.string()),
        _column("amount_minor", pa.int64()),
        _column("currency", pa.string()),
        _column("order_id", pa.string()),
        _column("properties", pa.string()),
        _column("lines", pa.list_(LINE)),
        _column("birth_month", pa.int8()),
        _column("is_returned", pa.bool_()),
    ]
)
"""Activities to decide, sorted by customer, occurred_at, activity id. ``amount_minor`` is net of refunds; ``properties`` is
JSON text. Both may be null, and so may ``lines``. ``birth_month`` is that of the customer as far as is known now, 1 to 12.
``is_returned`` says that all of an order came back, so that it counts for nothing; null is not."""

DECISIONS = pa.schema(
    [
        _column("customer_id", pa.binary(16), is_nullable=False),
        _column("activity_id", pa.binary(16), is_nullable=False),
        _column("rule", pa.string(), is_nullable=False),
        _column("currency", pa.string(), is_nullable=False),
        _column("amount", pa.int64(), is_nullable=False),
        _column("occurred_at", MOMENT, is_nullable=False),
        _column("available_at", MOMENT),
        _column("expires_at", MOMENT),
        _column("version", pa.int32(), is_nullable=False),
    ]
)
"""What activities are worth: one row is the wanted total of the cause (activity, rule, currency), always above zero.
``available_at`` is when it can be used, null where that is at once."""

TIERS = pa.schema(
    [
        _column("customer_id", pa.binary(16), is_nullable=False),
        _column("since", MOMENT, is_nullable=False),
        _column("tier", pa.string()),
        _column("cause", pa.string(), is_nullable=False),
        _column("activity_id", pa.binary(16)),
        _column("version", pa.int32(), is_nullable=False),
    ]
)
"""From which moment on a member holds which level, null for none, and why: ``reached`` or ``invited`` by an activity,
``reviewed`` at the end of a period, or ``rules``, because the version in force has other levels. In order, by customer."""

STATES = pa.schema(
    [
        _column("customer_id", pa.binary(16), is_nullable=False),
        _column("last_at", MOMENT, is_nullable=False),
        _column("last_activity_id", pa.binary(16), is_nullable=False),
        _column("version", pa.int32(), is_nullable=False),
        _column("counters", pa.string(), is_nullable=False),
        _column("review_at", MOMENT),
    ]
)
"""What deciding on needs of what was decided: the last activity taken, the newest version that was known then, and as JSON
text what was counted, ``{"purchase/points/day": [20431, 15]}``: the period and what was given in it. ``/tier`` is what is kept
of the tier, ``/qualified`` each day with what qualified on it. ``review_at`` is when the tier is reviewed next, after the
moment until which was decided: the one column that depends on that."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a programme's document. Immutable."""

    programme: str
    version: int
    document: str
    sha256: str
    effective_from: datetime
    published_at: datetime
    published_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class TierStay:
    """From which moment on a customer holds a level, or none, and why."""

    customer_id: UUID
    since: datetime
    tier: str | None
    cause: str
    activity_id: UUID | None
    version: int


@dataclass(frozen=True)
class Decisions:
    """What ``decide`` gives: decisions in the order of the activities, the new state of each customer among them, and the
    changes of their tiers. States are written when they are asked for: who replays a history has no use for them."""

    table: pa.Table
    written: "pa.Table | Callable[[], pa.Table]"
    tiers: pa.Table = dataclass_field(default_factory=TIERS.empty_table)

    @cached_property
    def states(self) -> pa.Table:
        """One row a customer."""
        return self.written() if callable(self.written) else self.written


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one rule made of one activity. ``arithmetic`` and ``sentence`` are in the language that was asked for."""

    rule: str
    currency: str
    is_applied: bool
    amount: int
    arithmetic: str
    sentence: str
    condition: str
    failures: tuple[str, ...]
    more: str | None
    available_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an activity gave what it gave: each rule of the version in force, one outcome a currency."""

    programme: str
    version: int | None
    outcomes: tuple[RuleOutcome, ...]
    sentence: str
