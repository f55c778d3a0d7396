"""Reads of how a customer became this one: links with their beginning and end, and what people judged."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from stamgast.customers.clusters import in_force
from stamgast.customers.errors import JudgementNotFound
from stamgast.customers.rules import priority_of
from stamgast.customers.sql_judgements import JUDGEMENT_COLUMNS
from stamgast.customers.types import Identifier, Judgement, JudgementRecord, LinkRecord
from stamgast.kit.database import Cursor
from stamgast.kit.paging import DEFAULT_PAGE, LARGEST_PAGE, Page, decode_cursor, page_of

LAST = 2**63 - 1


def list_links(cursor: Cursor, customer: UUID, *, after: str | None = None, limit: int = DEFAULT_PAGE) -> Page[LinkRecord]:
    """Every link that this customer has or had, the latest first, with the judgement that made it where one did."""
    limit = max(1, min(limit, LARGEST_PAGE))
    before = int(decode_cursor(after, int)[0]) if after is not None else LAST
    cursor.execute(
        f"""
        SELECT link.id, identifier.kind, identifier.value, link.customer_id, link.began_at, link.ended_at, link.cause,
            link.actor, link.reason, {JUDGEMENT_COLUMNS}
        FROM customers_link AS link JOIN customers_identifier AS identifier ON identifier.id = link.identifier_id
        LEFT JOIN customers_judgement AS judgement ON judgement.id = link.cause
        WHERE link.customer_id = %s AND link.id < %s ORDER BY link.id DESC LIMIT %s
        """,
        (customer, before, limit + 1),
    )
    rows = [_link(row) for row in cursor]
    return page_of(rows, limit, lambda row: (row.id,))


def _link(row: tuple[Any, ...]) -> LinkRecord:
    key, kind, value, customer, began_at, ended_at, cause, actor, reason, *judgement = row
    judged = Judgement(*judgement) if judgement[0] is not None else None
    return LinkRecord(key, kind, value, customer, began_at, ended_at, cause, actor, reason, judged)


def list_judgements(cursor: Cursor, customer: UUID) -> list[JudgementRecord]:
    """What people judged about the identifiers of this customer, withdrawn or not, the latest first."""
    cursor.execute(
        f"""
        WITH held (id) AS (SELECT identifier_id FROM customers_link WHERE customer_id = %s AND ended_at IS NULL),
        found (id) AS (
            SELECT judgement.id FROM held JOIN customers_judgement AS judgement ON judgement.one_id = held.id
            UNION SELECT judgement.id FROM held JOIN customers_judgement AS judgement ON judgement.other_id = held.id
        )
        SELECT {JUDGEMENT_COLUMNS} FROM found JOIN customers_judgement AS judgement USING (id)
        """,
        (customer,),
    )
    judgements = [Judgement(*row) for row in cursor]
    ends = _identifiers(cursor, {key for one in judgements for key in (one.one_id, one.other_id)})
    standing = {one.id for one in in_force(judgements).values()}
    return [
        _record(one, one.id in standing, ends, customer)
        for one in sorted(judgements, key=lambda one: (one.made_at, one.id), reverse=True)
    ]


def get_judgement(cursor: Cursor, judgement_id: UUID) -> JudgementRecord:
    """One judgement with whose its identifiers are now; raises JudgementNotFound. ``is_in_force`` is of itself only."""
    cursor.execute(f"SELECT {JUDGEMENT_COLUMNS} FROM customers_judgement AS judgement WHERE id = %s", (judgement_id,))
    row = cursor.fetchone()
    if row is None:
        raise JudgementNotFound("No judgement has this id. A customer's links name those that there are.")
    one = Judgement(*row)
    ends = _identifiers(cursor, (one.one_id, one.other_id))
    return JudgementRecord(one, one.withdrawn_at is None, ends[one.one_id], ends[one.other_id])


def _record(one: Judgement, is_in_force: bool, ends: dict[UUID, Identifier], customer: UUID) -> JudgementRecord:
    ours, theirs = ends[one.one_id], ends[one.other_id]
    if ours.customer_id != customer:
        ours, theirs = theirs, ours
    return JudgementRecord(one, is_in_force, ours, theirs)


def list_sharers(cursor: Cursor, customer: UUID, *, limit: int = 10) -> list[tuple[Identifier, UUID]]:
    """Identifiers that came in with this customer's and with another's as well, and who that other is: a home's address.

    Of two that came in together the weaker is the shared one. At most ``limit``, because a till has many.
    """
    cursor.execute(
        """
        WITH held (id) AS (SELECT identifier_id FROM customers_link WHERE customer_id = %(customer)s AND ended_at IS NULL),
        pairs (ours, theirs) AS (
            SELECT held.id, evidence.second_id FROM held JOIN customers_evidence AS evidence ON evidence.first_id = held.id
            UNION ALL
            SELECT held.id, evidence.first_id FROM held JOIN customers_evidence AS evidence ON evidence.second_id = held.id
        )
        SELECT pairs.ours, pairs.theirs, link.customer_id FROM pairs
        JOIN customers_link AS link ON link.identifier_id = pairs.theirs AND link.ended_at IS NULL
        WHERE link.customer_id <> %(customer)s LIMIT %(limit)s
        """,
        {"customer": customer, "limit": 10 * limit},
    )
    rows = cursor.fetchall()
    ends = _identifiers(cursor, {key for ours, theirs, _ in rows for key in (ours, theirs)})
    shared: dict[tuple[UUID, UUID], tuple[Identifier, UUID]] = {}
    for ours, theirs, other in rows:
        weaker = max(ends[ours], ends[theirs], key=lambda one: priority_of(one.kind))
        shared[weaker.id, other] = (weaker, other)
    return list(shared.values())[:limit]


def find_difference(cursor: Cursor, one: UUID, other: UUID) -> Judgement | None:
    """A judgement in force that says of an identifier of one customer and one of the other that they are different."""
    records = [record for record in list_judgements(cursor, one) if record.is_in_force and not record.judgement.is_same]
    return next((record.judgement for record in records if record.theirs.customer_id == other), None)


def _identifiers(cursor: Cursor, identifiers: Collection[UUID]) -> dict[UUID, Identifier]:
    cursor.execute(
        """
        SELECT identifier.id, identifier.kind, identifier.value, identifier.first_at, link.customer_id
        FROM unnest(%s::uuid[]) AS wanted (id) JOIN customers_identifier AS identifier USING (id)
        LEFT JOIN customers_link AS link ON link.identifier_id = wanted.id AND link.ended_at IS NULL
        """,
        (list(identifiers),),
    )
    return {row[0]: Identifier(*row) for row in cursor}


def list_differences(cursor: Cursor) -> list[tuple[UUID, UUID]]:
    """The customers of which a judgement in force says that they are two: pairs, the smaller id first."""
    cursor.execute(
        f"SELECT {JUDGEMENT_COLUMNS} FROM customers_judgement AS judgement WHERE withdrawn_at IS NULL",
    )
    judgements = [one for one in in_force([Judgement(*row) for row in cursor]).values() if not one.is_same]
    ends = _identifiers(cursor, {key for one in judgements for key in (one.one_id, one.other_id)})
    pairs = set()
    for one in judgements:
        left, right = ends[one.one_id].customer_id, ends[one.other_id].customer_id
        if left is not None and right is not None and left != right:
            pairs.add((min(left, right), max(left, right)))
    return sorted(pairs)
