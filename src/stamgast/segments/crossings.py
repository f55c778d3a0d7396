"""Entries and exits over time, in event time: from the stays, which a late activity moves, and not from what was noted when."""

from collections.abc import Sequence
from datetime import datetime

from stamgast.kit.database import Cursor
from stamgast.segments.types import Crossings, Segment

# A count between two moments is a stretch of an index. To find the day of each row in its zone instead takes six times as long.
_CROSSINGS = """
    SELECT (
        SELECT count(*) FROM segments_stay
        WHERE segment_id = %(segment)s AND entered_at >= span.since AND entered_at < span.until
    ), (
        SELECT count(*) FROM segments_stay
        WHERE segment_id = %(segment)s AND left_at IS NOT NULL AND left_at >= span.since AND left_at < span.until
    )
    FROM unnest(%(since)s::timestamptz[], %(until)s::timestamptz[] || 'infinity'::timestamptz)
        WITH ORDINALITY AS span (since, until, place)
    ORDER BY place
"""


def count_crossings(cursor: Cursor, segment: Segment, moments: Sequence[datetime]) -> list[Crossings]:
    """Who came in and who left from each moment to the next, and after the last: as many as there are moments.

    With the last the number of members at each moment follows from the number now.
    """
    cursor.execute(_CROSSINGS, {"segment": segment.slug, "since": list(moments), "until": list(moments[1:])}, prepare=False)
    return [Crossings(*row) for row in cursor]
