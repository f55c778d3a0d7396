"""Puts other values in the place of some in the lake's files, for who was erased: the one exception to append-only.

A file that holds such a value is written anew and retired; the rest is not touched. Readers that opened the lake before keep
what they opened until the retired files are removed, an hour later, as after any export.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stamgast.lake.export import alone, retire
from stamgast.lake.manifest import Part, find_manifest, put_manifest
from stamgast.lake.parts import write_part


def rewrite(
    folder: Path,
    dataset: str,
    column: str,
    values: Mapping[str, str],
    *,
    beside: Mapping[str, Callable[[str], str]],
    at: datetime,
) -> int:
    """Replaces ``values`` of a column; in the same rows the columns ``beside`` go through a function where they are not null.

    Returns how many rows were rewritten. Raises LakeBusy beside an export. Doing it again changes nothing.
    """
    with alone(folder):
        manifest = find_manifest(folder)
        if manifest is None or dataset not in manifest.datasets:
            return 0
        state, version, rows = manifest.datasets[dataset], manifest.version + 1, 0
        kept: list[Part] = []
        retired: list[Part] = []
        sought = pa.array(list(values), pa.string())
        for number, part in enumerate(state.parts):
            keys = pq.read_table(folder / part.file, columns=[column], partitioning=None)[column]
            concerned = pc.is_in(keys, value_set=sought)
            if not pc.any(concerned).as_py():
                kept.append(part)
                continue
            table = _replaced(pq.read_table(folder / part.file, partitioning=None), column, values, beside)
            kept.append(write_part(folder, f"{Path(part.file).parent}/rewritten-{version}-{number}.parquet", part.month, table))
            retired.append(part)
            rows += sum(1 for is_theirs in concerned.to_pylist() if is_theirs)
        if retired:
            state = msgspec.structs.replace(state, parts=tuple(kept))
            put_manifest(folder, retire(manifest, dataset, state, retired, at))
        return rows


def _replaced(table: pa.Table, column: str, values: Mapping[str, str], beside: Mapping[str, Callable[[str], str]]) -> pa.Table:
    keys: list[Any] = table[column].to_pylist()
    is_theirs = [key in values for key in keys]
    fresh: dict[str, list[Any]] = {column: [values.get(key, key) for key in keys]}
    for name, change in beside.items():
        pairs = zip(table[name].to_pylist(), is_theirs, strict=True)
        fresh[name] = [change(value) if theirs and value is not None else value for value, theirs in pairs]
    for name, changed in fresh.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), pa.array(changed, table.schema.field(name).type))
    return table
