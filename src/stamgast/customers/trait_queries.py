"""Reads of who told what about a customer, the values that lost included."""

from uuid import UUID

import msgspec

from stamgast.customers.types import TraitValue
from stamgast.kit.database import Cursor


def list_trait_values(cursor: Cursor, customer: UUID) -> list[TraitValue]:
    """Every value of every trait by name, the one that holds first, then the last told. A null says that it was taken away."""
    cursor.execute(
        """
        WITH told AS (
            SELECT value.name, value.value, value.source, min(value.first_at) AS first_at, max(value.last_at) AS last_at
            FROM customers_link AS link JOIN customers_trait_value AS value ON value.anchor_id = link.identifier_id
            WHERE link.customer_id = %(customer)s AND link.ended_at IS NULL
            GROUP BY value.name, value.value, value.source
        ), held AS (
            SELECT DISTINCT ON (trait.name) trait.name, trait.value, trait.source
            FROM customers_link AS link JOIN customers_trait AS trait ON trait.anchor_id = link.identifier_id
            WHERE link.customer_id = %(customer)s AND link.ended_at IS NULL
            ORDER BY trait.name, trait.occurred_at DESC, trait.activity_id DESC
        )
        SELECT told.name, told.value::text, told.source, told.first_at, told.last_at, held.name IS NOT NULL
        FROM told LEFT JOIN held ON held.name = told.name AND held.value = told.value AND held.source = told.source
        ORDER BY told.name, held.name IS NULL, told.last_at DESC, told.source
        """,
        {"customer": customer},
    )
    return [TraitValue(name, msgspec.json.decode(value), *rest) for name, value, *rest in cursor]
