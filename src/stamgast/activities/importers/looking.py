"""Looking at a file before it is imported: how it is written, its first rows, and what a mapping would make of them."""

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from stamgast.activities.importers.choices import DELIMITERS
from stamgast.activities.importers.errors import UnreadableFile
from stamgast.activities.importers.grouping import build_query
from stamgast.activities.importers.mapping import Csv, Mapping, Timestamp
from stamgast.activities.importers.messages import Writer, parts_of
from stamgast.activities.importers.reading import LINE, ROW, is_parquet, open_table
from stamgast.activities.messages import Reader
from stamgast.activities.types import Source

ROWS = 1_000
HEAD_BYTES = 64 * 1024
_COMMA_AMOUNT = re.compile(r"-?[0-9.]*,[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class Look:
    """The first rows of a file as texts. ``nested`` are columns of a Parquet file that hold lists or records."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | None]]
    nested: Collection[str]

    def values(self, column: str) -> list[str]:
        """What the first rows have in a column, blanks cut off, without what is empty."""
        place = self.columns.index(column)
        return [text.strip() for row in self.rows if (text := row[place]) and text.strip()]


@dataclass(frozen=True, slots=True)
class Trial:
    """What the first rows of a file would become. ``customers`` counts those who share no identifier with one another."""

    rows: int
    rows_accepted: int
    activities: int
    customers: int
    refused: Sequence[tuple[int, str]]
    """Line and reason, in the order of the file."""
    kinds: Sequence[tuple[str, int]]
    first_at: datetime | None
    last_at: datetime | None


def look(path: Path, csv_format: Csv, *, folder: Path, rows: int = ROWS) -> Look:
    """Reads the first rows; raises UnreadableFile."""
    nothing = Mapping(b"", None, "", None, Timestamp((), ZoneInfo("UTC"), None), (), (), (), (), (), (), csv_format)
    with open_table(path, nothing, folder=folder, most_rows=rows) as table:
        found = table.connection.execute(f'SELECT * EXCLUDE ("{ROW}", "{LINE}") FROM rows ORDER BY "{ROW}"').fetchall()
    nested = {field.name for field in pq.read_schema(path) if pa.types.is_nested(field.type)} if is_parquet(path) else ()
    return Look(table.columns, found, nested)


def guess_csv(path: Path, *, is_utf8: bool) -> Csv:
    """How a CSV file is written, from how it begins. Raises UnreadableFile where that is no text."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\0" in head:
        raise UnreadableFile(f"{path} is neither CSV nor Parquet.", wrong="not_csv")
    else:
        encoding = "utf-8" if is_utf8 else "windows-1252"
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    lines = text.splitlines()[:50]
    delimiter = max(DELIMITERS, key=lambda one: _fields(lines[:1], one))
    values = [field.strip() for row in csv.reader(io.StringIO("\n".join(lines[1:])), delimiter=delimiter) for field in row]
    is_comma = delimiter != "," and any(_COMMA_AMOUNT.fullmatch(value) for value in values)
    return Csv(delimiter=delimiter, encoding=encoding, decimal="," if is_comma else ".")


def _fields(lines: Sequence[str], delimiter: str) -> int:
    try:
        return len(next(csv.reader(lines, delimiter=delimiter), ()))
    except csv.Error:
        return 0


def try_file(
    path: Path, mapping: Mapping, *, source: Source, reader: Reader, at: datetime, folder: Path, rows: int = ROWS
) -> Trial:
    """What an import would do with the first rows, by the code that does it; nothing is stored. Raises as an import does.

    An order of which lines stand further down counts with the lines that were read.
    """
    writer = Writer(mapping, source, reader)
    decimal = Csv().decimal if is_parquet(path) else mapping.csv.decimal
    accepted = activities = 0
    refused: list[tuple[int, str]] = []
    kinds: Counter[str] = Counter()
    who: list[tuple[str, ...]] = []
    moments: list[datetime] = []
    with open_table(path, mapping, folder=folder, most_rows=rows) as table:
        refused += [(row.line, f"it has {row.found} fields, and the header has {row.expected}") for row in table.ragged]
        query = build_query(mapping, decimal=decimal, after=0)
        for parts in parts_of(table.connection.sql(query).to_arrow_reader(rows)):
            written = writer.write(parts, at=at)
            if isinstance(written, list):
                lines = dict(zip(parts.row_numbers, parts.lines, strict=True))
                refused += [(lines[row.row_number], row.reason) for row in written]
                continue
            accepted += len(parts.row_numbers)
            activities += 1
            kinds[written.kind] += 1
            who.append(written.identifiers)
            moments.append(written.occurred_at)
        count = table.count + len(table.ragged)
    return Trial(
        rows=count,
        rows_accepted=accepted,
        activities=activities,
        customers=_count_apart(who),
        refused=sorted(refused),
        kinds=kinds.most_common(),
        first_at=min(moments, default=None),
        last_at=max(moments, default=None),
    )


def _count_apart(groups: Sequence[tuple[str, ...]]) -> int:
    """How many sets remain when those that share a member are joined."""
    parent: dict[str, str] = {}

    def root_of(one: str) -> str:
        while (above := parent.setdefault(one, one)) != one:
            parent[one] = parent[above]
            one = above
        return one

    for first, *others in groups:
        for other in others:
            parent[root_of(other)] = root_of(first)
        root_of(first)
    return sum(parent[one] == one for one in parent)
