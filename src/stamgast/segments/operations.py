"""Writes: defining a segment, and following balances so that entries and exits are recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from stamgast.conditions import CUSTOMER_FIELDS, parse
from stamgast.kit.database import Cursor
from stamgast.segments.queries import list_segments, list_stays
from stamgast.segments.rules import balances_before, open_stay_of, slug_of, spans_of, stays_over
from stamgast.segments.types import Change, Segment, Stay, Step

Timelines = Mapping[UUID, Sequence[Step]]


def define_segment(cursor: Cursor, *, name: str, condition: dict[str, Any], at: datetime, actor: str) -> Segment:
    """Names a set of customers by condition. Defining the same one again changes nothing."""
    parse(condition, CUSTOMER_FIELDS)
    cursor.execute(
        """INSERT INTO segments_segment (slug, name, condition, created_at, created_by) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (slug) DO NOTHING""",
        (slug_of(name), name, msgspec.json.encode(condition).decode(), at, actor),
    )
    return Segment(slug_of(name), name, condition)


def follow(
    cursor: Cursor,
    steps: Timelines,
    since: Mapping[UUID, datetime],
    balances: Mapping[UUID, Mapping[str, int]],
    *,
    at: datetime,
) -> list[Change]:
    """Makes the stays of customers anew from a moment on, ``since``, of which ``steps`` are all; returns the entries and exits.

    ``balances`` is what each customer has after the steps. The caller holds the locks on those balances, and so no other
    transaction follows the same customer at once.
    """
    written: list[Change] = []
    for segment in list_segments(cursor):
        test = parse(segment.condition, CUSTOMER_FIELDS).closure()
        known = list_stays(cursor, segment, since)
        before: dict[UUID, list[Stay]] = {}
        after: dict[UUID, list[Stay]] = {}
        for customer_id, path in steps.items():
            were = known.get(customer_id, [])
            start = balances_before(balances.get(customer_id, {}), path)
            stays = stays_over(test, start, _stay_at(were, since[customer_id]), path)
            if spans_of(stays) != spans_of(were):
                before[customer_id], after[customer_id] = were, stays
        written += _write_difference(cursor, segment.slug, before, after, at=at)
    return written


def _stay_at(stays: Sequence[Stay], moment: datetime) -> Stay | None:
    """The stay that had begun before a moment, as it was then: nobody had left."""
    begun = [stay for stay in stays if stay.entered_at < moment]
    return replace(begun[-1], left_at=None) if begun else None


def _write_difference(
    cursor: Cursor, slug: str, before: Mapping[UUID, Sequence[Stay]], after: Mapping[UUID, Sequence[Stay]], *, at: datetime
) -> list[Change]:
    """Replaces the stays of ``before`` by those of ``after`` and records each boundary that is new or gone."""
    if not before:
        return []
    old = [(customer, stay.entered_at) for customer, stays in before.items() for stay in stays]
    cursor.execute(
        """DELETE FROM segments_stay s USING unnest(%b::uuid[], %b::timestamptz[]) AS o(customer_id, entered_at)
        WHERE s.segment_id = %s AND s.customer_id = o.customer_id AND s.entered_at = o.entered_at""",
        ([customer for customer, _ in old], [entered for _, entered in old], slug),
    )
    new = [(customer, stay.entered_at, stay.left_at) for customer, stays in after.items() for stay in stays]
    cursor.execute(
        """INSERT INTO segments_stay (segment_id, customer_id, entered_at, left_at)
        SELECT %s, n.* FROM unnest(%b::uuid[], %b::timestamptz[], %b::timestamptz[]) AS n""",
        (slug, [row[0] for row in new], [row[1] for row in new], [row[2] for row in new]),
    )
    changes = [change for customer in before for change in _changes(customer, before[customer], after[customer], at)]
    cursor.execute(
        """INSERT INTO segments_change (segment_id, customer_id, is_entry, occurred_at, recorded_at, cause)
        SELECT %s, c.customer_id, c.is_entry, c.occurred_at, %s, c.cause
        FROM unnest(%b::uuid[], %b::bool[], %b::timestamptz[], %b::uuid[]) AS c(customer_id, is_entry, occurred_at, cause)
        RETURNING id, segment_id, customer_id, is_entry, occurred_at, recorded_at, cause""",
        (slug, at, *map(list, zip(*changes, strict=True))) if changes else (slug, at, [], [], [], []),
    )
    return [Change(*row) for row in cursor]


def _changes(
    customer: UUID, before: Sequence[Stay], after: Sequence[Stay], at: datetime
) -> list[tuple[UUID, bool, datetime, UUID | None]]:
    """Entries and exits that ``after`` has and ``before`` had not; where a correction undid the last word, that too."""
    known_entries = {stay.entered_at for stay in before}
    known_exits = {stay.left_at for stay in before}
    changes: list[tuple[UUID, bool, datetime, UUID | None]] = []
    for stay in after:
        if stay.entered_at not in known_entries:
            changes.append((customer, True, stay.entered_at, stay.entry_cause))
        if stay.left_at is not None and stay.left_at not in known_exits:
            changes.append((customer, False, stay.left_at, stay.exit_cause))
    was_in, is_in = open_stay_of(before) is not None, open_stay_of(after) is not None
    said = [is_entry for _, is_entry, _, _ in changes[-1:]] or [was_in]
    if said != [is_in]:
        changes.append((customer, is_in, at, None))
    return changes
