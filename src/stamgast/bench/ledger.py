"""How fast the ledger posts: fresh movements a second, committed, on one connection, in batches as the worker writes them
when much waits.

Each movement is a cause of its own for one of 100,000 owners at random: a lot, a fingerprint, and its owner's balance locked
and updated. What is measured begins with the columns that are wanted and ends when the commit is on the disk. The baseline is
the same server's pgbench (TPC-B-like, 8 clients), in turns with ours so that both meet the same machine; medians of the turns.
The other baseline is a plain ledger in one SQL function, one transfer and one commit at a time.
"""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any

import psycopg

from stamgast.bench.one_by_one import OneByOne
from stamgast.bench.scratch import PGBENCH_CLIENTS, BenchFailed, Pgbench, migrate, scratch_database
from stamgast.ledger.audit import audit
from stamgast.ledger.operations import post
from stamgast.ledger.operations.post import LARGEST_BATCH
from stamgast.ledger.types import WantedColumns, to_microseconds

OWNERS = 100_000
BATCH = LARGEST_BATCH
TURNS = 3
YEAR_MICROSECONDS = 365 * 86_400 * 1_000_000


def run(*, seconds: float = 24.0, seed: int = 1) -> dict[str, Any]:
    """Measures; a third of ``seconds`` each for the ledger and the baselines. The milliseconds: a batch and its commit."""
    turn_seconds = max(1, round(seconds / 3 / TURNS))
    with scratch_database() as empty, scratch_database() as address:
        migrate(address)
        pgbench = Pgbench(empty)
        batches = _batches(random.Random(seed))
        baseline, throughput, singly, milliseconds = [], [], [], []
        with psycopg.connect(address) as database, psycopg.connect(empty) as plain:
            one_by_one = OneByOne(plain, accounts=OWNERS, seed=seed)
            _post_for(database, batches, 1)  # caches, and files that grow from nothing
            for _ in range(TURNS):
                baseline.append(pgbench.transactions_per_second(turn_seconds))
                singly.append(one_by_one.transfers_per_second(turn_seconds))
                took = _post_for(database, batches, turn_seconds)
                throughput.append(BATCH * len(took) / sum(took))
                milliseconds += [1000 * one for one in took]
            movements = check_sound(database)
    cuts = quantiles(milliseconds, n=100)
    return {
        "name": "ledger",
        "throughput_per_second": round(median(throughput)),
        "p50_ms": round(cuts[49], 1),
        "p95_ms": round(cuts[94], 1),
        "p99_ms": round(cuts[98], 1),
        "baseline": round(median(baseline)),
        "baseline_name": f"pgbench, TPC-B-like, {PGBENCH_CLIENTS} clients, transactions a second",
        "ratio": round(median(throughput) / median(baseline), 2),
        "one_by_one_baseline": round(median(singly)),
        "ratio_to_one_by_one": round(median(throughput) / median(singly), 2),
        "movements_per_batch": BATCH,
        "movements": movements,
    }


def _batches(chance: random.Random) -> Iterator[WantedColumns]:
    owners = [chance.randbytes(16) for _ in range(OWNERS)]
    now = to_microseconds(datetime.now(UTC))
    while True:
        yield WantedColumns(
            owners=chance.choices(owners, k=BATCH),
            activities=[chance.randbytes(16) for _ in range(BATCH)],
            rules=["purchase"] * BATCH,
            currencies=["score"] * BATCH,
            amounts=[1] * BATCH,
            occurred=[now - chance.randrange(60_000_000) for _ in range(BATCH)],
            expires=[now + 2 * YEAR_MICROSECONDS] * BATCH,
            versions=[1] * BATCH,
        )


def _post_for(database: "psycopg.Connection[Any]", batches: Iterator[WantedColumns], seconds: float) -> list[float]:
    """The seconds that each batch took. Making the load is not counted."""
    took: list[float] = []
    while sum(took) < seconds:
        batch = next(batches)
        began = time.perf_counter()
        with database.transaction(), database.cursor() as cursor:
            posted = post(cursor, batch, at=datetime.now(UTC), actor="bench", reason="decided")
        took.append(time.perf_counter() - began)
        if posted.movements != BATCH:
            raise BenchFailed(f"A batch of {BATCH:,} fresh causes wrote {posted.movements:,} movements.")
    return took


def check_sound(database: "psycopg.Connection[Any]") -> int:
    """A speed at which the ledger breaks is no speed."""
    with database.transaction(), database.cursor() as cursor:
        findings = audit(cursor)
        if findings:
            raise BenchFailed(f"The ledger is not sound after the load: {findings[0].sentence}")
        row = cursor.execute("SELECT count(*) FROM ledger_movement").fetchone()
    return int(row[0]) if row else 0
