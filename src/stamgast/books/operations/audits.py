"""Runs of the audit: asked for by a person, taken by one worker at a time, stopped at a wish."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from stamgast.access.operations import record
from stamgast.books.errors import AuditRunning
from stamgast.books.queries import AUDIT_COLUMNS, as_audit
from stamgast.books.types import AuditRun
from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id

GIVEN_UP = timedelta(minutes=10)
"""Who audits says so every second. Silent for longer it died, and another begins anew."""


def want_audit(cursor: Cursor, *, at: datetime, actor: str) -> bool:
    """Asks for a run, by whichever worker comes first; False where one is open already."""
    run = new_id()
    cursor.execute(
        """INSERT INTO books_auditrun (id, wanted_at, wanted_by, is_open, is_stopping, phase, done, movements)
        VALUES (%s, %s, %s, true, false, '', 0, 0) ON CONFLICT (is_open) WHERE is_open DO NOTHING""",
        (run, at, actor),
    )
    if cursor.rowcount:
        record(cursor, actor, "ask for audit", str(run), {}, at)
    return cursor.rowcount == 1


def stop_audit(cursor: Cursor, *, at: datetime, actor: str) -> bool:
    """Wishes the open run to stop; one that nobody works on is over at once. False where none is open."""
    cursor.execute(
        """UPDATE books_auditrun SET is_stopping = true, is_open = beat_at IS NOT NULL,
          ended_at = CASE WHEN beat_at IS NULL THEN %s END WHERE is_open RETURNING id""",
        (at,),
    )
    row = cursor.fetchone()
    if row:
        record(cursor, actor, "stop audit", str(row[0]), {}, at)
    return row is not None


def claim_audit(cursor: Cursor, *, at: datetime) -> AuditRun | None:
    """Takes the open run on, unless somebody works on it; None where there is none. Raises AuditRunning."""
    cursor.execute("SELECT beat_at FROM books_auditrun WHERE is_open FOR UPDATE")
    row = cursor.fetchone()
    if row is None:
        return None
    if row[0] is not None and row[0] > at - GIVEN_UP:
        raise AuditRunning("The ledger is being audited at this moment. Look at the result when it is done.")
    cursor.execute(
        f"UPDATE books_auditrun SET begun_at = %s, beat_at = %s, done = 0, phase = '' WHERE is_open RETURNING {AUDIT_COLUMNS}",
        (at, at),
    )
    return as_audit(cursor.fetchall()[0])


def beat_audit(cursor: Cursor, run: UUID, *, phase: str, done: int, movements: int, at: datetime) -> bool:
    """Says how far it is; returns whether it should stop, because somebody wishes so or it is not open any more."""
    cursor.execute(
        """UPDATE books_auditrun SET beat_at = %s, phase = %s, done = %s, movements = %s WHERE id = %s AND is_open
        RETURNING is_stopping""",
        (at, phase, done, movements, run),
    )
    row = cursor.fetchone()
    return row is None or bool(row[0])


def end_audit(cursor: Cursor, run: UUID, findings: Sequence[tuple[str, str, str]] | None, *, at: datetime) -> None:
    """Closes a run with what it found; None: it was stopped."""
    cursor.execute(
        """UPDATE books_auditrun SET is_open = false, beat_at = NULL, ended_at = %s, findings = %s::jsonb
        WHERE id = %s AND is_open""",
        (at, None if findings is None else msgspec.json.encode(findings).decode(), run),
    )


def pause_audit(cursor: Cursor, run: UUID) -> None:
    """Nobody works on it for now: whoever comes next begins it anew."""
    cursor.execute("UPDATE books_auditrun SET beat_at = NULL WHERE id = %s AND is_open", (run,))
