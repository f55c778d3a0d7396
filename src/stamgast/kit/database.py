"""Raw psycopg cursors on Django's own connection, for the hot paths and for reads that no ORM writes well.

Transactions open at the edges and in ``flows``; operations are given the cursor of the transaction they run in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
from django.db import connection
from django.db import transaction as django_transaction

Cursor: TypeAlias = psycopg.Cursor[Any]
APPLICATION_ROLE = "stamgast_app"


@contextmanager
def open_cursor() -> Iterator[Cursor]:
    """A cursor for reading, in whatever transaction is open, or none."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        yield cursor


@contextmanager
def transaction() -> Iterator[Cursor]:
    """A cursor in a new transaction: everything is written, or nothing."""
    with django_transaction.atomic(), open_cursor() as cursor:
        yield cursor


def act_as_application() -> None:
    """From here on this process's sessions have the rights of the application only: movements are inserted, never changed."""
    options = connection.settings_dict.setdefault("OPTIONS", {})
    options["options"] = (
        f"{options.get('options', '')} -crole={APPLICATION_ROLE}".strip()
    )  # no blank within: some read + for it
    connection.close()
