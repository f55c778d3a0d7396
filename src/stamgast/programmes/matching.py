"""Stage 1 of deciding: what each rule looks at, for each activity, without regard to order.

Two ways to the same numbers: the closures for few activities, DuckDB for many.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from struct import pack
from typing import Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stamgast.conditions import local_column
from stamgast.conditions.fields import decode_properties
from stamgast.conditions.money import DEFAULT_DIGITS, MONEY_DIGITS, digits_of
from stamgast.kit.zones import to_local
from stamgast.programmes.programme import Programme
from stamgast.programmes.slots import LARGEST, Base

FEW = 1000
"""Activities up to which the closures are faster than starting DuckDB; measured in docs/algorithms/deciding.md."""

Integers = npt.NDArray[np.int64]


class Matched(NamedTuple):
    """One row a base, and one a value that challenges tell apart, as a number that stands for it, zero where there is none; one
    column an activity."""

    bases: Integers
    values: Integers


def match(programme: Programme, activities: pa.Table) -> Matched:
    """What each rule looks at, by the way that is faster.

    That is nothing in what tells of an earlier order, such as a refund, unless the rule names its kind: it is no purchase of
    its own, and neither gives, nor is counted, nor takes a turn by itself.
    """
    matched = (match_few if activities.num_rows <= FEW else match_many)(programme, activities)
    kinds = activities["kind"].combine_chunks().dictionary_encode()
    for code, kind in enumerate(kinds.dictionary.to_pylist()):
        if kind in programme.unnamed:
            places = np.flatnonzero(kinds.indices.to_numpy() == code)
            matched.bases[np.ix_(programme.unnamed[kind], places)] = 0
    return matched


def match_few(programme: Programme, activities: pa.Table) -> Matched:
    """With the closures, one activity at a time."""
    names = {*programme.columns, "occurred_at", "currency"} & set(activities.column_names)
    rows = activities.select(sorted(names)).to_pylist()
    if "properties" in programme.columns:
        for row in rows:
            row["properties"] = decode_properties(row["properties"])
    result = np.empty((len(programme.bases), len(rows)), np.int64)
    for place, base in enumerate(programme.bases):
        evaluate = _closure_of(base)
        result[place] = [evaluate(row) for row in rows]
    values = np.empty((len(programme.values), len(rows)), np.int64)
    for place, field in enumerate(programme.values):
        values[place] = [number_of(field.identity(row)) for row in rows]
    return Matched(result, values)


@lru_cache(maxsize=100_000)
def number_of(value: str | float | None) -> int:
    """A number that stands for a value, the same in every process; zero for none. Two values share one in 2^64 cases."""
    if value is None or value == "":  # a till that leaves the field empty is no third shop
        return 0
    content = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else b"\0" + pack(">d", value + 0.0)
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big", signed=True) or 1


@lru_cache(maxsize=1024)
def _closure_of(base: Base) -> Callable[[Mapping[str, Any]], int]:
    holds = base.when.closure()
    if base.of == "once":
        return lambda row: int(holds(row))
    if base.lines is None and base.of == "amount":
        return lambda row: _clip(row["amount_minor"]) if holds(row) else 0
    matching = base.lines.line_closure() if base.lines is not None else _all_lines
    column = "amount_minor" if base.of == "amount" else "quantity"
    return lambda row: _clip(sum(line[column] or 0 for line in matching(row))) if holds(row) else 0


def _all_lines(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [line for line in row["lines"] or () if line is not None]


def _clip(value: int | None) -> int:
    return min(max(value or 0, 0), LARGEST)


def match_many(programme: Programme, activities: pa.Table) -> Matched:
    """With DuckDB, all at once."""
    table = activities.select([name for name in programme.columns if name in activities.column_names])
    moments = activities["occurred_at"].cast(pa.int64()).to_numpy()
    for zone in sorted({document.timezone for document in programme.documents}):
        if local_column(zone) in programme.columns:
            local = pa.array(to_local(zone, moments)).cast(pa.timestamp("us"))
            table = table.append_column(local_column(zone), local)
    if "currency" in programme.columns:
        table = table.append_column(MONEY_DIGITS, _digits_of(activities["currency"]))
    cursor = _engine().cursor()
    try:
        cursor.register("activities", table)
        found = cursor.sql(programme.sql).to_arrow_table()
    finally:
        cursor.close()
    count = len(programme.tests)
    holds = dict(zip(programme.tests, (_flags(column) for column in found.columns[:count]), strict=True))
    amount_minor: Any = activities["amount_minor"]
    amounts = np.clip(amount_minor.fill_null(0).to_numpy(), 0, LARGEST)
    bases = np.empty((len(programme.bases), len(moments)), np.int64)
    for row, base in zip(bases, programme.bases, strict=True):
        if base.reads_lines:
            row[:] = found.columns[count].cast(pa.int64()).to_numpy()
            count += 1
        else:
            np.multiply(holds[base.when], 1 if base.of == "once" else amounts, out=row)
    values = np.zeros((len(programme.values), len(moments)), np.int64)
    for place in range(len(programme.values)):
        for column in found.columns[count + 2 * place : count + 2 * place + 2]:
            values[place] += _numbers_of(column)
    return Matched(bases, values)


def _flags(column: Any) -> npt.NDArray[np.bool_]:
    flags: npt.NDArray[np.bool_] = column.combine_chunks().to_numpy(zero_copy_only=False)
    return flags


def _digits_of(currencies: Any) -> Any:
    """The digits of each activity's money, looked up once a currency."""
    coded = currencies.combine_chunks().dictionary_encode()
    digits = pa.array([digits_of(code) for code in coded.dictionary.to_pylist()], pa.int8())
    return digits.take(coded.indices).fill_null(DEFAULT_DIGITS)


def _numbers_of(column: Any) -> Integers:
    coded = column.combine_chunks().dictionary_encode()
    numbers = np.array([*(number_of(value) for value in coded.dictionary.to_pylist()), 0], np.int64)
    places: Integers = coded.indices.fill_null(len(numbers) - 1).to_numpy(zero_copy_only=False)
    return numbers[places]


@lru_cache(maxsize=1)
def _engine() -> duckdb.DuckDBPyConnection:
    """One DuckDB a process, in memory, that keeps the order of rows and fetches nothing from anywhere."""
    engine = duckdb.connect(":memory:")
    for setting in (
        "preserve_insertion_order = true",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
    ):
        engine.execute(f"set {setting}")
    return engine
