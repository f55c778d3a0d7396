"""What an order is: from activities to orders, to days of the shop, to the purchases that measures count."""

from zoneinfo import ZoneInfo

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from stamgast.insights.errors import NaiveMoment, UnknownZone
from stamgast.insights.types import Period

ORDER_KINDS = ("Order Completed", "Completed Order", "Till Sale")
RETURN_KINDS = ("Order Refunded", "Till Return")
UPDATED_KIND = "Order Updated"
CANCELLED_KIND = "Order Cancelled"

_UTC = dt.Timestamp(timezone="UTC")


def _timezone(zone: str, moment):  # type: ignore[no-untyped-def]  # the body is the backend's own function
    """The local time of a moment: ``timezone`` of DuckDB and PostgreSQL."""


_local_time = ibis.udf.scalar.builtin(_timezone, name="timezone", signature=((dt.string, _UTC), dt.timestamp))


def orders_of(activities: ir.Table, links: ir.Table) -> ir.Table:
    """One row an order, with what is left of its amount, and one row a return.

    An order is what one customer did under one order id (an activity without an order id is an order of its own): repeats
    are one order, at the moment of the first. Its amount is that of the latest activity that states one, ``Order Updated``
    included, less what its returns took off, never below zero; a return without an amount, and a cancellation, take off all.
    A return that names no known order stands apart and lowers no order.

    Source: activities (activity_id, kind, anchor_id, occurred_at, order_id, amount_minor, currency) and the links in force
    (anchor_id, customer_id). An activity whose customer is not known yet is left out until it is.

    Gives customer_id, order_id, occurred_at, amount_minor (net, minor units), currency, is_return.
    """
    told = activities.filter(activities.kind.isin((*ORDER_KINDS, *RETURN_KINDS, UPDATED_KIND, CANCELLED_KIND)))
    told = told.join(links, "anchor_id").select(
        customer_id=links.customer_id,
        order_id=ibis.coalesce(told.order_id, told.activity_id),
        occurred_at=told.occurred_at,
        turn=ibis.struct({"occurred_at": told.occurred_at, "activity_id": told.activity_id}),
        amount_minor=told.amount_minor,
        currency=told.currency,
        is_order=told.kind.isin(ORDER_KINDS),
        is_return=told.kind.isin(RETURN_KINDS),
        is_update=told.kind == UPDATED_KIND,
        is_cancelled=told.kind == CANCELLED_KIND,
    )
    states_amount = told.is_order | told.is_update
    sums = told.group_by("customer_id", "order_id").aggregate(
        occurred_at=told.occurred_at.min(where=told.is_order),
        gross_minor=told.amount_minor.argmax(told.turn, where=states_amount & told.amount_minor.notnull()).fill_null(0),
        currency=told.currency.argmax(told.turn, where=states_amount & told.currency.notnull()),
        taken_off_minor=told.amount_minor.abs().sum(where=told.is_return).fill_null(0),
        is_whole_taken_off=(told.is_cancelled | (told.is_return & told.amount_minor.isnull())).any(),
    )
    orders = sums.filter(sums.occurred_at.notnull()).select(
        "customer_id",
        "order_id",
        "occurred_at",
        amount_minor=ibis.ifelse(sums.is_whole_taken_off, 0, ibis.greatest(sums.gross_minor - sums.taken_off_minor, 0)).cast(
            "int64"
        ),
        currency=sums.currency,
        is_return=ibis.literal(False),
    )
    gross = sums.select("customer_id", "order_id", "gross_minor", order_currency=sums.currency)
    returned = told.filter(told.is_return).left_join(gross, ["customer_id", "order_id"])
    returns = returned.select(
        "customer_id",
        "order_id",
        "occurred_at",
        amount_minor=ibis.coalesce(returned.amount_minor.abs(), returned.gross_minor, 0).cast("int64"),
        currency=ibis.coalesce(returned.currency, returned.order_currency),
        is_return=ibis.literal(True),
    )
    return orders.union(returns)


def orders_in_zone(orders: ir.Table, zone: str) -> ir.Table:
    """The same rows with ``ordered_on``: the day of the shop's clock on which the order was placed, summer time included.

    The only step that needs a backend's own function (``timezone``); a cast to another zone would be silently dropped by
    DuckDB. Raises UnknownZone, and NaiveMoment when ``occurred_at`` carries no zone.
    """
    check_zone(zone)
    return orders.mutate(ordered_on=day_in_zone(orders.occurred_at, zone))


def day_in_zone(moment: ir.TimestampValue, zone: str) -> ir.DateValue:
    """The day of a moment on the clocks of a zone."""
    kind = moment.type()
    if not isinstance(kind, dt.Timestamp) or kind.timezone is None:
        raise NaiveMoment("The moments carry no time zone, so their day is not known. Store them as timestamps in UTC.")
    return _local_time(zone, moment).date()


def check_zone(zone: str) -> None:
    """Raises UnknownZone unless the zone is one of the IANA database."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise UnknownZone(f"{zone[:64]!r} is not a time zone. Use a name such as Europe/Amsterdam.", zone=zone[:64]) from None


def purchases(
    orders: ir.Table, period: Period | None = None, *, currency: str | None = None, with_zero: bool = False
) -> ir.Table:
    """The orders that measures count: no returns and, unless asked for, no orders of zero.

    A return is never an order; what it took off is already gone from the order that it names.
    """
    amount = orders.amount_minor.fill_null(0)
    counted = orders.filter(~orders.is_return, amount >= 0 if with_zero else amount > 0)
    if currency is not None:
        counted = counted.filter(counted.currency == currency)
    return counted if period is None else counted.filter(falls_in(counted.ordered_on, period))


def falls_in(day: ir.Value, period: Period) -> ir.BooleanValue:
    """Whether a day falls in the period."""
    return day.between(period.first_day, period.last_day)
