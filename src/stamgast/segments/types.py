"""What leaves the room."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Segment:
    """A named set of customers by condition."""

    slug: str
    name: str
    condition: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stay:
    """From when to when a customer was in a segment, in event time; ``left_at`` is None while it lasts."""

    entered_at: datetime
    left_at: datetime | None
    entry_cause: UUID | None
    exit_cause: UUID | None


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one balance at one moment: what a stay is made from."""

    effective_at: datetime
    currency: str
    delta: int
    movement_id: UUID


@dataclass(frozen=True, slots=True)
class Member:
    """A customer who is in a segment, and since when."""

    customer_id: UUID
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """A segment that a customer is in, and since when."""

    slug: str
    name: str
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """An entry or exit, when it happened and when it was recorded. ``segment`` is the slug, and ``cause`` the movement that did
    it; None where a correction took back what was said before.
    """

    id: int
    segment: str
    customer_id: UUID
    is_entry: bool
    occurred_at: datetime
    recorded_at: datetime
    cause: UUID | None


@dataclass(frozen=True, slots=True)
class Crossings:
    """How many came into a segment and how many left it between two moments, in event time."""

    entries: int
    exits: int
