"""Writes that take people out of activities and refusals. Inside the transaction of a flow that has stopped all deciding."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from stamgast.activities.scrubbing import decode_exactly, encode_exactly, identifiers_in, scrub_body, without_values
from stamgast.kit.database import Cursor

STEP = 2_000


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """What stands for a person from now on, and how what they left is rewritten."""

    anchor_id: UUID
    identifier: str
    order_of: Callable[[str], str]
    kept_properties: Mapping[tuple[str, ...], Collection[str]]


def scrub_anchored(cursor: Cursor, anchors: Sequence[UUID], who: Pseudonym) -> int:
    """Scrubs every activity that hangs on these identifiers, waiting or decided, and returns how many."""
    total = 0
    while True:
        rows = cursor.execute(
            "SELECT id, body, order_id FROM activities_activity WHERE anchor_id = ANY(%s) LIMIT %s", (list(anchors), STEP)
        ).fetchall()
        if not rows:
            return total
        _write(cursor, rows, who)
        total += len(rows)


def scrub_activities(cursor: Cursor, activity_ids: Collection[UUID], who: Pseudonym) -> None:
    """Scrubs these activities."""
    rows = cursor.execute(
        "SELECT id, body, order_id FROM activities_activity WHERE id = ANY(%s)", (list(activity_ids),)
    ).fetchall()
    _write(cursor, rows, who)


def strip_identifiers(
    cursor: Cursor, activity_ids: Collection[UUID], buried: Collection[str], is_personal: Callable[[str], bool]
) -> int:
    """Takes identifiers of somebody who was erased out of other people's activities; returns how many activities changed."""
    rows = cursor.execute(
        "SELECT id, identifiers::text, body FROM activities_activity WHERE id = ANY(%s)", (list(activity_ids),)
    ).fetchall()
    kept = [
        (id_, [one for one in msgspec.json.decode(identifiers) if one not in buried], _without(body, is_personal))
        for id_, identifiers, body in rows
    ]
    cursor.execute(
        "UPDATE activities_activity AS a SET identifiers = new.identifiers::jsonb, body = new.body "
        "FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS new (id, identifiers, body) WHERE a.id = new.id",
        (
            [id_ for id_, _, _ in kept],
            [msgspec.json.encode(identifiers).decode() for _, identifiers, _ in kept],
            [body for _, _, body in kept],
        ),
    )
    return len(kept)


def list_carrying(cursor: Cursor, identifiers: Collection[str], anchors: Collection[UUID]) -> list[UUID]:
    """Activities on these anchors that carry one of the identifiers."""
    cursor.execute(
        "SELECT id FROM activities_activity WHERE anchor_id = ANY(%s) AND identifiers ?| %s::text[]",
        (list(anchors), list(identifiers)),
    )
    return [row[0] for row in cursor]


def find_refusals(
    cursor: Cursor, *, values: Collection[str] | None = None, since: datetime | None = None, region: str | None
) -> dict[UUID, set[str]]:
    """Refusals that hold one of these texts, or came in since a moment, and every identifier that each may name."""
    rows = cursor.execute(
        """
        SELECT id, body FROM activities_refusal
        WHERE body <> '{}' AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
            AND (%(values)s::text[] IS NULL OR EXISTS (
                SELECT FROM unnest(%(values)s::text[]) AS sought (value) WHERE strpos(lower(body), lower(sought.value)) > 0
            ))
        """,
        {"values": None if values is None else list(values), "since": since},
    ).fetchall()
    return {id_: identifiers_in(body, region=region) for id_, body in rows}


def empty_refusals(cursor: Cursor, refusal_ids: Collection[UUID]) -> int:
    """Takes the message out of these refusals; that one was refused, and why, stays."""
    cursor.execute(
        "UPDATE activities_refusal SET body = '{}', detail = '', settled_at = coalesce(settled_at, received_at), "
        "settled_by = coalesce(settled_by, 'erasure') WHERE id = ANY(%s)",
        (list(refusal_ids),),
    )
    return cursor.rowcount


def _without(body: str, is_personal: Callable[[str], bool]) -> str:
    try:
        message = decode_exactly(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ArithmeticError):
        return "{}"
    cleaned = without_values(message, is_personal)
    return body if cleaned == message else encode_exactly(cleaned)


def _write(cursor: Cursor, rows: Sequence[tuple[UUID, str, str | None]], who: Pseudonym) -> None:
    cursor.execute(
        """
        UPDATE activities_activity AS a
        SET anchor_id = %s, identifiers = jsonb_build_array(%s::text), body = new.body, order_id = new.order_id
        FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS new (id, body, order_id) WHERE a.id = new.id
        """,
        (
            who.anchor_id,
            who.identifier,
            [id_ for id_, _, _ in rows],
            [scrub_body(body, kept_properties=who.kept_properties, order_of=who.order_of) for _, body, _ in rows],
            [None if order_id is None else who.order_of(order_id) for _, _, order_id in rows],
        ),
    )
