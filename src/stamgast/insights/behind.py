"""Who is behind a number: for each number of a page, the customers that it counts, one row each.

What a list has is what its number counts; the tests hold the two equal.
"""

from datetime import date, timedelta
from enum import StrEnum

import ibis
import ibis.expr.types as ir

from stamgast.insights.cohorts import start_after
from stamgast.insights.pareto import revenue_by_customer
from stamgast.insights.repeat import MANY_ORDERS
from stamgast.insights.types import Period, Step


class Part(StrEnum):
    """A part of the bridge between a period and the one before it."""

    BEFORE = "before"
    STAYED = "stayed"
    LEFT = "left"
    CAME_BACK = "came-back"
    NEW = "new"
    BOUGHT = "bought"


def of_bridge(bought: ir.Table, period: Period, part: Part) -> ir.Table:
    """The customers of one part of ``bridge.bridge_over_time``.

    Definition: as there: *before* bought in the period before, *bought* in this one. Grain: one row a customer.
    Zone: that of ``ordered_on``. Returns and orders of zero: not counted. Source: purchases with neighbours.

    >>> bought = ibis.memtable(pa.table({"customer_id": ["a", "a", "b"], "ordered_on": [date(2026, 1, 9), date(2026, 2, 3),
    ...     date(2026, 2, 5)], "previous_on": [None, date(2026, 1, 9), None], "next_on": [date(2026, 2, 3), None, None]}))
    >>> february = Period(date(2026, 2, 1), date(2026, 2, 28))
    >>> {part.value: of_bridge(bought, february, part).to_pyarrow()["customer_id"].to_pylist() for part in Part}
    {'before': ['a'], 'stayed': ['a'], 'left': [], 'came-back': [], 'new': ['b'], 'bought': ['a', 'b']}
    """
    earlier = period.before
    if part in (Part.BEFORE, Part.LEFT):
        last = bought.filter(
            bought.ordered_on.between(earlier.first_day, earlier.last_day),
            bought.next_on.isnull() | (bought.next_on > earlier.last_day),
        )
        gone = last.filter(last.next_on.isnull() | (last.next_on > period.last_day))
        return (last if part is Part.BEFORE else gone).select("customer_id")
    first = bought.filter(
        bought.ordered_on.between(period.first_day, period.last_day),
        bought.previous_on.isnull() | (bought.previous_on < period.first_day),
    )
    if part is Part.NEW:
        first = first.filter(first.previous_on.isnull())
    elif part is Part.STAYED:
        first = first.filter(first.previous_on >= earlier.first_day)
    elif part is Part.CAME_BACK:
        first = first.filter(first.previous_on < earlier.first_day)
    return first.select("customer_id")


def of_cohort(
    bought: ir.Table, starts_on: date, step: Step, until: date, *, age: int | None = None, is_or_later: bool = False
) -> ir.Table:
    """The customers of a cohort, or those of them whom one cell of ``cohorts.cohort_cells`` counts.

    Definition: as there. Grain: one row a customer. Zone: that of ``ordered_on``. Returns and orders of zero: not counted.
    Source: purchases with neighbours.

    >>> bought = ibis.memtable(pa.table({"customer_id": ["a", "b", "a"], "number": [1, 1, 2], "ordered_on": [date(2026, 1, 9),
    ...     date(2026, 1, 20), date(2026, 3, 3)], "first_on": [date(2026, 1, 9), date(2026, 1, 20), date(2026, 1, 9)],
    ...     "previous_on": [None, None, date(2026, 1, 9)], "next_on": [date(2026, 3, 3), None, None]}))
    >>> of_cohort(bought, date(2026, 1, 1), Step.MONTH, date(2026, 3, 31), age=2).to_pyarrow()["customer_id"].to_pylist()
    ['a']
    """
    last_first = start_after(starts_on, step) - timedelta(days=1)
    cohort = bought.filter(bought.first_on.between(starts_on, last_first), bought.ordered_on.between(starts_on, until))
    if age is None:
        return cohort.filter(cohort.number == 1).select("customer_id")
    begins_on = start_after(starts_on, step, age)
    if is_or_later:
        last = cohort.filter(cohort.next_on.isnull() | (cohort.next_on > until))
        return last.filter(last.ordered_on >= begins_on).select("customer_id")
    ends_on = start_after(starts_on, step, age + 1) - timedelta(days=1)
    within = cohort.filter(cohort.ordered_on.between(begins_on, ends_on))
    return within.filter(within.previous_on < begins_on).select("customer_id")


def of_second_order(bought: ir.Table, period: Period, until: date, *, within_days: int | None, is_again: bool) -> ir.Table:
    """The new customers of a period who bought again within so many days, or who have not.

    Definition: as ``repeat.repeat_curve``; ``within_days`` None is ever. They are counted and not estimated: who has not been
    followed so long is among those who have not bought again. Grain: one row a customer. Zone: that of ``ordered_on``.
    Returns and orders of zero: not counted. Source: purchases with neighbours.

    >>> bought = ibis.memtable(pa.table({"customer_id": ["a", "b"], "number": [1, 1], "ordered_on": [date(2026, 1, 1)] * 2,
    ...     "next_on": [date(2026, 1, 9), None]}))
    >>> january, until = Period(date(2026, 1, 1), date(2026, 1, 31)), date(2026, 2, 28)
    >>> again = of_second_order(bought, january, until, within_days=30, is_again=True)
    >>> again.to_pyarrow()["customer_id"].to_pylist()
    ['a']
    """
    firsts = bought.filter(bought.ordered_on.between(period.first_day, min(period.last_day, until)), bought.number == 1)
    has_bought = (firsts.next_on <= until).fill_null(False)
    if within_days is not None:
        has_bought = has_bought & (firsts.next_on.delta(firsts.ordered_on, unit="day") <= within_days).fill_null(False)
    return firsts.filter(has_bought if is_again else ~has_bought).select("customer_id")


def of_order_number(bought: ir.Table, period: Period, orders: int) -> ir.Table:
    """The customers of one row of ``repeat.order_numbers``: with so many orders in the period, 10 meaning 10 or more.

    Definition: as there. Grain: one row a customer. Zone: that of ``ordered_on``. Returns and orders of zero: not counted.
    Source: purchases with neighbours.

    >>> bought = ibis.memtable(pa.table({"customer_id": ["a", "a", "b"], "ordered_on": [date(2026, 1, 1)] * 3}))
    >>> of_order_number(bought, Period(date(2026, 1, 1), date(2026, 1, 31)), 2).to_pyarrow()["customer_id"].to_pylist()
    ['a']
    """
    within = bought.filter(bought.ordered_on.between(period.first_day, period.last_day))
    each = within.group_by("customer_id").aggregate(orders=within.count())
    return each.filter(ibis.least(each.orders, MANY_ORDERS) == orders).select("customer_id")


def of_best(bought: ir.Table, period: Period, currency: str, percent: int) -> ir.Table:
    """The best customers of one row of ``pareto.pareto_curve``.

    Definition: as there, with customers of equal revenue in the order of their ids, so that a list stays the same list.
    Grain: one row a customer. Zone: that of ``ordered_on``. Returns and orders of zero: not counted.
    Source: purchases with neighbours.

    >>> bought = ibis.memtable(pa.table({"customer_id": ["a", "b"], "ordered_on": [date(2026, 1, 1)] * 2,
    ...     "amount_minor": [100, 200], "currency": ["EUR"] * 2}))
    >>> of_best(bought, Period(date(2026, 1, 1), date(2026, 1, 31)), "EUR", 50).to_pyarrow()["customer_id"].to_pylist()
    ['b']
    """
    spent = revenue_by_customer(bought, period, currency)
    place = ibis.row_number().over(order_by=[spent.revenue_minor.desc(), spent.customer_id]) + 1
    size = spent.aggregate(size=spent.count())
    ranked = spent.mutate(place=place).cross_join(size)
    best = ((ranked["size"] * percent + 99) / 100).floor().cast("int64")
    return ranked.filter(ranked.place <= best).select("customer_id")
