"""How fast deciding goes on from states, in batches of the size that the worker takes, by the programme of ``replay``.

Each batch comes after all before it, so that customers go on from a state. Nothing is loaded or posted. The baseline is that of
``replay``.
"""

from typing import Any

import pyarrow as pa

from stamgast.bench.replay import build_programme, measure
from stamgast.bench.score import year_of
from stamgast.programmes.deciding import decide
from stamgast.programmes.programme import Programme
from stamgast.programmes.types import STATES

BATCH = 2_000


def run(*, activities: int = 100_000, turns: int = 3) -> dict[str, Any]:
    """Measures; about half a minute. Each batch comes after all before it, so that every customer goes on from a state."""
    programme, table = build_programme(), year_of(activities)
    by_time = table.sort_by("occurred_at")
    keys: Any = [("customer_id", "ascending"), ("occurred_at", "ascending"), ("activity_id", "ascending")]
    batches = [by_time.slice(start, BATCH).sort_by(keys) for start in range(0, activities, BATCH)]
    return measure("decide", activities, turns, table, lambda: _decide_on(programme, batches))


def _decide_on(programme: Programme, batches: list[pa.Table]) -> int:
    given = 0
    states: dict[bytes, dict[str, Any]] = {}
    for batch in batches:
        owners: set[Any] = set(batch["customer_id"].to_pylist())
        known = [states[owner] for owner in sorted(owners) if owner in states]
        decisions = decide(programme, pa.Table.from_pylist(known, schema=STATES), batch)
        given += decisions.table.num_rows
        states.update((row["customer_id"], row) for row in decisions.states.to_pylist())
    return given
