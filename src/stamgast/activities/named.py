"""Activities by their ids, many at once: what lists of other rows name."""

from collections.abc import Collection
from uuid import UUID

from stamgast.activities.queries import FROM_ACTIVITIES, activity_of, fill_bodies
from stamgast.activities.types import Activity
from stamgast.kit.database import Cursor


def list_named(cursor: Cursor, activity_ids: Collection[UUID]) -> dict[UUID, Activity]:
    """Those of these activities that are there, by id."""
    if not activity_ids:
        return {}
    rows = cursor.execute(f"{FROM_ACTIVITIES} WHERE a.id = ANY(%s)", (list(activity_ids),)).fetchall()
    return {row[0]: activity_of(row) for row in fill_bodies(cursor, rows)}
