"""How customers buy in one period: again or once, how often, and for how much."""

from datetime import date

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from stamgast.insights import intervals
from stamgast.insights.orders import purchases
from stamgast.insights.types import Period

_FEBRUARY = Period(date(2026, 2, 1), date(2026, 2, 28))


def repeat_purchase_rate(orders: ir.Table, period: Period, *, with_zero: bool = False) -> ir.Table:
    """How many of the customers who bought, bought more than once.

    Definition: customers with two orders or more in the period, of the customers with one or more in the period.
    Formula: ``value`` = repeat_customers / customers, with Wilson's interval.
    Grain: one row. Unit: share of customers. Null without customers. Zone: that of ``ordered_on``.
    Returns and orders of zero: not counted. Source: orders (customer_id, ordered_on, amount_minor, is_return).

    >>> repeat_purchase_rate(_example(), _FEBRUARY).drop("low", "high").to_pyarrow().to_pylist()
    [{'customers': 2, 'repeat_customers': 1, 'value': 0.5}]
    """
    bought = purchases(orders, period, with_zero=with_zero)
    customers = bought.group_by("customer_id").aggregate(orders=bought.count())
    counts = customers.aggregate(customers=customers.count(), repeat_customers=customers.count(where=customers.orders > 1))
    interval = intervals.wilson(counts.repeat_customers, counts.customers)
    return counts.mutate(value=counts.repeat_customers / counts.customers.nullif(0), low=interval.low, high=interval.high)


def purchase_frequency(orders: ir.Table, period: Period, *, with_zero: bool = False) -> ir.Table:
    """How often the customers who bought, bought.

    Definition: orders in the period for each customer with at least one. Those who did not buy are not in it, so it is
    never below 1; a longer period gives a higher frequency, so compare periods of equal length.
    Formula: ``value`` = orders / customers; interval of a mean over customers, value ± z · s / √n.
    Grain: one row. Unit: orders a customer. Null without customers. Zone: that of ``ordered_on``.
    Returns and orders of zero: not counted. Source: orders (customer_id, ordered_on, amount_minor, is_return).

    >>> purchase_frequency(_example(), _FEBRUARY).drop("low", "high").to_pyarrow().to_pylist()
    [{'customers': 2, 'orders': 3, 'value': 1.5}]
    """
    bought = purchases(orders, period, with_zero=with_zero)
    customers = bought.group_by("customer_id").aggregate(y=bought.count()).mutate(x=1)
    return _ratio(customers, divisor="customers", total="orders").select("customers", "orders", "value", "low", "high")


def average_order_value(orders: ir.Table, period: Period, currency: str, *, with_zero: bool = False) -> ir.Table:
    """What an order comes to.

    Definition: net revenue of the period's orders in one currency, for each of those orders.
    Formula: ``value`` = revenue_minor / orders. Interval: ratio of two sums over customers, linearised
    (``intervals.ratio_of_sums``), because the orders of one customer resemble each other.
    Grain: one row. Unit: minor units of the currency. Null without orders. Zone: that of ``ordered_on``.
    Returns and orders of zero: not counted; an order returned in part counts with what is left.
    Source: orders (customer_id, ordered_on, amount_minor, currency, is_return).

    >>> average_order_value(_example(), _FEBRUARY, "EUR").drop("low", "high").to_pyarrow().to_pylist()
    [{'customers': 2, 'orders': 3, 'revenue_minor': 6000, 'value': 2000.0}]
    """
    bought = purchases(orders, period, currency=currency, with_zero=with_zero)
    customers = bought.group_by("customer_id").aggregate(x=bought.count(), y=bought.amount_minor.sum())
    return _ratio(customers, divisor="orders", total="revenue_minor")


def _ratio(customers: ir.Table, *, divisor: str, total: str) -> ir.Table:
    """Σy / Σx over the customers, with its interval. The residuals are summed after the ratio is known, in a second pass:
    sums of squares would lose the digits of a small spread around a large amount."""
    totals = customers.aggregate(customers=customers.count(), x=customers.x.sum(), y=customers.y.sum())
    ratio = totals.mutate(value=totals.y.cast("float64") / totals.x.cast("float64").nullif(0))
    each = customers.select(own_x="x", own_y="y").cross_join(ratio.select("value"))
    residual = each.own_y.cast("float64") - each.value * each.own_x.cast("float64")
    spread = each.aggregate(squares=(residual * residual).sum())
    row = ratio.cross_join(spread)
    interval = intervals.ratio_of_sums(row.value, row.x, row.customers, row.squares)
    named = {"customers": row.customers, divisor: row.x.fill_null(0).cast("int64"), total: row.y.fill_null(0).cast("int64")}
    return row.select(**named, value=row.value, low=interval.low, high=interval.high)


def _example() -> ir.Table:
    """Three orders of two customers and one return, for the examples above."""
    return ibis.memtable(
        pa.table(
            {
                "customer_id": ["a", "a", "b", "b"],
                "ordered_on": [date(2026, 2, 1), date(2026, 2, 28), date(2026, 2, 3), date(2026, 2, 4)],
                "amount_minor": [1000, 2000, 3000, 3000],
                "currency": ["EUR"] * 4,
                "is_return": [False, False, False, True],
            }
        )
    )
