"""The values of many customers at once: one Ibis expression over activities, and the last step to exact values.

The table has the columns of ``activities`` as deciding sees them (customer_id, activity_id, occurred_at, kind, source,
amount_minor, currency, order_id; properties and lines where a definition reads them), and ``local_column(zone)`` where a
condition reads the wall clock. Sums leave the engine as whole numbers; a quotient is made here, where it is exact.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa

from stamgast.conditions import local_column
from stamgast.kit.zones import to_local
from stamgast.traits.definition import Definition
from stamgast.traits.live import average, days_between, scale_of
from stamgast.traits.types import Aggregate, Value

if TYPE_CHECKING:
    import ibis.expr.types as ir


def compute_all(
    definitions: Sequence[Definition], activities: pa.Table, at: datetime, *, is_kept: bool = False
) -> dict[str, dict[bytes, Value]]:
    """The values at a moment by name and customer, of activities in Arrow as deciding takes them."""
    import ibis

    table = _with_wall_clocks(activities, {definition.zone for definition in definitions})
    source = ibis.table(ibis.Schema.from_pyarrow(table.schema), name="activities")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        connection.register("activities", table)
        return {
            one.name: dict(values_of(one, connection.sql(_sql(one, source, at)).to_arrow_table(), at, is_kept=is_kept))
            for one in definitions
        }


def _sql(definition: Definition, source: "ir.Table", at: datetime) -> str:
    import ibis

    return str(ibis.to_sql(expression(definition, source, at), dialect="duckdb"))


def _with_wall_clocks(activities: pa.Table, zones: Collection[str]) -> pa.Table:
    """The table with the wall clocks of zones, and ids of a type that Ibis has."""
    moments = activities["occurred_at"].combine_chunks().cast(pa.int64()).to_numpy()
    for name in ("activity_id", "customer_id"):
        activities = activities.set_column(
            activities.schema.get_field_index(name), name, activities[name].cast(pa.binary())
        )  # fmt: skip
    for zone in zones:
        local = pa.array(to_local(zone, moments).astype(np.int64)).cast(pa.timestamp("us"))
        activities = activities.append_column(local_column(zone), local)
    return activities


def expression(definition: Definition, activities: "ir.Table", at: datetime) -> "ir.Table":
    """One row for each customer of whom something counts: customer_id, ``value``, and for an average ``parts``.

    ``value`` is a sum for an average and a moment for days; ``values_of`` makes the one of the other.
    """
    import ibis

    rows = activities.filter(activities.occurred_at <= ibis.literal(at))
    since = definition.since(at)
    if since is not None:
        rows = rows.filter(rows.occurred_at >= ibis.literal(since))
    if definition.when is not None:
        rows = rows.filter(definition.when.expression(rows))
    taking, aggregate = definition.taking, definition.aggregate
    if taking is None:
        value = {
            Aggregate.COUNT: rows.count,
            Aggregate.FIRST_AT: rows.occurred_at.min,
            Aggregate.LAST_AT: rows.occurred_at.max,
            Aggregate.DAYS_SINCE_LAST: rows.occurred_at.max,
        }[aggregate]()
        return rows.group_by("customer_id").aggregate(value=value)
    rows = taking.rows(rows)
    rows = rows.filter(rows.taken.notnull())
    rows = rows.select("customer_id", "taken", turn=_turn(rows))
    if aggregate is Aggregate.MOST_FREQUENT:
        return _most_frequent(rows)
    taken, turn = rows.taken, rows.turn
    if aggregate is Aggregate.AVERAGE:
        return rows.group_by("customer_id").aggregate(value=_whole(taken.sum()), parts=taken.count())
    value = {
        Aggregate.SUM: lambda: _whole(taken.sum()),
        Aggregate.MIN: taken.min,
        Aggregate.MAX: taken.max,
        Aggregate.FIRST: lambda: taken.argmin(turn),
        Aggregate.LAST: lambda: taken.argmax(turn),
        Aggregate.DISTINCT: taken.nunique,
    }[aggregate]()
    return rows.group_by("customer_id").aggregate(value=value)


def values_of(definition: Definition, rows: Any, at: datetime, *, is_kept: bool = False) -> Iterator[tuple[Any, Value]]:
    """The customers and values of what ``expression`` gave, as an Arrow table. Of who is not among them nothing counted.

    For keeping, days since the last stay the moment of the last: they pass by themselves.
    """
    customers, values = rows["customer_id"].to_pylist(), rows["value"].to_pylist()
    if definition.aggregate is Aggregate.AVERAGE:
        scale = scale_of(definition)
        parts = rows["parts"].to_pylist()
        values = [average(int(total), count, scale) for total, count in zip(values, parts, strict=True)]
    elif definition.aggregate is Aggregate.DAYS_SINCE_LAST and not is_kept:
        values = [days_between(last, at, definition.zone) for last in values]
    for customer, value in zip(customers, values, strict=True):
        yield customer, int(value) if isinstance(value, Decimal) else value


def _most_frequent(rows: "ir.Table") -> "ir.Table":
    """Of several that are as frequent, the one that was there last."""
    import ibis

    each = rows.group_by("customer_id", "taken").aggregate(times=rows.count(), last=rows.turn.argmax(rows.turn))
    weight = ibis.struct(
        {"times": each.times, "at": each.last["at"], "activity": each.last["activity"], "place": each.last["place"]}
    )
    return each.group_by("customer_id").aggregate(value=each.taken.argmax(weight))


def _turn(rows: "ir.Table") -> "ir.StructValue":
    """The place of a value in the order of events."""
    import ibis

    return ibis.struct({"at": rows.occurred_at, "activity": rows.activity_id, "place": rows.position})


def _whole(total: "ir.Value") -> "ir.Value":
    """DuckDB adds up in 128 bits, which would leave it as a fraction; as a decimal it stays whole."""
    return total.cast("decimal(38, 0)")
