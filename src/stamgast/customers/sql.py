"""SQL of the identifier graph, one function a statement, set-based. Private to the room.

Decides nothing: what to write is worked out in ``rules`` and ``operations``. Arrays are joined with ``unnest`` and not
``= ANY``, so that the plan is an index look-up per element however long they are; they go over in binary (``%b``), a tenth
of what text costs to write, and what has not changed does not come back.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from stamgast.customers.types import Evidence, Identifier, LinkReason
from stamgast.kit.database import Cursor, is_few
from stamgast.kit.ids import bucket_of

Seen = tuple[datetime, datetime]


def insert_identifiers(cursor: Cursor, identifiers: Iterable[Identifier]) -> None:
    """Inserts those that are not there, in id order; waits for another transaction that is inserting the same one."""
    ordered = sorted(identifiers, key=lambda identifier: identifier.id.bytes)
    cursor.execute(
        """
        INSERT INTO customers_identifier (id, kind, value, first_at)
        SELECT * FROM unnest(
            %b::uuid[], %b::text[], %b::text[], %b::timestamptz[]
        ) AS new (id, kind, value, first_at)
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


def select_deviations(
    cursor: Cursor, identifiers: Collection[Identifier], customers: Mapping[UUID, UUID]
) -> list[tuple[UUID, UUID | None, bool]]:
    """Where the store says otherwise: identifier, the customer it points at, and whether it is newer there than given."""
    cursor.execute(
        """
        SELECT wanted.id, link.customer_id, identifier.first_at > wanted.first_at
        FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[]) AS wanted (id, customer_id, first_at)
        JOIN customers_identifier AS identifier ON identifier.id = wanted.id
        LEFT JOIN customers_link AS link ON link.identifier_id = wanted.id AND link.ended_at IS NULL
        WHERE link.customer_id IS DISTINCT FROM wanted.customer_id OR identifier.first_at > wanted.first_at
        """,
        (
            [identifier.id for identifier in identifiers],
            [customers.get(identifier.id) for identifier in identifiers],
            [identifier.first_at for identifier in identifiers],
        ),
    )
    return cursor.fetchall()


def select_members(cursor: Cursor, customers: Collection[UUID]) -> dict[UUID, Identifier]:
    """All identifiers that point at these customers."""
    cursor.execute(
        """
        SELECT identifier.id, identifier.kind, identifier.value, identifier.first_at, link.customer_id
        FROM unnest(%b::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.customer_id = wanted.id AND link.ended_at IS NULL
        JOIN customers_identifier AS identifier ON identifier.id = link.identifier_id
        """,
        (list(customers),),
    )
    return {row[0]: Identifier(*row) for row in cursor}


def lock_customers(cursor: Cursor, customers: Iterable[UUID]) -> None:
    """Locks customers in id order."""
    ids = list(customers)
    cursor.execute(
        """
        SELECT count(*) FROM (
            SELECT FROM customers_customer WHERE id = ANY(%b::uuid[]) ORDER BY id FOR NO KEY UPDATE
        ) AS locked
        """,
        (ids,),
        prepare=is_few(len(ids)),
    )


def lock_unmerged(cursor: Cursor, customers: Collection[UUID]) -> dict[UUID, bool]:
    """Locks customers in id order; returns those that are no part of another when the locks are held, and whether each was
    erased."""
    cursor.execute(
        """
        SELECT id, merged_into, erased_at IS NOT NULL FROM customers_customer
        WHERE id = ANY(%b::uuid[]) ORDER BY id FOR NO KEY UPDATE
        """,
        (list(customers),),
        prepare=is_few(len(customers)),
    )
    return {customer: is_erased for customer, merged_into, is_erased in cursor if merged_into is None}


def select_outdated_evidence(cursor: Cursor, evidence: Sequence[Evidence]) -> list[tuple[int, Evidence | None]]:
    """The places in ``evidence`` that the store does not have, or has later or less explicit; with what it has."""
    cursor.execute(
        """
        SELECT wanted.place, known.first_id, known.second_id, known.first_at, known.activity_id, known.is_explicit
        FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[], %b::uuid[], %b::boolean[]) WITH ORDINALITY
            AS wanted (first_id, second_id, first_at, activity_id, is_explicit, place)
        LEFT JOIN customers_evidence AS known USING (first_id, second_id)
        WHERE known.first_id IS NULL OR (wanted.is_explicit AND NOT known.is_explicit)
            OR (wanted.first_at, wanted.activity_id) < (known.first_at, known.activity_id)
        """,
        _evidence_columns(evidence),
    )
    return [(row[0] - 1, Evidence(*row[1:]) if row[1] is not None else None) for row in cursor]


def _evidence_columns(evidence: Collection[Evidence]) -> tuple[list[UUID], list[UUID], list[datetime], list[UUID], list[bool]]:
    return (
        [one.first_id for one in evidence],
        [one.second_id for one in evidence],
        [one.first_at for one in evidence],
        [one.activity_id for one in evidence],
        [one.is_explicit for one in evidence],
    )


def select_evidence_among(cursor: Cursor, identifiers: Collection[UUID]) -> dict[tuple[UUID, UUID], Evidence]:
    """All evidence of which both ends are among these identifiers."""
    cursor.execute(
        """
        SELECT evidence.first_id, evidence.second_id, evidence.first_at, evidence.activity_id, evidence.is_explicit
        FROM unnest(%(ids)b::uuid[]) AS one (id)
        JOIN customers_evidence AS evidence ON evidence.first_id = one.id
        JOIN unnest(%(ids)b::uuid[]) AS other (id) ON other.id = evidence.second_id
        """,
        {"ids": list(identifiers)},
    )
    return {(row[0], row[1]): Evidence(*row) for row in cursor}


def select_customers_beside(cursor: Cursor, identifiers: Collection[UUID]) -> set[UUID]:
    """The customers that any evidence, refused or not, connects with these identifiers."""
    cursor.execute(
        """
        WITH wanted (id) AS (SELECT unnest(%b::uuid[])),
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
        SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[], %b::uuid[], %b::boolean[])
        ON CONFLICT (first_id, second_id) DO UPDATE
        SET first_at = excluded.first_at, activity_id = excluded.activity_id, is_explicit = excluded.is_explicit
        """,
        _evidence_columns(evidence),
    )


def delete_evidence(cursor: Cursor, anchors: Collection[UUID]) -> None:
    """Forgets everything that came in with one of these as the anchor."""
    cursor.execute("DELETE FROM customers_evidence WHERE first_id = ANY(%b::uuid[])", (list(anchors),))


def write_first_at(cursor: Cursor, first_at: Mapping[UUID, datetime]) -> None:
    """Sets the earliest moment of identifiers that turn out to be older than was known."""
    cursor.execute(
        """
        UPDATE customers_identifier AS identifier SET first_at = earlier.first_at
        FROM unnest(%b::uuid[], %b::timestamptz[]) AS earlier (id, first_at) WHERE identifier.id = earlier.id
        """,
        (list(first_at), list(first_at.values())),
    )


def select_presence(cursor: Cursor, customers: Collection[UUID]) -> dict[UUID, bool]:
    """Which of these customers exist, and whether they are in force (True) or merged into another (False)."""
    cursor.execute(
        """
        SELECT customer.id, customer.merged_into IS NULL
        FROM unnest(%b::uuid[]) AS wanted (id) JOIN customers_customer AS customer ON customer.id = wanted.id
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
        FROM unnest(%b::uuid[], %b::smallint[], %b::timestamptz[], %b::timestamptz[])
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
    """Says of customers without identifiers which customer they are now part of; it was seen whenever they were."""
    arrays = (list(merged), list(merged.values()))
    cursor.execute(
        """
        UPDATE customers_customer AS customer SET merged_into = merged.survivor
        FROM unnest(%b::uuid[], %b::uuid[]) AS merged (id, survivor) WHERE customer.id = merged.id
        """,
        arrays,
    )
    cursor.execute(
        """
        UPDATE customers_customer AS customer
        SET first_seen = least(customer.first_seen, lost.first_seen), last_seen = greatest(customer.last_seen, lost.last_seen)
        FROM (
            SELECT merged.survivor, min(customer.first_seen) AS first_seen, max(customer.last_seen) AS last_seen
            FROM unnest(%b::uuid[], %b::uuid[]) AS merged (id, survivor) JOIN customers_customer AS customer USING (id)
            GROUP BY merged.survivor
        ) AS lost WHERE customer.id = lost.survivor
        """,
        arrays,
    )


def widen_seen(cursor: Cursor, seen: Mapping[UUID, Seen]) -> None:
    """Moves when customers were first and last seen apart, so that these moments lie between them."""
    cursor.execute(
        """
        UPDATE customers_customer AS customer
        SET first_seen = least(customer.first_seen, new.first_seen), last_seen = greatest(customer.last_seen, new.last_seen)
        FROM unnest(%b::uuid[], %b::timestamptz[], %b::timestamptz[]) AS new (id, first_seen, last_seen)
        WHERE customer.id = new.id AND (customer.first_seen > new.first_seen OR customer.last_seen < new.last_seen)
        """,
        _seen_columns(seen),
    )


def write_seen(cursor: Cursor, seen: Mapping[UUID, Seen]) -> None:
    """Sets when customers were first and last seen."""
    cursor.execute(
        """
        UPDATE customers_customer AS customer SET first_seen = new.first_seen, last_seen = new.last_seen
        FROM unnest(%b::uuid[], %b::timestamptz[], %b::timestamptz[]) AS new (id, first_seen, last_seen)
        WHERE customer.id = new.id
        """,
        _seen_columns(seen),
    )


def _seen_columns(seen: Mapping[UUID, Seen]) -> tuple[list[UUID], list[datetime], list[datetime]]:
    return list(seen), [first for first, _ in seen.values()], [last for _, last in seen.values()]


def end_links(cursor: Cursor, identifiers: Collection[UUID], *, at: datetime) -> dict[UUID, datetime]:
    """Ends the open links of these identifiers and says when: at ``at``, or when they began if that is later."""
    cursor.execute(
        """
        UPDATE customers_link AS link SET ended_at = greatest(link.began_at, %s)
        FROM unnest(%b::uuid[]) AS gone (id) WHERE link.identifier_id = gone.id AND link.ended_at IS NULL
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


def write_traits(cursor: Cursor, traits: Sequence[Mapping[str, object]]) -> None:
    """Stores traits, each an object with the names of the columns, that are later than what is known."""
    cursor.execute(
        """
        INSERT INTO customers_trait AS known (anchor_id, name, value, occurred_at, source, activity_id)
        SELECT anchor_id, name, coalesce(value, 'null'), occurred_at, source, activity_id
        FROM json_to_recordset(%s::json)
            AS new (anchor_id uuid, name text, value jsonb, occurred_at timestamptz, source text, activity_id uuid)
        ON CONFLICT (anchor_id, name) DO UPDATE
        SET value = excluded.value, occurred_at = excluded.occurred_at, source = excluded.source,
            activity_id = excluded.activity_id
        WHERE (known.occurred_at, known.activity_id) < (excluded.occurred_at, excluded.activity_id)
        """,
        (msgspec.json.encode(traits).decode(),),
    )


def write_trait_values(cursor: Cursor, values: Sequence[Mapping[str, object]]) -> None:
    """Notes who said what, each an object with the names of the columns; in key order, so that two workers cannot deadlock."""
    cursor.execute(
        """
        INSERT INTO customers_trait_value AS known (anchor_id, name, source, digest, value, first_at, last_at)
        SELECT anchor_id, name, source, md5(value::text)::uuid, value, min(first_at), max(last_at)
        FROM (
            SELECT anchor_id, name, source, coalesce(value, 'null') AS value, first_at, last_at
            FROM json_to_recordset(%s::json)
                AS new (anchor_id uuid, name text, source text, value jsonb, first_at timestamptz, last_at timestamptz)
        ) AS said
        GROUP BY anchor_id, name, source, value
        ORDER BY anchor_id, name, source, md5(value::text)::uuid
        ON CONFLICT (anchor_id, name, source, digest) DO UPDATE
        SET first_at = least(known.first_at, excluded.first_at), last_at = greatest(known.last_at, excluded.last_at)
        WHERE excluded.first_at < known.first_at OR excluded.last_at > known.last_at
        """,
        (msgspec.json.encode(values).decode(),),
    )
