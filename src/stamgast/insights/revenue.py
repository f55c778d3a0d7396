"""What was sold in one period, what came back, and how much of it the best customers brought in."""

from datetime import date

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from stamgast.insights import intervals
from stamgast.insights.orders import falls_in, purchases
from stamgast.insights.types import Period

_FEBRUARY = Period(date(2026, 2, 1), date(2026, 2, 28))


def revenue(orders: ir.Table, period: Period, currency: str) -> ir.Table:
    """What was sold.

    Definition: the amounts of the period's orders in one currency, net of what returns took off those orders, whenever the
    return came. It is a count of what happened and not an estimate, so it has no interval.
    Formula: ``value`` = Σ amount_minor. Grain: one row. Unit: minor units. 0 without orders. Zone: that of ``ordered_on``.
    Returns: taken off the order they name, on the day of that order. Orders of zero add nothing.
    Source: orders (customer_id, ordered_on, amount_minor, currency, is_return).

    >>> revenue(_example(), _FEBRUARY, "EUR").to_pyarrow().to_pylist()
    [{'customers': 2, 'orders': 2, 'value': 6000}]
    """
    bought = purchases(orders, period, currency=currency)
    return bought.aggregate(
        customers=bought.customer_id.nunique(),
        orders=bought.count(),
        value=bought.amount_minor.sum().fill_null(0).cast("int64"),
    )


def order_counts(orders: ir.Table, period: Period, currency: str) -> ir.Table:
    """What the measures count and what they leave out, apart.

    Definition: ``orders`` above zero (in any currency), ``zero_orders`` (free, cancelled or returned whole), ``returns``
    and their amount in the currency by the day of the return, and ``other_currency_orders``, which the measures of money
    leave out. Grain: one row. Unit: rows; minor units. Zone: that of ``ordered_on``.
    Source: orders (customer_id, ordered_on, amount_minor, currency, is_return).

    >>> order_counts(_example(), _FEBRUARY, "EUR").to_pyarrow().to_pylist()
    [{'orders': 2, 'zero_orders': 1, 'other_currency_orders': 0, 'returns': 1, 'returned_minor': 3000}]
    """
    within = orders.filter(falls_in(orders.ordered_on, period))
    amount = within.amount_minor.fill_null(0)
    is_order = ~within.is_return & (amount > 0)
    is_ours = (within.currency == currency).fill_null(False)
    return within.aggregate(
        orders=within.count(where=is_order),
        zero_orders=within.count(where=~within.is_return & (amount <= 0)),
        other_currency_orders=within.count(where=is_order & ~is_ours),
        returns=within.count(where=within.is_return),
        returned_minor=amount.sum(where=within.is_return & is_ours).fill_null(0).cast("int64"),
    )


def top_share(orders: ir.Table, period: Period, currency: str, *, percent: int = 20) -> ir.Table:
    """The share of revenue that the best customers bring in.

    Definition: of the n customers who bought in the period, the ⌈percent · n / 100⌉ with the highest revenue.
    Ties: customers at the border have equal revenue, so it does not matter which of them is counted; exactly that many are.
    Formula: ``value`` = their revenue / all revenue. Interval: linearisation of a Lorenz ordinate (Beach and Davidson
    1983): with p the share of customers, ξ the lowest revenue within the top and T the value, the spread over customers of
    (x − ξ)·[x > ξ] + p·ξ − T·x, over the mean revenue. It says how far another draw of such customers could differ.
    Grain: one row. Unit: share of revenue. Null without customers. Zone: that of ``ordered_on``.
    Returns and orders of zero: not counted. Source: orders (customer_id, ordered_on, amount_minor, currency, is_return).

    >>> top_share(_example(), _FEBRUARY, "EUR").select("customers", "top_customers", "value").to_pyarrow().to_pylist()
    [{'customers': 2, 'top_customers': 1, 'value': 0.75}]
    """
    bought = purchases(orders, period, currency=currency)
    customers = bought.group_by("customer_id").aggregate(revenue=bought.amount_minor.sum().cast("int64"))
    size = customers.aggregate(customers=customers.count(), revenue_minor=customers.revenue.sum().fill_null(0).cast("int64"))
    size = size.mutate(top_customers=((size.customers * percent + 99) / 100).floor().cast("int64"))
    place = ibis.row_number().over(order_by=customers.revenue.desc()) + 1  # ibis counts from 0
    ranked = customers.mutate(place=place).cross_join(size)
    top = ranked.aggregate(
        top_minor=ranked.revenue.sum(where=ranked.place <= ranked.top_customers).fill_null(0).cast("int64"),
        border=ranked.revenue.min(where=ranked.place <= ranked.top_customers),
    )
    whole = size.cross_join(top)
    whole = whole.mutate(value=whole.top_minor.cast("float64") / whole.revenue_minor.cast("float64").nullif(0))
    each = customers.cross_join(whole.select("border", "value"))
    excess = ibis.greatest(each.revenue - each.border, 0) + each.border * (percent / 100) - each.value * each.revenue
    spread = each.aggregate(squares=(excess * excess).sum(), mean=excess.mean())
    row = whole.cross_join(spread)
    # ⌈ ⌉ leaves the mean of the terms a little off 0, so they are centred before they are squared.
    centred = row.squares - row.customers * row.mean * row.mean
    interval = intervals.ratio_of_sums(row.value, row.revenue_minor, row.customers, ibis.ifelse(centred > 0, centred, 0.0))
    return row.select(
        "customers",
        "top_customers",
        "revenue_minor",
        "top_minor",
        "value",
        low=interval.low,
        high=ibis.ifelse(interval.high > 1, 1.0, interval.high),
    )


def _example() -> ir.Table:
    """Two orders, one order returned whole and its return, for the examples above."""
    return ibis.memtable(
        pa.table(
            {
                "customer_id": ["a", "b", "b", "b"],
                "ordered_on": [date(2026, 2, 1), date(2026, 2, 28), date(2026, 2, 3), date(2026, 2, 4)],
                "amount_minor": [1500, 4500, 0, 3000],
                "currency": ["EUR"] * 4,
                "is_return": [False, False, False, True],
            }
        )
    )
