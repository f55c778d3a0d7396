"""A CSV or Parquet file into DuckDB, every value as text, every row with the line that it stands on.

Reading decides nothing about values: types, dates and money are the mapping's business. Rows that are no rows of the file
(too many fields, too few) are handed back as ``RaggedRow`` and are not in the table.
"""

import codecs
import csv
import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeAlias, cast

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from stamgast.activities.importers.errors import MissingColumn, UnreadableFile
from stamgast.activities.importers.mapping import Csv, Mapping

BLOCK_BYTES = 4 * 1024 * 1024
PARQUET_ROWS = 65_536
ROW, LINE = "stamgast row", "stamgast line"
"""Names of our own columns in the table ``rows``: with a blank, so that a file is unlikely to have them."""


@dataclass(frozen=True, slots=True)
class RaggedRow:
    """A row with another number of fields than the header, as it stands in the file."""

    line: int
    text: str
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class Table:
    """The file as the table ``rows`` of a DuckDB database that lives while the context is open."""

    connection: duckdb.DuckDBPyConnection
    columns: Sequence[str]
    count: int
    ragged: Sequence[RaggedRow]


def digest_of(path: Path) -> bytes:
    """The SHA-256 of a file's content; raises UnreadableFile."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.", wrong="gone") from None


def is_parquet(path: Path) -> bool:
    """Whether the file's name says Parquet; anything else is CSV."""
    return path.suffix.lower() in (".parquet", ".pq")


@contextmanager
def open_table(
    path: Path,
    mapping: Mapping,
    *,
    folder: Path | None = None,
    memory: str = "1GB",
    report: Callable[[int], None] = lambda rows: None,
    most_rows: int | None = None,
) -> Iterator[Table]:
    """Reads the file into a database in a temporary folder, which also takes what does not fit in memory.

    With ``most_rows`` it is the first so many rows only, and reading ends with them.
    """
    with TemporaryDirectory(prefix="stamgast-import-", dir=folder) as scratch:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "temp_directory": f"{scratch}/spill",
        }
        with duckdb.connect(f"{scratch}/rows.duckdb", config=config) as connection:
            connection.execute("SET enable_progress_bar = false")  # it would write into our output, a pipe or not
            ragged: list[RaggedRow] = []
            columns, batches = (
                _read_parquet(path, mapping.columns) if is_parquet(path) else _read_csv(path, mapping.csv, ragged)
            )
            _check_columns(path, columns, mapping)
            types: list[tuple[str, pa.DataType]] = [
                (ROW, pa.int64()),
                (LINE, pa.int64()),
                *((name, pa.string()) for name in columns),
            ]
            schema = pa.schema(types)
            count = 0
            failed: list[UnreadableFile] = []

            def numbered() -> Iterator[pa.RecordBatch]:
                nonlocal count
                for lines, values in batches if most_rows is None else _first(batches, most_rows, ragged):
                    rows = pa.array(np.arange(count + 1, count + 1 + len(lines)))
                    count += len(lines)
                    yield pa.RecordBatch.from_arrays([rows, lines, *values], schema=schema)
                    report(count)

            reader = pa.RecordBatchReader.from_batches(schema, _with_clear_errors(path, mapping.csv, numbered(), failed))
            connection.register("incoming", reader)
            try:
                connection.execute("create table rows as from incoming")
            except duckdb.Error as error:
                raise failed[0] if failed else _broken(path, error) from None
            connection.unregister("incoming")
            yield Table(connection, columns, count, ragged)


def _first(batches: "_Batches", most: int, ragged: list[RaggedRow]) -> "_Batches":
    """The first rows, and of those that are none only what stands before the last of them."""
    for lines, values in batches:
        yield lines[:most], [column[:most] for column in values]
        if len(lines) >= most:
            last = lines[most - 1].as_py()
            ragged[:] = [row for row in ragged if row.line < last]
            return
        most -= len(lines)


def _with_clear_errors(
    path: Path, csv_format: Csv, batches: Iterator[pa.RecordBatch], failed: list[UnreadableFile]
) -> Iterator[pa.RecordBatch]:
    """What goes wrong is noted in ``failed``, because DuckDB, which asks for the batches, keeps only the text of it."""
    try:
        yield from batches
    except UnreadableFile as error:
        failed.append(error)
        raise
    except (pa.ArrowInvalid, UnicodeError, OSError) as error:
        failed.append(_unreadable(path, csv_format, error))
        raise


def _broken(path: Path, error: Exception) -> UnreadableFile:
    return UnreadableFile(f"{path} cannot be read: {str(error).splitlines()[0]}", wrong="broken")


def _unreadable(path: Path, csv_format: Csv, error: Exception) -> UnreadableFile:
    text = str(error)
    if isinstance(error, UnicodeError) or "UTF8" in text or "UTF-8" in text:
        line = _first_undecodable_line(path, csv_format.encoding)
        where = f"line {line} of {path}" if line else str(path)
        sentence = (
            f"{where} is not {csv_format.encoding}. Name the file's encoding under csv.encoding, for example windows-1252."
        )
        return UnreadableFile(sentence, wrong="encoding", line=line)
    if "straddling" in text or "out of sync" in text:
        sentence = f"{path} has a field of more than {BLOCK_BYTES // 1024**2} MB, or a quote that is never closed."
        return UnreadableFile(sentence, wrong="long_field")
    return _broken(path, error)


def _first_undecodable_line(path: Path, encoding: str) -> int | None:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding)
            except UnicodeError:
                return number
    return None


def _check_columns(path: Path, columns: Sequence[str], mapping: Mapping) -> None:
    for name in mapping.columns:
        if name not in columns:
            raise MissingColumn(
                f"{path} has no column {name!r}, which the mapping names. It has {', '.join(columns)}."
                + _other_delimiter(columns, mapping.csv),
                column=name,
            )


def _other_delimiter(columns: Sequence[str], csv_format: Csv) -> str:
    """A hint, when a header of one column looks as if it were several."""
    if len(columns) > 1:
        return ""
    likely = max(";,\t|", key=columns[0].count)
    if likely == csv_format.delimiter or likely not in columns[0]:
        return ""
    return f" It looks as if {likely!r} stands between its fields: say so under csv.delimiter."


_Column: TypeAlias = "pa.Array[Any]"
_Batches: TypeAlias = Iterator[tuple[_Column, Sequence[_Column]]]


def _read_parquet(path: Path, mapped: Collection[str]) -> tuple[Sequence[str], _Batches]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        sentence = f"{path} is not a Parquet file that can be read: {str(error).splitlines()[0]}"
        raise UnreadableFile(sentence, wrong="not_parquet") from None
    names = file.schema_arrow.names
    for name in names:
        if names.count(name) > 1:
            raise _twice(path, name)

    def batches() -> _Batches:
        line = 0
        for batch in file.iter_batches(PARQUET_ROWS):
            yield (
                pa.array(np.arange(line + 1, line + 1 + len(batch))),
                [_text_of(name, column, is_mapped=name in mapped) for name, column in zip(names, batch.columns, strict=True)],
            )
            line += len(batch)

    return names, batches()


def _text_of(name: str, column: _Column, *, is_mapped: bool) -> _Column:
    """Parquet values as text: shortest decimal for floats, ISO 8601 for moments, JSON's words for booleans.

    What has no text, such as a list, is empty where the mapping does not name it.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    try:
        text = column.cast(pa.string())
    except pa.ArrowException:
        if not is_mapped:
            return pa.nulls(len(column), pa.string())
        sentence = f"The column {name!r} is of type {column.type}, which cannot be imported."
        raise UnreadableFile(sentence, wrong="type", column=name) from None
    return _without_exponent(text) if pa.types.is_decimal(column.type) or pa.types.is_floating(column.type) else text


def _without_exponent(text: _Column) -> _Column:
    """Arrow writes a decimal zero of nine places as 0E-9, and a small or large float with an exponent: amounts have none."""
    has_exponent = pc.match_substring(text, "e", ignore_case=True)
    if not pc.any(has_exponent).as_py():
        return text
    plain = [format(Decimal(one), "f") if one is not None and "e" in one.lower() else one for one in text.to_pylist()]
    return pa.array(plain, pa.string())


def _read_csv(path: Path, csv_format: Csv, ragged: list[RaggedRow]) -> tuple[Sequence[str], _Batches]:
    columns, header_lines = _read_header(path, csv_format)
    invalid: list[pa_csv.InvalidRow] = []

    def skip(row: pa_csv.InvalidRow) -> Literal["skip", "error"]:
        invalid.append(row)
        return "skip"

    try:
        reader = pa_csv.open_csv(
            path,
            pa_csv.ReadOptions(
                use_threads=False,
                block_size=BLOCK_BYTES,
                encoding=csv_format.encoding,
                column_names=columns,
                skip_rows=header_lines,
            ),
            pa_csv.ParseOptions(
                delimiter=csv_format.delimiter,
                quote_char=csv_format.quote,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            pa_csv.ConvertOptions(
                column_types={name: pa.string() for name in columns},
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error) or "Could not skip" in str(error):  # a header and no more
            return columns, iter(())
        raise _unreadable(path, csv_format, error) from None

    def batches() -> _Batches:
        line = header_lines + 1
        rows = 0
        for batch in reader:
            breaks = _line_breaks(batch)
            gaps = _ragged_before(invalid, header_lines + rows, len(batch))
            lines = np.empty(len(batch), np.int64)
            start = 0
            for position, row in (*gaps, (len(batch), None)):
                part = 1 + breaks[start:position]
                lines[start:position] = line + np.cumsum(part) - part
                line += int(part.sum())
                start = position
                if row is not None:
                    ragged.append(RaggedRow(line, row.text, row.expected_columns, row.actual_columns))
                    line += 1 + row.text.count("\n")
            rows += len(batch) + len(gaps)
            del invalid[: len(gaps)]
            kept = pc.invert(_is_blank(batch))
            yield pc.filter(pa.array(lines), kept), [pc.filter(column, kept) for column in batch.columns]
        for row in invalid:
            ragged.append(RaggedRow(line, row.text, row.expected_columns, row.actual_columns))
            line += 1 + row.text.count("\n")

    return columns, batches()


def _ragged_before(
    invalid: Sequence[pa_csv.InvalidRow], before: int, length: int
) -> list[tuple[int, pa_csv.InvalidRow | None]]:
    """The ragged rows that stand before the last row of a batch, each with the number of good rows of the batch before it.

    The reader runs ahead, so ``invalid`` may already hold rows of later batches. ``before`` counts the lines of the header
    and the rows before this batch, which is how the reader numbers rows.
    """
    found: list[tuple[int, pa_csv.InvalidRow | None]] = []
    for nth, row in enumerate(invalid):
        assert row.number is not None, "rows are numbered when they are read by one thread"
        position = row.number - 1 - before - nth
        if position >= length:
            break
        found.append((position, row))
    return found


def _line_breaks(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    breaks = np.zeros(len(batch), np.int64)
    for column in cast(list[pa.StringArray], batch.columns):
        counts = pc.count_substring(column, "\n")
        breaks += counts.fill_null(0).to_numpy(zero_copy_only=False)
    return breaks


def _is_blank(batch: pa.RecordBatch) -> _Column:
    blank = pc.is_null(batch.column(0))
    for column in batch.columns[1:]:
        blank = pc.and_(blank, pc.is_null(column))
    return blank


def _read_header(path: Path, csv_format: Csv) -> tuple[list[str], int]:
    encoding = "utf-8-sig" if codecs.lookup(csv_format.encoding).name == "utf-8" else csv_format.encoding
    try:
        with path.open(encoding=encoding, newline="") as file:
            rows = csv.reader(file, delimiter=csv_format.delimiter, quotechar=csv_format.quote)
            columns = next(rows, [])
            header_lines = rows.line_num
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.", wrong="gone") from None
    except UnicodeError as error:
        raise _unreadable(path, csv_format, error) from None
    except csv.Error:
        raise UnreadableFile(f"{path} does not begin with a line of column names.", wrong="no_header") from None
    if not any(columns):
        raise UnreadableFile(f"{path} is empty: its first line has to name the columns.", wrong="empty")
    for name in columns:
        if columns.count(name) > 1:
            raise _twice(path, name)
    return columns, header_lines


def _twice(path: Path, name: str) -> UnreadableFile:
    sentence = f"{path} has two columns {name!r}. Give each column a name of its own."
    return UnreadableFile(sentence, wrong="column_twice", column=name)
