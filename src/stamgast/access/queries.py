"""Reads that return types."""

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from stamgast.access.errors import StaffNotFound
from stamgast.access.rules import LONGEST_SESSION
from stamgast.access.sealing import is_sealed_by_present
from stamgast.access.types import ApiKey, Role, Session, StaffMember, TrailFilter, TrailLine
from stamgast.kit.database import Cursor
from stamgast.kit.paging import DEFAULT_PAGE, Page, decode_cursor, page_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEYS = "access_apikey AS key LEFT JOIN access_keyuse AS used ON used.key_id = key.id"
KEY_COLUMNS = "id, name, hint, scopes, created_at, created_by, revoked_at, limit_per_minute, last_used_at"
STAFF_COLUMNS = "id, email, name, language, is_active, created_at, role, totp_secret IS NOT NULL, last_login"


def list_keys(cursor: Cursor) -> list[ApiKey]:
    """Every API key, the newest first, revoked ones too."""
    rows = cursor.execute(f"SELECT {KEY_COLUMNS} FROM {KEYS} ORDER BY created_at DESC, id DESC").fetchall()
    return [key_of(row) for row in rows]


def list_names(cursor: Cursor, actor: str) -> set[str]:
    """Every name under which the one who acts may act: a colleague, and the keys that they made; of a key also who made it.

    Who made a key on the command line is known where it was said there. Of keys with one name nobody tells which it was, so
    they are all of it.
    """
    cursor.execute(
        """
        WITH maker AS (
            SELECT %(actor)s AS name
            UNION SELECT created_by FROM access_apikey WHERE 'key:' || name = %(actor)s AND starts_with(created_by, 'staff:')
        )
        SELECT name FROM maker
        UNION SELECT 'key:' || key.name FROM access_apikey AS key JOIN maker ON key.created_by = maker.name
        WHERE starts_with(maker.name, 'staff:')
        """,
        {"actor": actor},
    )
    return {row[0] for row in cursor}


def list_staff(cursor: Cursor) -> list[StaffMember]:
    """Everybody who may sign in or once could, by e-mail address."""
    rows = cursor.execute(f"SELECT {STAFF_COLUMNS} FROM access_staff ORDER BY email").fetchall()
    return [staff_member_of(row) for row in rows]


def get_staff(cursor: Cursor, staff: int) -> StaffMember:
    """One person; raises StaffNotFound."""
    row = cursor.execute(f"SELECT {STAFF_COLUMNS} FROM access_staff WHERE id = %s", (staff,)).fetchone()
    if row is None:
        raise StaffNotFound("There is no such person.")
    return staff_member_of(row)


def list_waiting_links(cursor: Cursor, *, at: datetime) -> dict[int, datetime]:
    """The persons who have a link that is still good, and until when."""
    return dict(cursor.execute("SELECT staff_id, expires_at FROM access_invitation WHERE expires_at > %s", (at,)).fetchall())


def list_sessions(cursor: Cursor, staff: int, *, present: UUID | None, at: datetime) -> list[Session]:
    """Where a person is signed in, the last seen first; ``present`` is the one that asks."""
    rows = cursor.execute(
        """
        SELECT id, started_at, last_seen_at, address, agent FROM access_session
        WHERE staff_id = %s AND started_at > %s ORDER BY last_seen_at DESC
        """,
        (staff, at - LONGEST_SESSION),
    ).fetchall()
    return [
        Session(session, started, seen, address, agent, session == present) for session, started, seen, address, agent in rows
    ]


def count_recovery_codes(cursor: Cursor, staff: int) -> int:
    """How many recovery codes are left."""
    row = cursor.execute(
        "SELECT count(*) FROM access_recoverycode WHERE staff_id = %s AND used_at IS NULL", (staff,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def list_second_factor_roles(cursor: Cursor) -> list[str]:
    """The roles that need a second factor."""
    row = cursor.execute("SELECT second_factor_roles FROM access_policy").fetchone()
    return list(row[0]) if row else []


def count_sealed_by_former(cursor: Cursor) -> int:
    """How many second factors are still sealed with a former secret, which must be named until they are not."""
    rows = cursor.execute("SELECT totp_secret FROM access_staff WHERE totp_secret IS NOT NULL").fetchall()
    return sum(not is_sealed_by_present(sealed) for (sealed,) in rows)


def list_trail(cursor: Cursor, wanted: TrailFilter, *, after: str | None = None, limit: int = DEFAULT_PAGE) -> Page[TrailLine]:
    """What was done, the latest first."""
    moment, identifier = datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1)
    if after:
        microseconds, text = decode_cursor(after, int, str)
        moment, identifier = _EPOCH + timedelta(microseconds=int(microseconds)), UUID(str(text))
    rows = cursor.execute(
        """
        SELECT id, at, actor, action, subject, detail::text FROM access_trail
        WHERE (at, id) < (%(moment)s, %(id)s)
            AND (%(action)s = '' OR action = %(action)s)
            AND (%(actor)s = '' OR starts_with(actor, %(actor)s) OR starts_with(actor, 'staff:' || %(actor)s))
            AND (%(subject)s = '' OR starts_with(subject, %(subject)s))
            AND at >= %(since)s AND at < %(until)s
        ORDER BY at DESC, id DESC LIMIT %(limit)s
        """,
        {
            "moment": moment,
            "id": identifier,
            "action": wanted.action,
            "actor": wanted.actor,
            "subject": wanted.subject,
            "since": wanted.since or _EPOCH,
            "until": wanted.until or datetime.max.replace(tzinfo=UTC),
            "limit": limit + 1,
        },
    ).fetchall()
    lines = [_line_of(row) for row in rows]
    return page_of(lines, limit, lambda line: (round((line.at - _EPOCH) / timedelta(microseconds=1)), str(line.id)))


def read_trail(cursor: Cursor, actions: Collection[str]) -> list[TrailLine]:
    """Every line of these actions, the first first."""
    rows = cursor.execute(
        "SELECT id, at, actor, action, subject, detail::text FROM access_trail WHERE action = ANY(%s) ORDER BY at, id",
        (list(actions),),
    ).fetchall()
    return [_line_of(row) for row in rows]


def _line_of(row: tuple[Any, ...]) -> TrailLine:
    identifier, at, actor, action, subject, detail = row
    return TrailLine(identifier, at, actor, action, subject, json.loads(detail))


def list_trail_actions(cursor: Cursor) -> list[str]:
    """Every action that stands in the trail, each found by one look into the index."""
    rows = cursor.execute(
        """
        WITH RECURSIVE actions (action) AS (
            (SELECT action FROM access_trail ORDER BY action LIMIT 1)
            UNION ALL
            SELECT (SELECT action FROM access_trail WHERE action > actions.action ORDER BY action LIMIT 1)
            FROM actions WHERE actions.action IS NOT NULL
        )
        SELECT action FROM actions WHERE action IS NOT NULL
        """
    ).fetchall()
    return [action for (action,) in rows]


def key_of(row: tuple[Any, ...]) -> ApiKey:
    """A row of ``KEY_COLUMNS`` as what leaves the room."""
    identifier, name, hint, scopes, *rest = row
    return ApiKey(identifier, name, hint, tuple(scopes), *rest)


def staff_member_of(row: tuple[Any, ...]) -> StaffMember:
    """A row that begins with ``STAFF_COLUMNS`` as what leaves the room."""
    identifier, email, name, language, is_active, created_at, role, has_second_factor, last_login = row[:9]
    return StaffMember(identifier, email, name, language, is_active, created_at, Role(role), has_second_factor, last_login)
