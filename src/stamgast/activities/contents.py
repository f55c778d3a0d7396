"""Reads of what activities carry beyond their own columns: properties, and the context in which they were sent."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from stamgast.activities.queries import decode_body, decode_object
from stamgast.kit.database import Cursor


def load_properties(cursor: Cursor, activity_ids: Collection[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """What these activities carry as properties."""
    rows = cursor.execute("SELECT id, body FROM activities_activity WHERE id = ANY(%s)", (list(activity_ids),)).fetchall()
    found = ((activity_id, bytes(decode_body(body).properties)) for activity_id, body in rows)
    return {activity_id: {} if text == b"null" else decode_object(text) for activity_id, text in found}
