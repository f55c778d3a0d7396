"""What the demo came to, in figures: each from the measure or query that the console shows it from, none worked out here."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from stamgast.customers.queries import count_customers
from stamgast.insights.orders import ORDER_KINDS, orders_in_zone, orders_of
from stamgast.insights.purchasing import average_order_value, purchase_frequency, repeat_purchase_rate
from stamgast.insights.retention import retention
from stamgast.insights.revenue import order_counts, revenue, top_share
from stamgast.insights.types import Period
from stamgast.kit.database import Cursor
from stamgast.kit.money import minor_digits, to_major
from stamgast.ledger.queries import sum_available
from stamgast.segments.queries import count_members, get_segment

COUPON_KIND = "Coupon Redeemed"
SEGMENT = "loyal-customers"
CURRENCY_OF_SCORE = "score"
DAYS = 91


def summarise(cursor: Cursor, lake: Mapping[str, ir.Table], *, currency: str, zone: str) -> dict[str, Any]:
    """The figures over the whole of the data, and retention between its first 91 days and the 91 after them."""
    activities = lake["activities"]
    # Seven measures look at the orders, so they are made once.
    orders = ibis.memtable(orders_in_zone(orders_of(activities, lake["links"]), zone).to_pyarrow())
    span = _row(orders.aggregate(first=orders.ordered_on.min(), last=orders.ordered_on.max()))
    whole = Period(span["first"], span["last"])
    counts = _row(order_counts(orders, whole, currency))
    kinds = _row(
        activities.aggregate(
            activities=activities.count(),
            coupon_redemptions=activities.count(where=activities.kind == COUPON_KIND),
            order_lines=activities.line_count.sum(where=activities.kind.isin(ORDER_KINDS)),
        )
    )
    return {
        "customers": count_customers(cursor),
        "activities": kinds["activities"],
        "orders": counts["orders"],
        "orders_of_zero": counts["zero_orders"],
        "order_lines": kinds["order_lines"],
        "revenue": float(to_major(_row(revenue(orders, whole, currency))["value"], currency)),
        "average_order_value": _row(average_order_value(orders, whole, currency))["value"] / 10 ** minor_digits(currency),
        "repeat_purchase_rate": _row(repeat_purchase_rate(orders, whole))["value"],
        "purchase_frequency": _row(purchase_frequency(orders, whole))["value"],
        "top20_revenue_share": _row(top_share(orders, whole, currency))["value"],
        "coupon_redemptions": kinds["coupon_redemptions"],
        "loyal_customers": count_members(cursor, get_segment(cursor, SEGMENT)),
        "score_total": sum_available(cursor, CURRENCY_OF_SCORE),
        "retention_91d": _retention(orders, whole),
    }


def _retention(orders: ir.Table, whole: Period) -> dict[str, Any]:
    earlier = Period(whole.first_day, whole.first_day + timedelta(days=DAYS - 1))
    later = Period(earlier.last_day + timedelta(days=1), earlier.last_day + timedelta(days=DAYS))
    row = _row(retention(orders, earlier, later))
    return {
        "S": row["start"],
        "E": row["end"],
        "N_first_ever": row["new"],
        "classic": row["classic"],
        "retained": row["retained"],
        "lost": row["lost"],
        "reactivated": row["reactivated"],
        "retained_share": row["value"],
    }


def _row(table: ir.Table) -> dict[str, Any]:
    row: dict[str, Any] = table.to_pyarrow().to_pylist()[0]
    return row
