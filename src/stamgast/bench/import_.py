"""How fast a file of orders is imported: lines a second, from Parquet to stored and waiting to be decided.

The whole way of ``stamgast import`` is measured, on the demo's till (1,469,307 lines, 155,848 orders), into a scratch database
on the server in use. The baseline is what the same server takes for the same lines when nothing is asked of them: one COPY
into a table of text columns without an index, in the same minute. What is between the two is grouping, reading, checking,
and keeping each order once for ever.
"""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import psycopg
import pyarrow.csv as pa_csv
from psycopg import sql

from stamgast.activities.catalogue import builtin_catalogue
from stamgast.activities.importers.mapping import read_mapping
from stamgast.activities.importers.running import Edges, import_file
from stamgast.activities.messages import Reader
from stamgast.bench.scratch import BenchFailed, migrate, scratch_database
from stamgast.demo.prepare import Prepared, prepare
from stamgast.kit.database import Cursor


def run() -> dict[str, Any]:
    """Measures; about half a minute. The milliseconds are of one transaction, with all that goes into it."""
    with TemporaryDirectory(prefix="stamgast-bench-import-") as folder, scratch_database() as address:
        migrate(address)
        till = next(one for one in prepare(Path(folder), datetime.now(UTC).date()) if one.name == "till")
        with psycopg.connect(address) as database:
            baseline_seconds, lines = _copy(database, till.file)
            began = time.monotonic()
            moments = _import(database, till, Path(folder))
            seconds = time.monotonic() - began
            _check_stored(database, lines)
    cuts = quantiles([(after - before) * 1000 for before, after in pairwise(moments)], n=100)
    return {
        "name": "import",
        "throughput_per_second": round(lines / seconds),
        "p50_ms": round(cuts[49], 1),
        "p95_ms": round(cuts[94], 1),
        "p99_ms": round(cuts[98], 1),
        "baseline": round(lines / baseline_seconds),
        "baseline_name": "COPY of the same lines into a table without index, lines a second",
        "ratio": round(baseline_seconds / seconds, 3),
        "lines": lines,
        "seconds": round(seconds, 2),
    }


def _import(database: psycopg.Connection[Any], till: Prepared, folder: Path) -> list[float]:
    """The moment after each transaction."""
    moments: list[float] = []

    @contextmanager
    def open_transaction() -> Iterator[Cursor]:
        with database.transaction(), database.cursor() as cursor:
            yield cursor

    import_file(
        till.file,
        read_mapping(till.mapping),
        source_name=None,
        reader=Reader(builtin_catalogue(), currency="USD", region=None),
        edges=Edges(
            open_transaction,
            lambda: datetime.now(UTC),
            "bench",
            folder=folder,
            report=lambda done, total: moments.append(time.monotonic()),
        ),
    )
    return moments


def _copy(database: psycopg.Connection[Any], file: Path) -> tuple[float, int]:
    """Seconds that COPY takes for the lines of the file, and how many they are. Making the text is not counted."""
    with duckdb.connect() as files:
        files.execute("SET enable_progress_bar = false")
        table = files.sql(f"SELECT columns(*)::varchar FROM read_parquet('{file}')").to_arrow_table()
    text = io.BytesIO()
    pa_csv.write_csv(table, text, pa_csv.WriteOptions(include_header=False))
    columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in table.column_names)
    began = time.monotonic()
    with database.transaction(), database.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE TABLE bench_line ({})").format(columns))
        with cursor.copy("COPY bench_line FROM STDIN (FORMAT csv)") as copy:
            text.seek(0)
            while block := text.read(1 << 20):
                copy.write(block)
    return time.monotonic() - began, table.num_rows


def _check_stored(database: psycopg.Connection[Any], lines: int) -> None:
    """A speed at which something got lost is no speed."""
    row = database.execute(
        "SELECT sum(line_count), count(*) = (SELECT count(*) FROM activities_pending) FROM activities_activity"
    ).fetchone()
    if row is None or row[0] != lines or not row[1]:
        raise BenchFailed(f"{lines:,} lines were imported and {row and row[0]} are stored.")
