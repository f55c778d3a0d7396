"""The most turns for which a rule leaves room: periods in a row, different values, and what it gives in a life."""

from datetime import date

from stamgast.conditions import Condition
from stamgast.conditions.fields import WEEKDAYS
from stamgast.programmes.linting.holding import Days, can_hold, values_of
from stamgast.programmes.terms import Give, Rule

_A_MONDAY = date(2024, 1, 1).toordinal()


def most_in_a_row(when: Condition, period: str, days: Days) -> int | None:
    """How many days, weeks or months in a row can each have an activity that fits; None where there is no end to them."""
    first, last = days
    within = None if first is None or last is None else _number(last, period) - _number(first, period) + 1
    if period != "day":
        return within
    week = [can_hold(when, (day, day)) for day in (date.fromordinal(_A_MONDAY + place) for place in range(len(WEEKDAYS)))]
    if all(week) or not _is_by_weekday(when):
        return within
    run = longest = 0
    for fits in week * 2:
        run = run + 1 if fits else 0
        longest = max(longest, run)
    return longest if within is None else min(longest, within)


def _is_by_weekday(when: Condition) -> bool:
    """Whether the clock has a say by the weekday alone, so that one week stands for all."""
    return not any(one.field.name == "date" for one in when.comparisons())


def _number(day: date, period: str) -> int:
    if period == "month":
        return day.year * 12 + day.month
    return day.toordinal() if period == "day" else (day.toordinal() - 1) // 7


def most_values(when: Condition, field: str) -> int | None:
    """How many different values of a field an activity that fits can have; None where nothing says which."""
    values = values_of(when, field)
    return None if values is None else len(values)


def most_in_a_life(rule: Rule, give: Give) -> int | None:
    """The most that a member ever gets of a currency by a rule; None where there is no end to it."""
    bounds = [rule.caps[give.currency]] if rule.cap_period == "lifetime" and give.currency in rule.caps else []
    if rule.turn is not None and rule.turn.kind == "nth" and give.per_milli is None:
        bounds.append(give.amount)
    return min(bounds, default=None)
