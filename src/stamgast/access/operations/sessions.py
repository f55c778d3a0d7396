"""Where people are signed in: opened at the door, kept while they look, ended by them, by an owner, or by time."""

from datetime import datetime, timedelta

from stamgast.access.rules import LONGEST_SESSION, is_session_over, session_id_of
from stamgast.kit.database import Cursor

SEEN_EVERY = timedelta(minutes=1)
LONGEST_AGENT = 300


def open_session(cursor: Cursor, session_key: str, *, staff: int, address: str, agent: str, at: datetime) -> None:
    """A session that Django has just made, and away with those that are long over."""
    cursor.execute(
        "INSERT INTO access_session (session_key, staff_id, started_at, last_seen_at, address, agent) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        (session_key, staff, at, at, address, agent[:LONGEST_AGENT]),
    )
    cursor.execute("DELETE FROM access_session WHERE started_at < %s", (at - LONGEST_SESSION,))
    cursor.execute("DELETE FROM django_session WHERE expire_date < %s", (at,))


def look_at_session(cursor: Cursor, session_key: str, *, staff: int, at: datetime, is_seen: bool) -> list[str] | None:
    """None where the session is over, which ends it; else the roles that need a second factor.

    ``is_seen`` says that a person asked and not a page by itself; it is noted once a minute.
    """
    row = cursor.execute(
        """
        SELECT started_at, last_seen_at, COALESCE((SELECT second_factor_roles FROM access_policy), '{}')
        FROM access_session WHERE session_key = %s AND staff_id = %s
        """,
        (session_key, staff),
    ).fetchone()
    if row is None:
        return None
    started_at, last_seen_at, roles = row
    if is_session_over(started_at, last_seen_at, at):
        _end(cursor, [session_key])
        return None
    if is_seen and at - last_seen_at > SEEN_EVERY:
        cursor.execute("UPDATE access_session SET last_seen_at = %s WHERE session_key = %s", (at, session_key))
    return list(roles)


def end_sessions(cursor: Cursor, staff: int, *, one: str = "", but: str = "") -> int:
    """Ends the session with the id ``one``, or all of a person except the one with the key ``but``; how many."""
    found = cursor.execute("SELECT session_key FROM access_session WHERE staff_id = %s", (staff,)).fetchall()
    keys = [key for (key,) in found if key != but and (not one or session_id_of(key) == one)]
    _end(cursor, keys)
    return len(keys)


def _end(cursor: Cursor, keys: list[str]) -> None:
    cursor.execute("DELETE FROM access_session WHERE session_key = ANY(%s)", (keys,))
    cursor.execute("DELETE FROM django_session WHERE session_key = ANY(%s)", (keys,))
