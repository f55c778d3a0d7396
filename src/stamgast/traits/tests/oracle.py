"""Computed traits once more, in plain Python and from their definitions in words.

``wanted`` is what a definition says, as data of this test's own: (aggregate, of, fits, line_fits, currency, days).
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo


@dataclass
class Wanted:
    aggregate: str
    of: str | None
    as_: str | None
    fits: Callable[[dict], bool]
    line_fits: Callable[[dict], bool]
    currency: str
    days: int | None


def nearest(number: Fraction) -> int:
    """The nearest whole number; of two, the one further from zero."""
    whole = int(abs(number) + Fraction(1, 2))
    return -whole if number < 0 else whole


def taken_of(row: dict, wanted: Wanted) -> list[Any]:
    of = wanted.of
    if of == "amount":
        return [row["amount_minor"]] if row["currency"] == wanted.currency else []
    if of.startswith("lines."):
        column = {"amount": "amount_minor"}.get(of[6:], of[6:])
        if column == "amount_minor" and row["currency"] != wanted.currency:
            return []
        return [line[column] for line in row["lines"] or [] if line is not None and wanted.line_fits(line)]
    if of.startswith("properties."):
        value = (json.loads(row["properties"]) if row["properties"] else {}).get(of[11:])
        if wanted.as_ == "text":
            return [value] if isinstance(value, str) else []
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 10**12:
            return []
        return [round_to_millionths(value)]
    return [row[of]]


def round_to_millionths(value: float) -> int:
    millionths = float(value) * 1_000_000 + 0.5
    whole = int(millionths)
    return whole - 1 if whole > millionths else whole


def value_of(rows: list[dict], wanted: Wanted, at: datetime, zone: str) -> Any:
    clock = ZoneInfo(zone)
    today = at.astimezone(clock).date()
    mine = [row for row in rows if row["occurred_at"] <= at and wanted.fits(row)]
    if wanted.days is not None:
        first_day = today - timedelta(days=wanted.days - 1)
        mine = [row for row in mine if row["occurred_at"].astimezone(clock).date() >= first_day]
    mine.sort(key=lambda row: (row["occurred_at"], row["activity_id"]))
    moments = [row["occurred_at"] for row in mine]
    match wanted.aggregate:
        case "count":
            return len(mine)
        case "first_at":
            return moments[0] if moments else None
        case "last_at":
            return moments[-1] if moments else None
        case "days_since_last":
            return (today - moments[-1].astimezone(clock).date()).days if moments else None
    values = [
        value for row in mine for value in taken_of(row, wanted) if value is not None and value != "" and len(str(value)) <= 500
    ]
    match wanted.aggregate:
        case "sum":
            return sum(values)
        case "distinct":
            return len(Counter(values))
    if not values:
        return None
    match wanted.aggregate:
        case "average":
            scale = 1_000_000 if wanted.of == "lines.quantity" else 1
            return nearest(Fraction(sum(values) * scale, len(values)))
        case "min":
            return sorted(values)[0]
        case "max":
            return sorted(values)[-1]
        case "first":
            return values[0]
        case "last":
            return values[-1]
        case "most_frequent":
            most = max(Counter(values).values())
            return next(value for value in reversed(values) if values.count(value) == most)
    raise AssertionError(wanted.aggregate)
