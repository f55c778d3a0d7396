"""What a programme document says, once it is checked. How it is read stands in ``documents``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from stamgast.conditions import Condition
from stamgast.conditions.tree import AnyLine
from stamgast.programmes.expiry import Expiry

Period = Literal["day", "week", "month", "year", "lifetime"]
Rounding = Literal["down", "nearest", "up"]
Measure = Literal["once", "amount", "quantity"]
MILLI = 1000


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency that the programme gives. ``pending`` is how long after the activity it becomes available."""

    name: str
    expiry: Expiry | None
    pending: Expiry | None
    is_spendable: bool


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
class Rule:
    """One earn rule. ``caps`` are by currency, the most in one ``cap_period``. It holds from ``begins_at`` on and before
    ``ends_at``, where these are stated, in UTC."""

    name: str
    when: Condition
    gives: tuple[Give, ...]
    caps: Mapping[str, int]
    cap_period: Period | None
    begins_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Document:
    """A checked programme document."""

    programme: str
    timezone: str
    rounding: Rounding
    currencies: Mapping[str, Currency]
    rules: tuple[Rule, ...]
    text: str
