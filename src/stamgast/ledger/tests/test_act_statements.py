"""What acts ask of the server: as few statements for one as for many, and which of them are prepared."""

from typing import Any

import pytest
from psycopg import Cursor as PsycopgCursor

from stamgast.kit.database import transaction
from stamgast.ledger.acts import Spend
from stamgast.ledger.tests.examples import act, do, give, wanted

pytestmark = pytest.mark.django_db


def test_an_act_takes_few_statements_whether_one_or_many(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    originals = {name: getattr(PsycopgCursor, name) for name in ("execute", "copy")}

    def counted(name: str) -> Any:
        def call(*values: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            return originals[name](*values, **options)

        return call

    with transaction() as cursor:
        give(cursor, wanted(amount=1_000))
        for name in originals:
            monkeypatch.setattr(PsycopgCursor, name, counted(name))
        counts = []
        for number in (1, 300):
            count = 0
            do(cursor, *(act(Spend, f"{number} {n}", currency="score", amount=1) for n in range(number)))
            counts.append(count)
        assert counts == [9, 11], "two more say that the many are found by their keys"


def test_statements_of_few_acts_are_prepared_and_those_of_many_are_planned_for_what_they_are() -> None:
    with transaction() as cursor:
        give(cursor, wanted(amount=1_000))

        def count_prepared() -> int:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%ledger_act%'", prepare=False)
            return int(next(iter(cursor))[0])

        cursor.execute("DEALLOCATE ALL", prepare=False)
        do(cursor, *(act(Spend, f"many {n}", currency="score", amount=1) for n in range(300)))
        many = count_prepared()
        do(cursor, act(Spend, "one", currency="score", amount=1))
        assert (many, count_prepared()) == (0, 2)
