"""Holds the lake against PostgreSQL, month by month."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from stamgast.kit.database import Cursor
from stamgast.lake.errors import LakeUnreadable
from stamgast.lake.manifest import get_manifest
from stamgast.lake.reading import files_of
from stamgast.lake.types import Difference, Log, Snapshot


def check(cursor: Cursor, folder: Path, datasets: Sequence[Log | Snapshot]) -> list[Difference]:
    """Every month whose rows, keys or sums differ; an empty list when the lake is right.

    Compares what the lake says it holds, up to the place that it was copied to, so it may run beside intake and exports.
    Snapshots are left out: they are replaced whole. Reads all of both sides, so it is for the night or for a doubt.
    """
    manifest = get_manifest(folder)
    differences = []
    for log in datasets:
        if isinstance(log, Log) and log.name in manifest.datasets:
            limit = manifest.datasets[log.name].limit
            differences += _compare(log, _in_lake(log, files_of(manifest, folder, log.name)), _in_database(cursor, log, limit))
    return differences


def _compare(log: Log, in_lake: dict[str, list[int]], in_database: dict[str, list[int]]) -> list[Difference]:
    names = ("rows", "keys", *log.sums)
    nothing = [0] * len(names)
    return [
        Difference(log.name, month, what, ours, theirs)
        for month in sorted(in_lake.keys() | in_database.keys())
        for what, ours, theirs in zip(names, in_lake.get(month, nothing), in_database.get(month, nothing), strict=True)
        if ours != theirs
    ]


def _in_lake(log: Log, files: list[str]) -> dict[str, list[int]]:
    sums = "".join(f', coalesce(sum("{name}"), 0)' for name in log.sums)
    query = f"""
        SELECT strftime("{log.month_of}" AT TIME ZONE 'UTC', '%Y-%m'), count(*), count(DISTINCT "{log.key}"){sums}
        FROM read_parquet($files, union_by_name = true, hive_partitioning = false) GROUP BY 1
    """
    with duckdb.connect() as connection:
        try:
            rows = connection.execute(query, {"files": files}).fetchall()
        except duckdb.Error as error:
            raise LakeUnreadable(
                f"A file of the lake's {log.name} cannot be read ({type(error).__name__}). Move all of the lake but its "
                "archive away: the next export makes it again from PostgreSQL."
            ) from None
    return _by_month(rows)


def _in_database(cursor: Cursor, log: Log, limit: int) -> dict[str, list[int]]:
    sums = "".join(f', coalesce(sum("{name}"), 0)' for name in log.sums)
    query = f"""
        SELECT to_char("{log.month_of}" AT TIME ZONE 'UTC', 'YYYY-MM'), count(*), count(DISTINCT "{log.key}"){sums}
        FROM ({log.query.format(low=0, high=int(limit))}) AS rows GROUP BY 1
    """
    cursor.execute(query.encode())
    return _by_month(cursor.fetchall())


def _by_month(rows: Sequence[tuple[object, ...]]) -> dict[str, list[int]]:
    return {str(month): [int(str(number)) for number in numbers] for month, *numbers in rows}
