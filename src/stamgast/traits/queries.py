"""Reads: definitions and their versions, and the values of all customers as they were last worked out."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg.sql import SQL, Literal

from stamgast.kit.database import Cursor
from stamgast.kit.paging import DEFAULT_PAGE, Page, decode_cursor, page_of
from stamgast.traits.errors import TraitNotFound
from stamgast.traits.filters import TraitFilter, few_condition
from stamgast.traits.types import Standing, Trait, TraitVersion

_TRAITS = """
SELECT trait.name, trait.version, version.document::text, version.saved_at, version.saved_by,
  CASE WHEN trait.computed_version = trait.version THEN trait.computed_at END
FROM traits_trait AS trait JOIN traits_version AS version USING (name, version) WHERE version.document IS NOT NULL
"""


def list_traits(cursor: Cursor, *, after: str | None = None, limit: int = DEFAULT_PAGE) -> Page[Trait]:
    """The traits by name."""
    name = str(decode_cursor(after, str)[0]) if after is not None else ""
    cursor.execute(f"{_TRAITS} AND trait.name > %s ORDER BY trait.name LIMIT %s", (name, limit + 1))
    return page_of([_trait(row) for row in cursor], limit, lambda trait: (trait.name,))


def list_all_traits(cursor: Cursor) -> list[Trait]:
    """Every trait by name. There are at most some hundreds: they are definitions, not values."""
    cursor.execute(f"{_TRAITS} ORDER BY trait.name")
    return [_trait(row) for row in cursor]


def find_trait(cursor: Cursor, name: str) -> Trait | None:
    """The trait of this name."""
    cursor.execute(f"{_TRAITS} AND trait.name = %s", (name,))
    row = cursor.fetchone()
    return _trait(row) if row else None


def get_trait(cursor: Cursor, name: str) -> Trait:
    """Like ``find_trait``; raises TraitNotFound."""
    trait = find_trait(cursor, name)
    if trait is None:
        raise TraitNotFound(f"There is no trait called {name[:40]!r}. It may have been removed.")
    return trait


def count_traits(cursor: Cursor) -> int:
    """How many there are."""
    cursor.execute(f"SELECT count(*) FROM ({_TRAITS}) AS traits")
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def list_versions(cursor: Cursor, name: str) -> list[TraitVersion]:
    """Every version of a trait, the latest first."""
    cursor.execute(
        "SELECT version, document::text, saved_at, saved_by, reason FROM traits_version WHERE name = %s ORDER BY version DESC",
        (name,),
    )
    return [TraitVersion(row[0], msgspec.json.decode(row[1]) if row[1] else None, *row[2:]) for row in cursor]


def get_standing(cursor: Cursor, name: str) -> Standing:
    """Of what the values of a trait are; raises TraitNotFound."""
    cursor.execute(
        "SELECT computed_version, computed_of, computed_at, computed_seconds FROM traits_trait WHERE name = %s", (name,)
    )
    row = cursor.fetchone()
    if row is None:
        raise TraitNotFound(f"There is no trait called {name[:40]!r}. It may have been removed.")
    return Standing(*row)


def list_values(
    cursor: Cursor, names: Collection[str], customers: Collection[UUID]
) -> Mapping[UUID, Mapping[str, int | str | datetime]]:
    """What these customers' values were when those of all were last worked out, by customer and name.

    Where there is none nothing counted then, or the trait is not worked out yet: ``computed_at`` tells. Days since the last
    are the moment of the last.
    """
    cursor.execute(
        "SELECT customer_id, trait, number, text, moment FROM traits_value WHERE trait = ANY(%s) AND customer_id = ANY(%s)",
        (list(names), list(customers)),
    )
    found: dict[UUID, dict[str, int | str | datetime]] = {}
    for customer, name, number, text, moment in cursor:
        found.setdefault(customer, {})[name] = int(number) if number is not None else text if text is not None else moment
    return found


def find_few(cursor: Cursor, wanted: TraitFilter, *, at: datetime, most: int) -> list[UUID] | None:
    """Everybody whose kept value fits; None where that is more than ``most``, or where who has no value may fit too."""
    condition = few_condition(wanted, at=at)
    if condition is None:
        return None
    query = SQL("SELECT value.customer_id FROM traits_value AS value WHERE {} LIMIT {}").format(condition, Literal(most + 1))
    found = [row[0] for row in cursor.execute(query).fetchall()]
    return found if len(found) <= most else None


def _trait(row: tuple[str, int, str, datetime, str, datetime | None]) -> Trait:
    return Trait(row[0], row[1], msgspec.json.decode(row[2]), *row[3:])
