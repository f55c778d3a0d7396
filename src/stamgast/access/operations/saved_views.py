"""Keeping, changing, sharing and deleting views of the list of customers. Who may share, by role, is the edge's to say."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from stamgast.access.errors import InvalidView, ViewExists, ViewIsShared
from stamgast.access.saved_views import get_view
from stamgast.access.types import SavedView
from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id

LONGEST_NAME = 80
MOST_VIEWS = 100
"""Of one person, and again of all together: a list that is read on each page of customers. Two at once may pass it by one."""


def keep_view(
    cursor: Cursor, name: str, asked: Mapping[str, str], *, staff: int, is_shared: bool, at: datetime, actor: str
) -> UUID:
    """Keeps filters and columns under a name; raises InvalidView or ViewExists."""
    kept = _checked_name(name)
    row = cursor.execute(
        "SELECT count(*) FROM access_savedview WHERE is_shared = %(shared)s AND (is_shared OR staff_id = %(staff)s)",
        {"shared": is_shared, "staff": staff},
    ).fetchone()
    if row and row[0] >= MOST_VIEWS:
        raise InvalidView(f"There are {MOST_VIEWS} views already. Delete one first.", wrong="count")
    view_id = new_id()
    written = cursor.execute(
        """
        INSERT INTO access_savedview (id, staff_id, name, asked, is_shared, changed_at, changed_by)
        VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        (view_id, staff, kept, Jsonb(dict(asked)), is_shared, at, actor),
    )
    if not written.rowcount:
        raise _taken()
    return view_id


def change_view(
    cursor: Cursor,
    view_id: UUID,
    *,
    staff: int,
    may_share: bool,
    at: datetime,
    actor: str,
    name: str | None = None,
    asked: Mapping[str, str] | None = None,
    is_shared: bool | None = None,
) -> SavedView:
    """Renames, overwrites, shares or takes back; what is None stays. Returns it as it was before.

    Raises ViewNotFound, ViewIsShared, InvalidView or ViewExists. Who takes a view of all back has it as their own.
    """
    before = _lock(cursor, view_id, staff=staff, may_share=may_share)
    values = {
        "view": view_id,
        "staff": staff,
        "name": before.name if name is None else _checked_name(name),
        "asked": Jsonb(dict(before.asked if asked is None else asked)),
        "shared": before.is_shared if is_shared is None else is_shared,
        "at": at,
        "actor": actor,
    }
    try:
        cursor.execute(
            """
            UPDATE access_savedview SET name = %(name)s, asked = %(asked)s, is_shared = %(shared)s, changed_at = %(at)s,
                changed_by = %(actor)s, staff_id = CASE WHEN is_shared AND NOT %(shared)s THEN %(staff)s ELSE staff_id END
            WHERE id = %(view)s
            """,
            values,
        )
    except psycopg.errors.UniqueViolation:
        raise _taken() from None
    if before.is_shared and not values["shared"]:
        cursor.execute("DELETE FROM access_startview WHERE view_id = %s AND staff_id <> %s", (view_id, staff))
    return before


def delete_view(cursor: Cursor, view_id: UUID, *, staff: int, may_share: bool) -> SavedView:
    """Deletes a view, also where somebody's list begins with it; raises ViewNotFound or ViewIsShared."""
    before = _lock(cursor, view_id, staff=staff, may_share=may_share)
    cursor.execute("DELETE FROM access_startview WHERE view_id = %s", (view_id,))
    cursor.execute("DELETE FROM access_savedview WHERE id = %s", (view_id,))
    return before


def set_start_view(cursor: Cursor, view_id: UUID | None, *, staff: int) -> None:
    """With what a person's list begins: one of the views that they can open, or with None everybody; raises ViewNotFound."""
    if view_id is None:
        cursor.execute("DELETE FROM access_startview WHERE staff_id = %s", (staff,))
        return
    cursor.execute("SELECT 1 FROM access_savedview WHERE id = %s FOR KEY SHARE", (view_id,))
    get_view(cursor, view_id, staff=staff)
    cursor.execute(
        """
        INSERT INTO access_startview (staff_id, view_id) VALUES (%s, %s)
        ON CONFLICT (staff_id) DO UPDATE SET view_id = excluded.view_id
        """,
        (staff, view_id),
    )


def _checked_name(name: str) -> str:
    """The name as it is kept; raises InvalidView."""
    kept = " ".join(name.split())
    if not kept or len(kept) > LONGEST_NAME or not kept.isprintable():
        raise InvalidView(f"A view's name has 1 to {LONGEST_NAME} printable characters.", wrong="view name")
    return kept


def _lock(cursor: Cursor, view_id: UUID, *, staff: int, may_share: bool) -> SavedView:
    """The view as it stands, until the end of the transaction, for who may change it."""
    cursor.execute("SELECT 1 FROM access_savedview WHERE id = %s FOR UPDATE", (view_id,))
    found = get_view(cursor, view_id, staff=staff)
    if found.is_shared and not may_share:
        raise ViewIsShared("This view is everybody's. Keep one of your own instead, or ask who may share views.")
    return found


def _taken() -> ViewExists:
    return ViewExists("There is a view of that name already. Choose another name, or overwrite that one.")
