"""Messages of months long past: in Parquet in the lake, a file a month of receiving, sorted by whom they hang on.

What a message says of itself in columns stays in PostgreSQL for ever: so repeats are known, orders found, timelines paged and
points decided as before. Only the text, which is most of the bytes, moves, and is read back where properties or lines are
asked for. A file is believed after it was read back and compared; the table lets go of a message that equals the file's.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.conf import settings

from stamgast.activities import sql
from stamgast.activities.errors import ArchiveDamaged
from stamgast.activities.types import ArchivedMonth
from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id
from stamgast.lake.export import ARCHIVE
from stamgast.lake.manifest import sync_folder

CHUNK_ROWS = 20_000
REMOVED_AT_ONCE = 5_000
FEW = 200
MOMENT = pa.timestamp("us", "UTC")
COLUMNS: list[tuple[str, pa.DataType]] = [
    ("activity_id", pa.string()),
    ("source_id", pa.int16()),
    ("type", pa.string()),
    ("kind", pa.string()),
    ("anchor_id", pa.string()),
    ("identifiers", pa.string()),
    ("occurred_at", MOMENT),
    ("received_at", MOMENT),
    ("order_id", pa.string()),
    ("amount_minor", pa.int64()),
    ("currency", pa.string()),
    ("line_count", pa.int32()),
    ("body", pa.string()),
]
SCHEMA = pa.schema(COLUMNS)
DIGEST = "count(*), coalesce(sum(('0x' || substr(md5(activity_id || body), 1, 15))::UBIGINT), 0)::text"


def archive_folder() -> Path:
    """Where the files are: in the lake, beside what an export writes."""
    return Path(settings.CONFIGURATION.data) / "lake" / ARCHIVE


# Reading


def list_archive(cursor: Cursor) -> list[ArchivedMonth]:
    """Every month that is archived, or being archived."""
    rows = cursor.execute(
        "SELECT month, file, rows, digest, archived_at, removed_at FROM activities_archive ORDER BY month"
    ).fetchall()
    return [ArchivedMonth(*row) for row in rows]


def read_bodies(cursor: Cursor, wanted: Mapping[UUID, tuple[UUID, datetime]]) -> dict[UUID, str]:
    """The archived messages of these activities, of which the anchor and the moment of receiving are given.

    Ask after the rows were read: a row whose message is gone names a month whose file is there. Raises ArchiveDamaged.
    """
    if not wanted:
        return {}
    months = {f"{received_at.astimezone(UTC):%Y-%m}" for _, received_at in wanted.values()}
    rows = cursor.execute("SELECT file FROM activities_archive WHERE month = ANY(%s)", (list(months),)).fetchall()
    files = [str(archive_folder() / file) for (file,) in rows]
    bodies = _select(files, "anchor_id", {str(anchor) for anchor, _ in wanted.values()})
    if lost := wanted.keys() - bodies.keys():
        # They hang on another identifier than when they were archived. The whole file is looked through then.
        bodies |= _select(files, "activity_id", {str(activity_id) for activity_id in lost})
    if lost := wanted.keys() - bodies.keys():
        raise ArchiveDamaged(
            f"{len(lost):,} archived messages are not in the files of the archive. Put the folder {archive_folder()} back from "
            "a backup; `stamgast doctor` names the months."
        )
    return bodies


def _select(files: list[str], column: str, values: Collection[str]) -> dict[UUID, str]:
    """Written out when few, so that the statistics of a file, which is sorted by anchor, tell which parts of it to read."""
    if not files:
        return {}
    few = len(values) <= FEW
    condition = f"IN ({', '.join('?' * len(values))})" if few else "IN (SELECT unnest(?))"
    given = list(values) if few else [list(values)]
    query = f"SELECT activity_id, body FROM read_parquet(?) WHERE {column} {condition}"
    return {UUID(activity_id): body for activity_id, body in _ask(query, [files, *given])}


def find_damage(month: ArchivedMonth) -> str | None:
    """What is wrong with the file of a month, or None. Reads all of it."""
    if not (archive_folder() / month.file).exists():
        return "its file is gone"
    try:
        found = _digest_of(archive_folder() / month.file)
    except ArchiveDamaged:
        return "its file cannot be read"
    return None if found == (month.rows, month.digest) else "its file is not what was written"


# Writing


def list_due(cursor: Cursor, *, before: datetime) -> list[str]:
    """The months that ended before a moment and are not archived to the end, the oldest first; not where something waits."""
    row = cursor.execute(sql.FIRST_RECEIVED).fetchone()
    first = row[0] if row else None
    done = {month.month for month in list_archive(cursor) if month.removed_at is not None}
    due = []
    while first is not None and (bounds := bounds_of(f"{first.astimezone(UTC):%Y-%m}"))[1] <= before:
        month = f"{bounds[0]:%Y-%m}"
        waiting = "SELECT FROM activities_pending WHERE received_at >= %s AND received_at < %s LIMIT 1"
        if month not in done and cursor.execute(waiting, bounds).fetchone() is None:
            due.append(month)
        first = bounds[1]
    return due


def copy_month(cursor: Cursor, month: str, *, at: datetime, progress: Callable[[int], None]) -> ArchivedMonth | None:
    """Writes the file of a month and reads it back; from the commit on the month counts as archived. None for an empty month.

    The caller's transaction sees one moment (REPEATABLE READ), so that rows and digest are of the same rows. Doing it again
    gives what was done. Raises ArchiveDamaged when the file is not what the table holds.
    """
    for known in list_archive(cursor):
        if known.month == month:
            return known
    bounds = _named_bounds(month)
    wanted = cursor.execute(sql.MONTH_DIGEST, bounds).fetchone()
    assert wanted is not None
    if wanted[0] == 0:
        return None
    name = f"{month}-{new_id().hex[:12]}.parquet"
    path = archive_folder() / name
    _write(path, _rows_of_month(cursor, bounds), progress)
    if _digest_of(path) != wanted:
        path.unlink()
        raise ArchiveDamaged(f"The archive of {month} did not come out as the table is. Nothing was removed; try again.")
    archived = ArchivedMonth(month, name, wanted[0], wanted[1], at, None)
    cursor.execute(
        "INSERT INTO activities_archive (month, file, rows, digest, archived_at) VALUES (%s, %s, %s, %s, %s)",
        (archived.month, archived.file, archived.rows, archived.digest, at),
    )
    return archived


def list_digests(month: ArchivedMonth) -> Iterator[tuple[list[str], list[str]]]:
    """The ids of a month's file with a digest of each message, a transaction's worth at a time."""
    with duckdb.connect() as connection:
        result = connection.execute("SELECT activity_id, md5(body) FROM read_parquet(?)", [str(archive_folder() / month.file)])
        while rows := result.fetchmany(REMOVED_AT_ONCE):
            yield [row[0] for row in rows], [row[1] for row in rows]


def remove_bodies(cursor: Cursor, ids: list[str], digests: list[str]) -> int:
    """Takes messages out of the table that are, letter for letter, in the archive; returns how many."""
    cursor.execute(sql.REMOVE_BODIES, {"ids": ids, "digests": digests})
    return cursor.rowcount


def is_current(cursor: Cursor, month: ArchivedMonth) -> bool:
    """Whether the month's file is still the one that is named: a recall writes another."""
    return any(known.file == month.file for known in list_archive(cursor))


def note_removed(cursor: Cursor, month: ArchivedMonth, *, at: datetime) -> None:
    """Every message of the month has been looked at."""
    cursor.execute("UPDATE activities_archive SET removed_at = %s WHERE month = %s", (at, month.month))


def recall(cursor: Cursor, anchor_ids: Collection[UUID]) -> int:
    """Brings the messages that hang on these identifiers back into the table, and takes them out of the archive, for good.

    For an erasure, which changes messages: before it does, so that it finds them where it looks. Returns how many. Rewrites
    each file that has any; the former files are removed by ``remove_leftovers``, after the commit. The caller has the archive
    to itself (``lake.export.alone`` on its folder), taken before its transaction, so that nobody copies or removes meanwhile.
    """
    theirs = pa.array([str(anchor) for anchor in anchor_ids], pa.string())
    recalled = 0
    for month in list_archive(cursor):
        path, name = archive_folder() / month.file, f"{month.month}-{new_id().hex[:12]}.parquet"
        try:
            if not pc.any(pc.is_in(pq.read_table(path, columns=["anchor_id"])["anchor_id"], value_set=theirs)).as_py():
                continue
            taken: list[pa.RecordBatch] = []
            _write(archive_folder() / name, _without(path, theirs, taken), lambda rows: None)
        except (OSError, pa.ArrowInvalid) as error:
            raise ArchiveDamaged(
                f"The archive of {month.month} cannot be searched ({type(error).__name__}). Put it back from a backup first."
            ) from None
        for batch in taken:
            cursor.execute(sql.RETURN_BODIES, {"ids": batch["activity_id"].to_pylist(), "bodies": batch["body"].to_pylist()})
        cursor.execute(
            "UPDATE activities_archive SET file = %s, rows = %s, digest = %s WHERE month = %s",
            (name, *_digest_of(archive_folder() / name), month.month),
        )
        recalled += sum(batch.num_rows for batch in taken)
    return recalled


def _without(path: Path, anchors: "pa.Array[Any]", taken: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A file without what hangs on these anchors, which goes to ``taken``."""
    for batch in pq.ParquetFile(path).iter_batches(CHUNK_ROWS):
        concerned = pc.is_in(batch["anchor_id"], value_set=anchors)
        taken.append(batch.filter(concerned))
        yield batch.filter(pc.invert(concerned))


def remove_leftovers(cursor: Cursor) -> None:
    """Removes files that no month names: what was cut off, and what was rewritten. For who has the archive to himself."""
    named = {month.file for month in list_archive(cursor)}
    for path in archive_folder().glob("*.parquet*"):
        if path.name not in named:
            path.unlink()


def bounds_of(month: str) -> tuple[datetime, datetime]:
    """The first moment of a month, and the first one after it."""
    year, number = map(int, month.split("-"))
    return datetime(year, number, 1, tzinfo=UTC), datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _named_bounds(month: str) -> dict[str, datetime]:
    return dict(zip(("beginning", "ending"), bounds_of(month), strict=True))


def _rows_of_month(cursor: Cursor, bounds: Mapping[str, datetime]) -> Iterator[pa.RecordBatch]:
    """The month in the order of the file, a piece at a time: a cursor of the server, on the transaction at hand."""
    query = (
        f"SELECT {sql.ARCHIVED_COLUMNS} FROM activities_activity AS a WHERE {sql.OF_MONTH} AND a.body IS NOT NULL "
        "ORDER BY a.anchor_id, a.occurred_at, a.id"
    )
    with psycopg.ServerCursor(cursor.connection, "archive") as rows:
        rows.execute(query.encode(), bounds)
        while some := rows.fetchmany(CHUNK_ROWS):
            columns = [pa.array(column, field.type) for column, field in zip(zip(*some, strict=True), SCHEMA, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _write(path: Path, batches: Iterator[pa.RecordBatch], progress: Callable[[int], None]) -> None:
    """The file, under its name when it is whole and on the disk. A group of rows is what one customer's read costs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.tmp")
    with pq.ParquetWriter(draft, SCHEMA, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            progress(batch.num_rows)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def _digest_of(path: Path) -> tuple[int, str]:
    [(rows, digest)] = _ask(f"SELECT {DIGEST} FROM read_parquet(?)", [str(path)])
    return rows, digest


def _ask(query: str, values: list[object]) -> list[tuple]:  # type: ignore[type-arg]
    with closing(duckdb.connect()) as connection:
        try:
            return connection.execute(query, values).fetchall()
        except duckdb.Error as error:
            raise ArchiveDamaged(
                f"A file of the archive cannot be read ({type(error).__name__}). Put the folder {archive_folder()} back from a "
                "backup; `stamgast doctor` names the months."
            ) from None
