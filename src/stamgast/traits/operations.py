"""Writes of traits: saving and removing a definition, and keeping the values of all customers. In the caller's transaction."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from stamgast.access.operations import record
from stamgast.kit.database import Cursor
from stamgast.traits.definition import Definition
from stamgast.traits.errors import InvalidTrait, TraitChanged, TraitExists, TraitNotFound
from stamgast.traits.queries import count_traits, find_trait
from stamgast.traits.types import Value

MOST_TRAITS = 200


def save_trait(cursor: Cursor, definition: Definition, *, after: int | None, at: datetime, actor: str, reason: str = "") -> int:
    """Makes a definition the next version of the trait of its name; returns the version. The trail says who and why.

    ``after`` is the version that was edited, None for a new trait. The definition that is in force already is that version,
    and nothing is written. Of two who save at the same time one gets TraitChanged. A name that was removed may be used again:
    its versions go on. Raises TraitExists where a new trait has the name of another.
    """
    known = find_trait(cursor, definition.name)
    document = dict(definition.document) | ({"currency": definition.currency} if definition.currency else {})
    if known is not None and known.document == document:
        return known.version
    if known is not None and after is None:
        raise TraitExists(f"There is a trait called {definition.name} already. Choose another name.")
    if known is None and after is not None:
        raise TraitNotFound("This trait was removed meanwhile. Make it again if it is still wanted.")
    if known is None and count_traits(cursor) >= MOST_TRAITS:
        raise InvalidTrait("", f"There are {MOST_TRAITS} traits, which is the most. Remove one that nobody uses.")
    version = _write(cursor, definition.name, msgspec.json.encode(document).decode(), after, at, actor, reason)
    detail = {"version": version, "reason": reason}
    record(cursor, actor, "change trait" if known else "add trait", f"trait:{definition.name}", detail, at)
    return version


def remove_trait(cursor: Cursor, name: str, *, after: int, at: datetime, actor: str, reason: str = "") -> None:
    """Removes a trait with its values; its versions stay for who asks later. Raises TraitNotFound, TraitChanged."""
    if find_trait(cursor, name) is None:
        raise TraitNotFound("This trait was removed before, or never was.")
    version = _write(cursor, name, None, after, at, actor, reason)
    record(cursor, actor, "remove trait", f"trait:{name}", {"version": version, "reason": reason}, at)


def _write(
    cursor: Cursor, name: str, document: str | None, after: int | None, at: datetime, actor: str, reason: str
) -> int:  # fmt: skip
    cursor.execute(
        "INSERT INTO traits_trait (name, version, computed_of, computed_seconds) VALUES (%s, 0, '', 0) ON CONFLICT DO NOTHING",
        (name,),
    )
    cursor.execute("SELECT version FROM traits_trait WHERE name = %s FOR UPDATE", (name,))
    (latest,) = cursor.fetchone() or (0,)
    if after is not None and after != latest:
        raise TraitChanged("Somebody else changed this trait just now. Look at what they made of it, then try again.")
    cursor.execute(
        "INSERT INTO traits_version (name, version, document, saved_at, saved_by, reason) VALUES (%s, %s, %s, %s, %s, %s)",
        (name, latest + 1, document, at, actor, reason),
    )
    cursor.execute("UPDATE traits_trait SET version = %s WHERE name = %s", (latest + 1, name))
    return int(latest) + 1


def keep_values(
    cursor: Cursor,
    name: str,
    version: int,
    values: Iterable[tuple[UUID, Value]],
    *,
    but: Iterable[UUID],
    of: str,
    at: datetime,
    seconds: float,
) -> int:
    """Makes these the values of all customers, except ``but``; returns how many rows were written. Only differences are.

    Waits for who saves the same trait. Nothing is kept where another version was saved meanwhile.
    """
    cursor.execute("SELECT version FROM traits_trait WHERE name = %s FOR UPDATE", (name,))
    if cursor.fetchone() != (version,):
        return 0
    cursor.execute("CREATE TEMP TABLE fresh (customer_id uuid, number numeric, text text, moment timestamptz) ON COMMIT DROP")
    left_out = set(but)
    with cursor.copy("COPY fresh FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["uuid", "numeric", "text", "timestamptz"])
        for customer, value in values:
            if customer not in left_out:
                copy.write_row((customer, *_columns(value)))
    cursor.execute("ANALYZE fresh")
    cursor.execute(
        "DELETE FROM traits_value AS value WHERE trait = %s "
        "AND NOT EXISTS (SELECT FROM fresh WHERE fresh.customer_id = value.customer_id)",
        (name,),
    )
    written = cursor.rowcount
    cursor.execute(
        """
        INSERT INTO traits_value AS value (trait, customer_id, number, text, moment)
        SELECT %s, fresh.* FROM fresh LEFT JOIN traits_value AS known ON known.trait = %s
          AND known.customer_id = fresh.customer_id
        WHERE (known.number, known.text, known.moment) IS DISTINCT FROM (fresh.number, fresh.text, fresh.moment)
        ON CONFLICT (trait, customer_id)
        DO UPDATE SET number = excluded.number, text = excluded.text, moment = excluded.moment
        """,
        (name, name),
    )
    written += cursor.rowcount
    cursor.execute("DROP TABLE fresh")
    cursor.execute(
        "UPDATE traits_trait SET computed_version = %s, computed_of = %s, computed_at = %s, computed_seconds = %s "
        "WHERE name = %s",
        (version, of, at, seconds, name),
    )
    return written


def forget_removed(cursor: Cursor) -> int:
    """Takes away the values of traits that were removed; returns how many."""
    cursor.execute(
        """
        DELETE FROM traits_value WHERE trait IN (
          SELECT trait.name FROM traits_trait AS trait JOIN traits_version AS version USING (name, version)
          WHERE version.document IS NULL AND trait.computed_at IS NOT NULL
        )
        """
    )
    count = cursor.rowcount
    cursor.execute(
        """
        UPDATE traits_trait AS trait SET computed_at = NULL, computed_version = NULL, computed_of = '' FROM traits_version
        AS version WHERE version.name = trait.name AND version.version = trait.version AND version.document IS NULL
          AND trait.computed_at IS NOT NULL
        """
    )
    return count


def forget_values_of(cursor: Cursor, customer: UUID) -> int:
    """Takes away every value of one customer, who is erased; returns how many."""
    cursor.execute("DELETE FROM traits_value WHERE customer_id = %s", (customer,))
    return cursor.rowcount


def _columns(value: Value) -> tuple[Any, str | None, datetime | None]:
    if isinstance(value, str):
        return None, value.replace("\0", ""), None  # which PostgreSQL has not in a text
    return (None, None, value) if isinstance(value, datetime) else (Decimal(value), None, None)
