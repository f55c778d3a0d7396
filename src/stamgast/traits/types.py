"""What crosses the room's door: kinds of aggregates and of values, one computed value, a trait and its versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

Value: TypeAlias = int | str | datetime
MILLIONTHS = 1_000_000


class Aggregate(StrEnum):
    """How many activities become one value."""

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    MOST_FREQUENT = "most_frequent"
    DISTINCT = "distinct"
    FIRST_AT = "first_at"
    LAST_AT = "last_at"
    DAYS_SINCE_LAST = "days_since_last"


class Shape(StrEnum):
    """What a value is: a whole number, money in minor units of one currency, a number in millionths, a text, a moment."""

    WHOLE = "whole"
    MONEY = "money"
    NUMBER = "number"
    TEXT = "text"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Computed:
    """One value of one customer, with what it was made of.

    ``activities`` are the rows that fit and are in the window, in event order; ``used`` is how many of them had a value to
    take, where one is taken; ``in_other_currencies`` how many had an amount that was left out.
    """

    value: Value | None
    activities: Sequence[Mapping[str, Any]]
    used: int
    in_other_currencies: int


@dataclass(frozen=True, slots=True)
class Trait:
    """A trait as it is now. ``computed_at`` is when the values of all customers were last worked out, None until then."""

    name: str
    version: int
    document: Mapping[str, Any]
    saved_at: datetime
    saved_by: str
    computed_at: datetime | None


@dataclass(frozen=True, slots=True)
class TraitVersion:
    """One version of a definition; ``document`` is None where the trait was removed."""

    version: int
    document: Mapping[str, Any] | None
    saved_at: datetime
    saved_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Of what the values of all customers are: which version, which state of what they come from, when, in how many seconds."""

    version: int | None
    of: str
    at: datetime | None
    seconds: float
