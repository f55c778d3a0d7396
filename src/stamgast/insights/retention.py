"""Who came back: retention between two periods with its bridge, and churn."""

from datetime import date

import ibis.expr.types as ir

from stamgast.insights import intervals
from stamgast.insights.errors import InvalidPeriod
from stamgast.insights.orders import falls_in, purchases
from stamgast.insights.types import Period


def retention(orders: ir.Table, earlier: Period, later: Period, *, with_zero: bool = False) -> ir.Table:
    """Of the customers who bought in one period, how many bought in a later one.

    Definition: S bought in the earlier period, E in the later. E = retained + reactivated + new, S = retained + lost:
    *retained* bought in both, *lost* only in the earlier, *new* made their first purchase ever in the later, and
    *reactivated* are the rest of E: they had bought before the later period, but not in the earlier.
    Formula: ``value`` = retained / S, with Wilson's interval. ``classic`` = (E − N) / S with N the new: the customer
    retention rate of the textbooks. It counts the reactivated as retained, so it can pass 1, and has no interval; the two
    are equal when nobody was reactivated.
    Grain: one row. Unit: customers, and shares of S. Null where S is 0.
    Zone: that of ``ordered_on``. "First ever" looks at all orders given, so give the whole history.
    Returns and orders of zero: not counted; somebody whose order was returned whole did not buy.
    Source: orders (customer_id, ordered_on, amount_minor, is_return).

    >>> january, february = Period(date(2026, 1, 1), date(2026, 1, 31)), Period(date(2026, 2, 1), date(2026, 2, 28))
    >>> days = [date(2025, 12, 3), date(2026, 1, 5), date(2026, 1, 6), date(2026, 2, 1), date(2026, 2, 2), date(2026, 2, 3)]
    >>> orders = ibis.memtable(pa.table({"customer_id": list("cababc"[:6]), "ordered_on": days, "amount_minor": [500] * 6,
    ...                         "is_return": [False] * 6}))
    >>> retention(orders, january, february).drop("low", "high").to_pyarrow().to_pylist()[0]
    ... # doctest: +NORMALIZE_WHITESPACE
    {'start': 2, 'end': 3, 'retained': 2, 'lost': 0, 'reactivated': 1, 'new': 0, 'classic': 1.5, 'value': 1.0}
    """
    if later.first_day <= earlier.last_day:
        raise InvalidPeriod("The later period begins before the earlier one has ended. Choose two that do not overlap.")
    bought = purchases(orders, Period(date.min, later.last_day), with_zero=with_zero)
    customers = bought.group_by("customer_id").aggregate(
        first_on=bought.ordered_on.min(),
        in_earlier=falls_in(bought.ordered_on, earlier).any(),
        in_later=falls_in(bought.ordered_on, later).any(),
    )
    is_new = customers.first_on >= later.first_day
    counts = customers.aggregate(
        start=customers.count(where=customers.in_earlier),
        end=customers.count(where=customers.in_later),
        retained=customers.count(where=customers.in_earlier & customers.in_later),
        lost=customers.count(where=customers.in_earlier & ~customers.in_later),
        reactivated=customers.count(where=customers.in_later & ~customers.in_earlier & ~is_new),
        new=customers.count(where=customers.in_later & is_new),
    )
    interval = intervals.wilson(counts.retained, counts.start)
    return counts.mutate(
        classic=(counts.end - counts.new) / counts.start.nullif(0),
        value=counts.retained / counts.start.nullif(0),
        low=interval.low,
        high=interval.high,
    )


def churn(orders: ir.Table, earlier: Period, later: Period, *, with_zero: bool = False) -> ir.Table:
    """Of the customers who bought in one period, how many did not buy in a later one.

    Definition: whoever made no purchase in the later period. Buying ends without notice, so churn is always "within these
    days": a longer later period gives a smaller churn.
    Formula: ``value`` = lost / S = 1 − the retained share, with Wilson's interval.
    Grain: one row. Unit: share of S. Null where S is 0. Zone, returns, zero and source: as for ``retention``.

    >>> orders = ibis.memtable(pa.table({"customer_id": ["a", "b"], "ordered_on": [date(2026, 1, 5), date(2026, 1, 6)],
    ...                         "amount_minor": [500, 500], "is_return": [False, False]}))
    >>> row = churn(orders, Period(date(2026, 1, 5), date(2026, 1, 6)), Period(date(2026, 1, 7), date(2026, 1, 8)))
    >>> row.select("start", "lost", "value").to_pyarrow().to_pylist()
    [{'start': 2, 'lost': 2, 'value': 1.0}]
    """
    counts = retention(orders, earlier, later, with_zero=with_zero).select("start", "lost")
    interval = intervals.wilson(counts.lost, counts.start)
    return counts.mutate(value=counts.lost / counts.start.nullif(0), low=interval.low, high=interval.high)
