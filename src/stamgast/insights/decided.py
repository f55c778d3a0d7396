"""Activities as deciding sees them: whose they are, each order once, with what is left of it."""

import ibis
import ibis.expr.types as ir

from stamgast.insights.orders import CANCELLED_KIND, ORDER_KINDS, RETURN_KINDS, UPDATED_KIND, orders_of


def decided(activities: ir.Table, links: ir.Table) -> ir.Table:
    """One row an activity of somebody who is known, but one for each order: its first, with the amount that is left.

    An order that nothing else tells of keeps its own amount, or none, whatever that is; of the others it is that of
    ``orders_of``. What refers to an order stays a row of its own. So it is the table that live deciding works on
    (``flows.history.activity_table``), without properties and lines, which the lake has not.

    Source: as of ``orders_of``, with ``source``. Gives customer_id, activity_id, occurred_at, kind, source, amount_minor
    (net, minor units), currency, order_id.
    """
    told = activities.join(links, "anchor_id").select(
        *("activity_id", "occurred_at", "kind", "source", "amount_minor", "currency", "order_id"), customer_id=links.customer_id
    )
    is_order = told.kind.isin(ORDER_KINDS)
    is_told_of = (is_order | told.kind.isin((*RETURN_KINDS, UPDATED_KIND, CANCELLED_KIND))) & told.order_id.notnull()
    others = told.filter(~(is_order & is_told_of))
    of_orders = told.filter(is_told_of)
    turn = ibis.struct({"occurred_at": of_orders.occurred_at, "activity_id": of_orders.activity_id})
    known = of_orders.group_by("customer_id", "order_id").aggregate(
        tellings=of_orders.count(),
        activity_id=of_orders.activity_id.argmin(turn, where=of_orders.kind.isin(ORDER_KINDS)),
    )
    first = of_orders.join(known, ["customer_id", "order_id", "activity_id"]).select(of_orders, known.tellings)
    left = orders_of(activities, links)
    left = left.filter(~left.is_return).select(
        "customer_id", "order_id", left_minor=left.amount_minor, left_currency=left.currency
    )  # fmt: skip
    first = first.left_join(left, ["customer_id", "order_id"], rname="left_{name}")
    is_alone = first.tellings == 1
    first = first.mutate(
        amount_minor=ibis.ifelse(is_alone, first.amount_minor, first.left_minor),
        currency=ibis.ifelse(is_alone, first.currency, first.left_currency),
    )
    return others.union(first.select(others.columns))
