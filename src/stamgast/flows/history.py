"""From stored activities to the columns that ``decide`` takes: whose they are, in order, and with refunds taken off.

An order is worth what is left of it. What came back is subtracted from the order it names, so that giving points for an
order and taking them back after a refund are one act: the order is decided again and the difference is posted.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import pyarrow as pa

from stamgast.activities.queries import load_history
from stamgast.activities.types import Columns, Line
from stamgast.customers.queries import anchors_of
from stamgast.kit.database import Cursor
from stamgast.programmes.programme import Programme
from stamgast.programmes.types import ACTIVITIES

ORDERS = frozenset(("Order Completed", "Completed Order", "Till Sale"))
REFUNDS = frozenset(("Order Refunded", "Till Return"))
CANCELLATION = "Order Cancelled"
UPDATE = "Order Updated"
REFERRING = REFUNDS | {CANCELLATION, UPDATE}
"""Kinds that change what an earlier order of the same customer is worth."""


def needs_body(programme: Programme) -> bool:
    """Whether deciding needs more of an activity than its own columns."""
    return not {"properties", "lines"}.isdisjoint(programme.columns)


def read_history(
    cursor: Cursor, programme: Programme, customers: Collection[UUID], *, with_body: bool = False
) -> pa.Table:
    """Everything that these customers did, as ACTIVITIES; properties and lines when the programme asks, or ``with_body``."""
    anchors = anchors_of(cursor, customers)
    owner = {anchor: customer for customer, ids in anchors.items() for anchor in ids}
    columns = load_history(cursor, list(owner), needs_body=with_body or needs_body(programme))
    whose = {activity_id: owner[anchor] for activity_id, anchor in zip(columns.ids, columns.anchor_ids, strict=True)}
    return activity_table(columns, whose)


def seen_in(table: pa.Table) -> dict[UUID, tuple[datetime, datetime]]:
    """The first and the last moment of each customer in ACTIVITIES."""
    rows = table.group_by("customer_id").aggregate([("occurred_at", "min"), ("occurred_at", "max")]).to_pylist()
    return {UUID(bytes=row["customer_id"]): (row["occurred_at_min"], row["occurred_at_max"]) for row in rows}


class Net(NamedTuple):
    """What is left of one order."""

    amount_minor: int | None
    lines: Sequence[Line] | None


def activity_table(columns: Columns, customers: Mapping[UUID, UUID], keep: Collection[UUID] | None = None) -> pa.Table:
    """The rows of ``columns`` as ACTIVITIES, sorted; only those of the customers in ``keep`` when it is given."""
    rows = [
        (customers[activity_id], columns.occurred_at[i], activity_id, i)
        for i, activity_id in enumerate(columns.ids)
        if keep is None or customers[activity_id] in keep
    ]
    rows.sort()
    net = net_of_refunds(columns, [(customer, i) for customer, _, _, i in rows])
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
            pa.array([columns.currencies[i] for i in order], pa.string()),
            pa.array([columns.order_ids[i] for i in order], pa.string()),
            pa.array([columns.properties[i] for i in order], pa.string()),
            pa.array([_plain(value) for value in lines], ACTIVITIES.field("lines").type),
        ],
        schema=ACTIVITIES,
    )


def net_of_refunds(columns: Columns, rows: Sequence[tuple[UUID, int]]) -> dict[int, Net]:
    """What is left of each order that something later refers to, by row; ``rows`` are (customer, row) in event order.

    Only what comes at or after the order counts, so that an order is worth the same whether its refund is known or not yet
    there. The last update replaces the amount; refunds without an amount, and cancellations, take all of it.
    """
    referring: dict[tuple[UUID, str], list[tuple[int, int]]] = defaultdict(list)
    for position, (customer, i) in enumerate(rows):
        order_id = columns.order_ids[i]
        if columns.kinds[i] in REFERRING and order_id is not None:
            referring[customer, order_id].append((position, i))
    if not referring:
        return {}
    net: dict[int, Net] = {}
    taken: dict[tuple[UUID, str], int] = defaultdict(int)
    for position, (customer, i) in enumerate(rows):
        key = (customer, columns.order_ids[i] or "")
        if columns.kinds[i] in ORDERS and key in referring:
            later = [row for where, row in referring[key] if where > position]
            net[i] = _net_of(columns, i, later, taken, key)
    return net


def _net_of(
    columns: Columns, i: int, later: Iterable[int], taken: dict[tuple[UUID, str], int], key: tuple[UUID, str]
) -> Net:
    amount, lines = columns.amounts_minor[i] or 0, list(columns.lines[i] or ())
    refunded, is_gone = 0, False
    for j in later:
        stated = columns.amounts_minor[j]
        if columns.kinds[j] == UPDATE:
            amount = amount if stated is None else stated
            lines = list(columns.lines[j] or lines)
        elif columns.kinds[j] == CANCELLATION or stated is None:
            is_gone = True
        else:
            refunded += abs(stated)
            lines = _without(lines, columns.lines[j] or ())
    # An order id that two sources reported is refunded once: the first row bears it, the next only what is left over.
    refund = amount if is_gone else min(amount, refunded - min(refunded, taken[key]))
    if not is_gone:
        taken[key] += refund
    left = amount - refund
    return Net(left, lines if left else [])


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
            kept.append(replace(line, quantity=line.quantity - less, amount_minor=line.amount_minor - off))
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


def first_of(columns: Columns, customers: Mapping[UUID, UUID]) -> dict[UUID, tuple[datetime, UUID]]:
    """The first activity of each customer in ``columns``: when, and which."""
    first: dict[UUID, tuple[datetime, UUID]] = {}
    for activity_id, occurred_at in zip(columns.ids, columns.occurred_at, strict=True):
        customer, key = customers[activity_id], (occurred_at, activity_id)
        if customer not in first or key < first[customer]:
            first[customer] = key
    return first


def who_refers_back(columns: Columns, customers: Mapping[UUID, UUID]) -> set[UUID]:
    """The customers with an activity that changes what an earlier order is worth."""
    return {customers[columns.ids[i]] for i, kind in enumerate(columns.kinds) if kind in REFERRING}
