"""One import from beginning to end: read, write messages, store them in transactions that also say how far it got.

Killed anywhere, it goes on after the last transaction that committed; the file is read and grouped again, which is quick and
always gives the same order. The edge says how a transaction is opened and which moment it is.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from stamgast.activities.importers import progress
from stamgast.activities.importers.errors import InvalidMapping
from stamgast.activities.importers.grouping import build_query
from stamgast.activities.importers.mapping import Csv, Mapping
from stamgast.activities.importers.messages import Parts, RejectedRow, Writer, parts_of
from stamgast.activities.importers.progress import Progress
from stamgast.activities.importers.reading import LINE, ROW, Table, digest_of, is_parquet, open_table
from stamgast.activities.importers.rejects import Rejects, path_of
from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.types import NewActivity
from stamgast.kit.database import Cursor

MESSAGES_PER_TRANSACTION = 2_000
ROWS_PER_TRANSACTION = 50_000
ROWS_PER_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class Edges:
    """What an import is given by whoever starts it."""

    open_transaction: Callable[[], AbstractContextManager[Cursor]]
    now: Callable[[], datetime]
    actor: str
    folder: Path | None = None
    """Where files that do not fit in memory are put meanwhile; None is the system's own place."""
    report: Callable[[int, int | None], None] = lambda done, total: None
    """Told the rows done and their number, of what is being stored."""
    should_stop: Callable[[], bool] = lambda: False
    """Asked between two transactions."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What importing a file came to, runs before this one included."""

    file: Path
    source: str
    is_finished: bool
    was_finished: bool
    rows: int
    activities_new: int
    activities_repeated: int
    rows_rejected: int
    rejects: Path | None
    reasons: Sequence[tuple[str, int]] = field(default=())
    """Of this run: the commonest reasons, and how many rows each took."""


def import_file(path: Path, mapping: Mapping, *, source_name: str | None, reader: Reader, edges: Edges) -> Outcome:
    """Imports what of the file is not imported yet. Raises UnreadableFile, MissingColumn, InvalidMapping, ImportUnderWay.

    ``should_stop`` makes it stop after a transaction; the same call goes on later.
    """
    name = source_name or mapping.source
    if not name:
        raise InvalidMapping("The mapping names no source. Add `source:` to it, or give --source.")
    digest = digest_of(path)
    with edges.open_transaction() as cursor:
        source = ensure_source(cursor, name, at=edges.now(), actor=edges.actor)
        known = progress.begin(
            cursor,
            file_name=path.name,
            file_digest=digest,
            mapping_digest=mapping.digest,
            source=source,
            at=edges.now(),
            actor=edges.actor,
        )
    if known.finished_at is not None:
        return _outcome(path, name, known, was_finished=True)
    writer = Writer(mapping, source, reader)
    with open_table(path, mapping, folder=edges.folder) as table:
        csv_format = Csv() if is_parquet(path) else mapping.csv
        with closing(Rejects(path_of(path), table.columns, csv_format, size=known.rejects_bytes)) as rejects:
            run = _Run(table, writer, rejects, edges, known)
            run.store_all(build_query(mapping, decimal=csv_format.decimal, after=known.last_first_row), csv_format)
            return _outcome(path, name, run.known, was_finished=False, reasons=run.reasons.most_common(3))


class _Run:
    def __init__(self, table: Table, writer: Writer, rejects: Rejects, edges: Edges, known: Progress) -> None:
        self.table = table
        self.writer = writer
        self.rejects = rejects
        self.edges = edges
        self.known = known
        self.reasons: Counter[str] = Counter()
        self.total = table.count + len(table.ragged)

    def store_all(self, query: str, csv_format: Csv) -> None:
        if self.known.rows_done == 0 and self.table.ragged:
            self._reject_ragged(csv_format)
        messages = parts_of(self.table.connection.sql(query).to_arrow_reader(ROWS_PER_BATCH))
        while not self.edges.should_stop():
            part = list(_next_part(messages))
            if not part:
                with self.edges.open_transaction() as cursor:
                    progress.lock(cursor, self.known)
                    self.known = progress.finish(cursor, self.known, row_count=self.total, at=self.edges.now())
                return
            self._store(part)

    def _store(self, part: Sequence[Parts]) -> None:
        at = self.edges.now()
        activities: list[NewActivity] = []
        rejected: list[RejectedRow] = []
        for parts in part:
            written = self.writer.write(parts, at=at)
            if isinstance(written, list):
                rejected += written
            else:
                activities.append(written)
        with self.edges.open_transaction() as cursor:
            progress.lock(cursor, self.known)
            stored = store(cursor, activities, [])
            if rejected:
                self.rejects.write(self._rows_of(rejected))
            self.known = progress.advance(
                cursor,
                self.known,
                rows=sum(len(parts.row_numbers) for parts in part),
                new=stored.new,
                repeated=stored.repeated,
                rejected=len(rejected),
                last_first_row=part[-1].first_row,
                rejects_bytes=self.rejects.size,
            )
        self.reasons.update(row.reason for row in rejected)
        self.edges.report(self.known.rows_done, self.total)

    def _rows_of(self, rejected: Sequence[RejectedRow]) -> Iterator[tuple[int, str, Sequence[str | None]]]:
        reasons = {row.row_number: row.reason for row in rejected}
        # A cursor of its own, because the connection is in the middle of handing over the file.
        with self.table.connection.cursor() as cursor:
            found = cursor.execute(
                f'SELECT * FROM rows WHERE "{ROW}" IN (SELECT unnest($rows)) ORDER BY "{LINE}"',
                {"rows": list(reasons)},
            ).fetchall()
        for row_number, line, *fields in found:
            yield line, reasons[row_number], fields

    def _reject_ragged(self, csv_format: Csv) -> None:
        rows = []
        for row in self.table.ragged:
            fields = next(csv.reader([row.text], delimiter=csv_format.delimiter, quotechar=csv_format.quote), [])
            rows.append((row.line, f"it has {row.found} fields, and the header has {row.expected}", fields))
        with self.edges.open_transaction() as cursor:
            progress.lock(cursor, self.known)
            self.rejects.write(rows)
            self.known = progress.advance(
                cursor,
                self.known,
                rows=len(rows),
                new=0,
                repeated=0,
                rejected=len(rows),
                last_first_row=0,
                rejects_bytes=self.rejects.size,
            )
        self.reasons.update(reason for _, reason, _ in rows)


def _next_part(messages: Iterator[Parts]) -> Iterator[Parts]:
    rows = 0
    for parts in islice(messages, MESSAGES_PER_TRANSACTION):
        yield parts
        rows += len(parts.row_numbers)
        if rows >= ROWS_PER_TRANSACTION:
            return


def _outcome(
    path: Path, source: str, known: Progress, *, was_finished: bool, reasons: Sequence[tuple[str, int]] = ()
) -> Outcome:
    rejects = path_of(path)  # under another name the file was imported before, and has its rejects there
    return Outcome(
        file=path,
        source=source,
        is_finished=known.finished_at is not None,
        was_finished=was_finished,
        rows=known.rows_done,
        activities_new=known.activities_new,
        activities_repeated=known.activities_repeated,
        rows_rejected=known.rows_rejected,
        rejects=rejects if known.rows_rejected and rejects.exists() else None,
        reasons=reasons,
    )
