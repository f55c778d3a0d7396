"""Cohorts: of those who first bought in one month or week, how many came back how long after."""

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from stamgast.insights import intervals
from stamgast.insights.types import Period, Step

PATIENCE = {Step.MONTH: 3, Step.WEEK: 8}
"""How many whole steps must follow on one before "in it or later" may be read: most who come back at all have by then."""


def cohort_cells(
    bought: ir.Table, cohorts: Period, until: date, step: Step = Step.MONTH, *, ages: int = 12, is_or_later: bool = False
) -> ir.Table:
    """Of the customers of each cohort, who bought in the first, second, … month or week after.

    Definition: a cohort is everybody whose first purchase ever was in one calendar month or ISO week; the cohorts are those
    that the days of ``cohorts`` touch, taken whole. ``age`` 1 is the next calendar month or week. ``returned`` are those who
    bought in that step, or with ``is_or_later`` in that step or any later one up to ``until``, the last day looked at.
    ``is_mature``: the step had ended by ``until``; with ``is_or_later`` ``PATIENCE`` more steps had ended too, because before
    that the number still rises for those who come back late. A cell that is not mature says what is known so far.
    Formula: ``value`` = returned / customers, with Wilson's interval.
    Grain: one row a cohort and age, for every step that had begun by ``until``; ``starts_on`` is the cohort's first day.
    Unit: customers, and shares of the cohort. Null for a cohort without customers. Zone: that of ``ordered_on``.
    Returns and orders of zero: not counted. Source: purchases with neighbours (``neighbours.with_neighbours``).

    >>> bought = ibis.memtable(pa.table({"ordered_on": [date(2026, 1, 9), date(2026, 1, 20), date(2026, 3, 3)],
    ...     "number": [1, 1, 2], "first_on": [date(2026, 1, 9), date(2026, 1, 20), date(2026, 1, 9)],
    ...     "previous_on": [None, None, date(2026, 1, 9)], "next_on": [date(2026, 3, 3), None, None]}))
    >>> january = Period(date(2026, 1, 1), date(2026, 1, 31))
    >>> cells = cohort_cells(bought, january, date(2026, 3, 9)).select("age", "customers", "returned", "value", "is_mature")
    >>> [tuple(row.values()) for row in cells.to_pyarrow().to_pylist()]
    [(1, 2, 0, 0.0, True), (2, 2, 1, 0.5, False)]
    """
    grid = _grid(cohorts, until, step, ages, PATIENCE[step] if is_or_later else 0)
    first_day, last_day = start_of(cohorts.first_day, step), start_after(cohorts.last_day, step) - timedelta(days=1)
    within = bought.filter(bought.ordered_on.between(first_day, until), bought.first_on.between(first_day, last_day))
    told = within.select(
        "number",
        "next_on",
        cohort=_index(within.first_on, step),
        turn=_index(within.ordered_on, step),
        previous=_index(within.previous_on, step),
    )
    firsts = told.filter(told.number == 1)
    sizes = firsts.group_by("cohort").aggregate(customers=firsts.count())
    if is_or_later:
        last = told.filter(told.next_on.isnull() | (told.next_on > until))
        ends = last.group_by("cohort", last_age=last.turn - last.cohort).aggregate(ended=last.count())
        reached = grid.select("cohort", "age").join(ends, ["cohort", ends.last_age >= grid.age])
        came = reached.group_by("cohort", "age").aggregate(returned=reached.ended.sum())
    else:
        first_of_step = told.filter(told.previous.isnull() | (told.previous < told.turn))
        came = first_of_step.group_by("cohort", age=first_of_step.turn - first_of_step.cohort).aggregate(
            returned=first_of_step.count()
        )
    rows = grid.left_join(sizes, "cohort").drop("cohort_right").left_join(came, ["cohort", "age"])
    cells = rows.select(
        "starts_on",
        "age",
        "is_mature",
        customers=rows.customers.fill_null(0),
        returned=rows.returned.fill_null(0).cast("int64"),
    )
    interval = intervals.wilson(cells.returned, cells.customers)
    value = cells.returned / cells.customers.nullif(0)
    return cells.mutate(value=value, low=interval.low, high=interval.high).order_by("starts_on", "age")


def cohort_averages(cells: ir.Table) -> ir.Table:
    """The cohorts taken together, age by age, from mature cells only.

    Definition: at each age, everybody in the cohorts whose cell of that age is mature; a cell that is not mature is in neither
    sum. At a higher age there are fewer cohorts, so this may rise because the poor ones have not come so far: compare ages
    with ``steady_curve``. Formula: ``value`` = Σ returned / Σ customers, with Wilson's interval.
    Grain: one row an age, ``cohorts`` says over how many. Unit: share of customers. Zone, returns and source: those of
    ``cohort_cells``, whose rows it takes.

    >>> cells = ibis.memtable(pa.table({"starts_on": [date(2026, 1, 1), date(2026, 2, 1)], "age": [1, 1], "customers": [30, 10],
    ...     "returned": [15, 2], "is_mature": [True, False]}))
    >>> cohort_averages(cells).select("age", "cohorts", "customers", "value").to_pyarrow().to_pylist()
    [{'age': 1, 'cohorts': 1, 'customers': 30, 'value': 0.5}]
    """
    mature = cells.filter(cells.is_mature, cells.customers > 0)
    sums = mature.group_by("age").aggregate(
        cohorts=mature.count(), customers=mature.customers.sum().cast("int64"), returned=mature.returned.sum().cast("int64")
    )
    interval = intervals.wilson(sums.returned, sums.customers)
    value = sums.returned / sums.customers
    return sums.mutate(value=value, low=interval.low, high=interval.high).order_by("age")


def steady_curve(cells: ir.Table, reach: int) -> ir.Table:
    """The same customers followed from age to age, so that the curve never rises by who is in it.

    Definition: the cohorts whose cell of age ``reach`` is mature, taken together at every age up to that one. Formula, unit and
    interval: as ``cohort_averages``. Grain: one row an age. Zone, returns and source: those of ``cohort_cells``.

    >>> cells = ibis.memtable(pa.table({"starts_on": [date(2026, 1, 1), date(2026, 1, 1), date(2026, 2, 1)], "age": [1, 2, 1],
    ...     "customers": [30, 30, 10], "returned": [15, 12, 0], "is_mature": [True, True, True]}))
    >>> steady_curve(cells, 2).select("age", "cohorts", "value").to_pyarrow().to_pylist()
    [{'age': 1, 'cohorts': 1, 'value': 0.5}, {'age': 2, 'cohorts': 1, 'value': 0.4}]
    """
    far = cells.filter(cells.age == reach, cells.is_mature, cells.customers > 0).select("starts_on")
    return cohort_averages(cells.semi_join(far, "starts_on").filter(lambda row: row.age <= reach))


def start_of(day: date, step: Step) -> date:
    """The first day of the calendar month or ISO week that a day is in.

    >>> start_of(date(2026, 2, 18), Step.MONTH), start_of(date(2026, 2, 18), Step.WEEK)
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 16))
    """
    return day.replace(day=1) if step is Step.MONTH else day - timedelta(days=day.isoweekday() - 1)


def start_after(day: date, step: Step, count: int = 1) -> date:
    """The first day of a later month or week: the next, or the one so many further.

    >>> start_after(date(2026, 12, 18), Step.MONTH), start_after(date(2026, 2, 18), Step.WEEK, -1)
    (datetime.date(2027, 1, 1), datetime.date(2026, 2, 9))
    """
    if step is Step.WEEK:
        return start_of(day, step) + timedelta(days=7 * count)
    months = day.year * 12 + day.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)


def _index(day: ir.Value, step: Step) -> ir.IntegerValue:
    """Months or weeks since long ago."""
    if step is Step.MONTH:
        return (day.year() * 12 + day.month()).cast("int64")
    return ((day.epoch_days() + 3) // 7).cast("int64")  # 1970-01-01 was a Thursday


def _index_of(day: date, step: Step) -> int:
    return day.year * 12 + day.month if step is Step.MONTH else ((day - date(1970, 1, 1)).days + 3) // 7


def _grid(cohorts: Period, until: date, step: Step, ages: int, patience: int) -> ir.Table:
    """Every cell whose step had begun, written out."""
    rows = []
    starts_on = start_of(cohorts.first_day, step)
    while starts_on <= min(cohorts.last_day, until):
        for age in range(1, ages + 1):
            if start_after(starts_on, step, age) > until:
                break
            is_mature = start_after(starts_on, step, age + patience + 1) <= until + timedelta(days=1)
            rows.append({"cohort": _index_of(starts_on, step), "starts_on": starts_on, "age": age, "is_mature": is_mature})
        starts_on = start_after(starts_on, step)
    columns = {"cohort": pa.int64(), "starts_on": pa.date32(), "age": pa.int64(), "is_mature": pa.bool_()}
    schema = pa.schema([pa.field(name, kind) for name, kind in columns.items()])
    return ibis.memtable(pa.Table.from_pylist(rows, schema=schema))
