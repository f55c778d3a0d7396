"""Writes of uploads. Each runs inside the caller's transaction, and changes only what is where the caller saw it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from stamgast.activities.types import Source
from stamgast.activities.uploads.errors import UploadChanged
from stamgast.activities.uploads.files import Received
from stamgast.activities.uploads.types import State, Upload
from stamgast.kit.database import Cursor

GIVEN_UP = timedelta(seconds=30)
"""Who imports a file says so every second. Silent for longer it died, and another goes on."""
KEPT = timedelta(days=7)
"""How long a file stays after the last that was done with it."""


def add_upload(cursor: Cursor, received: Received, source: Source, *, choices: str, at: datetime, actor: str) -> None:
    """Notes a file that lies where ``files`` puts it."""
    cursor.execute(
        "INSERT INTO activities_upload (id, source_id, name, size_bytes, sha256, is_parquet, choices, state, rows_done, "
        "rows_refused, activities_new, activities_repeated, was_known, reasons, uploaded_at, uploaded_by, rows_before, "
        "changed_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 0, 0, 0, 0, false, '{}', %s, %s, 0, %s)",
        (
            received.id, source.id, received.name, received.size_bytes, received.sha256, received.is_parquet, choices,
            State.UPLOADED, at, actor, at,
        ),
    )  # fmt: skip


def choose(cursor: Cursor, upload_id: UUID, *, choices: str, mapping: str | None, at: datetime) -> None:
    """Keeps what was chosen; with a mapping it is ready. Raises UploadChanged once it was started, unless it failed."""
    cursor.execute(
        "UPDATE activities_upload SET choices = %s, mapping = %s, state = %s, problem = NULL, changed_at = %s "
        "WHERE id = %s AND state IN ('uploaded', 'ready', 'failed') AND removed_at IS NULL",
        (choices, mapping, State.READY if mapping else State.UPLOADED, at, upload_id),
    )
    _expect_one(cursor)


def start_upload(cursor: Cursor, upload_id: UUID, *, at: datetime, actor: str) -> None:
    """Asks for the import, or to go on with it, by whichever worker comes first. Raises UploadChanged."""
    cursor.execute(
        "UPDATE activities_upload SET state = 'running', started_by = %s, changed_at = %s, claim = NULL, beat_at = NULL, "
        "begun_at = NULL, ended_at = NULL, problem = NULL "
        "WHERE id = %s AND state IN ('ready', 'stopped', 'failed') AND mapping IS NOT NULL AND removed_at IS NULL",
        (actor, at, upload_id),
    )
    _expect_one(cursor)


def stop_upload(cursor: Cursor, upload_id: UUID, *, at: datetime) -> None:
    """Whoever imports it ends after the transaction at hand. Raises UploadChanged where it is not running."""
    cursor.execute(
        "UPDATE activities_upload SET state = 'stopped', changed_at = %s WHERE id = %s AND state = 'running'", (at, upload_id)
    )
    _expect_one(cursor)


def claim_upload(cursor: Cursor, claim: UUID, *, at: datetime) -> UUID | None:
    """Takes the first that waits, or whose worker died, for this claim; None where there is none. No two take one."""
    cursor.execute(
        """UPDATE activities_upload SET claim = %s, beat_at = %s, begun_at = NULL, rows_before = rows_done WHERE id = (
            SELECT id FROM activities_upload WHERE state = 'running' AND (beat_at IS NULL OR beat_at < %s)
            ORDER BY changed_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
        ) RETURNING id""",
        (claim, at, at - GIVEN_UP),
    )
    row = cursor.fetchone()
    return None if row is None else row[0]


def beat(cursor: Cursor, upload: UUID, claim: UUID, *, rows: tuple[int, int | None] | None, at: datetime) -> bool:
    """Says that the import is alive and how many rows of how many are done; False where it was stopped or is another's."""
    done, total = rows or (None, None)
    cursor.execute(
        """UPDATE activities_upload SET beat_at = %(at)s, rows_done = coalesce(%(done)s, rows_done),
            rows_total = coalesce(%(total)s, rows_total),
            rows_before = CASE WHEN begun_at IS NULL AND %(done)s::bigint IS NOT NULL THEN %(done)s ELSE rows_before END,
            begun_at = CASE WHEN %(done)s::bigint IS NULL THEN begun_at ELSE coalesce(begun_at, %(at)s) END
        WHERE id = %(id)s AND claim = %(claim)s AND state = 'running'""",
        {"id": upload, "claim": claim, "at": at, "done": done, "total": total},
    )
    return cursor.rowcount == 1


def settle(
    cursor: Cursor,
    upload: Upload,
    claim: UUID,
    *,
    is_finished: bool,
    was_known: bool,
    rows: int,
    refused: int,
    new: int,
    repeated: int,
    reasons: Mapping[str, int],
    at: datetime,
) -> None:
    """Writes what a run came to, unless the upload is another's now.

    Not finished, it waits for a worker again, unless somebody stopped it.
    """
    cursor.execute(
        """UPDATE activities_upload SET rows_done = %(rows)s, rows_refused = %(refused)s, activities_new = %(new)s,
            activities_repeated = %(repeated)s, was_known = %(known)s, reasons = %(reasons)s, claim = NULL, beat_at = NULL,
            rows_total = CASE WHEN %(finished)s THEN %(rows)s ELSE rows_total END,
            state = CASE WHEN %(finished)s THEN 'done' ELSE state END,
            ended_at = CASE WHEN %(finished)s THEN %(at)s END,
            changed_at = CASE WHEN %(finished)s THEN %(at)s ELSE changed_at END
        WHERE id = %(id)s AND claim = %(claim)s""",
        {
            "id": upload.id, "claim": claim, "finished": is_finished, "known": was_known, "rows": rows, "refused": refused,
            "new": new, "repeated": repeated, "at": at, "reasons": Jsonb(_added(upload.reasons, reasons)),
        },
    )  # fmt: skip


def release(cursor: Cursor, upload: UUID, claim: UUID) -> None:
    """Nobody imports it for now; whoever comes next goes on."""
    cursor.execute("UPDATE activities_upload SET claim = NULL, beat_at = NULL WHERE id = %s AND claim = %s", (upload, claim))


def fail_upload(cursor: Cursor, upload: UUID, claim: UUID, *, problem: Mapping[str, Any], at: datetime) -> None:
    """It cannot go on until somebody mends what is wrong. What was imported stays."""
    cursor.execute(
        "UPDATE activities_upload SET state = 'failed', problem = %s, ended_at = %s, changed_at = %s, claim = NULL, "
        "beat_at = NULL WHERE id = %s AND claim = %s",
        (Jsonb(dict(problem)), at, at, upload, claim),
    )


def take_old(cursor: Cursor, *, at: datetime) -> list[UUID]:
    """Marks those as without a file for which nothing was done for ``KEPT``; the caller takes the files away."""
    cursor.execute(
        "UPDATE activities_upload SET removed_at = %s WHERE removed_at IS NULL AND state <> 'running' AND changed_at < %s "
        "RETURNING id",
        (at, at - KEPT),
    )
    return [row[0] for row in cursor.fetchall()]


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {reason: one.get(reason, 0) + other.get(reason, 0) for reason in {**one, **other}}


def _expect_one(cursor: Cursor) -> None:
    if not cursor.rowcount:
        raise UploadChanged("This file is not where it was: somebody started, stopped or removed it. Look at it again.")
