"""Reads that return types."""

from typing import Any

from stamgast.access.types import ApiKey, Role, StaffMember
from stamgast.kit.database import Cursor

KEYS = "access_apikey AS key LEFT JOIN access_keyuse AS used ON used.key_id = key.id"
KEY_COLUMNS = "id, name, hint, scopes, created_at, created_by, revoked_at, limit_per_minute, last_used_at"
STAFF_COLUMNS = "id, email, name, language, is_active, created_at, role"


def list_keys(cursor: Cursor) -> list[ApiKey]:
    """Every API key, the newest first, revoked ones too."""
    rows = cursor.execute(f"SELECT {KEY_COLUMNS} FROM {KEYS} ORDER BY created_at DESC, id DESC").fetchall()
    return [key_of(row) for row in rows]


def list_staff(cursor: Cursor) -> list[StaffMember]:
    """Everybody who may sign in or once could, by e-mail address."""
    rows = cursor.execute(f"SELECT {STAFF_COLUMNS} FROM access_staff ORDER BY email").fetchall()
    return [staff_member_of(row) for row in rows]


def key_of(row: tuple[Any, ...]) -> ApiKey:
    """A row of ``KEY_COLUMNS`` as what leaves the room."""
    identifier, name, hint, scopes, *rest = row
    return ApiKey(identifier, name, hint, tuple(scopes), *rest)


def staff_member_of(row: tuple[Any, ...]) -> StaffMember:
    """A row that begins with ``STAFF_COLUMNS`` as what leaves the room."""
    identifier, email, name, language, is_active, created_at, role = row[:7]
    return StaffMember(identifier, email, name, language, is_active, created_at, Role(role))
