"""The lake's activities, read as deciding reads them, are those of deciding."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import duckdb
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


ACTIVITIES = pa.schema(
    {
        "activity_id": pa.string(),
        "kind": pa.string(),
        "source": pa.string(),
        "anchor_id": pa.string(),
        "occurred_at": pa.timestamp("us", "UTC"),
        "order_id": pa.string(),
        "amount_minor": pa.int64(),
        "currency": pa.string(),
    }
)
LINKS = pa.schema({"anchor_id": pa.string(), "customer_id": pa.string()})


@cache
def question() -> str:
    """As SQL, once: saying it takes a hundred times as long as answering it."""
    tables = (ibis.table(ibis.Schema.from_pyarrow(schema), name) for name, schema in (("told", ACTIVITIES), ("links", LINKS)))
    return str(ibis.to_sql(decided(*tables), dialect="duckdb"))


def in_sets(rows: list[Row]) -> list[dict[str, Any]]:
    activities = [
        [str(UUID(int=1000 + i)) for i in range(len(rows))],
        [row[1] for row in rows],
        ["Shop"] * len(rows),
        [str(row[0]) for row in rows],
        [row[2] for row in rows],
        [row[5] for row in rows],
        [row[3] for row in rows],
        [row[4] for row in rows],
    ]
    names = [str(customer) for customer in CUSTOMERS]
    with duckdb.connect() as database:
        database.register("told", pa.table(activities, schema=ACTIVITIES))
        database.register("links", pa.table([names, names], schema=LINKS))
        made: list[dict[str, Any]] = database.sql(question()).to_arrow_table().to_pylist()
    return made


def by_place(row: dict[str, Any]) -> tuple[str, str]:
    return row["customer_id"], row["activity_id"]


@settings(max_examples=60, deadline=None)
@given(st.lists(told, min_size=1, max_size=10))
def test_the_rows_are_those_of_deciding(rows: list[Row]) -> None:
    assert sorted(in_sets(rows), key=by_place) == sorted(live(rows), key=by_place)
