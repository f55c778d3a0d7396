"""Measures over time, for charts: one row for every day, week or month, also where nothing happened."""

from datetime import timedelta

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from stamgast.insights.orders import day_in_zone, falls_in, purchases
from stamgast.insights.types import Period, Step

_UNITS = {Step.DAY: "D", Step.WEEK: "W", Step.MONTH: "M"}


def orders_over_time(orders: ir.Table, period: Period, currency: str, step: Step = Step.WEEK) -> ir.Table:
    """Orders, buying customers and revenue, step by step.

    Definition: as ``revenue``, for each calendar day, ISO week or month; ``orders`` and ``customers`` in the one currency.
    The first and the last step may be cut by the period: ``days`` says how many of its days are counted.
    Grain: one row a step, in order, ``starts_on`` its first day. Unit: rows; minor units. Zone: that of ``ordered_on``.
    Returns and orders of zero: not counted. Source: orders (customer_id, ordered_on, amount_minor, currency, is_return).

    >>> orders = ibis.memtable(pa.table({"customer_id": ["a"], "ordered_on": [date(2026, 2, 3)], "amount_minor": [250],
    ...                         "currency": ["EUR"], "is_return": [False]}))
    >>> weeks = orders_over_time(orders, Period(date(2026, 2, 2), date(2026, 2, 10)), "EUR")
    >>> weeks.select("days", "orders", "customers", "revenue_minor").to_pyarrow().to_pylist()
    ... # doctest: +NORMALIZE_WHITESPACE
    [{'days': 7, 'orders': 1, 'customers': 1, 'revenue_minor': 250},
     {'days': 2, 'orders': 0, 'customers': 0, 'revenue_minor': 0}]
    """
    bought = purchases(orders, period, currency=currency)
    starts_on = bought.ordered_on.truncate(_UNITS[step])
    sums = bought.group_by(starts_on=starts_on.cast("date")).aggregate(
        orders=bought.count(), customers=bought.customer_id.nunique(), revenue_minor=bought.amount_minor.sum().cast("int64")
    )
    days = _days_of(period)
    steps = days.group_by(starts_on=days.day.truncate(_UNITS[step]).cast("date"))
    filled = steps.aggregate(days=days.count()).left_join(sums, "starts_on")
    return filled.select(
        "starts_on",
        "days",
        orders=filled.orders.fill_null(0),
        customers=filled.customers.fill_null(0),
        revenue_minor=filled.revenue_minor.fill_null(0),
    ).order_by("starts_on")


def members_over_time(stays: ir.Table, period: Period, zone: str) -> ir.Table:
    """How many customers were in a segment at the end of each day.

    Definition: entries minus exits, up to and including the day; a stay that began and ended on one day is an entry and an
    exit of that day. Grain: one row a day, in order. Unit: customers. Zone: the shop's, in which the days are cut.
    Returns: not applicable. Source: the stays of one segment (entered_at, left_at or null, both with a zone).

    >>> noon = datetime(2026, 2, 2, 12, tzinfo=UTC)
    >>> stays = ibis.memtable(pa.table({"entered_at": [noon, noon], "left_at": [noon + timedelta(days=1), None]}))
    >>> members_over_time(stays, Period(date(2026, 2, 1), date(2026, 2, 3)), "UTC").drop("day").to_pyarrow().to_pylist()
    ... # doctest: +NORMALIZE_WHITESPACE
    [{'entries': 0, 'exits': 0, 'members': 0}, {'entries': 2, 'exits': 0, 'members': 2},
     {'entries': 0, 'exits': 1, 'members': 1}]
    """
    entries = stays.select(day=day_in_zone(stays.entered_at, zone), entries=1, exits=0)
    left = stays.filter(stays.left_at.notnull())
    exits = left.select(day=day_in_zone(left.left_at, zone), entries=0, exits=1)
    moves = entries.union(exits)
    moves = moves.group_by("day").aggregate(entries=moves.entries.sum(), exits=moves.exits.sum())
    earlier = moves.filter(moves.day < period.first_day)
    before = earlier.aggregate(members=(earlier.entries.sum() - earlier.exits.sum()).fill_null(0))
    within = _days_of(period).left_join(moves.filter(falls_in(moves.day, period)), "day")
    daily = within.select("day", entries=within.entries.fill_null(0), exits=within.exits.fill_null(0)).cross_join(before)
    running = (daily.entries - daily.exits).sum().over(order_by=daily.day, rows=(None, 0))
    return daily.select(
        "day",
        entries=daily.entries.cast("int64"),
        exits=daily.exits.cast("int64"),
        members=(daily.members + running).cast("int64"),
    ).order_by("day")


def _days_of(period: Period) -> ir.Table:
    """One row a day of the period. Written out, because every backend can read it; ten years are 3,653 rows."""
    days = [period.first_day + timedelta(days=day) for day in range(period.days)]
    return ibis.memtable(pa.table({"day": pa.array(days, pa.date32())}))
