"""Raw psycopg cursors on Django's own connection, for the hot paths and for reads that no ORM writes well.

Transactions open at the edges and in ``flows``; operations are given the cursor of the transaction they run in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
from django.db import connection
from django.db import transaction as django_transaction

from stamgast.kit.arrays import register

Cursor: TypeAlias = psycopg.Cursor[Any]
APPLICATION_ROLE = "stamgast_app"
FEW = 64
KEEPING_PLANS = "-cplan_cache_mode=force_generic_plan"
"""How a session of the application begins. Only statements about few keys are prepared (``is_few``). Left to itself, the server
plans three of those that an act takes anew each time, because the ten keys that it expects look dearer than the one that it
sees: a third of what it does for an act."""
register()
TIMESTAMPTZ = psycopg.adapters.types["timestamptz"].oid
LOADER_OF_MOMENTS = psycopg.adapters.get_loader(TIMESTAMPTZ, psycopg.pq.Format.TEXT)
"""psycopg's own, twelve times as fast as the one that Django puts in its place; both give moments in UTC."""
DJANGOS_OWN_OPTIONS = frozenset(
    ("pool", "isolation_level", "server_side_binding", "assume_role", "cursor_factory", "context", "prepare_threshold")
)


@contextmanager
def open_cursor() -> Iterator[Cursor]:
    """A cursor for reading, in whatever transaction is open, or none."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        if LOADER_OF_MOMENTS is not None:
            cursor.adapters.register_loader(TIMESTAMPTZ, LOADER_OF_MOMENTS)
        yield cursor


@contextmanager
def transaction() -> Iterator[Cursor]:
    """A cursor in a new transaction: everything is written, or nothing."""
    with django_transaction.atomic(), open_cursor() as cursor:
        yield cursor


@contextmanager
def trial() -> Iterator[Cursor]:
    """A transaction of which nothing is kept: what an act would do is found out by doing it."""
    with django_transaction.atomic(), open_cursor() as cursor:
        yield cursor
        django_transaction.set_rollback(True)


def is_in_transaction() -> bool:
    """Whether this thread has a transaction open, so that what it writes is a part of that."""
    return connection.in_atomic_block


def another(cursor: Cursor) -> Cursor:
    """A second cursor in the same transaction: statements that are sent together each keep their answer in one of their own."""
    return psycopg.Cursor(cursor.connection)


def is_few(number: int) -> bool:
    """Whether statements about so many keys are prepared, and fresh rows travel as arrays in one journey with the rest.

    A plan that is kept expects about ten keys, which is right for few and wrong for thousands: those are planned for what they
    are, and where they are keys of rows, ``found_by_key``. A plan made while a table was all but empty is made again when
    autovacuum has counted it.
    """
    return number <= FEW


@contextmanager
def found_by_key(cursor: Cursor, number: int) -> Iterator[None]:
    """Within it, rows of so many given keys are found each by its index, however few rows the table has.

    Thousands of keys beside a table of some hundred thousand rows look to the planner like a reason to hash the whole table,
    which takes four times as long as going by the index, and longer the more there is. Few keys need nothing: ``is_few``.
    """
    if is_few(number):
        yield
        return
    beside = another(cursor)
    beside.execute(_OTHER_WAYS, ["off"] * 3)
    yield  # what fails within has lost its transaction, or this much of it, and with it the setting
    beside.execute(_OTHER_WAYS, ["on"] * 3)


_OTHER_WAYS = "SELECT " + ", ".join(f"set_config('enable_{way}', %s, true)" for way in ("hashjoin", "mergejoin", "seqscan"))


def connection_parameters() -> dict[str, Any]:
    """What a connection beside Django's needs to reach the same database with the same rights."""
    named = connection.settings_dict
    parameters = {
        "dbname": named["NAME"],
        "user": named["USER"],
        "password": named["PASSWORD"],
        "host": named["HOST"],
        "port": named["PORT"],
        **{name: value for name, value in named["OPTIONS"].items() if name not in DJANGOS_OWN_OPTIONS},
    }
    return {name: value for name, value in parameters.items() if value not in ("", None)}


def act_as_application(*, most_connections: int | None = None) -> None:
    """From here on this process's sessions have the rights of the application only: movements are inserted, never changed.

    A process that answers requests, each in a context of its own, shares ``most_connections`` among them.
    """
    options = connection.settings_dict.setdefault("OPTIONS", {})
    told = (options.get("options", ""), f"-crole={APPLICATION_ROLE}", KEEPING_PLANS)
    options["options"] = " ".join(one for one in told if one)
    if most_connections is not None:
        options["pool"] = {"min_size": 1, "max_size": most_connections, "timeout": 10}
    connection.close()
