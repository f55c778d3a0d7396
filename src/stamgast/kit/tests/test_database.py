"""Rows of many given keys are found by their index, and nothing else in the transaction is planned otherwise."""

import pytest

from stamgast.kit.database import FEW, Cursor, found_by_key, transaction

pytestmark = pytest.mark.django_db
NUMBER = 5_000


def plan_of(cursor: Cursor) -> str:
    keys = list(range(NUMBER))
    cursor.execute(
        "EXPLAIN SELECT * FROM things JOIN unnest(%b::bigint[]) AS k(id) ON things.id = k.id", (keys,), prepare=False
    )
    return "\n".join(row[0] for row in cursor)


def test_many_keys_are_found_by_their_index() -> None:
    with transaction() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE things (id bigint PRIMARY KEY, name text) ON COMMIT DROP")
        cursor.execute("INSERT INTO things SELECT n, 'thing ' || n FROM generate_series(1, 20000) AS n")
        before = plan_of(cursor)
        with found_by_key(cursor, NUMBER):
            within = plan_of(cursor)
        assert "Seq Scan on things" in before
        assert "Index Scan using things_pkey" in within
        assert plan_of(cursor) == before


def test_few_keys_cost_no_statement() -> None:
    with transaction() as cursor:
        with found_by_key(cursor, FEW):
            (shown,) = cursor.execute("SHOW enable_seqscan").fetchone() or ()
        assert shown == "on"
