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
    are one order, at the moment of the first, with the amount of the last. What refers to it afterwards changes it: the last
    ``Order Updated`` replaces the amount, returns are taken off, never below zero, and a return without an amount or a
    cancellation takes off all. A return that names no earlier order stands apart and lowers none.

    Source: activities (activity_id, kind, anchor_id, occurred_at, order_id, amount_minor, currency) and the links in force
    (anchor_id, customer_id). An activity whose customer is not known yet is left out until it is.

    Gives customer_id, order_id, occurred_at, amount_minor (net, minor units), currency, is_return.
    """
    told = activities.filter(activities.kind.isin((*ORDER_KINDS, *RETURN_KINDS, UPDATED_KIND, CANCELLED_KIND)))
    told = told.join(links, "anchor_id").select(
        "kind",
        "occurred_at",
        "amount_minor",
        "currency",
        customer_id=links.customer_id,
        order_id=ibis.coalesce(told.order_id, told.activity_id),
        turn=ibis.struct({"occurred_at": told.occurred_at, "activity_id": told.activity_id}),
    )
    sold = told.filter(told.kind.isin(ORDER_KINDS))
    sold = sold.group_by("customer_id", "order_id").aggregate(
        ordered_at=sold.occurred_at.min(),
        any_currency=sold.currency.argmax(sold.turn, where=sold.currency.notnull()),
        **_last_stated(sold),
    )
    changes = told.filter(~told.kind.isin(ORDER_KINDS)).join(sold, _KEYS, rname="sold_{name}")
    changes = changes.filter(changes.occurred_at >= changes.ordered_at)
    updates = changes.filter(changes.kind == UPDATED_KIND)
    updates = updates.group_by(*_KEYS).aggregate(**_last_stated(updates, "updated_"))
    is_return = changes.kind.isin(RETURN_KINDS)
    taken = changes.group_by(*_KEYS).aggregate(
        taken_minor=changes.amount_minor.abs().sum(where=is_return).fill_null(0),
        is_gone=((changes.kind == CANCELLED_KIND) | (is_return & changes.amount_minor.isnull())).any(),
    )
    known = sold.left_join(updates, _KEYS).drop("customer_id_right", "order_id_right")
    known = known.left_join(taken, _KEYS).select(
        *_KEYS,
        "ordered_at",
        gross_minor=ibis.coalesce(known.updated_minor, known.last_minor, 0),
        currency=ibis.coalesce(known.updated_currency, known.last_currency, known.any_currency),
        taken_minor=taken.taken_minor.fill_null(0),
        is_gone=taken.is_gone.fill_null(False),
    )
    left_minor = ibis.ifelse(known.is_gone, 0, ibis.greatest(known.gross_minor - known.taken_minor, 0))
    orders = known.select(
        *_KEYS,
        occurred_at=known.ordered_at,
        amount_minor=left_minor.cast("int64"),
        currency=known.currency,
        is_return=ibis.literal(False),
    )
    returned = told.filter(told.kind.isin(RETURN_KINDS)).left_join(known, _KEYS, rname="order_{name}")
    returns = returned.select(
        *_KEYS,
        "occurred_at",
        amount_minor=ibis.coalesce(returned.amount_minor.abs(), returned.gross_minor, 0).cast("int64"),
        currency=ibis.coalesce(returned.currency, returned.order_currency),
        is_return=ibis.literal(True),
    )
    return orders.union(returns)


_KEYS = ("customer_id", "order_id")


def _last_stated(rows: ir.Table, prefix: str = "last_") -> dict[str, ir.Scalar]:
    """The amount of the last row that has one, and its currency; of two at one moment, by activity id."""
    has_amount = rows.amount_minor.notnull()
    return {
        f"{prefix}minor": rows.amount_minor.argmax(rows.turn, where=has_amount),
        f"{prefix}currency": rows.currency.argmax(rows.turn, where=has_amount & rows.currency.notnull()),
    }


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
    return local_in_zone(moment, zone).date()


def local_in_zone(moment: ir.TimestampValue, zone: str) -> ir.TimestampValue:
    """A moment on the clocks of a zone, without an offset."""
    local: ir.TimestampValue = _local_time(zone, moment)
    return local


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
