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
    """What the oracle remembers of one customer: for each capped rule the period and what was given in it; for each rule that
    has a turn what it counted; what is on each card."""

    counters: dict[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict)
    turns: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    cards: dict[str, int] = field(default_factory=dict)


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
    applied = [rule for rule in document["earn"] if applies(rule, activity, zone, member)]
    rounding = document.get("round", "down")
    amounts: list[tuple[str, str, int]] = []
    total: dict[str, int] = {}

    def add(name: str, rule: Mapping[str, Any], currency: str, amount: int) -> int:
        if currency in rule.get("cap", {}):
            amount = capped(amount, rule, currency, activity["occurred_at"].astimezone(zone), member)
        amounts.append((name, currency, amount))
        total[currency] = total.get(currency, 0) + amount
        return amount

    for rule in applied:
        for currency, give in rule.get("give", {}).items():
            add(rule["name"], rule, currency, worth(give, activity, rounding, zone))
    base = {currency: Fraction(amount) for currency, amount in total.items()}
    stands = dict(base)
    for rule in applied:
        for currency, factor in rule.get("multiply", {}).items():
            times = Fraction(str(factor))
            before = stands.get(currency, Fraction(0))
            is_standing = document.get("stacking") == "standing"
            after = before * times if is_standing else before + base.get(currency, 0) * (times - 1)
            extra = rounded(after, rounding) - rounded(before, rounding)
            given = add(rule["name"], rule, currency, extra)
            stands[currency] = after if given == extra or not is_standing else Fraction(total[currency])
    for card in document.get("cards", []):
        stamps = member.cards.get(card["name"], 0) + total.get(card["of"], 0)
        member.cards[card["name"]] = stamps % card["each"]
        for currency, amount in card["give"].items():
            add(card["name"], {}, currency, stamps // card["each"] * amount)
    decisions = []
    for name, currency, amount in amounts:
        if amount > 0:
            moment, options = activity["occurred_at"], document["currencies"][currency]
            start = expiry(moment, {"after": options["pending"]}, zone) if "pending" in options else None
            end = expiry(moment, options["expires"], zone) if "expires" in options else None
            decisions.append(Given(activity["activity_id"], name, currency, amount, start, end, number))
    return decisions


def applies(rule: Mapping[str, Any], activity: Mapping[str, Any], zone: ZoneInfo, member: Member) -> bool:
    """Whether a rule holds of an activity and it is its turn, which is remembered."""
    if not holds(rule["when"], activity, zone) or not is_in_time(rule, activity["occurred_at"], zone):
        return False
    kind = next((kind for kind in ("nth", "every", "streak", "challenge") if kind in rule), None)
    if kind is None:
        return True
    stated = rule[kind] if kind in ("streak", "challenge") else {"count": rule[kind], "per": "lifetime"}
    key, count = (rule["name"], kind, stated["per"]), stated["count"]
    now = period_number(stated["per"], activity["occurred_at"].astimezone(zone))
    if kind in ("nth", "every"):
        member.turns[key] = member.turns.get(key, 0) + 1
        if kind == "nth":
            return bool(member.turns[key] == count)
        if member.turns[key] < count:
            return False
        member.turns[key] = 0
        return True
    if kind == "streak":
        last, run = member.turns.get(key, (now - 2, 0))
        if now <= last:
            return False
        run = run + 1 if now == last + 1 else 1
        member.turns[key] = (now, 0 if run >= count else run)
        return bool(run >= count)
    last, seen = member.turns.get(key, (now, frozenset()))
    if now > last:
        last, seen = now, frozenset()
    value = value_of(stated["different"], activity, zone)
    is_new = value is not None and not isinstance(value, bool | dict | list) and value not in seen and len(seen) < count
    member.turns[key] = (last, seen | {value} if is_new else seen)
    return is_new and len(seen) + 1 == count


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
    return min(rounded(units, rounding), LARGEST // give["amount"]) * give["amount"]


def rounded(exact: Fraction, rounding: str) -> int:
    """A whole number, as the programme says."""
    whole, rest = divmod(exact, 1)
    return int(whole) + bool(rest and (rounding == "up" or (rounding == "nearest" and rest >= Fraction(1, 2))))


def capped(amount: int, rule: Mapping[str, Any], currency: str, local: datetime, member: Member) -> int:
    """What the cap leaves of an amount."""
    per = rule["cap"]["per"]
    number = period_number(per, local)
    key = (rule["name"], currency, per)
    period, used = member.counters.get(key, (number, 0))
    if number > period:
        period, used = number, 0
    left = min(amount, max(rule["cap"][currency] - used, 0))
    if left > 0:
        member.counters[key] = (period, used + left)
    return left


def period_number(per: str, local: datetime) -> int:
    """A number that grows with time."""
    return {
        "day": local.toordinal(),
        "week": (local.toordinal() - 1) // 7,
        "month": local.year * 12 + local.month,
        "year": local.year,
        "lifetime": 0,
    }[per]


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
