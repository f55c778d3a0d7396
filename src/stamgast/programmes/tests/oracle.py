"""What activities are worth, a second time: plain Python, one activity after the other, read from the documents.

Written from ``docs/algorithms/deciding.md`` and the JSON Schema, and from nothing that the engine is made of: no numpy, no
Arrow, no Ibis, and no code of the rooms ``programmes`` and ``conditions``. Slow, and meant to be obvious.
"""

import calendar
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

LARGEST = 10**15
DIGITS = {"JPY": 0, "KWD": 3, "CLF": 4}  # every other currency of the tests has two
Versions: TypeAlias = list[tuple[int, datetime, dict[str, Any]]]
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@dataclass
class Member:
    """What the oracle remembers of one customer: for each capped rule the period and what was given in it."""

    counters: dict[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """One decision."""

    activity: Any
    rule: str
    currency: str
    amount: int
    available_at: datetime | None
    expires_at: datetime | None
    version: int


def decide_one(versions: Versions, member: Member, activity: Mapping[str, Any]) -> list[Given]:
    """What one activity gives, as ``versions`` (number, effective_from, document) say; remembers it in ``member``."""
    started = [(start, number, document) for number, start, document in versions if start <= activity["occurred_at"]]
    if not started:
        return []
    _, number, document = max(started, key=lambda version: version[:2])
    zone = ZoneInfo(document["timezone"])
    given = []
    for rule in document["earn"]:
        if not holds(rule["when"], activity, zone) or not is_in_time(rule, activity["occurred_at"], zone):
            continue
        for currency, give in rule["give"].items():
            amount = worth(give, activity, document.get("round", "down"), zone)
            if currency in rule.get("cap", {}):
                amount = capped(amount, rule, currency, activity["occurred_at"].astimezone(zone), member)
            if amount > 0:
                moment, options = activity["occurred_at"], document["currencies"][currency]
                start = expiry(moment, {"after": options["pending"]}, zone) if "pending" in options else None
                end = expiry(moment, options["expires"], zone) if "expires" in options else None
                given.append(Given(activity["activity_id"], rule["name"], currency, amount, start, end, number))
    return given


def decide_all(versions: Versions, activities: Iterable[Mapping[str, Any]]) -> list[Given]:
    """What all activities give, of any customers, in any order."""
    members: dict[Any, Member] = {}
    ordered = sorted(activities, key=lambda a: (a["customer_id"], a["occurred_at"], a["activity_id"]))
    return [one for a in ordered for one in decide_one(versions, members.setdefault(a["customer_id"], Member()), a)]


def worth(give: Any, activity: Mapping[str, Any], rounding: str, zone: ZoneInfo) -> int:
    """Before the cap."""
    if isinstance(give, int):
        return give
    of = give.get("of", "amount")
    pieces = of == "quantity" or "quantity" in of
    if of == "amount":
        measured = activity["amount_minor"] or 0
    else:
        wanted = None if of == "quantity" else next(iter(of.values()))
        lines = [with_currency(line, activity) for line in activity["lines"] or []]
        column = "quantity" if pieces else "amount_minor"
        measured = sum(line[column] or 0 for line in lines if wanted is None or line_holds(wanted, line, zone))
    measured = min(max(measured, 0), LARGEST)
    units = Fraction(measured, 1 if pieces else 10 ** DIGITS.get(activity["currency"], 2)) / Fraction(str(give["per"]))
    whole, rest = divmod(units, 1)
    if rest and (rounding == "up" or (rounding == "nearest" and rest >= Fraction(1, 2))):
        whole += 1
    return min(int(whole), LARGEST // give["amount"]) * give["amount"]


def capped(amount: int, rule: Mapping[str, Any], currency: str, local: datetime, member: Member) -> int:
    """What the cap leaves of an amount."""
    per = rule["cap"]["per"]
    number = {
        "day": local.toordinal(),
        "week": (local.toordinal() - 1) // 7,
        "month": local.year * 12 + local.month,
        "year": local.year,
        "lifetime": 0,
    }[per]
    key = (rule["name"], currency, per)
    period, used = member.counters.get(key, (number, 0))
    if number > period:
        period, used = number, 0
    left = min(amount, max(rule["cap"][currency] - used, 0))
    if left > 0:
        member.counters[key] = (period, used + left)
    return left


def is_in_time(rule: Mapping[str, Any], occurred_at: datetime, zone: ZoneInfo) -> bool:
    """From the first moment, or day, of the rule on; to the end of its last day, or before its last moment."""
    if "from" in rule and occurred_at < to_utc(datetime.fromisoformat(rule["from"]), zone):
        return False
    if "until" not in rule:
        return True
    last = datetime.fromisoformat(rule["until"])
    return occurred_at < to_utc(last + timedelta(days=1) if len(rule["until"]) == 10 else last, zone)


def expiry(occurred_at: datetime, expires: Mapping[str, str], zone: ZoneInfo) -> datetime:
    """The moment of expiry."""
    count, unit = int(expires["after"].split()[0]), expires["after"].split()[1].removesuffix("s")
    local = occurred_at.astimezone(zone).replace(tzinfo=None, fold=0)
    if unit in ("second", "minute", "hour"):
        end = occurred_at + timedelta(**{unit + "s": count})
    elif unit in ("day", "week"):
        end = to_utc(local + timedelta(**{unit + "s": count}), zone)
    else:
        months = local.year * 12 + local.month - 1 + count * (12 if unit == "year" else 1)
        year, month = months // 12, months % 12 + 1
        end = to_utc(local.replace(year=year, month=month, day=min(local.day, calendar.monthrange(year, month)[1])), zone)
    at = expires.get("at", "exact")
    if at == "exact":
        return end
    day = end.astimezone(zone).date()
    if at == "end of month":
        day = day.replace(day=calendar.monthrange(day.year, day.month)[1])
    return to_utc(datetime.combine(day + timedelta(days=1), datetime.min.time()), zone)


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Of a local time that comes twice the first; one that is skipped as far after the gap as it was into it."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


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
        return bool(row["kind"] == condition["activity"])
    actual = value_of(condition["field"], row, zone)
    return all(compare(actual, word, literal) for word, literal in condition.items() if word != "field")


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


__all__ = ["Given", "Member", "decide_all", "decide_one", "expiry"]
