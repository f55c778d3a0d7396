"""How far a file got: the row that makes an import resumable. Private to importers; written with the rows it speaks of."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from uuid import UUID

from stamgast.activities.importers.errors import ImportUnderWay
from stamgast.activities.types import Source
from stamgast.kit.database import Cursor
from stamgast.kit.ids import derive_id


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import got, and what it did up to there."""

    id: UUID
    finished_at: datetime | None
    last_first_row: int
    rows_done: int
    activities_new: int
    activities_repeated: int
    rows_rejected: int
    rejects_bytes: int


_COLUMNS = ", ".join(field.name for field in fields(Progress))


def begin(
    cursor: Cursor, *, file_name: str, file_digest: bytes, mapping_digest: bytes, source: Source, at: datetime, actor: str
) -> Progress:
    """The progress of this file by this mapping for this source: nothing done yet, or as far as it got before."""
    import_id = derive_id("import", source.name, file_digest.hex(), mapping_digest.hex())
    cursor.execute(
        "INSERT INTO activities_import (id, source_id, file_name, file_digest, mapping_digest, begun_at, begun_by, "
        "last_first_row, rows_done, activities_new, activities_repeated, rows_rejected, rejects_bytes) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, 0, 0, 0, 0, 0, 0) ON CONFLICT (id) DO NOTHING",
        (import_id, source.id, file_name, file_digest, mapping_digest, at, actor),
    )
    return _read(cursor, import_id)


def lock(cursor: Cursor, known: Progress) -> None:
    """Holds the import until the transaction ends; raises ImportUnderWay when another process took it further."""
    if _read(cursor, known.id, lock=True) != known:
        raise ImportUnderWay("Another process imports this file with this mapping at this moment. Let it finish.")


def advance(
    cursor: Cursor,
    before: Progress,
    *,
    rows: int,
    new: int,
    repeated: int,
    rejected: int,
    last_first_row: int,
    rejects_bytes: int,
) -> Progress:
    """Notes what the transaction stored."""
    after = replace(
        before,
        last_first_row=last_first_row,
        rows_done=before.rows_done + rows,
        activities_new=before.activities_new + new,
        activities_repeated=before.activities_repeated + repeated,
        rows_rejected=before.rows_rejected + rejected,
        rejects_bytes=rejects_bytes,
    )
    cursor.execute(
        "UPDATE activities_import SET last_first_row = %s, rows_done = %s, activities_new = %s, activities_repeated = %s, "
        "rows_rejected = %s, rejects_bytes = %s WHERE id = %s",
        (
            after.last_first_row, after.rows_done, after.activities_new, after.activities_repeated, after.rows_rejected,
            after.rejects_bytes, after.id,
        ),
    )  # fmt: skip
    return after


def finish(cursor: Cursor, before: Progress, *, row_count: int, at: datetime) -> Progress:
    """Notes that the whole file is done."""
    cursor.execute("UPDATE activities_import SET finished_at = %s, row_count = %s WHERE id = %s", (at, row_count, before.id))
    return replace(before, finished_at=at)


def _read(cursor: Cursor, import_id: UUID, *, lock: bool = False) -> Progress:
    query = f"SELECT {_COLUMNS} FROM activities_import WHERE id = %s" + (" FOR UPDATE" if lock else "")
    row = cursor.execute(query, (import_id,)).fetchone()
    assert row is not None, "the import was just begun"
    return Progress(*row)
