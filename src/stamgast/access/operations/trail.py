"""The trail: who did what to what, and when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id


def record(cursor: Cursor, actor: str, action: str, subject: str, detail: Mapping[str, Any], at: datetime) -> None:
    """One line in the trail, in the transaction of the act itself: both happen, or neither."""
    cursor.execute(
        "INSERT INTO access_trail (id, at, actor, action, subject, detail) VALUES (%s, %s, %s, %s, %s, %s)",
        (new_id(), at, actor, action, subject, Jsonb(dict(detail))),
    )
