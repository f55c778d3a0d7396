"""Reads of uploads."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import msgspec

from stamgast.activities.importers.choices import Choices, read_choices
from stamgast.activities.queries import position_of
from stamgast.activities.uploads.errors import UploadNotFound
from stamgast.activities.uploads.types import State, Upload
from stamgast.kit.database import Cursor
from stamgast.kit.paging import DEFAULT_PAGE, Page, page_of

_COLUMNS = """
u.id, u.source_id, s.name, u.name, u.size_bytes, u.sha256, u.is_parquet, u.choices::text, u.mapping, u.state, u.rows_done,
u.rows_total, u.rows_refused, u.activities_new, u.activities_repeated, u.was_known, u.reasons::text, u.problem::text,
u.uploaded_at, u.uploaded_by, u.started_by, u.begun_at, u.rows_before, u.beat_at, u.ended_at, u.removed_at, u.claim
"""
_FROM = "activities_upload u JOIN activities_source s ON s.id = u.source_id"
_LATEST_FIRST = "ORDER BY u.uploaded_at DESC, u.id DESC"


def get_upload(cursor: Cursor, upload_id: UUID) -> Upload:
    """One upload; raises UploadNotFound."""
    row = cursor.execute(f"SELECT {_COLUMNS} FROM {_FROM} WHERE u.id = %s", (upload_id,)).fetchone()
    if row is None:
        raise UploadNotFound("There is no such file.")
    return _upload(row)


def list_uploads(cursor: Cursor, *, after: str | None = None, limit: int = DEFAULT_PAGE) -> Page[Upload]:
    """All of them, the latest first."""
    where, given = "", []
    if after:
        where, given = "WHERE (u.uploaded_at, u.id) < (%s, %s)", list(position_of(after))
    query = f"SELECT {_COLUMNS} FROM {_FROM} {where} {_LATEST_FIRST} LIMIT %s"
    found = [_upload(row) for row in cursor.execute(query, [*given, limit + 1]).fetchall()]
    return page_of(found, limit, lambda one: (one.uploaded_at.isoformat(), str(one.id)))


def list_with_file(cursor: Cursor) -> set[UUID]:
    """Those whose file was not removed."""
    return {row[0] for row in cursor.execute("SELECT id FROM activities_upload WHERE removed_at IS NULL").fetchall()}


def find_same(cursor: Cursor, upload: Upload) -> Upload | None:
    """The last upload of this very file for the same source before this one, of which something was imported."""
    row = cursor.execute(
        f"""SELECT {_COLUMNS} FROM {_FROM} WHERE u.sha256 = %s AND u.source_id = %s AND u.uploaded_at < %s
            AND u.state IN ('running', 'stopped', 'done') {_LATEST_FIRST} LIMIT 1""",
        (upload.sha256, upload.source_id, upload.uploaded_at),
    ).fetchone()
    return None if row is None else _upload(row)


def find_kept(cursor: Cursor, source_id: int, columns: Collection[str]) -> tuple[Choices, str] | None:
    """What was chosen last for a file of this source whose columns are all in this one, and that file's name."""
    rows = cursor.execute(
        f"""SELECT u.choices::text, u.name FROM {_FROM} WHERE u.source_id = %s AND u.mapping IS NOT NULL
            AND u.state IN ('running', 'stopped', 'done') {_LATEST_FIRST} LIMIT 20""",
        (source_id,),
    ).fetchall()
    for text, name in rows:
        choices = read_choices(text)
        if {column for column, choice in choices.columns.items() if choice.role} <= set(columns):
            return choices, name
    return None


def _upload(row: tuple[Any, ...]) -> Upload:
    values = list(row)
    values[5], values[9] = bytes(row[5]), State(row[9])
    values[16], values[17] = msgspec.json.decode(row[16]), None if row[17] is None else msgspec.json.decode(row[17])
    return Upload(*values)
