"""What the application's role may and may not do."""

import pytest
from django.db import transaction as django_transaction
from psycopg.errors import CheckViolation, InsufficientPrivilege

from stamgast.kit.database import Cursor, transaction
from stamgast.ledger.operations import expire_due, fold, seal
from stamgast.ledger.queries import get_balances
from stamgast.ledger.tests.examples import ACTOR, ADA, day, give, wanted

pytestmark = pytest.mark.django_db


def fill(cursor: Cursor) -> None:
    give(cursor, wanted())
    give(cursor, wanted(amount=4, expires_at=day(2)))
    expire_due(cursor, at=day(3), actor=ACTOR)
    seal(cursor, at=day(3))
    fold(cursor)


def test_role_posts_expires_seals_and_folds() -> None:
    with transaction() as cursor:
        cursor.execute("SET LOCAL ROLE stamgast_app")
        fill(cursor)
        assert get_balances(cursor, ADA)[0].available == 0


@pytest.mark.parametrize("table", ["movement", "batch", "seal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_role_cannot_change_what_was_written(table: str, statement: str) -> None:
    column = {"movement": "amount", "batch": "rows", "seal": "sequence"}[table]
    with transaction() as cursor:
        fill(cursor)
        cursor.execute("SET LOCAL ROLE stamgast_app")
        with pytest.raises(InsufficientPrivilege), django_transaction.atomic():
            cursor.execute(statement.format(f"ledger_{table}", column, column))
        cursor.execute(f"SELECT count(*) FROM ledger_{table}")
        assert cursor.fetchone() == (3,)


def test_role_reaches_tables_that_are_made_later() -> None:
    with transaction() as cursor:
        cursor.execute("CREATE TABLE made_later (id bigserial PRIMARY KEY)")
        cursor.execute("SET LOCAL ROLE stamgast_app")
        cursor.execute("INSERT INTO made_later DEFAULT VALUES")
        cursor.execute("DELETE FROM made_later")
        assert cursor.rowcount == 1


@pytest.mark.parametrize(
    "change",
    ["available = -1, lot_total = -1", "available = available + 1", "debt = -1", "held = held + 1", "pending = -1"],
)
def test_database_refuses_balances_that_cannot_be(change: str) -> None:
    with transaction() as cursor:
        fill(cursor)
        with pytest.raises(CheckViolation), django_transaction.atomic():
            cursor.execute(f"UPDATE ledger_balance SET {change}")


@pytest.mark.parametrize("change", ["remaining = remaining + 1", "given = given - 1", "held = 1", "owed = -1"])
def test_database_refuses_lots_that_do_not_add_up(change: str) -> None:
    with transaction() as cursor:
        fill(cursor)
        with pytest.raises(CheckViolation), django_transaction.atomic():
            cursor.execute(f"UPDATE ledger_lot SET {change}")
