"""The value of one customer, from the rows of what that customer did. Pure: the moment is an argument."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from stamgast.traits.definition import Definition
from stamgast.traits.types import MILLIONTHS, Aggregate, Computed, Shape, Value


def compute(definition: Definition, rows: Sequence[Mapping[str, Any]], at: datetime) -> Computed:
    """The value at a moment, of rows in the order of (occurred_at, activity_id), refunds taken off.

    What is dated after the moment does not count yet.
    """
    fits = definition.when.closure() if definition.when else lambda row: True
    since = definition.since(at)
    counted = [row for row in rows if row["occurred_at"] <= at and (since is None or row["occurred_at"] >= since) and fits(row)]
    taking = definition.taking
    if taking is None:
        return Computed(_OF_ACTIVITIES[definition.aggregate](counted, definition, at), counted, len(counted), 0)
    taken = [(row, value) for row in counted for value in taking.values(row)]
    others = 0
    if definition.currency is not None:
        others = sum(1 for row in counted if _is_of_another_currency(row, definition.currency))
    values: list[Any] = [value for _, value in taken]
    used = len({row["activity_id"] for row, _ in taken})
    return Computed(_OF_VALUES[definition.aggregate](values, definition), counted, used, others)


def _is_of_another_currency(row: Mapping[str, Any], currency: str) -> bool:
    return row.get("amount_minor") is not None and row.get("currency") != currency


def days_between(last: datetime, at: datetime, zone: str) -> int:
    """The number of midnights of the zone between two moments."""
    clock = ZoneInfo(zone)
    return (at.astimezone(clock).date() - last.astimezone(clock).date()).days


def average(total: int, count: int, scale: int = 1) -> int:
    """The quotient times a scale as a whole number, half away from zero, without a fraction on the way."""
    sign = -1 if total < 0 else 1
    return sign * ((2 * abs(total) * scale + count) // (2 * count))


def scale_of(definition: Definition) -> int:
    """What an average is multiplied by: of whole numbers it is told in millionths."""
    return MILLIONTHS if definition.taking is not None and definition.taking.shape is Shape.WHOLE else 1


def _most_frequent(values: list[Any], definition: Definition) -> Value | None:
    """Of several that are as frequent, the one that was there last."""
    times = Counter(values)
    last = {value: place for place, value in enumerate(values)}
    return max(times, key=lambda value: (times[value], last[value])) if values else None


def _moment(place: int) -> Callable[[list[Any], Definition, datetime], Value | None]:
    return lambda rows, definition, at: rows[place]["occurred_at"] if rows else None


_OF_ACTIVITIES: dict[Aggregate, Callable[[list[Any], Definition, datetime], Value | None]] = {
    Aggregate.COUNT: lambda rows, definition, at: len(rows),
    Aggregate.FIRST_AT: _moment(0),
    Aggregate.LAST_AT: _moment(-1),
    Aggregate.DAYS_SINCE_LAST: lambda rows, definition, at: (
        days_between(rows[-1]["occurred_at"], at, definition.zone) if rows else None
    ),
}
_OF_VALUES: dict[Aggregate, Callable[[list[Any], Definition], Value | None]] = {
    Aggregate.SUM: lambda values, definition: sum(values),
    Aggregate.AVERAGE: lambda values, definition: average(sum(values), len(values), scale_of(definition)) if values else None,
    Aggregate.MIN: lambda values, definition: min(values, default=None),
    Aggregate.MAX: lambda values, definition: max(values, default=None),
    Aggregate.FIRST: lambda values, definition: values[0] if values else None,
    Aggregate.LAST: lambda values, definition: values[-1] if values else None,
    Aggregate.DISTINCT: lambda values, definition: len(set(values)),
    Aggregate.MOST_FREQUENT: _most_frequent,
}
