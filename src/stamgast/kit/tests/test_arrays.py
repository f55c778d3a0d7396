"""Ids on their way to the server arrive as they are, whichever way they are given."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from psycopg.types.array import ListBinaryDumper

from stamgast.kit.arrays import id_array
from stamgast.kit.database import transaction

pytestmark = pytest.mark.django_db
ONE, TWO = UUID(int=1), UUID("ffffffff-0000-4000-8000-000000000002")


@pytest.mark.parametrize("values", [[], [ONE], [ONE, None, TWO], [None, ONE], [None]])
def test_ids_of_bytes_arrive(values: list[UUID | None]) -> None:
    packed = id_array([None if value is None else value.bytes for value in values])
    assert _back(packed) == values


@pytest.mark.parametrize("values", [[], [ONE], [ONE, None, TWO], [None, ONE], [None], [[ONE, TWO], [TWO, None]]])
def test_lists_of_ids_arrive(values: list[Any]) -> None:
    assert _back(values) == values


def test_lists_of_ids_are_not_dumped_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("an id was dumped by the driver")

    monkeypatch.setattr(ListBinaryDumper, "dump", refuse)
    assert _back([ONE, TWO, None]) == [ONE, TWO, None]
    with connection.cursor() as cursor:
        cursor.execute("SELECT %b::uuid[]", ([ONE],))
        assert cursor.fetchone() == ([ONE],)


def _back(values: Any) -> Any:
    with transaction() as cursor:
        row = cursor.execute("SELECT %b::uuid[]", (values,)).fetchone()
        assert row is not None
        return row[0]
