"""Filters on the values that are kept of all customers: from what somebody typed to bounds, and to SQL on ``customer``.

A range is written ``10..20``, ``10..`` or ``..20``, both ends within it, in the units that a person uses: euros, days, dates.
A text is what it is. Pure but for the SQL, which is composed and not run.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from math import ceil, floor
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.sql import SQL, Composable, Identifier, Literal

from stamgast.kit.money import minor_digits
from stamgast.traits.definition import Definition
from stamgast.traits.types import MILLIONTHS, Aggregate, Shape

LONGEST_FILTER = 500
LARGEST = 10**30


@dataclass(frozen=True, slots=True)
class TraitFilter:
    """What is asked of one trait: ``low`` and ``high`` as typed, or a ``text``. One of them is there at least."""

    definition: Definition
    low: Decimal | date | None = None
    high: Decimal | date | None = None
    text: str | None = None

    @property
    def typed(self) -> str:
        """How an address writes it."""
        return self.text if self.text is not None else f"{_written(self.low)}..{_written(self.high)}"


def read_filter(definition: Definition, typed: str) -> TraitFilter | None:
    """The filter that was typed; None where it cannot be understood."""
    typed = typed.strip()
    if not typed or len(typed) > LONGEST_FILTER or "\0" in typed:
        return None
    if definition.shape is Shape.TEXT:
        return TraitFilter(definition, text=typed)
    low, separator, high = typed.partition("..")
    read = _day if definition.shape is Shape.MOMENT else _number
    try:
        bounds = [read(end.strip()) if end.strip() else None for end in (low, high if separator else low)]
    except ValueError:
        return None
    return TraitFilter(definition, bounds[0], bounds[1]) if any(end is not None for end in bounds) else None


def condition_of(wanted: TraitFilter, *, is_ready: bool, at: datetime) -> Composable:
    """SQL that is true of a row called ``customer`` whose kept value fits; of nobody while values are not worked out.

    Who has no value counts as nothing where nothing is a value, as of a count.
    """
    if not is_ready:
        return SQL("false")
    definition = wanted.definition
    value = SQL(
        "(SELECT value.{column} FROM traits_value AS value WHERE value.trait = {name} AND value.customer_id = customer.id)"
    ).format(column=Identifier(_column(definition)), name=Literal(definition.name))
    if definition.nothing is not None:
        value = SQL("coalesce({}, {})").format(value, Literal(definition.nothing))
    # Scalar subqueries and not EXISTS: the planner would turn those into a join over everybody.
    return SQL("coalesce({}, false)").format(_fits(wanted, value, at))


def few_condition(wanted: TraitFilter, *, at: datetime) -> Composable | None:
    """SQL on a row of ``traits_value`` called ``value`` that an index answers; None where who has no row may fit too."""
    nothing = wanted.definition.nothing
    if nothing is not None and _within(wanted, nothing):
        return None
    column = SQL("value.{}").format(Identifier(_column(wanted.definition)))
    return SQL("value.trait = {} AND {}").format(Literal(wanted.definition.name), _fits(wanted, column, at))


def _within(wanted: TraitFilter, nothing: Any) -> bool:
    low, high = (_scaled(wanted.definition, end) for end in (wanted.low, wanted.high))
    return (low is None or nothing >= low) and (high is None or nothing <= high)


def _column(definition: Definition) -> str:
    if definition.shape is Shape.TEXT:
        return "text"
    return "moment" if definition.shape is Shape.MOMENT or _is_days(definition) else "number"


def _is_days(definition: Definition) -> bool:
    return definition.aggregate is Aggregate.DAYS_SINCE_LAST


def _fits(wanted: TraitFilter, value: Composable, at: datetime) -> Composable:
    definition = wanted.definition
    if wanted.text is not None:
        return SQL("{} = {}").format(value, Literal(wanted.text))
    parts: list[Composable] = []
    if _column(definition) == "number":
        for sign, end in ((">=", wanted.low), ("<=", wanted.high)):
            if end is not None:
                parts.append(SQL("{} {} {}").format(value, SQL(sign), Literal(_scaled(definition, end))))
    else:
        since, until = _moments(wanted, at)
        for sign, moment in ((">=", since), ("<", until)):
            if moment is not None:
                parts.append(SQL("{} {} {}").format(value, SQL(sign), Literal(moment)))
    return SQL("({})").format(SQL(" AND ").join(parts))


def _moments(wanted: TraitFilter, at: datetime) -> tuple[datetime | None, datetime | None]:
    """The first moment that fits and the first that is too late. So many days ago or more is up to the end of that day."""
    zone = ZoneInfo(wanted.definition.zone)
    low, high = wanted.low, wanted.high
    if _is_days(wanted.definition):
        today = at.astimezone(zone).date()
        oldest = today - timedelta(days=floor(high)) if isinstance(high, Decimal) else None
        newest = today - timedelta(days=ceil(low)) if isinstance(low, Decimal) else None
        low, high = oldest, newest
    since = datetime.combine(low, time(), zone) if isinstance(low, date) else None
    until = datetime.combine(high + timedelta(days=1), time(), zone) if isinstance(high, date) else None
    return since, until


def _scaled(definition: Definition, end: Decimal | date | None) -> Decimal | None:
    """A number in the units in which values are kept."""
    if not isinstance(end, Decimal):
        return None
    if definition.shape is Shape.MONEY:
        return end.scaleb(minor_digits(definition.currency or ""))
    return end * MILLIONTHS if definition.shape is Shape.NUMBER else end


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise ValueError(text) from None
    if not number.is_finite() or abs(number) > LARGEST:
        raise ValueError(text)
    return number


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not 1970 < day.year < 9999:
        raise ValueError(text)
    return day


def _written(end: Decimal | date | None) -> str:
    return "" if end is None else end.isoformat() if isinstance(end, date) else f"{end:f}"
