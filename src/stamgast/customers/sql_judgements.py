"""SQL of judgements and of customers that come back, one function a statement. Private to the room, like ``sql``."""

from collections.abc import Collection
from uuid import UUID

from stamgast.customers.types import Identifier, Judgement
from stamgast.kit.database import Cursor

JUDGEMENT_COLUMNS = (
    "judgement.id, judgement.one_id, judgement.other_id, judgement.is_same, judgement.made_at, judgement.actor, "
    "judgement.reason, judgement.withdrawn_at, judgement.withdrawn_by, judgement.withdrawn_reason"
)


def select_judgements(cursor: Cursor, identifiers: Collection[UUID]) -> list[Judgement]:
    """The judgements that are not withdrawn and that name one of these identifiers."""
    cursor.execute(
        f"""
        SELECT {JUDGEMENT_COLUMNS} FROM unnest(%(ids)s::uuid[]) AS wanted (id)
        JOIN customers_judgement AS judgement ON judgement.one_id = wanted.id AND judgement.withdrawn_at IS NULL
        UNION
        SELECT {JUDGEMENT_COLUMNS} FROM unnest(%(ids)s::uuid[]) AS wanted (id)
        JOIN customers_judgement AS judgement ON judgement.other_id = wanted.id AND judgement.withdrawn_at IS NULL
        """,
        {"ids": list(identifiers)},
    )
    return [Judgement(*row) for row in cursor]


def lock_judgement(cursor: Cursor, judgement: UUID) -> Judgement | None:
    """One judgement, locked until the transaction ends."""
    cursor.execute(f"SELECT {JUDGEMENT_COLUMNS} FROM customers_judgement AS judgement WHERE id = %s FOR UPDATE", (judgement,))
    row = cursor.fetchone()
    return Judgement(*row) if row else None


def write_judgement(cursor: Cursor, judgement: Judgement) -> None:
    """Inserts a judgement, or gives the one that is there its end."""
    cursor.execute(
        """
        INSERT INTO customers_judgement (
            id, one_id, other_id, is_same, made_at, actor, reason, withdrawn_at, withdrawn_by, withdrawn_reason
        ) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (id) DO UPDATE SET withdrawn_at = excluded.withdrawn_at, withdrawn_by = excluded.withdrawn_by,
            withdrawn_reason = excluded.withdrawn_reason
        """,
        (
            judgement.id,
            judgement.one_id,
            judgement.other_id,
            judgement.is_same,
            judgement.made_at,
            judgement.actor,
            judgement.reason,
            judgement.withdrawn_at,
            judgement.withdrawn_by,
            judgement.withdrawn_reason,
        ),
    )


def select_identifiers(cursor: Cursor, identifiers: Collection[UUID]) -> dict[UUID, Identifier]:
    """These identifiers, without whose they are; unknown ones are absent."""
    cursor.execute(
        "SELECT id, kind, value, first_at FROM customers_identifier WHERE id = ANY(%s::uuid[])", (list(identifiers),)
    )
    return {row[0]: Identifier(*row) for row in cursor}


def take_former_customers(cursor: Cursor, identifiers: Collection[UUID]) -> dict[UUID, UUID]:
    """The customer that each identifier had before, where it is part of another now and nobody is reviving it; each once.

    Locks it. Nobody waits here, so that taking these after the others makes no circle.
    """
    cursor.execute(
        """
        SELECT link.identifier_id, link.customer_id FROM customers_link AS link
        JOIN (
            SELECT id FROM customers_customer WHERE merged_into IS NOT NULL AND id IN (
                SELECT link.customer_id FROM unnest(%(ids)s::uuid[]) AS wanted (id)
                JOIN customers_link AS link ON link.identifier_id = wanted.id AND link.ended_at IS NOT NULL
            ) FOR UPDATE SKIP LOCKED
        ) AS former ON former.id = link.customer_id
        WHERE link.identifier_id = ANY(%(ids)s::uuid[]) AND link.ended_at IS NOT NULL
        ORDER BY link.ended_at DESC, link.id DESC
        """,
        {"ids": list(identifiers)},
    )
    former: dict[UUID, UUID] = {}
    for identifier, customer in cursor:
        if identifier not in former and customer not in former.values():
            former[identifier] = customer
    return former
