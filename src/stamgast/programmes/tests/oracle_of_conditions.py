"""Conditions for the oracle, in plain Python and from nothing that the engine is made of."""

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

DIGITS = {"JPY": 0, "KWD": 3, "CLF": 4}  # every other currency of the tests has two
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


REFERRING = ("Order Refunded", "Till Return", "Order Cancelled", "Order Updated")


def is_for(condition: Mapping[str, Any], row: Mapping[str, Any], zone: ZoneInfo) -> bool:
    """Whether a condition of a programme is true of an activity, and it is not one that only tells of an earlier order, unless
    it is asked for by name."""
    return (row["kind"] not in REFERRING or row["kind"] in names(condition)) and holds(condition, row, zone)


def names(condition: Mapping[str, Any]) -> set[str]:
    """The kinds that stand in a condition."""
    if "not" in condition:
        return names(condition["not"])
    stated: list[Any] = [condition.get("activity")]
    if condition.get("field") == "kind":
        stated += [condition.get("is"), condition.get("in")]
    found = {kind for one in stated if one for kind in ([one] if isinstance(one, str) else one)}
    return found.union(*(names(part) for word in ("all", "any") for part in condition.get(word, [])))


def holds(condition: Mapping[str, Any], row: Mapping[str, Any], zone: ZoneInfo) -> bool:
    """Whether a condition is true of an activity or, inside ``any_line``, of a line."""
    if "all" in condition:
        return all(holds(part, row, zone) for part in condition["all"])
    if "any" in condition:
        return any(holds(part, row, zone) for part in condition["any"])
    if "not" in condition:
        return not holds(condition["not"], row, zone)
    if "any_line" in condition:
        return any(line_holds(condition["any_line"], with_currency(line, row), zone) for line in row["lines"] or [])
    if "activity" in condition:
        wanted = condition["activity"]
        return bool(row["kind"] in wanted if isinstance(wanted, list) else row["kind"] == wanted)
    if "birthday_month" in condition:
        return compare(value_of("birthday_month", row, zone), "is", condition["birthday_month"])
    name = condition["field"] if "field" in condition else f"properties.{condition['properties']}"
    actual = value_of(name, row, zone)
    return all(compare(actual, word, literal) for word, literal in condition.items() if word not in ("field", "properties"))


def with_currency(line: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """A line and the currency of its activity."""
    return {**line, "currency": row["currency"]}


def line_holds(condition: Mapping[str, Any], line: Mapping[str, Any], zone: ZoneInfo) -> bool:
    """``{category: coffee}``, or a condition over the fields of a line."""
    if condition.keys() & {"field", "all", "any", "not"}:
        return holds(condition, line, zone)
    return all(line[name] == wanted for name, wanted in condition.items())


def value_of(name: str, row: Mapping[str, Any], zone: ZoneInfo) -> Any:
    """The value of a field, or None."""
    if name == "amount":
        minor = row["amount_minor"]
        return None if minor is None else Fraction(minor, 10 ** DIGITS.get(row["currency"], 2))
    if name == "birthday_month":
        return None if row["birth_month"] is None else row["occurred_at"].astimezone(zone).month == row["birth_month"]
    if name in ("weekday", "hour", "date"):
        local = row["occurred_at"].astimezone(zone)
        return {"weekday": DAYS[local.weekday()], "hour": local.hour, "date": local.date().isoformat()}[name]
    if name.startswith("properties."):
        value = json.loads(row["properties"], parse_float=Fraction) if row["properties"] else None
        for key in name.split(".")[1:]:
            value = value.get(key) if isinstance(value, dict) else None
        return value
    return row[name]


def compare(actual: Any, word: str, literal: Any) -> bool:
    """One comparison. What is missing, or of another type than the literal, makes it false."""
    if word in ("exists", "missing"):
        return (actual is None) == (word == "missing")
    wanted = [literal] if word != "in" else literal
    kinds: tuple[type, ...] = next(k for k in ((bool,), (str,), (int, float, Fraction)) if isinstance(wanted[0], k))
    if not isinstance(actual, kinds) or (kinds != (bool,) and isinstance(actual, bool)):
        return False
    exact = [Fraction(str(one)) if kinds[0] is int else one for one in wanted]
    tests: dict[str, Callable[[], bool]] = {
        "is": lambda: actual == exact[0],
        "is_not": lambda: actual != exact[0],
        "in": lambda: actual in exact,
        "over": lambda: actual > exact[0],
        "at_least": lambda: actual >= exact[0],
        "under": lambda: actual < exact[0],
        "at_most": lambda: actual <= exact[0],
        "contains": lambda: exact[0] in actual,
    }
    return tests[word]()
