"""From the customers of one period to those of the next, period by period: the bridge, for any number of periods at once."""

from datetime import timedelta

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from stamgast.insights import intervals
from stamgast.insights.types import Period


def bridge_over_time(days: ir.Table, period: Period, count: int) -> ir.Table:
    """Who stayed, left, came back and was new, in a period and in those of the same length before it.

    Definition: as ``retention.retention`` of each period against the one of equal length just before; the tests hold the
    two equal. ``start`` bought in the period before and ``end`` in this one: start − lost + reactivated + new = end.
    Formula: ``value`` = retained / start, with Wilson's interval.
    Grain: one row a period, the earliest first; ``count`` of them, the last of which is ``period``. Unit: customers, and
    shares of start. Null where start is 0. Zone: that of ``ordered_on``. Returns and orders of zero: not counted.
    Source: purchases by day (``neighbours.by_days``), or purchases with neighbours that each stand for one.

    >>> february = Period(date(2026, 2, 1), date(2026, 2, 28))
    >>> days = ibis.memtable(pa.table({"ordered_on": [date(2026, 1, 9), date(2026, 2, 3), date(2026, 2, 5)],
    ...     "previous_on": [None, date(2026, 1, 9), None], "purchases": [1, 1, 1]}))
    >>> bridge_over_time(days, february, 1).drop("low", "high", "first_day", "last_day").to_pyarrow().to_pylist()
    [{'start': 1, 'end': 2, 'retained': 1, 'lost': 0, 'reactivated': 0, 'new': 1, 'value': 1.0}]
    """
    begins_on = period.first_day - timedelta(days=period.days * count)
    within = days.filter(days.ordered_on.between(begins_on, period.last_day))
    step, previous = (_step(within[name], period) for name in ("ordered_on", "previous_on"))
    told = within.select("purchases", step=step, previous=previous)
    came = told.filter(told.previous.isnull() | (told.previous < told.step))  # the first of each customer in a step
    sums = came.group_by("step").aggregate(
        end=came.purchases.sum(),
        new=came.purchases.sum(where=came.previous.isnull()),
        retained=came.purchases.sum(where=came.previous == came.step - 1),
    )
    starts = sums.select(step=sums.step + 1, start=sums.end)
    steps = _steps(period, count)
    rows = steps.left_join(sums, "step").drop("step_right").left_join(starts, "step")
    known = rows.select(
        "first_day", "last_day", **{name: rows[name].fill_null(0).cast("int64") for name in ("start", "end", "retained", "new")}
    )
    counts = known.select(
        "first_day",
        "last_day",
        "start",
        "end",
        "retained",
        lost=known.start - known.retained,
        reactivated=known.end - known.retained - known.new,
        new=known.new,
    )
    interval = intervals.wilson(counts.retained, counts.start)
    value = counts.retained / counts.start.nullif(0)
    return counts.mutate(value=value, low=interval.low, high=interval.high).order_by("first_day")


def _step(day: ir.Value, period: Period) -> ir.IntegerValue:
    """0 within the period, −1 in the one before it, and so on."""
    return (day.delta(ibis.literal(period.first_day), unit="day") // period.days).cast("int64")


def _steps(period: Period, count: int) -> ir.Table:
    """One row a period, written out."""
    steps = list(range(1 - count, 1))
    first_days = [period.first_day + timedelta(days=step * period.days) for step in steps]
    last_days = [day + timedelta(days=period.days - 1) for day in first_days]
    return ibis.memtable(
        pa.table({"step": steps, "first_day": pa.array(first_days, pa.date32()), "last_day": pa.array(last_days, pa.date32())})
    )
