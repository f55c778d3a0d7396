"""What activities are worth, a second time: plain Python, one activity after the other, read from the documents.

Written from ``docs/algorithms/deciding.md`` and the JSON Schema, and from nothing that the engine is made of: no numpy, no
Arrow, no Ibis, and no code of the rooms ``programmes`` and ``conditions``. Slow, and meant to be obvious.
"""

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from stamgast.programmes.tests.oracle_of_conditions import DIGITS, is_for, line_holds, value_of, with_currency

LARGEST = 10**15
Versions: TypeAlias = list[tuple[int, datetime, dict[str, Any]]]


@dataclass
class Member:
    """What the oracle remembers of one customer: for each capped rule the period and what was given in it; for each rule that
    has a turn what it counted; what is on each card."""

    counters: dict[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict)
    turns: dict[tuple[str, str, str, str | None], Any] = field(default_factory=dict)
    cards: dict[str, int] = field(default_factory=dict)
    level: str | None = None
    period: tuple[date, date] | None = None  # of the level that is held: from, and the day after its last
    review: date | None = None
    invited: tuple[str, date] | None = None
    qualified: dict[date, int] = field(default_factory=dict)
    today: date = date.min
    changes: list[tuple[datetime, str | None, str]] = field(default_factory=list)


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
    member.today = max(member.today, activity["occurred_at"].astimezone(zone).date())
    review(versions, member, member.today)
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
    level = next((one for one in document.get("tiers", {}).get("levels", []) if one["name"] == member.level), {})
    for currency, factor in level.get("multiply", {}).items():
        before = stands.get(currency, Fraction(0))
        is_standing = document.get("stacking") == "standing"
        times = Fraction(str(factor))
        after = before * times if is_standing else before + base.get(currency, 0) * (times - 1)
        add(level["name"], {}, currency, rounded(after, rounding) - rounded(before, rounding))
    for card in document.get("cards", []):
        if not total.get(card["of"], 0):
            continue
        stamps = member.cards.get(card["name"], 0) + total[card["of"]]
        member.cards[card["name"]] = stamps % card["each"]
        for currency, amount in card["give"].items():
            add(card["name"], {}, currency, stamps // card["each"] * amount)
    reach(document, member, activity, total, zone)
    decisions = []
    for name, currency, amount in amounts:
        if amount > 0:
            moment, options = activity["occurred_at"], document["currencies"][currency]
            start = expiry(moment, {"after": options["pending"]}, zone) if "pending" in options else None
            end = expiry(moment, options["expires"], zone) if "expires" in options else None
            decisions.append(Given(activity["activity_id"], name, currency, amount, start, end, number))
    return decisions


def months_later(day: date, months: int) -> date:
    """The same day of another month, or its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def later(day: date, duration: str, sign: int = 1) -> date:
    """A duration of whole days later."""
    count, unit = int(duration.split()[0]) * sign, duration.split()[1].removesuffix("s")
    if unit in ("month", "year"):
        return months_later(day, count * (12 if unit == "year" else 1))
    return day + timedelta(days=count * (7 if unit == "week" else 1))


def period_of(tiers: Mapping[str, Any], day: date) -> tuple[date, date]:
    """The period that begins on a day or, of the calendar, in which it lies."""
    period = tiers["period"]
    if "rolling" in period:
        return day, later(day, period["rolling"])
    length = {"year": 12, "half year": 6, "quarter": 3, "month": 1}[period["calendar"]]
    first = next(month for month in range(1, 13) if calendar.month_name[month].lower() == period.get("from", "january"))
    begin = day.replace(day=1)
    while (begin.month - first) % length:
        begin = months_later(begin, -1)
    return begin, months_later(begin, length)


def earned(tiers: Mapping[str, Any], total: int) -> int:
    """The rank of the highest level that so much reaches, -1 for none."""
    by_money = 1 if isinstance(tiers["qualify_on"], str) else 100
    return max(
        (rank for rank, one in enumerate(tiers["levels"]) if "from" in one and one["from"] * by_money <= total), default=-1
    )


def rank_of(tiers: Mapping[str, Any], level: str | None) -> int:
    """The rank of a level, -1 where there is none of that name."""
    return next((rank for rank, one in enumerate(tiers["levels"]) if one["name"] == level), -1)


def hold(tiers: Mapping[str, Any], member: Member, rank: int, begin: date) -> None:
    """Begins a period with a level. Who has nothing to lose is not reviewed."""
    member.level = tiers["levels"][rank]["name"] if rank >= 0 else None
    member.period = period_of(tiers, begin)
    member.review = later(member.period[1], tiers.get("grace", "0 days")) if rank > earned(tiers, 0) else None


def reach(
    document: Mapping[str, Any], member: Member, activity: Mapping[str, Any], total: Mapping[str, int], zone: ZoneInfo
) -> None:
    """What the member reaches by an activity, at once."""
    tiers, before, day = document.get("tiers"), member.level, member.today
    if tiers is None:
        member.level, member.review = None, None
        if before is not None:
            member.changes.append((activity["occurred_at"], None, "rules"))
        return
    qualify = tiers["qualify_on"]
    if isinstance(qualify, str):
        amount = total.get(qualify, 0)
    else:
        give = {"amount": 1, "per": "0.01"}
        amount = worth(give, activity, "down", zone) if is_for(qualify["spend"], activity, zone) else 0
    member.qualified[day] = member.qualified.get(day, 0) + amount
    rolls = "rolling" in tiers["period"]
    since = later(day + timedelta(days=1), tiers["period"]["rolling"], -1) if rolls else period_of(tiers, day)[0]
    by_total = earned(tiers, sum(amount for on, amount in member.qualified.items() if since <= on <= day))
    by_invitation = max(
        (r for r, one in enumerate(tiers["levels"]) if "invited" in one and is_for(one["invited"], activity, zone)), default=-1
    )
    kept = member.invited
    counts = kept is not None and member.period is not None and kept[1] >= member.period[0]
    if by_invitation >= 0 and not (kept is not None and counts and rank_of(tiers, kept[0]) > by_invitation):
        member.invited = (tiers["levels"][by_invitation]["name"], day)
    held = rank_of(tiers, before)
    rank = max(held, by_total, by_invitation)
    name = tiers["levels"][rank]["name"] if rank >= 0 else None
    if name != before:
        cause = "rules" if before is not None and held < 0 else "invited" if by_invitation > by_total else "reached"
        member.changes.append((activity["occurred_at"], name, cause))
    if name != before or (rank >= 0 and member.review is None):
        hold(tiers, member, rank, day + timedelta(days=1) if rolls else day)


def review(versions: Versions, member: Member, day: date) -> None:
    """Holds every review that is due at the beginning of a day."""
    while member.review is not None and member.review <= day:
        due = member.review
        started = []
        for number, start, document in versions:
            local = start.astimezone(ZoneInfo(document["timezone"]))
            is_midnight = local.time() == datetime.min.time()
            first = local.date() if is_midnight else local.date() + timedelta(days=1)
            if first <= due:
                started.append((start, number, document))
        _, _, document = max(started, key=lambda one: one[:2])
        moment = to_utc(datetime.combine(due, datetime.min.time()), ZoneInfo(document["timezone"]))
        tiers, before = document.get("tiers"), member.level
        if tiers is None:
            member.level, member.review = None, None
            member.changes.append((moment, None, "rules"))
            return
        assert member.period is not None
        since, end = member.period
        by_total = earned(tiers, sum(amount for on, amount in member.qualified.items() if since <= on < due))
        if member.invited is not None and member.invited[1] >= since:
            by_total = max(by_total, rank_of(tiers, member.invited[0]))
        held = rank_of(tiers, before)
        kept = by_total if held < 0 else min(by_total, held)
        if tiers.get("downgrade") == "one level" and kept < held - 1:
            kept = held - 1
            while kept > by_total and "invited" in tiers["levels"][kept]:
                kept -= 1
        hold(tiers, member, kept, end)
        if member.level != before:
            member.changes.append((moment, member.level, "reviewed"))


def changes_of(
    versions: Versions, activities: Iterable[Mapping[str, Any]], until: date
) -> list[tuple[Any, datetime, str | None, str]]:
    """The changes of tiers of all customers, with reviews up to the beginning of a day."""
    members: dict[Any, Member] = {}
    for one in sorted(purchases(activities), key=lambda a: (a["customer_id"], a["occurred_at"], a["activity_id"])):
        decide_one(versions, members.setdefault(one["customer_id"], Member()), one)
    for member in members.values():
        review(versions, member, until)
    return [(customer, *change) for customer, member in sorted(members.items()) for change in member.changes]


def purchases(activities: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """All but the orders that came back whole, which might never have been."""
    return [one for one in activities if not one["is_returned"]]


def applies(rule: Mapping[str, Any], activity: Mapping[str, Any], zone: ZoneInfo, member: Member) -> bool:
    """Whether a rule holds of an activity and it is its turn, which is remembered."""
    if not is_for(rule["when"], activity, zone) or not is_in_time(rule, activity["occurred_at"], zone):
        return False
    kind = next((kind for kind in ("nth", "every", "streak", "challenge") if kind in rule), None)
    if kind is None:
        return True
    stated = rule[kind] if kind in ("streak", "challenge") else {"count": rule[kind], "per": "lifetime"}
    key, count = (rule["name"], kind, stated["per"], stated.get("different")), stated["count"]
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
    last, seen, has_given = member.turns.get(key, (now, frozenset(), False))
    if now > last:
        last, seen, has_given = now, frozenset(), False
    value = value_of(stated["different"], activity, zone)
    is_value = value not in (None, "") and not isinstance(value, bool | dict | list)
    seen = seen | {value} if is_value else seen
    is_turn = is_value and not has_given and len(seen) >= count
    member.turns[key] = (last, seen, has_given or is_turn)
    return is_turn


def decide_all(versions: Versions, activities: Iterable[Mapping[str, Any]]) -> list[Given]:
    """What all activities give, of any customers, in any order."""
    members: dict[Any, Member] = {}
    ordered = sorted(purchases(activities), key=lambda a: (a["customer_id"], a["occurred_at"], a["activity_id"]))
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


__all__ = ["Given", "Member", "changes_of", "decide_all", "decide_one", "expiry"]
