"""API keys: made, revoked, recognised."""

import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from stamgast.access.errors import KeyNotFound, UnknownScope
from stamgast.access.operations.trail import record
from stamgast.access.queries import KEY_COLUMNS, KEYS, key_of
from stamgast.access.rules import DEFAULT_LIMIT_PER_MINUTE, KEY_BYTES, check_limit, digest_of, format_key, is_key
from stamgast.access.types import ApiKey, Scope
from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id

LONGEST_NAME = 100


def create_key(
    cursor: Cursor,
    name: str,
    scopes: Collection[str],
    *,
    at: datetime,
    actor: str,
    limit_per_minute: int = DEFAULT_LIMIT_PER_MINUTE,
    maker: str | None = None,
) -> tuple[ApiKey, str]:
    """A new API key and its text, which is shown this once: only its SHA-256 is kept. ``maker`` is whose it is, where somebody
    else than ``actor`` asked for it."""
    check_limit(limit_per_minute)
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in set(Scope)]
    if unknown or not wanted:
        raise UnknownScope(
            f"{'A key needs a scope' if not wanted else f'There is no scope {unknown[0][:60]!r}'}. "
            f"The scopes are: {', '.join(Scope)}."
        )
    text = format_key(secrets.token_bytes(KEY_BYTES))
    key = ApiKey(
        new_id(),
        name.strip()[:LONGEST_NAME] or "unnamed",
        text[-4:],
        tuple(wanted),
        at,
        maker or actor,
        None,
        limit_per_minute,
        None,
    )
    cursor.execute(
        "INSERT INTO access_apikey (id, name, digest, hint, scopes, created_at, created_by, limit_per_minute) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (key.id, key.name, digest_of(text), key.hint, wanted, at, key.created_by, limit_per_minute),
    )
    detail = {"name": key.name, "scopes": wanted, "limit_per_minute": limit_per_minute}
    record(cursor, actor, "create key", f"key:{key.id}", detail | ({"by": maker} if maker else {}), at)
    return key, text


def revoke_key(cursor: Cursor, key: str, *, at: datetime, actor: str) -> ApiKey:
    """Takes a key out of force at once, by its id or its last four characters; raises KeyNotFound. It cannot be undone."""
    found = _lock_key(cursor, key)
    cursor.execute("UPDATE access_apikey SET revoked_at = %s WHERE id = %s", (at, found.id))
    record(cursor, actor, "revoke key", f"key:{found.id}", {"name": found.name}, at)
    return replace(found, revoked_at=at)


def set_limit(cursor: Cursor, key: str, limit_per_minute: int, *, at: datetime, actor: str) -> ApiKey:
    """Another pace for a key, from its next request; raises KeyNotFound or InvalidLimit."""
    check_limit(limit_per_minute)
    found = _lock_key(cursor, key)
    cursor.execute("UPDATE access_apikey SET limit_per_minute = %s WHERE id = %s", (limit_per_minute, found.id))
    detail = {"name": found.name, "before": found.limit_per_minute, "after": limit_per_minute}
    record(cursor, actor, "set limit of key", f"key:{found.id}", detail, at)
    return replace(found, limit_per_minute=limit_per_minute)


def _lock_key(cursor: Cursor, key: str) -> ApiKey:
    rows = cursor.execute(
        f"SELECT {KEY_COLUMNS} FROM {KEYS} WHERE revoked_at IS NULL AND (id::text = %s OR hint = %s) FOR UPDATE OF key",
        (key, key),
    ).fetchall()
    if len(rows) != 1:
        raise KeyNotFound(
            f"{'No key in force has' if not rows else 'More than one key in force has'} the id or ending {key[:40]!r}. "
            "`stamgast key list` shows them."
        )
    return key_of(rows[0])


def authenticate_key(cursor: Cursor, presented: str) -> ApiKey | None:
    """The key in force with this text. Looked up by its digest, so that the time it takes says nothing about the text."""
    if not is_key(presented):
        return None
    row = cursor.execute(
        f"SELECT {KEY_COLUMNS} FROM {KEYS} WHERE digest = %s AND revoked_at IS NULL", (digest_of(presented),), prepare=True
    ).fetchone()
    return key_of(row) if row else None
