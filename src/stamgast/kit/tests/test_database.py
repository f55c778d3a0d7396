"""Rows of many given keys are found by their index, and nothing else in the transaction is planned otherwise; statements about
few are planned once."""

import psycopg
import pytest
from django.db import connection

from stamgast.kit.database import FEW, Cursor, act_as_application, connection_parameters, found_by_key, transaction

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


def test_the_application_plans_what_it_prepares_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", dict(connection.settings_dict["OPTIONS"]))
    monkeypatch.setattr(connection, "close", lambda: None)
    act_as_application()
    with psycopg.connect(**connection_parameters()) as database, database.cursor() as cursor:
        assert cursor.execute("SELECT current_user").fetchone() == ("stamgast_app",)
        for number in range(3):
            cursor.execute("SELECT * FROM unnest(%b::bigint[]) AS k", ([number],), prepare=True)
        cursor.execute("SELECT generic_plans, custom_plans FROM pg_prepared_statements", prepare=False)
        assert cursor.fetchall() == [(3, 0)]
