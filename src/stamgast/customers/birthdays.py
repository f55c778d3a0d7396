"""In which month a customer was born: read from the traits that tell a birthday, as far as is known now."""

import re
from collections.abc import Collection
from datetime import date
from uuid import UUID

import msgspec

from stamgast.kit.database import Cursor

BIRTH_MONTH = "birth_month"
BIRTH_TRAITS = frozenset({"birthday", "birth_date", "date_of_birth", BIRTH_MONTH})
"""Segment's reserved name, what shops call it besides, and the month alone, for who wants to know no more."""
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})([T ]00:00(:00(\.0+)?)?(Z|[+-]\d{2}:\d{2})?)?")
_MONTH = re.compile(r"0?[1-9]|1[0-2]")


def month_of(name: str, value: object) -> int | None:
    """The month that a trait tells, 1 to 12: of a date such as 1990-05-12, at midnight if it has a time, or the number itself,
    also as text, as files have it.

    None for everything else: what may mean another month is not guessed.
    """
    if name == BIRTH_MONTH:
        is_told = isinstance(value, str) or (type(value) is int and 1 <= value <= 12)
        return int(str(value)) if is_told and _MONTH.fullmatch(str(value).strip()) else None
    found = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    try:
        return date.fromisoformat(found[1]).month
    except ValueError:
        return None


def birth_months(cursor: Cursor, customers: Collection[UUID]) -> dict[UUID, int]:
    """The month of each customer of whom it is known. Of several birthdays the one told last counts, though it be none."""
    cursor.execute(
        """
        SELECT DISTINCT ON (wanted.id) wanted.id, trait.name, trait.value::text
        FROM unnest(%s::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.customer_id = wanted.id AND link.ended_at IS NULL
        JOIN customers_trait AS trait ON trait.anchor_id = link.identifier_id AND trait.name = ANY(%s)
        ORDER BY wanted.id, trait.occurred_at DESC, trait.activity_id DESC, trait.name COLLATE "C" DESC
        """,
        (list(customers), list(BIRTH_TRAITS)),
    )
    told = ((customer, month_of(name, msgspec.json.decode(value))) for customer, name, value in cursor.fetchall())
    return {customer: month for customer, month in told if month is not None}
