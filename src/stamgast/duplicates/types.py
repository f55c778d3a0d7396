"""What crosses the door of duplicates: records that are compared, pairs that were found, proposals that people decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

RECORD = (
    "id",
    "given",
    "surname",
    "name",
    "born",
    "street",
    "number",
    "postcode",
    "city",
    "email",
    "phone",
    "card",
    "national",
)
"""The columns of a table of records: text, and possibly null but for ``id``. ``name`` is the whole name where the parts are not
known. E-mail addresses, telephone numbers and cards are compared as they are: ``customers.rules`` writes them one way."""


@dataclass(frozen=True, slots=True)
class Likely:
    """Two records that are likely one person's. ``reasons`` are codes, ``field:level``, for what both sides know."""

    one_id: str
    other_id: str
    probability: float
    reasons: tuple[str, ...]


class State(StrEnum):
    """What became of a proposal. Closed: no longer found, because a customer changed or was merged."""

    OPEN = "open"
    LATER = "later"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CLOSED = "closed"


WAITING = (State.OPEN, State.LATER)
SETTLED = (State.ACCEPTED, State.REFUSED)


@dataclass(frozen=True, slots=True)
class Proposal:
    """That two customers are likely one person."""

    id: UUID
    one_id: UUID
    other_id: UUID
    probability: float
    reasons: Sequence[str]
    state: State
    found_at: datetime
    settled_at: datetime | None = None
    settled_by: str = ""
    judgement_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """One search through all customers."""

    id: UUID
    wanted_at: datetime
    wanted_by: str
    begun_at: datetime | None
    beat_at: datetime | None
    ended_at: datetime | None
    parts: int
    parts_done: int
    customers: int
    found: int
    learnt: Mapping[str, Any] | None
    left_out: Sequence[tuple[str, int]]
