"""Budgets of rules over all members: what was given of them, and when they will be spent. Pure.

A budget stops nothing while deciding: what one customer gets would then hang on who was decided before. It warns, and says on
which day it will be spent; a rule ends by a version in which it does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from statistics import NormalDist, fmean, variance

from stamgast.programmes.reading import read
from stamgast.programmes.terms import Document

LOOK_BACK_DAYS = 28
"""Whole weeks, so that no weekday counts more than another."""
WARN_SHARE = 0.8
WARN_DAYS = 14
LONGEST_DAYS = 3_650
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of a currency a rule is to give all members together."""

    rule: str
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a budget stands. ``day`` is the day on which it will be spent, with the 95 % interval ``earliest`` to ``latest``;
    None where that is not within ten years. All three are in the past, or today, where it is spent already."""

    budget: Budget
    given: int
    per_day: float
    day: date | None
    earliest: date | None
    latest: date | None

    @property
    def left(self) -> int:
        """What is left of it, never below zero."""
        return max(self.budget.amount - self.given, 0)

    @property
    def share(self) -> float:
        """The part that was given."""
        return self.given / self.budget.amount

    def warns(self, today: date) -> bool:
        """Whether much of it is gone, or will be within two weeks."""
        is_near = self.earliest is not None and self.earliest <= today + timedelta(days=WARN_DAYS)
        return self.share >= WARN_SHARE or is_near


def budgets_of(document: Document) -> list[Budget]:
    """The budgets that a document names, in its order."""
    content, _ = read(document.text)
    return [
        Budget(rule["name"], currency, amount)
        for rule in content["earn"]
        for currency, amount in rule.get("budget", {}).items()
    ]


def forecast(budget: Budget, given_by_day: Sequence[tuple[date, int]], today: date) -> Forecast:
    """When a budget will be spent, going on as in the last four whole weeks, or as long as something was given where that is
    shorter. ``given_by_day`` is in order, with what was given on each day on which something was; ``today`` is not over yet.

    The days are taken to vary around one mean, each by itself: after n days the sum is n times the mean, with the variance of n
    days and that of not knowing the mean better than the days that were looked at.
    """
    total, spent_on = 0, None
    for day, amount in given_by_day:
        total += amount
        if spent_on is None and total >= budget.amount:
            spent_on = day
    if spent_on is not None and total >= budget.amount:
        return Forecast(budget, total, 0.0, spent_on, spent_on, spent_on)
    first = given_by_day[0][0] if given_by_day else today
    days = max(min(LOOK_BACK_DAYS, (today - first).days), 0)
    by_day = dict(given_by_day)
    amounts = [by_day.get(today - timedelta(days=back), 0) for back in range(1, days + 1)]
    if not any(amount > 0 for amount in amounts):
        return Forecast(budget, total, 0.0, None, None, None)
    mean, spread = fmean(amounts), variance(amounts) if days > 1 else float(amounts[0]) ** 2
    left = budget.amount - total

    def after(sign: int) -> date | None:
        """The first day by whose end the sum, ``sign`` deviations off, has come to what is left."""
        for count in range(1, LONGEST_DAYS + 1):
            if mean * count + sign * _Z * sqrt(spread * count + spread * count * count / days) >= left:
                return today + timedelta(days=count - 1)
        return None

    return Forecast(budget, total, mean, after(0), after(1), after(-1))
