"""Where people are signed in: opened at the door, kept while they look, ended by them, by an owner, or by time."""

from datetime import datetime, timedelta
from uuid import UUID

from stamgast.access.rules import LONGEST_SESSION, is_session_over
from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id

SEEN_EVERY = timedelta(minutes=1)
LONGEST_AGENT = 300


def open_session(cursor: Cursor, *, staff: int, address: str, agent: str, at: datetime) -> UUID:
    """The id of a session, and away with those that are long over."""
    session = new_id()
    cursor.execute(
        "INSERT INTO access_session (id, staff_id, started_at, last_seen_at, address, agent) VALUES (%s, %s, %s, %s, %s, %s)",
        (session, staff, at, at, address, agent[:LONGEST_AGENT]),
    )
    cursor.execute("DELETE FROM access_session WHERE started_at < %s", (at - LONGEST_SESSION,))
    cursor.execute("DELETE FROM django_session WHERE expire_date < %s", (at,))
    return session


def look_at_session(cursor: Cursor, session: UUID, *, staff: int, at: datetime, is_seen: bool) -> list[str] | None:
    """None where the session is over, which ends it; else the roles that need a second factor.

    ``is_seen`` says that a person asked and not a page by itself; it is noted once a minute.
    """
    row = cursor.execute(
        """
        SELECT started_at, last_seen_at, COALESCE((SELECT second_factor_roles FROM access_policy), '{}')
        FROM access_session WHERE id = %s AND staff_id = %s
        """,
        (session, staff),
    ).fetchone()
    if row is None:
        return None
    started_at, last_seen_at, roles = row
    if is_session_over(started_at, last_seen_at, at):
        end_sessions(cursor, staff, one=session)
        return None
    if is_seen and at - last_seen_at > SEEN_EVERY:
        cursor.execute("UPDATE access_session SET last_seen_at = %s WHERE id = %s", (at, session))
    return list(roles)


def end_sessions(cursor: Cursor, staff: int, *, one: UUID | None = None, but: UUID | None = None) -> int:
    """Ends one session of a person, or all of them except ``but``; how many."""
    return cursor.execute(
        """
        DELETE FROM access_session
        WHERE staff_id = %s AND (%s::uuid IS NULL OR id = %s) AND (%s::uuid IS NULL OR id <> %s)
        """,
        (staff, one, one, but, but),
    ).rowcount
