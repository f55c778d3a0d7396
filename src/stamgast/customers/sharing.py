"""Whose activities carry an identifier that belongs to somebody else: a shared address, a till that two people used."""

from collections.abc import Collection
from uuid import UUID

from stamgast.kit.database import Cursor


def list_seen_with(cursor: Cursor, identifiers: Collection[UUID]) -> list[UUID]:
    """Identifiers that were seen together with these and are none of them."""
    ids = list(identifiers)
    cursor.execute(
        """
        SELECT first_id FROM customers_evidence WHERE second_id = ANY(%(ids)s) AND NOT first_id = ANY(%(ids)s)
        UNION SELECT second_id FROM customers_evidence WHERE first_id = ANY(%(ids)s) AND NOT second_id = ANY(%(ids)s)
        """,
        {"ids": ids},
    )
    return [row[0] for row in cursor]
