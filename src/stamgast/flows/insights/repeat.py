"""How soon new customers buy again, how many orders customers make, and how far apart."""

import msgspec

from stamgast.flows.insights.asking import Insights, Question, figures
from stamgast.flows.measure import Figure
from stamgast.insights.repeat import order_gaps, order_numbers, repeat_curve
from stamgast.insights.types import Period

FOR_EVER = 100_000
TOLD = (30, 90, 365)
FEWEST = 10
"""Below so many who are still followed, a curve says more about chance than about customers, and ends."""


class Day(msgspec.Struct, frozen=True):
    """The share that has bought again within so many days."""

    days: int
    at_risk: int
    again: int
    value: float
    low: float | None
    high: float | None


class Number(msgspec.Struct, frozen=True):
    """How many customers made so many orders in the period; 10 means 10 or more."""

    orders: int
    customers: int
    value: float
    low: float
    high: float


class Gaps(msgspec.Struct, frozen=True):
    """The days between an order of the period and the one before it, in quartiles."""

    gaps: int
    lower: int | None
    median: int | None
    upper: int | None


class Repeat(msgspec.Struct, frozen=True):
    """The curve of the new customers of the period, its value at some days beside the same of the period before, and habits."""

    customers: int
    customers_before: int
    curve: tuple[Day, ...]
    shares: dict[int, Figure]
    numbers: tuple[Number, ...]
    gaps: Gaps
    gaps_before: Gaps

    def at(self, days: int) -> Day | None:
        """The curve at a day: that of the last row up to it; None past its end."""
        return _at(self.curve, days)


def measure_repeat(insights: Insights, question: Question) -> Repeat:
    """Buying again, of the customers who are new in the period, followed up to the last whole day."""

    def measure() -> Repeat:
        period = question.period
        (customers, curve), (customers_before, earlier) = (
            _curve(insights, question, period),
            _curve(insights, question, period.before),
        )
        now = {str(days): _row(found) for days in TOLD if (found := _at(curve, days))}
        before = {str(days): _row(found) for days in TOLD if (found := _at(earlier, days)) and insights.knows(period.before)}
        days = insights.days(question)
        return Repeat(
            customers=customers,
            customers_before=customers_before,
            curve=curve,
            shares={int(name): figure for name, figure in figures(now, before).items()} if now else {},
            numbers=msgspec.convert(insights.ask(order_numbers(insights.purchases(question), period)), tuple[Number, ...]),
            gaps=msgspec.convert(insights.ask(order_gaps(days, period))[0], Gaps),
            gaps_before=msgspec.convert(insights.ask(order_gaps(days, period.before))[0], Gaps),
        )

    return insights.once(Repeat, (question,), measure)


def _curve(insights: Insights, question: Question, period: Period) -> tuple[int, tuple[Day, ...]]:
    """How many are followed, and the curve as far as enough of them are."""
    until = insights.summary.last_whole_day
    rows = insights.ask(repeat_curve(insights.purchases(question), period, until, horizon=FOR_EVER))
    days = msgspec.convert(rows, tuple[Day, ...])
    return days[0].at_risk if days else 0, tuple(day for day in days if day.at_risk >= FEWEST)


def _at(curve: tuple[Day, ...], days: int) -> Day | None:
    """The curve keeps its height until its next row. It has ended where too few are followed that long."""
    if not curve or curve[-1].days < days:
        return None
    reached = [day for day in curve if day.days <= days]
    return reached[-1] if reached else Day(0, curve[0].at_risk, 0, 0.0, None, None)


def _row(day: Day) -> dict[str, float | None]:
    return {"value": day.value, "low": day.low, "high": day.high}
