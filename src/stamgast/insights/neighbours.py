"""Purchases that know their neighbours: when the same customer bought before, next and first.

Worked out once for a state of the lake. What a customer did in a period then shows in single rows (the first of a customer
in a period is the one whose ``previous_on`` lies before it), so that measures of any period read only the rows of that
period and group nothing by customer.
"""

from datetime import datetime

import ibis
import ibis.expr.types as ir

from stamgast.insights.orders import purchases


def with_neighbours(orders: ir.Table) -> ir.Table:
    """One row a purchase, with its place in the history of its customer.

    Definition: purchases as in ``orders.purchases`` (above zero, no returns, any currency), in the order of their moments
    and, at one moment, of their order ids. ``number`` counts from 1; ``previous_on`` and ``next_on`` are the days of the
    purchase before and after, null where there is none; ``first_on`` is the day of the first.
    Grain: one row a purchase. Zone: that of ``ordered_on``. Returns: none is a purchase, and an order returned whole is none.
    Source: orders (customer_id, order_id, occurred_at, ordered_on, amount_minor, currency, is_return), the whole history.

    >>> moments = [datetime(2026, 2, day, tzinfo=UTC) for day in (1, 3, 9)]
    >>> orders = ibis.memtable(pa.table({"customer_id": ["a", "b", "a"], "order_id": ["1", "2", "3"], "occurred_at": moments,
    ...     "ordered_on": [moment.date() for moment in moments], "amount_minor": [500] * 3, "currency": ["EUR"] * 3,
    ...     "is_return": [False] * 3}))
    >>> rows = with_neighbours(orders).order_by("ordered_on").select("number", "previous_on").to_pyarrow().to_pylist()
    >>> [(row["number"], row["previous_on"] and row["previous_on"].day) for row in rows]
    [(1, None), (1, None), (2, 1)]
    """
    bought = purchases(orders)
    history = ibis.window(group_by=bought.customer_id, order_by=[bought.occurred_at, bought.order_id])
    return bought.select(
        "customer_id",
        "ordered_on",
        "amount_minor",
        "currency",
        number=(ibis.row_number().over(history) + 1).cast("int32"),
        previous_on=bought.ordered_on.lag().over(history),
        next_on=bought.ordered_on.lead().over(history),
        first_on=bought.ordered_on.first().over(history),
    )


def by_days(bought: ir.Table) -> ir.Table:
    """Purchases counted by their day and the day of the one before: all that bridges and gaps need, in far fewer rows.

    Definition: ``purchases`` is how many there are. Grain: one row a pair of days, and one a day for first purchases, whose
    ``previous_on`` is null. Unit: purchases. Zone: that of ``ordered_on``. Returns: as ``with_neighbours``.
    Source: purchases with neighbours.

    >>> day = date(2026, 2, 1)
    >>> bought = ibis.memtable(pa.table({"ordered_on": [day, day], "previous_on": pa.array([None, None], pa.date32())}))
    >>> by_days(bought).select("purchases").to_pyarrow().to_pylist()
    [{'purchases': 2}]
    """
    return bought.group_by("ordered_on", "previous_on").aggregate(purchases=bought.count())


def buyers_of(bought: ir.Table, currency: str) -> ir.Table:
    """One row a customer who ever bought: first and last day, number of orders, and revenue in one currency.

    Definition: all purchases of the customer. Grain: one row a customer. Unit: days, orders, minor units.
    Zone: that of ``ordered_on``. Returns: taken off the order they name. Source: purchases with neighbours.

    >>> day = date(2026, 2, 1)
    >>> bought = ibis.memtable(pa.table({"customer_id": ["a", "a"], "ordered_on": [day, day], "amount_minor": [500, 250],
    ...     "currency": ["EUR", "USD"]}))
    >>> buyers_of(bought, "EUR").select("orders", "revenue_minor").to_pyarrow().to_pylist()
    [{'orders': 2, 'revenue_minor': 500}]
    """
    return bought.group_by("customer_id").aggregate(
        first_on=bought.ordered_on.min(),
        last_on=bought.ordered_on.max(),
        orders=bought.count(),
        revenue_minor=bought.amount_minor.sum(where=bought.currency == currency).fill_null(0).cast("int64"),
    )


def members_at(stays: ir.Table, segment: str, moment: datetime) -> ir.Table:
    """Who was in a segment at a moment.

    Definition: whose stay had begun before the moment and had not ended by then. Grain: one row a customer.
    Zone: none, it is a moment; pages take the midnight that ends the period. Returns: not applicable.
    Source: stays (segment, customer_id, entered_at, left_at or null).

    >>> noon = datetime(2026, 2, 2, 12, tzinfo=UTC)
    >>> stays = ibis.memtable(pa.table({"segment": ["loyal", "loyal"], "customer_id": ["a", "b"], "entered_at": [noon, noon],
    ...     "left_at": pa.array([None, noon + timedelta(hours=1)], pa.timestamp("us", "UTC"))}))
    >>> members_at(stays, "loyal", noon + timedelta(hours=2)).to_pyarrow().to_pylist()
    [{'customer_id': 'a'}]
    """
    at = ibis.literal(moment, type=stays.entered_at.type())
    inside = stays.filter(stays.segment == segment, stays.entered_at < at, stays.left_at.isnull() | (stays.left_at >= at))
    return inside.select("customer_id").distinct()
