"""Activities from files and frames, a part at a time: each with whole customers, in the columns and order of ``decide``.

DuckDB brings together what belongs to one customer, on disk where it does not fit; what comes out is in order within a part.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stamgast.programmes.errors import InvalidActivities
from stamgast.programmes.types import ACTIVITIES, MOMENT

PART = 100_000
"""Activities of a part, or those of one customer where they are more."""
MEMORY = "1GB"
NEEDED = ("customer_id", "activity_id", "occurred_at", "kind")
IDS = ("customer_id", "activity_id")
MOMENTS = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")
EARLIEST, LATEST = (pa.scalar(datetime(year, 1, 1, tzinfo=UTC), MOMENT) for year in (1900, 2200))
_ID_TYPES = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_integer,
    pa.types.is_binary,
    pa.types.is_large_binary,
)


@dataclass(frozen=True, slots=True)
class Part:
    """Some customers: ``table`` of the schema ACTIVITIES, in order, and the ids that they came with, row for row."""

    table: pa.Table
    ids: Mapping[str, "pa.ChunkedArray[Any]"]

    def named(self, decisions: pa.Table) -> pa.Table:
        """Decisions with the ids that came in."""
        rows = pc.index_in(decisions["activity_id"], value_set=self.table["activity_id"].combine_chunks())
        for name in IDS:
            place = decisions.schema.get_field_index(name)
            decisions = decisions.set_column(place, name, self.ids[name].take(rows))
        return decisions


@dataclass(frozen=True, slots=True)
class Source:
    """Activities that are there to be read once. ``parts`` yields them."""

    count: int
    parts: Callable[[], Iterator[Part]]


@contextmanager
def open_source(activities: Any) -> Iterator[Source]:
    """Activities of any kind that ``replay`` takes. Raises InvalidActivities for what is none, or lacks a column."""
    with TemporaryDirectory(prefix="stamgast-") as folder, duckdb.connect(":memory:") as engine:
        engine.execute("set autoinstall_known_extensions = false")
        engine.execute("set autoload_known_extensions = false")
        engine.execute(f"set memory_limit = '{MEMORY}'")
        engine.execute("set temp_directory = $folder", {"folder": folder})
        relation = _relation(engine, activities)
        columns = dict(zip(relation.columns, (str(one) for one in relation.types), strict=True))
        query = _query(columns)
        with _reading():
            [(count,)] = relation.aggregate("count(*)").fetchall()
        yield Source(int(count), lambda: _parts(relation, query))


@contextmanager
def _reading() -> Iterator[None]:
    """Files that break off, or a disk that is full, in words."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise InvalidActivities(f"The activities cannot be read to their end: {error}"[:500]) from None


def _relation(engine: duckdb.DuckDBPyConnection, activities: Any) -> duckdb.DuckDBPyRelation:
    if isinstance(activities, str | Path):
        path = Path(activities)
        files = sorted(str(one) for one in path.rglob("*.parquet")) if path.is_dir() else [str(path)]
        if not files or not Path(files[0]).exists():
            raise InvalidActivities(f"There is no Parquet at {path}. Name a file, or a folder with files that end in .parquet.")
        try:
            return engine.read_parquet(files, union_by_name=True)
        except duckdb.Error:
            raise InvalidActivities(f"{path} is not Parquet that can be read, or its files have other columns each.") from None
    try:
        if type(activities).__module__.partition(".")[0] == "pandas":
            table = pa.Table.from_pandas(activities, preserve_index=False)
        elif isinstance(activities, pa.Table):
            table = activities
        elif hasattr(activities, "__arrow_c_stream__"):
            table = pa.table(activities)
        else:
            raise InvalidActivities(
                "Activities are an Arrow table, a frame of pandas or Polars, a Parquet file or a folder of them."
            )
    except (pa.ArrowException, ValueError, TypeError) as error:
        said = " ".join(str(part) for part in reversed(error.args))  # the column first, then what is wrong with it
        raise InvalidActivities(f"This frame cannot be read: {said}"[:500]) from None
    _refuse_missing(table.column_names)
    return engine.from_arrow(table)


def _refuse_missing(names: Iterable[str]) -> None:
    missing = [name for name in NEEDED if name not in set(names)]
    if missing:
        raise InvalidActivities(f"The column {missing[0]!r} is missing. Needed are {', '.join(NEEDED)}.", columns=missing)


def _query(columns: Mapping[str, str]) -> str:
    _refuse_missing(columns)
    if columns["occurred_at"] not in MOMENTS:
        raise InvalidActivities(
            "'occurred_at' has no time zone, so that nobody knows which moments it means. Give it one: in pandas "
            'frame["occurred_at"].dt.tz_localize("Europe/Amsterdam"), in Polars .dt.replace_time_zone.'
        )
    return ", ".join(
        f'epoch_us("{name}"::timestamptz) as "{name}"' if name == "occurred_at" else f'"{name}"'
        for name in ACTIVITIES.names
        if name in columns
    )


def _batches(relation: duckdb.DuckDBPyRelation, query: str) -> "Iterator[pa.RecordBatch]":
    with _reading():
        yield from relation.order('"customer_id"').project(query).to_arrow_reader(PART)


def _parts(relation: duckdb.DuckDBPyRelation, query: str) -> Iterator[Part]:
    """Whole customers, some at a time: what of the last customer has come waits for the rest of it."""
    waiting: pa.Table | None = None
    for batch in _batches(relation, query):
        table = pa.Table.from_batches([batch])
        waiting = table if waiting is None else pa.concat_tables([waiting, table])
        if waiting.num_rows < PART:
            continue
        waiting = waiting.combine_chunks()
        last = waiting["customer_id"][-1]
        is_last = pc.equal(waiting["customer_id"], last)
        cut = pc.index(is_last, pa.scalar(True)).as_py()
        if cut:
            yield _part(waiting.slice(0, cut))
            waiting = waiting.slice(cut)
    if waiting is not None and waiting.num_rows:
        yield _part(waiting.combine_chunks())


def _part(raw: pa.Table) -> Part:
    columns: dict[str, Any] = {name: _key(raw[name], name) for name in IDS}
    for field in ACTIVITIES:
        if field.name in IDS:
            continue
        if field.name not in raw.column_names:
            columns[field.name] = pa.nulls(raw.num_rows, field.type)
            continue
        try:
            columns[field.name] = raw[field.name].cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            problem = f"The column {field.name!r} is {raw[field.name].type} and has to be {field.type}: {error}"
            raise InvalidActivities(problem[:500]) from None
    table = pa.table(
        [columns[name] for name in ACTIVITIES.names], schema=pa.schema([field.with_nullable(True) for field in ACTIVITIES])
    )
    if not set(table["birth_month"].unique().to_pylist()) <= {None, *range(1, 13)}:
        problem = (
            "The column 'birth_month' holds a number that is no month. Write 1 to 12, or leave it empty where it is unknown."
        )
        raise InvalidActivities(problem, column="birth_month")
    for name in NEEDED:
        if table[name].null_count:
            raise InvalidActivities(f"An activity has no {name}. Give each one.", column=name)
    if pc.any(pc.or_(pc.less(table["occurred_at"], EARLIEST), pc.greater_equal(table["occurred_at"], LATEST))).as_py():
        raise InvalidActivities("'occurred_at' has a moment before 1900 or after 2199. Correct it, or leave that row out.")
    order = pc.sort_indices(table, [(name, "ascending") for name in ("customer_id", "occurred_at", "activity_id")])
    table = table.take(order).cast(ACTIVITIES)
    ids = {name: raw[name].take(order) for name in IDS}
    _refuse_twice(ids["activity_id"], table["activity_id"])
    return Part(table, ids)


def _refuse_twice(ids: "pa.ChunkedArray[Any]", keys: "pa.ChunkedArray[Any]") -> None:
    """An activity that stands twice would be worth its points twice."""
    if len(keys.unique()) == len(keys):
        return
    key, times = next(one.values() for one in keys.value_counts() if one["counts"].as_py() > 1)
    shown = str(ids[pc.index(keys, key).as_py()].as_py())[:80]
    raise InvalidActivities(f"The activity {shown!r} stands {times} times. Keep each activity once.", column="activity_id")


def _key(column: "pa.ChunkedArray[Any]", name: str) -> "pa.Array[Any]":
    """Ids as the 16 bytes that ``decide`` sorts by: those of a UUID, and else its place among the ids of its part."""
    values = column.combine_chunks()
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    if pa.types.is_fixed_size_binary(values.type) and values.type.byte_width == 16:
        return values.cast(pa.binary(16))
    if not any(is_one(values.type) for is_one in _ID_TYPES):
        raise InvalidActivities(f"The column {name!r} holds {values.type}. Ids are text, whole numbers, UUIDs or 16 bytes.")
    encoded = values.dictionary_encode()
    places = np.zeros((len(encoded.dictionary), 2), ">u8")
    places[pc.sort_indices(encoded.dictionary).to_numpy(), 1] = np.arange(len(places))
    keys = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(places), [None, pa.py_buffer(places.tobytes())])
    return keys.take(encoded.indices)
