"""Reads: segments, their members by page, what a customer is in, entries and exits."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from psycopg.sql import SQL, Composable, Literal

from stamgast.conditions import CUSTOMER_FIELDS, parse
from stamgast.kit.database import Cursor, is_few
from stamgast.kit.paging import InvalidCursor, Page, decode_cursor, page_of
from stamgast.segments.errors import SegmentNotFound
from stamgast.segments.rules import Test, slug_of
from stamgast.segments.types import Change, Member, Membership, Segment, Stay

BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)


def list_segments(cursor: Cursor) -> list[Segment]:
    """All segments by name. There are few: they are definitions, not members."""
    cursor.execute("SELECT slug, name, condition::text FROM segments_segment ORDER BY name", prepare=True)
    return [Segment(slug, name, msgspec.json.decode(condition)) for slug, name, condition in cursor]


def get_segment(cursor: Cursor, name: str) -> Segment:
    """The segment of this name or slug; raises SegmentNotFound."""
    cursor.execute("SELECT slug, name, condition::text FROM segments_segment WHERE slug = %s", (slug_of(name),))
    row = cursor.fetchone()
    if row is None:
        raise SegmentNotFound(f"There is no segment called {name[:80]!r}.")
    return Segment(row[0], row[1], msgspec.json.decode(row[2]))


def list_members(cursor: Cursor, segment: Segment, *, after: str | None, limit: int) -> Page[Member]:
    """Who is in, longest first."""
    entered_at, customer_id = _position(after) if after is not None else (BEGINNING, UUID(int=0))
    cursor.execute(
        """SELECT customer_id, entered_at FROM segments_stay
        WHERE segment_id = %s AND left_at IS NULL AND (entered_at, customer_id) > (%s, %s)
        ORDER BY entered_at, customer_id LIMIT %s""",
        (segment.slug, entered_at, customer_id, limit + 1),
    )
    rows = [Member(*row) for row in cursor]
    return page_of(rows, limit, lambda member: (member.entered_at.isoformat(), str(member.customer_id)))


def _position(cursor: str) -> tuple[datetime, UUID]:
    moment, last = decode_cursor(cursor, str, str)
    try:
        return datetime.fromisoformat(str(moment)), UUID(str(last))
    except ValueError:
        raise InvalidCursor("This cursor belongs to another list. Start again without it.") from None


def find_few_members(cursor: Cursor, segment: Segment, *, most: int) -> list[UUID] | None:
    """Everybody who is in; None where that is more than ``most``."""
    cursor.execute(
        "SELECT customer_id FROM segments_stay WHERE segment_id = %s AND left_at IS NULL LIMIT %s", (segment.slug, most + 1)
    )
    found = [row[0] for row in cursor]
    return found if len(found) <= most else None


def is_member_condition(segment: Segment) -> Composable:
    """SQL on a row called ``customer``: that it is in now."""
    return SQL(
        "coalesce((SELECT true FROM segments_stay AS stay WHERE stay.segment_id = {slug} "
        "AND stay.customer_id = customer.id AND stay.left_at IS NULL LIMIT 1), false)"
    ).format(slug=Literal(segment.slug))


def count_members(cursor: Cursor, segment: Segment) -> int:
    """How many are in."""
    cursor.execute("SELECT count(*) FROM segments_stay WHERE segment_id = %s AND left_at IS NULL", (segment.slug,))
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def list_memberships(cursor: Cursor, customers: list[UUID]) -> dict[UUID, list[Membership]]:
    """The segments that each of these customers is in."""
    cursor.execute(
        """SELECT s.customer_id, g.slug, g.name, s.entered_at FROM segments_stay s
        JOIN segments_segment g ON g.slug = s.segment_id
        WHERE s.customer_id = ANY(%b) AND s.left_at IS NULL ORDER BY g.name""",
        (customers,),
    )
    memberships: dict[UUID, list[Membership]] = {}
    for customer_id, *membership in cursor:
        memberships.setdefault(customer_id, []).append(Membership(*membership))
    return memberships


def list_stays(cursor: Cursor, segment: Segment, since: Mapping[UUID, datetime]) -> dict[UUID, list[Stay]]:
    """When each of these customers was in, the earliest stay first, without those that had ended before a moment of each;
    customers who never were are missing."""
    cursor.execute(
        """SELECT s.customer_id, s.entered_at, s.left_at FROM segments_stay s
        JOIN unnest(%b::uuid[], %b::timestamptz[]) AS k(customer_id, since) ON s.customer_id = k.customer_id
        WHERE s.segment_id = %s AND (s.left_at IS NULL OR s.left_at >= k.since) ORDER BY s.entered_at""",
        (list(since), list(since.values()), segment.slug),
        prepare=is_few(len(since)),
    )
    stays: dict[UUID, list[Stay]] = {}
    for customer_id, entered_at, left_at in cursor:
        stays.setdefault(customer_id, []).append(Stay(entered_at, left_at, None, None))
    return stays


def list_changes(
    cursor: Cursor,
    segment: Segment,
    *,
    before: str | None,
    limit: int,
    since: datetime = BEGINNING,
    until: datetime = END,
) -> Page[Change]:
    """Entries and exits as they became known, the last to happen first: an import notes a year in the order of its batches.

    Those that happened from ``since`` on; ``until`` is the first moment too late.
    """
    occurred_at, last = _change_position(before) if before is not None else (until, -1)
    cursor.execute(
        """SELECT id, segment_id, customer_id, is_entry, occurred_at, recorded_at, cause FROM segments_change
        WHERE segment_id = %s AND (occurred_at, id) < (%s, %s) AND occurred_at >= %s
        ORDER BY occurred_at DESC, id DESC LIMIT %s""",
        (segment.slug, occurred_at, last, since, limit + 1),
    )
    rows = [Change(*row) for row in cursor]
    return page_of(rows, limit, lambda change: (change.occurred_at.isoformat(), change.id))


def _change_position(cursor: str) -> tuple[datetime, int]:
    moment, last = decode_cursor(cursor, str, int)
    try:
        return datetime.fromisoformat(str(moment)), int(last)
    except ValueError:
        raise InvalidCursor("This cursor belongs to another list. Start again without it.") from None


def count_changes(cursor: Cursor, segment: Segment, *, since: datetime) -> tuple[int, int]:
    """Entries and exits that happened since a moment, in event time."""
    cursor.execute(
        """SELECT count(*) FILTER (WHERE is_entry), count(*) FILTER (WHERE NOT is_entry) FROM segments_change
        WHERE segment_id = %s AND recorded_at >= %s AND occurred_at >= %s""",
        (segment.slug, since, since),
    )
    row = cursor.fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def list_stays_of(cursor: Cursor, customer: UUID) -> list[dict[str, object]]:
    """Every stay of one customer in any segment, the first first; ``left_at`` is None while it lasts."""
    cursor.execute(
        "SELECT segment.name, stay.entered_at, stay.left_at FROM segments_stay AS stay "
        "JOIN segments_segment AS segment ON segment.slug = stay.segment_id WHERE stay.customer_id = %s "
        "ORDER BY stay.entered_at, segment.name",
        (customer,),
    )
    return [{"segment": name, "entered_at": entered_at, "left_at": left_at} for name, entered_at, left_at in cursor]


def membership_test(segment: Segment) -> Test:
    """Whether somebody with these balances, by ``balance.`` and the currency, is in."""
    return parse(segment.condition, CUSTOMER_FIELDS).closure()
