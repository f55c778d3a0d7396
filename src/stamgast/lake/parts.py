"""Arrow to Parquet files: split by month, written whole or not at all, joined when they get many."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stamgast.lake.manifest import Part, sync_folder, write_whole

MONTH = "lake_month"
BATCH_ROWS = 128 * 1024
SMALL_ROWS = 50_000
MOST_SMALL_PARTS = 16


def write_columns(folder: Path, name: str, schema: pa.Schema) -> str:
    """An empty file with the columns, so that a dataset without rows can be read."""
    content = _encode(schema.empty_table())
    file = f"{name}/columns-{blake2b(content, digest_size=4).hexdigest()}.parquet"
    if not (folder / file).exists():
        write_whole(folder / file, content)
    return file


def write_snapshot(folder: Path, name: str, table: pa.Table, version: int, old_digest: str) -> tuple[str, list[Part]] | None:
    """The table in one file, with its digest; None when it is what the old digest was made of."""
    content = _encode(table)
    digest = blake2b(content, digest_size=16).hexdigest()
    if digest == old_digest:
        return None
    part = Part(f"{name}/part-{version}.parquet", "", table.num_rows)
    write_whole(folder / part.file, content)
    return digest, [part]


def write_months(
    folder: Path, name: str, batches: Iterator[pa.RecordBatch], version: int, progress: Callable[[int], None]
) -> list[Part]:
    """The rows in a new file for each month that they touch. Holds at most ``BATCH_ROWS`` rows a month in memory."""
    writers: dict[str, _Writer] = {}
    for batch in batches:
        months = batch.column(MONTH)
        rows = batch.drop_columns([MONTH])
        for scalar in pc.unique(months):
            month = str(scalar)
            if month not in writers:
                writers[month] = _Writer(folder, f"{name}/month={month}/part-{version}.parquet", month)
            writers[month].add(rows.filter(pc.equal(months, scalar)))
        progress(batch.num_rows)
    return [writers[month].close() for month in sorted(writers)]


def join_small(folder: Path, name: str, parts: tuple[Part, ...], version: int) -> tuple[list[Part], list[Part]]:
    """Joins the small files of each month that has too many: gives the files to add and those to retire.

    An export a minute would leave 43,200 files a month; so it leaves some tens, and each row is copied a few times at most.
    """
    small = defaultdict(list)
    for part in parts:
        if part.rows < SMALL_ROWS:
            small[part.month].append(part)
    added, retired = [], []
    for month, several in small.items():
        if len(several) > MOST_SMALL_PARTS:
            writer = _Writer(folder, f"{name}/month={month}/joined-{version}.parquet", month)
            tables = [pq.read_table(folder / part.file, partitioning=None) for part in several]
            for batch in pa.concat_tables(tables, promote_options="default").to_batches(BATCH_ROWS):
                writer.add(batch)
            added.append(writer.close())
            retired += several
    return added, retired


def write_part(folder: Path, file: str, month: str, table: pa.Table) -> Part:
    """The rows in one file of a month."""
    writer = _Writer(folder, file, month)
    for batch in table.to_batches(BATCH_ROWS):
        writer.add(batch)
    return writer.close()


class _Writer:
    """One file, under another name until it is whole and on the disk."""

    def __init__(self, folder: Path, file: str, month: str) -> None:
        self._folder, self._file, self._month = folder, file, month
        self._path = folder / f"{file}.tmp"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._held: list[pa.RecordBatch] = []
        self._held_rows = self._rows = 0
        self._parquet: pq.ParquetWriter | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch)
        self._held_rows += batch.num_rows
        if self._held_rows >= BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        table = pa.Table.from_batches(self._held)
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._parquet.write_table(table)
        self._rows += self._held_rows
        self._held, self._held_rows = [], 0

    def close(self) -> Part:
        if self._held:
            self._flush()
        assert self._parquet is not None, "a file is begun for a row"
        self._parquet.close()
        with self._path.open("rb") as file:
            os.fsync(file.fileno())
        self._path.replace(self._folder / self._file)
        sync_folder(self._path.parent)
        return Part(self._file, self._month, self._rows)


def _encode(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()
