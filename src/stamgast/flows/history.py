"""From stored activities to the columns that ``decide`` takes: whose they are, in order, and with refunds taken off.

An order is worth what is left of it, once, however often it is told. What came back is subtracted from the order it names,
so that giving points for an order and taking them back after a refund are one act: the order is decided again and the
difference is posted.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

import msgspec
import pyarrow as pa

from stamgast.activities.orders import REFERRING_KINDS
from stamgast.activities.queries import find_orders, load_history
from stamgast.activities.types import Columns, Line
from stamgast.customers.birthdays import birth_months
from stamgast.customers.queries import anchors_of, customers_of
from stamgast.kit.database import Cursor
from stamgast.programmes.programme import Programme
from stamgast.programmes.types import ACTIVITIES

T = TypeVar("T")
ORDERS = frozenset(("Order Completed", "Completed Order", "Till Sale"))
REFUNDS = frozenset(("Order Refunded", "Till Return"))
CANCELLATION = "Order Cancelled"
UPDATE = "Order Updated"


def needs_body(programme: Programme) -> bool:
    """Whether deciding needs more of an activity than its own columns."""
    return not {"properties", "lines"}.isdisjoint(programme.columns)


def read_history(
    cursor: Cursor,
    programme: Programme,
    customers: Collection[UUID],
    *,
    with_body: bool = False,
    received_by: datetime | None = None,
) -> pa.Table:
    """Everything that these customers did, as ACTIVITIES; properties and lines when the programme asks, or ``with_body``.

    With ``received_by``, only what had come in by then, and of who they were then; the months of birth are those that are known
    now.
    """
    anchors = anchors_of(cursor, customers, at=received_by)
    owner = {anchor: customer for customer, ids in anchors.items() for anchor in ids}
    columns = load_history(cursor, list(owner), needs_body=with_body or needs_body(programme))
    whose = {activity_id: owner[anchor] for activity_id, anchor in zip(columns.ids, columns.anchor_ids, strict=True)}
    return activity_table(columns, whose, received_by=received_by, months=birth_months(cursor, customers))


def seen_in(table: pa.Table) -> dict[UUID, tuple[datetime, datetime]]:
    """The first and the last moment of each customer in ACTIVITIES."""
    rows = table.group_by("customer_id").aggregate([("occurred_at", "min"), ("occurred_at", "max")]).to_pylist()
    return {UUID(bytes=row["customer_id"]): (row["occurred_at_min"], row["occurred_at_max"]) for row in rows}


class Net(NamedTuple):
    """What is left of one order, and whether that is nothing because all of it came back."""

    amount_minor: int | None
    currency: str | None
    lines: Sequence[Line] | None
    is_returned: bool


def activity_table(
    columns: Columns,
    customers: Mapping[UUID, UUID],
    keep: Collection[UUID] | None = None,
    received_by: datetime | None = None,
    months: Mapping[UUID, int] | None = None,
) -> pa.Table:
    """The rows of ``columns`` as ACTIVITIES, sorted; only those of the customers in ``keep``, only those received by a
    moment, when these are given. ``months`` are the months of birth of customers."""
    rows = [
        (customers[activity_id], columns.occurred_at[i], activity_id, i)
        for i, activity_id in enumerate(columns.ids)
        if (keep is None or customers[activity_id] in keep) and (received_by is None or columns.received_at[i] <= received_by)
    ]
    rows.sort()
    net, repeats = read_orders(columns, [(customer, i) for customer, _, _, i in rows])
    rows = [row for row in rows if row[3] not in repeats]
    order = [i for _, _, _, i in rows]
    lines = [net[i].lines if i in net else columns.lines[i] for i in order]
    return pa.Table.from_arrays(
        [
            pa.array([row[2].bytes for row in rows], pa.binary(16)),
            pa.array([row[0].bytes for row in rows], pa.binary(16)),
            pa.array([row[1] for row in rows], ACTIVITIES.field("occurred_at").type),
            pa.array([columns.kinds[i] for i in order], pa.string()),
            pa.array([columns.sources[i] for i in order], pa.string()),
            pa.array([net[i].amount_minor if i in net else columns.amounts_minor[i] for i in order], pa.int64()),
            pa.array([net[i].currency if i in net else columns.currencies[i] for i in order], pa.string()),
            pa.array([columns.order_ids[i] for i in order], pa.string()),
            pa.array([columns.properties[i] for i in order], pa.string()),
            pa.array([_plain(value) for value in lines], ACTIVITIES.field("lines").type),
            pa.array([months.get(row[0]) for row in rows] if months else [None] * len(rows), pa.int8()),
            pa.array([i in net and net[i].is_returned for i in order], pa.bool_()),
        ],
        schema=ACTIVITIES,
    )


def read_orders(columns: Columns, rows: Sequence[tuple[UUID, int]]) -> tuple[dict[int, Net], set[int]]:
    """What is left of each order that is told of more than once, by its first row; and the rows that only repeat an order.

    ``rows`` are (customer, row) in event order. An order is what one customer did under one order id: it counts at the moment
    of its first row. Its amount is the last that was told, an update before a repeat, in the currency in which it was told.
    What came back at or after that moment is taken off, and a refund without an amount or a cancellation takes all. So an
    order is worth the same whatever arrives first, and the same as in the measures (``insights.orders``). Where something came
    back and nothing is left, all of it came back; lines have no say in that, as they are not always read.
    """
    told: dict[tuple[UUID, str], list[int]] = defaultdict(list)
    for customer, i in rows:
        order_id = columns.order_ids[i]
        if order_id is not None and (columns.kinds[i] in ORDERS or columns.kinds[i] in REFERRING_KINDS):
            told[customer, order_id].append(i)
    net: dict[int, Net] = {}
    repeats: set[int] = set()
    for group in told.values():
        orders = [i for i in group if columns.kinds[i] in ORDERS]
        if orders and len(group) > 1:
            net[orders[0]] = _net_of(columns, orders, [i for i in group if columns.kinds[i] in REFERRING_KINDS])
            repeats.update(orders[1:])
    return net, repeats


def _net_of(columns: Columns, orders: Sequence[int], referring: Sequence[int]) -> Net:
    first = orders[0]
    later = [i for i in referring if columns.occurred_at[i] >= columns.occurred_at[first]]
    updates = [i for i in later if columns.kinds[i] == UPDATE]
    stating = [i for i in (*orders, *updates) if columns.amounts_minor[i] is not None]
    amount = _last([columns.amounts_minor[i] for i in stating]) or 0
    # An amount means something in its own currency only: one source may have said neither, and got the shop's own.
    currency = _last([columns.currencies[i] for i in stating]) or _last([columns.currencies[i] for i in orders])
    lines = list(_last([columns.lines[i] for i in (*orders, *updates)]) or ())
    refunds = [i for i in later if columns.kinds[i] in REFUNDS]
    stated = [columns.amounts_minor[i] for i in refunds]
    if None in stated or any(columns.kinds[i] == CANCELLATION for i in later):
        return Net(0, currency, [], is_returned=True)
    left = amount - sum(abs(one or 0) for one in stated)
    if refunds and left <= 0:
        return Net(0, currency, [], is_returned=True)
    for i in refunds:
        lines = _without(lines, columns.lines[i] or ())
    return Net(max(left, 0), currency, lines, is_returned=False)


def _last(values: Iterable[T | None]) -> T | None:
    """The last value that is one."""
    return next((value for value in reversed(list(values)) if value is not None), None)


def _without(lines: Sequence[Line], returned: Iterable[Line]) -> list[Line]:
    """The lines after taking off what came back, by product."""
    quantity: dict[str, int] = defaultdict(int)
    amount: dict[str, int] = defaultdict(int)
    for line in returned:
        quantity[line.product_id] += line.quantity
        amount[line.product_id] += abs(line.amount_minor)
    kept = []
    for line in lines:
        less, off = min(line.quantity, quantity[line.product_id]), min(line.amount_minor, amount[line.product_id])
        quantity[line.product_id] -= less
        amount[line.product_id] -= off
        if line.quantity > less:
            kept.append(msgspec.structs.replace(line, quantity=line.quantity - less, amount_minor=line.amount_minor - off))
    return kept


def _plain(lines: Sequence[Line] | None) -> list[dict[str, object]] | None:
    if lines is None:
        return None
    return [
        {
            "product_id": line.product_id,
            "category": line.category,
            "quantity": line.quantity,
            "amount_minor": line.amount_minor,
        }
        for line in lines
    ]


def first_of(columns: Columns, customers: Mapping[UUID, UUID]) -> dict[UUID, datetime]:
    """When the first activity of each customer in ``columns`` occurred; they are in the order in which things happened."""
    first: dict[UUID, datetime] = {}
    for activity_id, occurred_at in zip(columns.ids, columns.occurred_at, strict=True):
        first.setdefault(customers[activity_id], occurred_at)
    return first


def who_refers_back(cursor: Cursor, columns: Columns, customers: Mapping[UUID, UUID]) -> set[UUID]:
    """The customers with an activity that changes what an earlier order is worth, or that tells of an order again."""
    referring = {customers[columns.ids[i]] for i, kind in enumerate(columns.kinds) if kind in REFERRING_KINDS}
    told: dict[str, set[UUID]] = defaultdict(set)
    for i, kind in enumerate(columns.kinds):
        order_id = columns.order_ids[i]
        if kind in ORDERS and order_id is not None:
            told[order_id].add(customers[columns.ids[i]])
    earlier = find_orders(cursor, list(told), kinds=ORDERS, besides=columns.ids)
    owners = customers_of(cursor, {anchor for _, anchor in earlier})
    return referring | {owners[anchor] for order_id, anchor in earlier if owners.get(anchor) in told[order_id]}
