"""How much of the revenue comes from how few of the customers."""

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from stamgast.insights.types import Period


def pareto_curve(bought: ir.Table, period: Period, currency: str) -> ir.Table:
    """The share of revenue that the best 1 %, 2 %, … 100 % of the customers bring in.

    Definition: of the n customers who bought in the period, the ⌈percent · n / 100⌉ with the highest revenue; at 20 % it is
    ``revenue.top_share``, which has the interval. ``least_minor`` is the lowest revenue among them.
    Ties: customers at the border have equal revenue, so it does not matter which of them is counted; exactly that many are.
    Formula: ``value`` = their revenue / all revenue. It is counted, not estimated.
    Grain: one row a percent, none without customers. Unit: customers, minor units, share of revenue.
    Zone: that of ``ordered_on``. Returns and orders of zero: not counted. Source: purchases with neighbours.

    >>> bought = ibis.memtable(pa.table({"customer_id": ["a", "b", "b"], "ordered_on": [date(2026, 1, 1)] * 3,
    ...     "amount_minor": [100, 200, 100], "currency": ["EUR"] * 3}))
    >>> curve = pareto_curve(bought, Period(date(2026, 1, 1), date(2026, 1, 31)), "EUR").to_pyarrow().to_pylist()
    >>> curve[49], len(curve)
    ({'percent': 50, 'customers': 1, 'revenue_minor': 300, 'least_minor': 300, 'value': 0.75}, 100)
    """
    spent = revenue_by_customer(bought, period, currency)
    # Customers of one revenue stand together: there are far fewer amounts than customers to put in order.
    amounts = spent.group_by("revenue_minor").aggregate(customers=spent.count())
    down_to = ibis.window(order_by=amounts.revenue_minor.desc(), preceding=None, following=0)
    total_minor = amounts.revenue_minor * amounts.customers
    ranked = amounts.select(
        "revenue_minor",
        "customers",
        reached=amounts.customers.sum().over(down_to).cast("int64"),
        brought=total_minor.sum().over(down_to),
    )
    whole = ranked.aggregate(all_customers=ranked.reached.max(), all_revenue=ranked.brought.max())
    percents = ibis.memtable(pa.table({"percent": pa.array(range(1, 101), pa.int64())})).cross_join(whole)
    counts = percents.mutate(count=((percents.percent * percents.all_customers + 99) / 100).floor().cast("int64"))
    above = ranked.reached - ranked.customers  # customers with more than this amount
    at = counts.join(ranked, [above < counts["count"], counts["count"] <= ranked.reached])
    revenue_minor = at.brought - (at.reached - at["count"]) * at.revenue_minor
    return at.select(
        "percent",
        customers=at["count"],
        revenue_minor=revenue_minor.cast("int64"),
        least_minor=at.revenue_minor,
        value=revenue_minor.cast("float64") / at.all_revenue.cast("float64"),
    ).order_by("percent")


def revenue_by_customer(bought: ir.Table, period: Period, currency: str) -> ir.Table:
    """What each customer spent in the period, in one currency.

    Definition: the sum of the amounts. Grain: one row a customer who bought in it. Unit: minor units. Zone: that of
    ``ordered_on``. Returns: taken off the order they name. Source: purchases with neighbours.

    >>> bought = ibis.memtable(pa.table({"customer_id": ["a", "a"], "ordered_on": [date(2026, 1, 1)] * 2,
    ...     "amount_minor": [100, 200], "currency": ["EUR", "USD"]}))
    >>> revenue_by_customer(bought, Period(date(2026, 1, 1), date(2026, 1, 31)), "EUR").to_pyarrow().to_pylist()
    [{'customer_id': 'a', 'revenue_minor': 100}]
    """
    within = bought.filter(bought.ordered_on.between(period.first_day, period.last_day), bought.currency == currency)
    return within.group_by("customer_id").aggregate(revenue_minor=within.amount_minor.sum().cast("int64"))
