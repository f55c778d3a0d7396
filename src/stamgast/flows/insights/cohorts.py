"""Which of the customers who first bought in one month or week came back, and when."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import ibis
import msgspec
import pyarrow as pa

from stamgast.flows.insights.asking import Insights, Question, figures
from stamgast.flows.measure import Figure
from stamgast.insights.cohorts import cohort_averages, cohort_cells, start_after, start_of, steady_curve
from stamgast.insights.types import Period, Step

AGES = {Step.MONTH: 12, Step.WEEK: 13}
TOLD = {Step.MONTH: (1, 3, 6), Step.WEEK: (1, 4, 8)}
"""The ages whose share stands above the chart."""


class Cell(msgspec.Struct, frozen=True):
    """How many of one cohort bought at one age. ``is_mature`` False: it may still rise."""

    starts_on: date
    age: int
    is_mature: bool
    customers: int
    returned: int
    value: float | None
    low: float | None
    high: float | None


class Point(msgspec.Struct, frozen=True):
    """The cohorts taken together at one age."""

    age: int
    cohorts: int
    customers: int
    returned: int
    value: float
    low: float
    high: float


class Cohorts(msgspec.Struct, frozen=True):
    """The cohorts of a period, their cells, and what they come to.

    ``curve`` follows the same cohorts from age to age; ``shares`` are all mature cells of an age beside those of as many
    cohorts before. ``customers`` are in the cohorts, ``customers_before`` in those before.
    """

    sizes: dict[date, int]
    cells: tuple[Cell, ...]
    curve: tuple[Point, ...]
    shares: dict[int, Figure]
    customers: int
    customers_before: int | None


def measure_cohorts(insights: Insights, question: Question, step: Step, *, is_or_later: bool) -> Cohorts:
    """The cohorts that the days of the period touch, taken whole and followed up to the last whole day."""

    def measure() -> Cohorts:
        first_day = start_of(question.period.first_day, step)
        count = _count_steps(first_day, question.period.last_day, step)
        both = Period(start_after(first_day, step, -count), question.period.last_day)
        until = insights.summary.last_whole_day
        bought = insights.purchases(question)
        rows = insights.ask(cohort_cells(bought, both, until, step, ages=AGES[step], is_or_later=is_or_later))
        now = [row for row in rows if row["starts_on"] >= first_day]
        before = [row for row in rows if row["starts_on"] < first_day]
        averages = {row["age"]: row for row in _run(cohort_averages(_table(now)))}
        is_known = insights.knows(both)
        earlier = {row["age"]: row for row in _run(cohort_averages(_table(before)))} if is_known else {}
        told = {str(age): averages[age] for age in TOLD[step] if age in averages}
        past = {str(age): earlier[age] for age in TOLD[step] if age in earlier}
        sizes = _sizes(insights, question, both, step, until)
        return Cohorts(
            sizes={day: size for day, size in sizes.items() if day >= first_day},
            cells=msgspec.convert(now, tuple[Cell, ...]),
            curve=msgspec.convert(_run(steady_curve(_table(now), _reach(now))), tuple[Point, ...]),
            shares={int(age): figure for age, figure in figures(told, past).items()} if told else {},
            customers=sum(size for day, size in sizes.items() if day >= first_day),
            customers_before=sum(size for day, size in sizes.items() if day < first_day) if is_known else None,
        )

    return insights.once(Cohorts, (question, step, is_or_later), measure)


def _reach(rows: Sequence[Mapping[str, Any]]) -> int:
    """How far the curve goes: to the highest age that at least half of the cohorts with a mature cell have reached.

    Further it would be about few, shorter it would leave out what is known.
    """
    reached: dict[int, int] = {}
    for row in rows:
        if row["is_mature"] and row["customers"]:
            reached[row["age"]] = reached.get(row["age"], 0) + 1
    return max((age for age, cohorts in reached.items() if 2 * cohorts >= reached.get(1, 0)), default=0)


def _sizes(insights: Insights, question: Question, cohorts: Period, step: Step, until: date) -> dict[date, int]:
    """New customers by cohort, also of a cohort that is too young for a cell."""
    bought = insights.purchases(question)
    firsts = bought.filter(bought.number == 1, bought.ordered_on.between(cohorts.first_day, until))
    rows = insights.ask(firsts.group_by("ordered_on").aggregate(customers=firsts.count()))
    sizes: dict[date, int] = {}
    starts_on = cohorts.first_day
    while starts_on <= min(cohorts.last_day, until):
        sizes[starts_on] = 0
        starts_on = start_after(starts_on, step)
    for row in rows:
        start = start_of(row["ordered_on"], step)
        if start in sizes:
            sizes[start] += row["customers"]
    return sizes


def _count_steps(first_day: date, last_day: date, step: Step) -> int:
    count = 1
    while start_after(first_day, step, count) <= last_day:
        count += 1
    return count


def _table(rows: Sequence[Mapping[str, Any]]) -> Any:
    days = pa.array([row["starts_on"] for row in rows], pa.date32())
    flags = pa.array([row["is_mature"] for row in rows], pa.bool_())
    numbers = {name: pa.array([row[name] for row in rows], pa.int64()) for name in ("age", "customers", "returned")}
    return ibis.memtable(pa.table({"starts_on": days, **numbers, "is_mature": flags}))


def _run(measure: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = measure.to_pyarrow().to_pylist()
    return found
