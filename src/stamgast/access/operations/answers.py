"""Answers to writes, kept so that a write that is sent again is done once."""

from datetime import datetime, timedelta
from uuid import UUID

from stamgast.access.errors import IdempotencyKeyReused
from stamgast.access.types import KeptAnswer
from stamgast.kit.database import Cursor

KEPT_FOR = timedelta(days=7)
SWEPT_AT_ONCE = 50


def claim_answer(cursor: Cursor, key: UUID, name: str, fingerprint: bytes, *, at: datetime) -> KeptAnswer | None:
    """None when this transaction is the first to write under the name, else what was answered then.

    Waits for another transaction that is writing under the same name: it is either answered as that one, or, when that one
    came to nothing, is the first. Raises IdempotencyKeyReused when what was sent is something else.
    """
    cursor.execute(
        """
        DELETE FROM access_answer WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM access_answer WHERE at < %s ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED))
        """,
        (at - KEPT_FOR, SWEPT_AT_ONCE),
    )
    claimed = cursor.execute(
        "INSERT INTO access_answer (key_id, name, fingerprint, at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING at",
        (key, name, fingerprint, at),
    ).fetchone()
    if claimed is not None:
        return None
    row = cursor.execute(
        "SELECT fingerprint, status, body FROM access_answer WHERE key_id = %s AND name = %s", (key, name)
    ).fetchone()
    assert row is not None, "a row in conflict is committed, and only those of a week ago are swept"
    if bytes(row[0]) != fingerprint:
        raise IdempotencyKeyReused(
            "This Idempotency-Key was used for another request. Send a new key with a new request, or the same request again."
        )
    return KeptAnswer(row[1], bytes(row[2]))


def keep_answer(cursor: Cursor, key: UUID, name: str, *, status: int | None, body: bytes) -> None:
    """The answer of the write that claimed the name, in its transaction."""
    cursor.execute("UPDATE access_answer SET status = %s, body = %s WHERE key_id = %s AND name = %s", (status, body, key, name))
