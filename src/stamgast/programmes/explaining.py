"""``explain``: why one activity gave what it gave, rule by rule, in words. Pure.

The amounts are those of ``decide`` itself, made again for the one activity; only the words are made here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow as pa
from babel.dates import format_datetime

from stamgast.conditions import say_failure
from stamgast.conditions.fields import digits_of
from stamgast.conditions.words import say_number
from stamgast.programmes.deciding import decide
from stamgast.programmes.matching import match_few
from stamgast.programmes.programme import LARGEST, Programme, Slot, period_numbers, ratio_of, to_microseconds
from stamgast.programmes.types import ACTIVITIES, Explanation, RuleOutcome
from stamgast.programmes.words import WORDS


def explain(
    programme: Programme, activity: Mapping[str, Any], states: pa.Table | None = None, language: str = "en"
) -> Explanation:
    """What each rule of the version in force made of one activity, and what would have given more.

    ``activity`` has the columns of ACTIVITIES, ids as bytes or UUID. ``states`` holds the state of its customer before it, from
    ``decide`` of what came before; without it caps count from nothing.
    """
    say = WORDS[language]
    table = _table_of(activity)
    (row,) = table.to_pylist()
    moment = table["occurred_at"].cast(pa.int64()).to_numpy()
    place = int(programme.version_at(moment)[0])
    if place < 0:
        return Explanation(programme.name, None, (), say["no_version"].format(programme=programme.name))
    decided = {(d["rule"], d["currency"]): d for d in decide(programme, states, table).table.to_pylist()}
    bases = match_few(programme, table)[:, 0]
    counters = _counters_before(states, row["customer_id"])
    slots = programme.slots[programme.slot_starts[place] : programme.slot_starts[place + 1]]
    outcomes = []
    for slot in slots:
        used = _used(programme, slot, counters, moment)
        decision = decided.get((slot.rule, slot.currency))
        outcomes.append(_explain_slot(programme, slot, row, int(bases[slot.base]), used, decision, language))
    totals: dict[str, int] = {}
    for outcome in outcomes:
        totals[outcome.currency] = totals.get(outcome.currency, 0) + outcome.amount
    total = say["and"].join(f"{say_number(Decimal(value), language)} {name}" for name, value in totals.items() if value)
    version = programme.versions[place].version
    sentence = say["given" if total else "nothing"].format(total=total, version=version, programme=programme.name)
    return Explanation(programme.name, version, tuple(outcomes), sentence)


def _table_of(activity: Mapping[str, Any]) -> pa.Table:
    row = {name: activity.get(name) for name in ACTIVITIES.names}
    for name in ("activity_id", "customer_id"):
        value = row[name]
        row[name] = value.bytes if isinstance(value, UUID) else value
    if row["properties"] is not None and not isinstance(row["properties"], str):
        row["properties"] = msgspec.json.encode(row["properties"]).decode()
    return pa.Table.from_pylist([row], schema=ACTIVITIES)


def _counters_before(states: pa.Table | None, customer_id: bytes) -> dict[str, tuple[int, int]]:
    for state in states.to_pylist() if states is not None else ():
        if state["customer_id"] == customer_id:
            return msgspec.json.decode(state["counters"], type=dict[str, tuple[int, int]])
    return {}


def _explain_slot(
    programme: Programme,
    slot: Slot,
    row: Mapping[str, Any],
    base: int,
    used: int,
    decision: Mapping[str, Any] | None,
    language: str,
) -> RuleOutcome:
    say = WORDS[language]
    when = programme.bases[slot.base].when
    condition = when.sentence(language)
    outcome = when.explain(row)
    given = int(decision["amount"]) if decision else 0
    failures = tuple(say_failure(failure, language) for failure in outcome.failures) + _say_out_of_time(slot, row, language)
    is_applied = not failures
    arithmetic, more = "", None
    if is_applied:
        before_cap = _value_of(slot, base, row["currency"])
        arithmetic = _say_arithmetic(programme, slot, base, before_cap, row["currency"], language)
        if slot.cap_period is not None and given < before_cap:
            cap, period = _say(slot.cap, language), say[slot.cap_period]
            arithmetic += say["capped_used" if used else "capped"].format(
                cap=cap, period=period, used=_say(used, language), given=_say(given, language)
            )
            held = _say(before_cap - given, language)
            more = say["more_cap"].format(cap=cap, period=period, held=held, currency=slot.currency)
        elif slot.per_milli:
            basis = _say_next(slot, before_cap, row["currency"], language)
            more = say["more_amount"].format(amount=_say(slot.amount, language), currency=slot.currency, basis=basis)
        key = "applied" if given else "applied_nothing"
        sentence = say[key].format(rule=slot.rule, given=_say(given, language), currency=slot.currency, condition=condition)
    else:
        sentence = say["not_applied"].format(rule=slot.rule, failures=say["and"].join(failures))
        worth = _say(slot.amount, language)
        more = say["more_condition"].format(worth=worth, currency=slot.currency, condition=condition)
    available_at: datetime | None = decision["available_at"] if decision else None
    expires_at: datetime | None = decision["expires_at"] if decision else None
    if available_at is not None:
        sentence += " " + say["pending"].format(moment=_say_moment(available_at, slot.zone, language))
    return RuleOutcome(
        slot.rule,
        slot.currency,
        is_applied,
        given,
        arithmetic,
        sentence,
        condition,
        failures,
        more,
        available_at,
        expires_at,
    )


def _say_out_of_time(slot: Slot, row: Mapping[str, Any], language: str) -> tuple[str, ...]:
    """Why a rule that is bound to a time does not hold at this one."""
    at, say = to_microseconds(row["occurred_at"]), WORDS[language]
    if at < slot.begins_at:
        return (say["not_yet"].format(moment=_say_moment(_to_moment(slot.begins_at), slot.zone, language)),)
    if at >= slot.ends_at:
        return (say["no_longer"].format(moment=_say_moment(_to_moment(slot.ends_at), slot.zone, language)),)
    return ()


def _to_moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)


def _say_moment(moment: datetime, zone: str, language: str) -> str:
    """A moment on the wall clock of the programme; midnight as the day that it begins."""
    local = moment.astimezone(ZoneInfo(zone))
    is_midnight = (local.hour, local.minute, local.second) == (0, 0, 0)
    return format_datetime(local, "d MMMM y" if is_midnight else "d MMMM y HH:mm", locale=language)


def _say(number: int, language: str) -> str:
    return say_number(Decimal(number), language)


def _value_of(slot: Slot, base: int, currency: str | None) -> int:
    """What the rule comes to before its cap."""
    if base <= 0:
        return 0
    if not slot.per_milli:
        return slot.amount
    units = Fraction(base) * Fraction(*ratio_of(slot, currency))
    down, rest = divmod(units, 1)
    is_up = rest > 0 and (slot.rounding == "up" or (slot.rounding == "nearest" and rest >= Fraction(1, 2)))
    return min(int(down) + is_up, LARGEST // slot.amount) * slot.amount


def _used(programme: Programme, slot: Slot, counters: Mapping[str, tuple[int, int]], moment: Any) -> int:
    """What was given before in the period of the activity."""
    if slot.cap_period is None:
        return 0
    period, used = counters.get(programme.counters[slot.counter], (np.iinfo(np.int64).min, 0))
    return used if period >= int(period_numbers(slot.zone, slot.cap_period, moment)[0]) else 0


def _say_arithmetic(programme: Programme, slot: Slot, base: int, given: int, currency: str | None, language: str) -> str:
    say = WORDS[language]
    if not slot.per_milli:
        return say["per_activity"].format(amount=_say(slot.amount, language))
    lines = programme.bases[slot.base].lines
    key = "quantity" if slot.measure == "quantity" else "amount"
    of = say[f"of_{key}"] if lines is None else say[f"of_{key}_lines"].format(lines.part.sentence(language))
    return say["per_amount"].format(
        amount=_say(slot.amount, language),
        per=_say_per(slot, currency, language),
        of=of,
        rounded=say[slot.rounding],
        basis=_say_measured(slot, base, currency, language),
        given=_say(given, language),
    )


def _digits(slot: Slot, currency: str | None) -> int:
    return 0 if slot.measure == "quantity" else digits_of(currency)


def _say_measured(slot: Slot, minor: int, currency: str | None, language: str) -> str:
    """An amount of money, or of pieces."""
    return say_number(Decimal(minor).scaleb(-_digits(slot, currency)), language)


def _say_per(slot: Slot, currency: str | None, language: str) -> str:
    per = Decimal(slot.per_milli).scaleb(-3)
    digits = Decimal(1).scaleb(-_digits(slot, currency))
    return say_number(per.quantize(digits) if per == per.quantize(digits) else per.normalize(), language)


def _say_next(slot: Slot, given: int, currency: str | None, language: str) -> str:
    """The smallest amount or quantity that gives one unit more."""
    units = given // slot.amount + 1
    numerator, denominator = ratio_of(slot, currency)
    exact = Fraction(denominator, numerator)
    if slot.rounding == "down":
        minor = -(-units * exact // 1)
    elif slot.rounding == "nearest":
        minor = -(-(units - Fraction(1, 2)) * exact // 1)
    else:
        minor = (units - 1) * exact // 1 + 1
    return _say_measured(slot, int(minor), currency, language)
