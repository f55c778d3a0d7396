"""Views of the list of customers that people keep: their own, which nobody else can read, and those shared with all staff.

Reads take ``staff``, the person who asks, and see what is theirs or shared: there is no way round that.
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from stamgast.access.errors import ViewNotFound
from stamgast.access.types import SavedView
from stamgast.kit.database import Cursor

_VISIBLE = """
    SELECT saved.id, saved.name, saved.asked::text, saved.is_shared, saved.staff_id = %(staff)s, start.staff_id IS NOT NULL,
        maker.name, saved.changed_at
    FROM access_savedview AS saved JOIN access_staff AS maker ON maker.id = saved.staff_id
    LEFT JOIN access_startview AS start ON start.view_id = saved.id AND start.staff_id = %(staff)s
    WHERE (saved.staff_id = %(staff)s OR saved.is_shared)
"""


def list_views(cursor: Cursor, staff: int) -> list[SavedView]:
    """What a person can open, by name: own views and shared ones. There are few, by ``MOST_VIEWS``."""
    rows = cursor.execute(_VISIBLE + " ORDER BY lower(saved.name), saved.id", {"staff": staff}).fetchall()
    return [_view_of(row) for row in rows]


def get_view(cursor: Cursor, view_id: UUID, *, staff: int) -> SavedView:
    """One of them; raises ViewNotFound, also for somebody else's own."""
    row = cursor.execute(_VISIBLE + " AND saved.id = %(view)s", {"staff": staff, "view": view_id}).fetchone()
    if row is None:
        raise ViewNotFound("There is no such view. It may have been deleted, or is no longer shared.")
    return _view_of(row)


def _view_of(row: Sequence[Any]) -> SavedView:
    view_id, name, asked, *rest = row
    return SavedView(view_id, name, json.loads(asked), *rest)
