"""The lake's activities, read as deciding reads them, are those of deciding."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import ibis
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.flows.tests.test_history import CUSTOMERS, KINDS, NOON, table_of
from stamgast.insights.decided import decided

told = st.tuples(
    st.sampled_from(CUSTOMERS),
    st.sampled_from([*KINDS, "Page Viewed"]),
    st.integers(0, 6).map(lambda hours: NOON + timedelta(hours=hours)),
    st.sampled_from([None, 0, 100, -250, 900]),
    st.sampled_from([None, "EUR", "USD", "JPY"]),
    st.sampled_from([None, "o1", "o2"]),
)
Row = tuple[UUID, str, datetime, int | None, str | None, str | None]


def live(rows: list[Row]) -> list[dict[str, Any]]:
    made = table_of(rows).drop_columns(["properties", "lines", "birth_month", "is_returned"])
    return [{name: _plain(value) for name, value in row.items()} for row in made.to_pylist()]


def _plain(value: object) -> object:
    return str(UUID(bytes=value)) if isinstance(value, bytes) else value


def in_sets(rows: list[Row]) -> list[dict[str, Any]]:
    activities = pa.table(
        {
            "activity_id": [str(UUID(int=1000 + i)) for i in range(len(rows))],
            "kind": [row[1] for row in rows],
            "source": ["Shop"] * len(rows),
            "anchor_id": [str(row[0]) for row in rows],
            "occurred_at": pa.array([row[2] for row in rows], pa.timestamp("us", "UTC")),
            "order_id": pa.array([row[5] for row in rows], pa.string()),
            "amount_minor": pa.array([row[3] for row in rows], pa.int64()),
            "currency": pa.array([row[4] for row in rows], pa.string()),
        }
    )
    names = [str(customer) for customer in CUSTOMERS]
    links = pa.table({"anchor_id": names, "customer_id": names})
    made: list[dict[str, Any]] = decided(ibis.memtable(activities), ibis.memtable(links)).to_pyarrow().to_pylist()
    return made


def by_place(row: dict[str, Any]) -> tuple[str, str]:
    return row["customer_id"], row["activity_id"]


@settings(max_examples=60, deadline=None)
@given(st.lists(told, min_size=1, max_size=10))
def test_the_rows_are_those_of_deciding(rows: list[Row]) -> None:
    assert sorted(in_sets(rows), key=by_place) == sorted(live(rows), key=by_place)
