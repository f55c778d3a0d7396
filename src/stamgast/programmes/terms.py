"""What a programme document says, once it is checked. How it is read stands in ``documents``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Literal

from stamgast.conditions import Condition
from stamgast.conditions.fields import Field
from stamgast.conditions.tree import AnyLine
from stamgast.programmes.expiry import Expiry

Period = Literal["day", "week", "month", "year", "lifetime"]
Rounding = Literal["down", "nearest", "up"]
Measure = Literal["once", "amount", "quantity"]
TurnKind = Literal["nth", "every", "streak", "challenge"]
Stacking = Literal["base", "standing"]
MILLI = 1000


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency that the programme gives. ``pending`` is how long after the activity it becomes available; ``called`` are the
    words for one and for many of it, by language, where the document says them."""

    name: str
    expiry: Expiry | None
    pending: Expiry | None
    is_spendable: bool
    called: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Give:
    """What a rule gives of one currency: ``amount`` once, or for each whole ``per_milli`` thousandths of ``of``: a major unit
    of the amount, or a piece of the quantity; of the whole activity or, with ``lines``, of its matching lines."""

    currency: str
    amount: int
    per_milli: int | None
    lines: AnyLine | None
    of: Measure


@dataclass(frozen=True, slots=True)
class Multiply:
    """That what the rules give of a currency is multiplied: the extra is this rule's own."""

    currency: str
    factor: Fraction


@dataclass(frozen=True, slots=True)
class Turn:
    """On which of the activities that fit a rule gives: the ``count``-th of a member's life, each ``count``-th, the one that
    makes ``count`` periods in a row, or the one that brings the ``count``-th different value of ``field`` in a period."""

    kind: TurnKind
    count: int
    period: Period
    field: Field | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One earn rule, which gives or multiplies. ``caps`` are by currency, the most in one ``cap_period``. It holds from
    ``begins_at`` on and before ``ends_at``, where these are stated, in UTC."""

    name: str
    when: Condition
    turn: Turn | None
    gives: tuple[Give, ...]
    multiplies: tuple[Multiply, ...]
    caps: Mapping[str, int]
    cap_period: Period | None
    begins_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Card:
    """A card that ``each`` of a currency fills, and what a full one gives, by currency."""

    name: str
    source: str
    each: int
    gives: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Level:
    """A level of a tier. ``threshold`` is from how much on it is reached, None where one is invited; ``benefits`` are words by
    name and language."""

    name: str
    threshold: int | None
    invited: Condition | None
    multiplies: tuple[Multiply, ...]
    benefits: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Tiers:
    """The levels of a programme, lowest first, and what they are reached by: a currency, or the money of the activities for
    which ``spend`` holds, in hundredths. A period is of the calendar, so many months from ``first_month`` (0 to 11) on, or
    rolls: so many months or days. ``grace`` is how much later it is reviewed; a soft landing goes one level down at a time."""

    currency: str | None
    spend: Condition | None
    is_rolling: bool
    months: int
    days: int
    first_month: int
    grace: Expiry | None
    is_soft: bool
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A checked programme document. ``stacking`` says what a multiplier multiplies: what the rules gave before any multiplier,
    or what stands after the multipliers before it."""

    programme: str
    timezone: str
    rounding: Rounding
    stacking: Stacking
    currencies: Mapping[str, Currency]
    rules: tuple[Rule, ...]
    cards: tuple[Card, ...]
    tiers: Tiers | None
    text: str
