"""What the identifiers of one customer did, the last first, however much it is.

Each identifier's stretch is read from its own end of the index, at most a page of it, so page 400 costs what page 1 does.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from stamgast.activities.queries import FROM_ACTIVITIES, activity_of, fill_bodies, position_of
from stamgast.activities.types import Activity
from stamgast.kit.database import Cursor
from stamgast.kit.paging import DEFAULT_PAGE, LARGEST_PAGE, Page, page_of

_PAGE = """
WITH page AS (
    SELECT mine.id, mine.occurred_at FROM unnest(%(anchors)s::uuid[]) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT a.id, a.occurred_at FROM activities_activity AS a
        WHERE a.anchor_id = wanted.id{conditions} ORDER BY a.occurred_at DESC, a.id DESC LIMIT %(limit)s
    ) AS mine
    ORDER BY mine.occurred_at DESC, mine.id DESC LIMIT %(limit)s
)
{rows} JOIN page ON page.id = a.id ORDER BY a.occurred_at DESC, a.id DESC
"""


def list_activities(
    cursor: Cursor,
    anchor_ids: Collection[UUID],
    *,
    before: str | None = None,
    kind: str | None = None,
    source: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = DEFAULT_PAGE,
) -> Page[Activity]:
    """A page of activities on these identifiers; ``since`` is the first moment and ``until`` the first one no longer."""
    limit = max(1, min(limit, LARGEST_PAGE))
    values: dict[str, Any] = {"anchors": list(anchor_ids), "limit": limit + 1}
    conditions = ""
    if before is not None:
        # Said twice: the range on the moment alone is what the index understands.
        conditions += " AND a.occurred_at <= %(moment)s AND (a.occurred_at, a.id) < (%(moment)s, %(last)s)"
        values["moment"], values["last"] = position_of(before)
    for name, value, condition in (
        ("kind", kind, "a.kind = %(kind)s"),
        ("source", source, "a.source_id = (SELECT s.id FROM activities_source AS s WHERE s.name = %(source)s)"),
        ("since", since, "a.occurred_at >= %(since)s"),
        ("until", until, "a.occurred_at < %(until)s"),
    ):
        if value is not None:
            conditions += f" AND {condition}"
            values[name] = value
    rows = cursor.execute(_PAGE.format(conditions=conditions, rows=FROM_ACTIVITIES), values).fetchall()
    return page_of(
        [activity_of(row) for row in fill_bodies(cursor, rows)], limit, lambda row: (row.occurred_at.isoformat(), str(row.id))
    )
