"""Buying again: how long it takes until the second order, how many orders customers make, how far apart they are."""

from datetime import date

import ibis
import ibis.expr.types as ir

from stamgast.insights import intervals
from stamgast.insights.types import Period

MANY_ORDERS = 10


def repeat_curve(bought: ir.Table, period: Period, until: date, *, horizon: int = 365) -> ir.Table:
    """The share of new customers that has bought a second time within so many days.

    Definition: the customers whose first purchase ever was in the period, from that day to their second purchase; two
    purchases on one day are 0 days apart. Whoever has not bought again by ``until``, the last day looked at, has been followed
    for as long as that and no longer (right-censored), so a customer of last week counts for a week and is not taken for one
    who never came back. Estimator: Kaplan and Meier (1958); who is censored on a day was still at risk on that day.
    Formula: ``value`` = 1 − Π (1 − bought again / at risk), over the days up to this one. Interval: Greenwood's variance on the
    scale log(−log S) (Kalbfleisch and Prentice), which stays within 0 and 1; null before anybody bought again and after
    everybody has.
    Grain: one row a day on which somebody bought again or ceased to be followed, up to ``horizon``; between rows the value
    stays. Unit: share of customers. Zone: that of ``ordered_on``. Returns and orders of zero: not counted.
    Source: purchases with neighbours.

    >>> bought = ibis.memtable(pa.table({"number": [1, 1, 1], "next_on": [date(2026, 1, 4), None, None],
    ...     "ordered_on": [date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 8)]}))
    >>> january = Period(date(2026, 1, 1), date(2026, 1, 31))
    >>> curve = repeat_curve(bought, january, date(2026, 1, 10)).select("days", "at_risk", "again", "value")
    >>> [(row["days"], row["at_risk"], row["again"], round(row["value"], 3)) for row in curve.to_pyarrow().to_pylist()]
    [(2, 3, 0, 0.0), (3, 2, 1, 0.5), (9, 1, 0, 0.5)]
    """
    firsts = bought.filter(bought.ordered_on.between(period.first_day, period.last_day), bought.number == 1)
    firsts = firsts.filter(firsts.ordered_on <= until)
    is_again = firsts.next_on.notnull() & (firsts.next_on <= until)
    ends_on = ibis.ifelse(is_again, firsts.next_on, ibis.literal(until))
    spells = firsts.select(days=ends_on.delta(firsts.ordered_on, unit="day").cast("int64"), is_again=is_again)
    days = spells.group_by("days").aggregate(again=spells.count(where=spells.is_again), ended=spells.count())
    onwards = ibis.window(order_by=days.days, preceding=0, following=None)
    days = days.mutate(at_risk=days.ended.sum().over(onwards).cast("int64"))
    up_to = ibis.window(order_by=days.days, preceding=None, following=0)
    risk, again = days.at_risk.cast("float64"), days.again.cast("float64")
    is_last = days.again == days.at_risk
    rows = days.select(
        "days",
        "at_risk",
        "again",
        is_over=is_last.any().over(up_to),
        log_left=ibis.ifelse(is_last, 0.0, (1 - again / risk).ln()).sum().over(up_to),
        variance=ibis.ifelse(is_last, 0.0, again / (risk * (risk - again).nullif(0))).sum().over(up_to),
    )
    left = rows.log_left.exp()
    is_open = (rows.log_left < 0) & ~rows.is_over
    # ln S is negative; the interval of ln(−ln S) is symmetric, and is taken back to S by exp(−exp(·)).
    reach = intervals.Z * rows.variance.sqrt() / rows.log_left.abs().nullif(0)
    least, most = ((rows.log_left * (sign * reach).exp()).exp() for sign in (1, -1))
    curve = rows.select(
        "days",
        "at_risk",
        "again",
        value=ibis.ifelse(rows.is_over, 1.0, 1 - left),
        low=ibis.ifelse(is_open, 1 - most, None),
        high=ibis.ifelse(is_open, 1 - least, None),
    )
    return curve.filter(curve.days <= horizon).order_by("days")


def order_numbers(bought: ir.Table, period: Period) -> ir.Table:
    """How many customers made one order in the period, two, three, … and ten or more.

    Definition: orders of the period for each customer who bought in it. Formula: ``value`` = customers / all who bought, with
    Wilson's interval. Grain: one row for 1 to 9 orders and one for 10 or more (``orders`` = 10), those without customers left
    out. Unit: customers, and shares. Zone: that of ``ordered_on``. Returns and orders of zero: not counted.
    Source: purchases with neighbours.

    >>> bought = ibis.memtable(pa.table({"customer_id": ["a", "a", "b"], "ordered_on": [date(2026, 1, 1)] * 3}))
    >>> order_numbers(bought, Period(date(2026, 1, 1), date(2026, 1, 31))).drop("low", "high").to_pyarrow().to_pylist()
    [{'orders': 1, 'customers': 1, 'value': 0.5}, {'orders': 2, 'customers': 1, 'value': 0.5}]
    """
    within = bought.filter(bought.ordered_on.between(period.first_day, period.last_day))
    each = within.group_by("customer_id").aggregate(orders=within.count())
    each = each.select(orders=ibis.least(each.orders, MANY_ORDERS))
    numbers = each.group_by("orders").aggregate(customers=each.count())
    whole = numbers.aggregate(all=numbers.customers.sum().cast("int64"))
    rows = numbers.cross_join(whole)
    interval = intervals.wilson(rows.customers, rows["all"])
    shares = rows.select("orders", "customers", value=rows.customers / rows["all"], low=interval.low, high=interval.high)
    return shares.order_by("orders")


def order_gaps(days: ir.Table, period: Period) -> ir.Table:
    """How many days lie between an order and the one before it.

    Definition: for each order of the period that is not its customer's first, the days since the customer's order before it,
    whenever that was; customers who buy often count more often. ``median`` and the quartiles are days that happened, the lower
    of two in the middle. Grain: one row. Unit: days. Null without such orders. It is no rate and has no
    interval. Zone: that of ``ordered_on``. Returns and orders of zero: not counted.
    Source: purchases by day (``neighbours.by_days``).

    >>> days = ibis.memtable(pa.table({"ordered_on": [date(2026, 1, 8), date(2026, 1, 9)], "previous_on": [date(2026, 1, 1),
    ...     None], "purchases": [1, 1]}))
    >>> order_gaps(days, Period(date(2026, 1, 1), date(2026, 1, 31))).to_pyarrow().to_pylist()
    [{'gaps': 1, 'lower': 7, 'median': 7, 'upper': 7}]
    """
    later = days.filter(days.ordered_on.between(period.first_day, period.last_day), days.previous_on.notnull())
    gaps = later.select("purchases", days=later.ordered_on.delta(later.previous_on, unit="day").cast("int64"))
    counts = gaps.group_by("days").aggregate(gaps=gaps.purchases.sum())
    up_to = ibis.window(order_by=counts.days, preceding=None, following=0)
    placed = counts.mutate(place=counts.gaps.sum().over(up_to).cast("int64"))
    whole = placed.aggregate(all=placed.gaps.sum().cast("int64"))
    reached = placed.cross_join(whole)
    return reached.aggregate(
        gaps=reached.gaps.sum().fill_null(0).cast("int64"),
        **{
            name: reached.days.min(where=reached.place * 4 >= reached["all"] * quarters)
            for name, quarters in (("lower", 1), ("median", 2), ("upper", 3))
        },
    )
