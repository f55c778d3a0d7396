"""What crosses the door of the room: what a point is worth from when on, and lines of the journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

WHOLE = 10_000
"""A share of everything, in hundredths of a percent."""


@dataclass(frozen=True, slots=True)
class Valuation:
    """What a currency is worth in the books from a day on.

    ``price_minor`` is the stand-alone price of a thousand points in minor units of the shop's money: a point of one cent is
    1,000. ``share`` is how many of 10,000 points are expected to be redeemed; with ``is_fitted`` it only serves until the
    history says it better.
    """

    currency: str
    valid_from: date
    price_minor: int
    share: int
    is_fitted: bool
    decided_at: datetime
    actor: str
    reason: str


class PartnerKind(StrEnum):
    """What a business is to the programme. The texts are stored."""

    PARTNER = "partner"
    """Issues points, for which it owes, and redeems them, for which it is owed."""
    CHARITY = "charity"
    """Is given points by customers, for which it is owed."""


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner or charity. ``code`` is what the ledger keeps with what moved; ``closed_at`` is None while it is active."""

    code: str
    kind: PartnerKind
    name: str
    added_at: datetime
    added_by: str
    closed_at: datetime | None = None
    closed_by: str = ""


class Moved(NamedTuple):
    """What was given, redeemed and expired in one month of the points of one vintage. Months: 12 × year + month − 1."""

    currency: str
    vintage: int
    month: int
    given: int
    redeemed: int
    expired: int


class EntryKind(StrEnum):
    """Why there is an entry."""

    DEFERRED = "deferred"
    """Part of what was sold is put off, for the points that came with it."""
    TAKEN_BACK = "taken_back"
    """Points were taken back, as at a return: what was put off for them goes back to the sales that they came with."""
    EARNED = "earned"
    """Points were redeemed, or more or fewer are expected to be: what was put off for them is revenue now."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: an amount from one account to another, both named by what they are for.

    ``amount_minor`` is above zero. ``revision_minor`` is the part of it that comes from another estimate than that of the
    month before, signed as it changes the revenue of the month.
    """

    month: int
    currency: str
    vintage: int
    kind: EntryKind
    debit: str
    credit: str
    amount_minor: int
    revision_minor: int


@dataclass(frozen=True, slots=True)
class AuditRun:
    """One run of the audit. ``findings`` are (check, subject, sentence), None where it was stopped or has not ended."""

    id: UUID
    wanted_at: datetime
    wanted_by: str
    is_open: bool
    is_stopping: bool
    begun_at: datetime | None
    beat_at: datetime | None
    ended_at: datetime | None
    phase: str
    done: int
    movements: int
    findings: list[list[str]] | None


@dataclass(frozen=True, slots=True)
class Book:
    """The journal, and what is put off at the end of its last month for each currency and vintage that has some left."""

    entries: tuple[Entry, ...]
    deferred_minor: Mapping[tuple[str, int], int] = field(default_factory=dict)
