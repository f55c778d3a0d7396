"""Cohorts, buying again and concentration once more, in plain Python and from their definitions."""

from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import ceil, exp, log, sqrt

from stamgast.insights.tests.oracle import Z, bought, wilson
from stamgast.insights.types import Step

ALWAYS = (date.min, date.max)


def days_of(orders):
    """The days on which each customer bought, in order; two on one day are twice."""
    days = {}
    for order in sorted(bought(orders, *ALWAYS), key=lambda order: order.ordered_on):
        days.setdefault(order.customer_id, []).append(order.ordered_on)
    return days


def step_of(day, step):
    return (day.year, day.month) if step is Step.MONTH else tuple(day.isocalendar())[:2]


def following(start, step, count):
    """The first day of the step that comes so many after the one that begins on ``start``."""
    for _ in range(count):
        start = (start + timedelta(days=32)).replace(day=1) if step is Step.MONTH else start + timedelta(days=7)
    return start


def cells(orders, cohorts, until, step, ages, is_or_later, patience):
    days = {customer: [day for day in own if day <= until] for customer, own in days_of(orders).items()}
    first_steps = {customer: step_of(own[0], step) for customer, own in days.items() if own}
    starts = sorted(
        {
            day for day in (cohorts.first_day + timedelta(days=n) for n in range(-40, cohorts.days))
            if (day.day == 1 if step is Step.MONTH else day.isoweekday() == 1)
            and following(day, step, 1) > cohorts.first_day and day <= until
        }
    )  # fmt: skip
    found = []
    for start in starts:
        people = [customer for customer, first in first_steps.items() if first == step_of(start, step)]
        for age in range(1, ages + 1):
            begins, ends = following(start, step, age), following(start, step, age + 1)
            if begins > until:
                break
            came = sum(any(begins <= day and (is_or_later or day < ends) for day in days[one]) for one in people)
            low, high = wilson(came, len(people))
            found.append(
                {
                    "starts_on": start, "age": age,
                    "is_mature": following(start, step, age + 1 + patience * is_or_later) <= until + timedelta(days=1),
                    "customers": len(people), "returned": came,
                    "value": came / len(people) if people else None, "low": low, "high": high,
                }
            )  # fmt: skip
    return found


def averages(found):
    rows = []
    for age in sorted({cell["age"] for cell in found}):
        mature = [cell for cell in found if cell["age"] == age and cell["is_mature"] and cell["customers"]]
        if mature:
            people, came = sum(cell["customers"] for cell in mature), sum(cell["returned"] for cell in mature)
            low, high = wilson(came, people)
            rows.append(
                {
                    "age": age, "cohorts": len(mature), "customers": people, "returned": came, "value": came / people,
                    "low": low, "high": high,
                }
            )  # fmt: skip
    return rows


def steady(found, reach):
    far = {cell["starts_on"] for cell in found if cell["age"] == reach and cell["is_mature"]}
    return averages([cell for cell in found if cell["starts_on"] in far and cell["age"] <= reach])


def kaplan_meier(spells):
    """``spells`` are (days, is_again). Exact until the logarithms."""
    left, variance, rows = Fraction(1), Fraction(0), []
    for day in sorted({days for days, _ in spells}):
        at_risk = sum(days >= day for days, _ in spells)
        again = sum(days == day and is_again for days, is_again in spells)
        left *= 1 - Fraction(again, at_risk)
        variance += Fraction(again, at_risk * (at_risk - again)) if at_risk > again else 0
        low = high = None
        if 0 < left < 1:
            reach = Z * sqrt(variance) / abs(log(left))
            low, high = (1 - exp(-exp(log(-log(left)) + sign * reach)) for sign in (-1, 1))
        rows.append({"days": day, "at_risk": at_risk, "again": again, "value": float(1 - left), "low": low, "high": high})
    return rows


def repeat_curve(orders, period, until, horizon):
    spells = []
    for days in days_of(orders).values():
        if period.first_day <= days[0] <= min(period.last_day, until):
            is_again = len(days) > 1 and days[1] <= until
            spells.append((((days[1] if is_again else until) - days[0]).days, is_again))
    return [row for row in kaplan_meier(spells) if row["days"] <= horizon]


def order_numbers(orders, period):
    times = Counter(order.customer_id for order in bought(orders, period.first_day, period.last_day))
    numbers = Counter(min(count, 10) for count in times.values())
    return [
        {"orders": n, "customers": numbers[n], "value": numbers[n] / len(times),
         **dict(zip(("low", "high"), wilson(numbers[n], len(times)), strict=True))}
        for n in sorted(numbers)
    ]  # fmt: skip


def order_gaps(orders, period):
    gaps = sorted(
        (day - before).days
        for days in days_of(orders).values() for before, day in pairwise(days)
        if period.first_day <= day <= period.last_day
    )  # fmt: skip
    quartiles = {name: gaps[ceil(Fraction(len(gaps) * n, 4)) - 1] if gaps else None
                 for name, n in (("lower", 1), ("median", 2), ("upper", 3))}  # fmt: skip
    return {"gaps": len(gaps), **quartiles}


def pareto(orders, period, currency):
    spent = Counter()
    for order in bought(orders, period.first_day, period.last_day, currency):
        spent[order.customer_id] += order.amount_minor
    amounts = sorted(spent.values(), reverse=True)
    rows = []
    for percent in range(1, 101) if amounts else ():
        count = ceil(Fraction(len(amounts) * percent, 100))
        revenue = sum(amounts[:count])
        rows.append(
            {"percent": percent, "customers": count, "revenue_minor": revenue, "least_minor": amounts[count - 1],
             "value": revenue / sum(amounts)}
        )  # fmt: skip
    return rows
