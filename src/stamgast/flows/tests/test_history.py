"""What an order is worth when it is decided is what it is worth in the measures."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import ibis
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.activities.types import Columns
from stamgast.flows.history import ORDERS, activity_table
from stamgast.insights.orders import orders_of

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
KINDS = ["Order Completed", "Order Completed", "Till Sale", "Order Refunded", "Till Return", "Order Updated", "Order Cancelled"]
CUSTOMERS = [UUID(int=1), UUID(int=2)]

Row = tuple[UUID, str, datetime, int | None, str | None, str | None]
told = st.tuples(
    st.sampled_from(CUSTOMERS),
    st.sampled_from(KINDS),
    st.integers(0, 6).map(lambda hours: NOON + timedelta(hours=hours)),
    st.sampled_from([None, 0, 100, 250, 900]),
    st.sampled_from(["EUR", "USD", "JPY"]),
    st.sampled_from([None, "o1", "o2"]),
)


def table_of(rows: list[Row]) -> pa.Table:
    """Rows as deciding reads them."""
    count = len(rows)
    ids = [UUID(int=1000 + i) for i in range(count)]
    columns = Columns(
        ids=ids,
        anchor_ids=[row[0] for row in rows],
        identifiers=[()] * count,
        types=["track"] * count,
        kinds=[row[1] for row in rows],
        sources=["Shop"] * count,
        occurred_at=[row[2] for row in rows],
        received_at=[NOON] * count,
        order_ids=[row[5] for row in rows],
        amounts_minor=[row[3] for row in rows],
        currencies=[row[4] for row in rows],
        properties=[None] * count,
        lines=[None] * count,
        traits=[None] * count,
    )
    return activity_table(columns, dict(zip(ids, columns.anchor_ids, strict=True)))


def decided(rows: list[Row]) -> set[tuple[bytes, datetime, int, str | None]]:
    """The orders of ACTIVITIES."""
    table = table_of(rows)
    return {
        (row["customer_id"], row["occurred_at"], row["amount_minor"] or 0, row["currency"])
        for row in table.to_pylist()
        if row["kind"] in ORDERS
    }


def measured(rows: list[Row]) -> set[tuple[bytes, datetime, int, str | None]]:
    """The orders of the measures, from the same activities as the lake has them."""
    activities = pa.table(
        {
            "activity_id": [str(UUID(int=1000 + i)) for i in range(len(rows))],
            "kind": [row[1] for row in rows],
            "anchor_id": [str(row[0]) for row in rows],
            "occurred_at": pa.array([row[2] for row in rows], pa.timestamp("us", "UTC")),
            "order_id": pa.array([row[5] for row in rows], pa.string()),
            "amount_minor": pa.array([row[3] for row in rows], pa.int64()),
            "currency": pa.array([row[4] for row in rows], pa.string()),
        }
    )
    names = [str(customer) for customer in CUSTOMERS]
    links = pa.table({"anchor_id": names, "customer_id": names})
    orders = orders_of(ibis.memtable(activities), ibis.memtable(links)).to_pyarrow().to_pylist()
    return {
        (UUID(row["customer_id"]).bytes, row["occurred_at"], row["amount_minor"], row["currency"])
        for row in orders
        if not row["is_return"]
    }


@settings(max_examples=60)
@given(st.lists(told, min_size=1, max_size=10))
def test_orders_are_worth_the_same_in_deciding_and_in_the_measures(rows: list[Row]) -> None:
    assert decided(rows) == measured(rows)
