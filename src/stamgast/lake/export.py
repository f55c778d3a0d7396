"""Brings the lake up to date from PostgreSQL, by Arrow over ADBC.

Killed anywhere it leaves the manifest before or after a step; what a killed export wrote and no manifest names is removed
by the next one. A first export works in steps, and goes on where it was killed.
"""

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from adbc_driver_manager import OperationalError

from stamgast.kit.claims import DatabaseUnavailable
from stamgast.lake.errors import LakeBusy, LakeOfAnotherServer
from stamgast.lake.manifest import Manifest, Part, Retired, State, find_manifest, put_manifest
from stamgast.lake.parts import MONTH, join_small, write_columns, write_months, write_snapshot
from stamgast.lake.places import SERVER
from stamgast.lake.types import Exported, Log, Snapshot

FIRST_STEP = 1_000_000
FEW_ROWS, MANY_ROWS = 250_000, 2_000_000
KEPT = timedelta(hours=1)
LOCK = "export.lock"
ARCHIVE = "archive"


def export(
    address: str,
    folder: Path,
    datasets: Sequence[Log | Snapshot],
    *,
    at: datetime,
    progress: Callable[[int], None] = lambda rows: None,
) -> Exported:
    """Copies what was stored since the last export. ``address`` is a URL of PostgreSQL; ``progress`` is told of rows done.

    One export at a time: raises LakeBusy beside another, LakeOfAnotherServer when the folder was made from another
    PostgreSQL, and DatabaseUnavailable. Doing it again when nothing was stored changes nothing.
    """
    with alone(folder), _connection(address) as cursor:
        manifest = _manifest_for(folder, cursor, at)
        _remove_leftovers(folder, manifest, at)
        rows = {}
        for dataset in datasets:
            before = manifest
            steps = (
                _copy_log(cursor, folder, before, dataset, at, progress)
                if isinstance(dataset, Log)
                else _copy_snapshot(cursor, folder, before, dataset, at, progress)
            )
            for after in steps:
                put_manifest(folder, after)
                manifest = after
            rows[dataset.name] = _rows(manifest, dataset.name) - _rows(before, dataset.name)
        return Exported(manifest.version, rows)


def _copy_log(
    cursor: Any, folder: Path, manifest: Manifest, log: Log, at: datetime, progress: Callable[[int], None]
) -> Iterator[Manifest]:
    """A manifest for each step. A step is a stretch of the order of storing, longer after few rows, shorter after many."""
    limit = _number(cursor, log.limit)
    low = manifest.datasets[log.name].limit if log.name in manifest.datasets else 0
    if limit < low:
        raise LakeOfAnotherServer(_another_server(folder))
    step = FIRST_STEP
    while low < limit or log.name not in manifest.datasets:
        high = min(limit, low + step)
        # Only whole numbers of our own are put into the text: a bound parameter would give up COPY, and half the speed.
        query = log.query.format(low=int(low), high=int(high))
        cursor.execute(f"SELECT *, to_char({log.month_of} AT TIME ZONE 'UTC', 'YYYY-MM') AS {MONTH} FROM ({query}) AS rows")
        reader = cursor.fetch_record_batch()
        version = manifest.version + 1
        columns = write_columns(folder, log.name, pa.schema([field for field in _plain(reader.schema) if field.name != MONTH]))
        added = write_months(folder, log.name, _batches(reader), version, progress)
        state = manifest.datasets.get(log.name) or State(columns)
        joined, retired = join_small(folder, log.name, (*state.parts, *added), version)
        parts = tuple(part for part in (*state.parts, *added, *joined) if part not in retired)
        is_news = bool(added) or log.name not in manifest.datasets or columns != state.columns
        manifest = _next(manifest, log.name, State(columns, high, "", parts), [*retired], at, is_news=is_news)
        yield manifest
        rows = sum(part.rows for part in added)
        step = step * 2 if rows < FEW_ROWS else max(step // 2, 1) if rows > MANY_ROWS else step
        low = high


def _copy_snapshot(
    cursor: Any, folder: Path, manifest: Manifest, snapshot: Snapshot, at: datetime, progress: Callable[[int], None]
) -> Iterator[Manifest]:
    """One manifest, or none when the rows are those that are there."""
    cursor.execute(snapshot.query)
    reader = cursor.fetch_record_batch()
    table = pa.Table.from_batches(_batches(reader), _plain(reader.schema))
    progress(table.num_rows)
    old = manifest.datasets.get(snapshot.name) or State("")
    written = write_snapshot(folder, snapshot.name, table, manifest.version + 1, old.digest)
    if written is not None:
        digest, parts = written
        columns = write_columns(folder, snapshot.name, table.schema)
        state = State(columns, 0, digest, tuple(parts))
        yield _next(manifest, snapshot.name, state, list(old.parts), at, is_news=True)


def _next(manifest: Manifest, name: str, state: State, retired: list[Part], at: datetime, *, is_news: bool) -> Manifest:
    """The manifest after a step. Its version rises when a reader would see something else."""
    return msgspec.structs.replace(
        manifest,
        version=manifest.version + is_news,
        exported_at=at,
        datasets={**manifest.datasets, name: state},
        retired=tuple([old for old in manifest.retired if at - old.at < KEPT] + [Retired(part.file, at) for part in retired]),
    )


def retire(manifest: Manifest, name: str, state: State, retired: list[Part], at: datetime) -> Manifest:
    """The manifest with another state of one dataset, whose retired files go when nobody can be reading them any more."""
    return _next(manifest, name, state, retired, at, is_news=True)


def _plain(schema: pa.Schema) -> pa.Schema:
    """The columns without the driver's notes on PostgreSQL types."""
    return pa.schema([pa.field(field.name, field.type) for field in schema])


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    schema = _plain(reader.schema)
    for batch in reader:
        yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _rows(manifest: Manifest, name: str) -> int:
    return sum(part.rows for part in manifest.datasets[name].parts) if name in manifest.datasets else 0


def _manifest_for(folder: Path, cursor: Any, at: datetime) -> Manifest:
    """The manifest in force, or a first one; raises LakeOfAnotherServer when it belongs to another PostgreSQL.

    The numbers of transactions begin anew on a server that was restored from a dump, so what the lake has already and
    what it lacks can no longer be told from them.
    """
    cursor.execute(SERVER)
    server = str(cursor.fetchone()[0])
    manifest = find_manifest(folder) or Manifest(server, at)
    if manifest.server != server:
        raise LakeOfAnotherServer(_another_server(folder))
    return manifest


def _another_server(folder: Path) -> str:
    return (
        f"The lake in {folder} was made from another PostgreSQL, so what is new cannot be told. "
        f"Move all of it but {ARCHIVE} away: the next export makes it again."
    )


def _number(cursor: Any, query: str) -> int:
    cursor.execute(query)
    return int(cursor.fetchone()[0])


def _remove_leftovers(folder: Path, manifest: Manifest, at: datetime) -> None:
    """Removes what a killed export left behind, and files that were retired long enough ago."""
    kept = manifest.files(at - KEPT)
    for path in folder.rglob("*"):
        if ARCHIVE in path.relative_to(folder).parts[:1]:
            continue  # kept by another, and nowhere else
        is_ours = path.suffix == ".tmp" or (path.suffix == ".parquet" and len(path.relative_to(folder).parts) > 1)
        if is_ours and path.is_file() and path.relative_to(folder).as_posix() not in kept:
            path.unlink()


@contextmanager
def alone(folder: Path, *, waits: bool = False) -> Iterator[None]:
    """Holds the folder's lock, which the kernel releases when its holder dies; ``waits`` for another rather than LakeBusy."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            raise LakeBusy(f"Another process is exporting to {folder}. Wait until it is ready and try again.") from None
        yield


@contextmanager
def _connection(address: str) -> Iterator[Any]:
    """A cursor over ADBC. The driver's own words are kept back: they may hold the address with its password."""
    # Here, because it loads pandas and Polars wherever they are installed, which takes every other command a second.
    from adbc_driver_postgresql import dbapi

    try:
        with closing(dbapi.connect(address, autocommit=True)) as connection, closing(connection.cursor()) as cursor:
            yield cursor
    except OperationalError:
        raise DatabaseUnavailable(
            "PostgreSQL cannot be reached for the export. See that it runs and that STAMGAST_DATABASE_URL is right."
        ) from None
