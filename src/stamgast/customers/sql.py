"""SQL of the identifier graph, one function a statement, set-based. Private to the room.

Decides nothing: what to write is worked out in ``rules`` and ``operations``. Arrays are joined with ``unnest`` and not
``= ANY``, so that the plan is an index look-up per element however long they are.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from stamgast.customers.types import Evidence, Identifier, LinkReason
from stamgast.kit.database import Cursor
from stamgast.kit.ids import bucket_of

Seen = tuple[datetime, datetime]


def insert_identifiers(cursor: Cursor, identifiers: Iterable[Identifier]) -> None:
    """Inserts those that are not there, in id order; waits for another transaction that is inserting the same one."""
    ordered = sorted(identifiers, key=lambda identifier: identifier.id)
    cursor.execute(
        """
        INSERT INTO customers_identifier (id, kind, value, first_at)
        SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[]) AS new (id, kind, value, first_at)
        ORDER BY id
        ON CONFLICT (id) DO NOTHING
        """,
        (
            [identifier.id for identifier in ordered],
            [identifier.kind for identifier in ordered],
            [identifier.value for identifier in ordered],
            [identifier.first_at for identifier in ordered],
        ),
    )


def select_customers_of(cursor: Cursor, identifiers: Collection[UUID]) -> dict[UUID, UUID]:
    """The customer that each identifier points at; those that point at nobody are absent."""
    cursor.execute(
        """
        SELECT link.identifier_id, link.customer_id
        FROM unnest(%s::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.identifier_id = wanted.id AND link.ended_at IS NULL
        """,
        (list(identifiers),),
    )
    return dict(cursor.fetchall())


def select_identifiers(cursor: Cursor, identifiers: Collection[UUID]) -> dict[UUID, Identifier]:
    """The stored identifiers with the customers that they point at."""
    cursor.execute(
        """
        SELECT identifier.id, identifier.kind, identifier.value, identifier.first_at, link.customer_id
        FROM unnest(%s::uuid[]) AS wanted (id)
        JOIN customers_identifier AS identifier ON identifier.id = wanted.id
        LEFT JOIN customers_link AS link ON link.identifier_id = wanted.id AND link.ended_at IS NULL
        """,
        (list(identifiers),),
    )
    return {row[0]: Identifier(*row) for row in cursor}


def select_members(cursor: Cursor, customers: Collection[UUID]) -> dict[UUID, Identifier]:
    """All identifiers that point at these customers."""
    cursor.execute(
        """
        SELECT identifier.id, identifier.kind, identifier.value, identifier.first_at, link.customer_id
        FROM unnest(%s::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.customer_id = wanted.id AND link.ended_at IS NULL
        JOIN customers_identifier AS identifier ON identifier.id = link.identifier_id
        """,
        (list(customers),),
    )
    return {row[0]: Identifier(*row) for row in cursor}


def lock_customers(cursor: Cursor, customers: Collection[UUID]) -> dict[UUID, Seen]:
    """Locks customers in id order and says when they were first and last seen."""
    cursor.execute(
        """
        SELECT id, first_seen, last_seen FROM customers_customer
        WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE
        """,
        (sorted(customers),),
    )
    return {customer: (first, last) for customer, first, last in cursor}


def select_evidence(cursor: Cursor, pairs: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Evidence]:
    """What is already known of these pairs."""
    cursor.execute(
        """
        SELECT evidence.first_id, evidence.second_id, evidence.first_at, evidence.activity_id, evidence.is_explicit
        FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (first_id, second_id)
        JOIN customers_evidence AS evidence USING (first_id, second_id)
        """,
        ([first for first, _ in pairs], [second for _, second in pairs]),
    )
    return {(row[0], row[1]): Evidence(*row) for row in cursor}


def select_evidence_among(cursor: Cursor, identifiers: Collection[UUID]) -> dict[tuple[UUID, UUID], Evidence]:
    """All evidence of which both ends are among these identifiers."""
    cursor.execute(
        """
        SELECT evidence.first_id, evidence.second_id, evidence.first_at, evidence.activity_id, evidence.is_explicit
        FROM unnest(%(ids)s::uuid[]) AS one (id)
        JOIN customers_evidence AS evidence ON evidence.first_id = one.id
        JOIN unnest(%(ids)s::uuid[]) AS other (id) ON other.id = evidence.second_id
        """,
        {"ids": list(identifiers)},
    )
    return {(row[0], row[1]): Evidence(*row) for row in cursor}


def select_customers_beside(cursor: Cursor, identifiers: Collection[UUID]) -> set[UUID]:
    """The customers that any evidence, refused or not, connects with these identifiers."""
    cursor.execute(
        """
        WITH wanted (id) AS (SELECT unnest(%s::uuid[])),
        beside (id) AS (
            SELECT evidence.second_id FROM wanted JOIN customers_evidence AS evidence ON evidence.first_id = wanted.id
            UNION
            SELECT evidence.first_id FROM wanted JOIN customers_evidence AS evidence ON evidence.second_id = wanted.id
        )
        SELECT DISTINCT link.customer_id
        FROM beside JOIN customers_link AS link ON link.identifier_id = beside.id AND link.ended_at IS NULL
        """,
        (list(identifiers),),
    )
    return {row[0] for row in cursor}


def write_evidence(cursor: Cursor, evidence: Collection[Evidence]) -> None:
    """Stores evidence that is new or changed. The customers of both ends are locked, so nobody else writes the same."""
    cursor.execute(
        """
        INSERT INTO customers_evidence (first_id, second_id, first_at, activity_id, is_explicit)
        SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::uuid[], %s::boolean[])
        ON CONFLICT (first_id, second_id) DO UPDATE
        SET first_at = excluded.first_at, activity_id = excluded.activity_id, is_explicit = excluded.is_explicit
        """,
        (
            [one.first_id for one in evidence],
            [one.second_id for one in evidence],
            [one.first_at for one in evidence],
            [one.activity_id for one in evidence],
            [one.is_explicit for one in evidence],
        ),
    )


def write_first_at(cursor: Cursor, first_at: Mapping[UUID, datetime]) -> None:
    """Sets the earliest moment of identifiers that turn out to be older than was known."""
    cursor.execute(
        """
        UPDATE customers_identifier AS identifier SET first_at = earlier.first_at
        FROM unnest(%s::uuid[], %s::timestamptz[]) AS earlier (id, first_at) WHERE identifier.id = earlier.id
        """,
        (list(first_at), list(first_at.values())),
    )


def select_presence(cursor: Cursor, customers: Collection[UUID]) -> dict[UUID, bool]:
    """Which of these customers exist, and whether they are in force (True) or merged into another (False)."""
    cursor.execute(
        """
        SELECT customer.id, customer.merged_into IS NULL
        FROM unnest(%s::uuid[]) AS wanted (id) JOIN customers_customer AS customer ON customer.id = wanted.id
        """,
        (list(customers),),
    )
    return dict(cursor.fetchall())


def write_customers(cursor: Cursor, customers: Mapping[UUID, Seen], *, at: datetime) -> None:
    """Inserts customers; one that was merged into another and gets identifiers again is revived."""
    cursor.execute(
        """
        INSERT INTO customers_customer (id, bucket, created_at, first_seen, last_seen)
        SELECT new.id, new.bucket, %s, new.first_seen, new.last_seen
        FROM unnest(%s::uuid[], %s::smallint[], %s::timestamptz[], %s::timestamptz[])
            AS new (id, bucket, first_seen, last_seen)
        ON CONFLICT (id) DO UPDATE
        SET merged_into = NULL, first_seen = excluded.first_seen, last_seen = excluded.last_seen
        """,
        (
            at,
            list(customers),
            [bucket_of(customer) for customer in customers],
            [first for first, _ in customers.values()],
            [last for _, last in customers.values()],
        ),
    )


def write_merged(cursor: Cursor, merged: Mapping[UUID, UUID]) -> None:
    """Says of customers without identifiers which customer they are now part of."""
    cursor.execute(
        """
        UPDATE customers_customer AS customer SET merged_into = merged.survivor
        FROM unnest(%s::uuid[], %s::uuid[]) AS merged (id, survivor) WHERE customer.id = merged.id
        """,
        (list(merged), list(merged.values())),
    )


def write_seen(cursor: Cursor, seen: Mapping[UUID, Seen]) -> None:
    """Sets when customers were first and last seen."""
    cursor.execute(
        """
        UPDATE customers_customer AS customer SET first_seen = new.first_seen, last_seen = new.last_seen
        FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS new (id, first_seen, last_seen)
        WHERE customer.id = new.id
        """,
        (list(seen), [first for first, _ in seen.values()], [last for _, last in seen.values()]),
    )


def end_links(cursor: Cursor, identifiers: Collection[UUID], *, at: datetime) -> dict[UUID, datetime]:
    """Ends the open links of these identifiers and says when: at ``at``, or when they began if that is later."""
    cursor.execute(
        """
        UPDATE customers_link AS link SET ended_at = greatest(link.began_at, %s)
        FROM unnest(%s::uuid[]) AS gone (id) WHERE link.identifier_id = gone.id AND link.ended_at IS NULL
        RETURNING link.identifier_id, link.ended_at
        """,
        (at, list(identifiers)),
    )
    return dict(cursor.fetchall())


def begin_links(cursor: Cursor, links: Sequence[tuple[UUID, UUID, datetime, UUID | None, LinkReason]], *, actor: str) -> None:
    """Begins links: identifier, customer, moment, causing activity, reason."""
    with cursor.copy(
        "COPY customers_link (identifier_id, customer_id, began_at, cause, actor, reason) FROM STDIN (FORMAT BINARY)"
    ) as copy:
        copy.set_types(("uuid", "uuid", "timestamptz", "uuid", "text", "text"))
        for identifier, customer, began_at, cause, reason in links:
            copy.write_row((identifier, customer, began_at, cause, actor, reason.value))


def write_traits(cursor: Cursor, traits: Sequence[tuple[UUID, str, str, datetime, str, UUID]]) -> None:
    """Stores traits (anchor, name, value as JSON text, occurred at, source, activity) that are later than what is known."""
    columns = zip(*traits, strict=True)
    cursor.execute(
        """
        INSERT INTO customers_trait AS known (anchor_id, name, value, occurred_at, source, activity_id)
        SELECT anchor_id, name, value::jsonb, occurred_at, source, activity_id
        FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::uuid[])
            AS new (anchor_id, name, value, occurred_at, source, activity_id)
        ON CONFLICT (anchor_id, name) DO UPDATE
        SET value = excluded.value, occurred_at = excluded.occurred_at, source = excluded.source,
            activity_id = excluded.activity_id
        WHERE (known.occurred_at, known.activity_id) < (excluded.occurred_at, excluded.activity_id)
        """,
        [list(column) for column in columns],
    )
