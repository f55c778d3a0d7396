"""The lake as Ibis tables on DuckDB, in memory, over exactly the files that the manifest names."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from stamgast.lake.errors import LakeNotThere
from stamgast.lake.manifest import Manifest, get_manifest

if TYPE_CHECKING:
    import ibis.expr.types as ir

SHARE_OF_MEMORY = 4


class _Tables(dict[str, "ir.Table"]):
    """By name. What a first export has not come to yet is not there, as before it began."""

    def __missing__(self, name: str) -> "ir.Table":
        raise LakeNotThere(f"{name} has not been exported to the lake yet. The worker does it every minute once it runs.")


def open_lake(folder: Path, manifest: Manifest | None = None, *, scratch: Path | None = None) -> "Mapping[str, ir.Table]":
    """A table for each dataset, by name. They stay as they are while exports go on, for an hour at least.

    With a folder ``scratch``, long work takes a quarter of the memory at most and puts there what does not fit.
    Each call opens a DuckDB of its own, so that threads do not share one. Raises LakeNotThere before the first export, and
    where a table is asked for that it has not come to.
    """
    import ibis

    connection = ibis.duckdb.connect()
    # Days and moments never depend on the machine, nothing is fetched from the network, nothing is drawn on the terminal.
    connection.raw_sql("SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false; SET enable_progress_bar = false")
    if scratch is not None:
        connection.settings["temp_directory"] = str(scratch)
        connection.settings["memory_limit"] = f"{psutil.virtual_memory().total // SHARE_OF_MEMORY // 2**20} MiB"
        connection.settings["preserve_insertion_order"] = False
    found = manifest or get_manifest(folder)
    return _Tables(
        (name, connection.read_parquet(files_of(found, folder, name), table_name=name, **READING)) for name in found.datasets
    )


def keep(table: "ir.Table", name: str) -> "ir.Table":
    """The rows of an expression over ``open_lake``, worked out once and held in its DuckDB under a name.

    Ibis's own ``cache`` stumbles when its tables are collected after their connection.
    """
    return table.get_backend().create_table(name, table, temp=True)


# Files from before a column was added give null for it. Months are folders for people; readers prune by the statistics.
READING = {"union_by_name": True, "hive_partitioning": False}


def files_of(manifest: Manifest, folder: Path, name: str) -> list[str]:
    """The files of a dataset, beginning with the empty one that has its columns."""
    state = manifest.datasets[name]
    return [str(folder / file) for file in (state.columns, *(part.file for part in state.parts))]
