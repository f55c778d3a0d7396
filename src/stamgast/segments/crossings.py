"""Entries and exits over time, in event time: from the stays, which a late activity moves, and not from what was noted when."""

from datetime import date, datetime

from stamgast.kit.database import Cursor
from stamgast.segments.types import Crossings, Segment

_CROSSINGS = """
    SELECT CASE WHEN at < %(until)s THEN date_trunc(%(step)s, at AT TIME ZONE %(zone)s)::date END AS first_day,
        sum(entered)::bigint, sum(gone)::bigint
    FROM (
        SELECT entered_at AS at, 1 AS entered, 0 AS gone FROM segments_stay
        WHERE segment_id = %(segment)s AND entered_at >= %(since)s
        UNION ALL
        SELECT left_at, 0, 1 FROM segments_stay
        WHERE segment_id = %(segment)s AND left_at IS NOT NULL AND left_at >= %(since)s
    ) AS crossed GROUP BY first_day
"""


def count_crossings(
    cursor: Cursor, segment: Segment, *, since: datetime, until: datetime, step: str, zone: str
) -> tuple[dict[date, Crossings], Crossings]:
    """By first day of a ``day``, ``week`` or ``month`` of the zone who came in and who left; and those from ``until`` on.

    Steps in which nobody did are absent. ``until`` is the first moment too late. Both are read from an index alone. With those
    after the period the number of members at any of its ends follows from the number now.
    """
    cursor.execute(
        _CROSSINGS, {"segment": segment.slug, "since": since, "until": until, "step": step, "zone": zone}, prepare=False
    )
    found: dict[date, Crossings] = {}
    later = Crossings(until.date(), 0, 0)
    for first_day, entries, exits in cursor:
        if first_day is None:
            later = Crossings(until.date(), entries, exits)
        else:
            found[first_day] = Crossings(first_day, entries, exits)
    return found, later
