"""How fast lots expire while customers go on spending: lots a second, committed, swept on one connection in large batches.

100,000 lots of 20,000 owners were due yesterday. Another process spends one by one from owners of its own meanwhile, as
customers do; how many it did and how long they took is told too. The baseline is a plain ledger in one SQL function, one
transfer and one commit at a time, before the sweep.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from statistics import quantiles
from typing import Any
from uuid import UUID

import psycopg

from stamgast.bench.holds import give_lots
from stamgast.bench.ledger import check_sound
from stamgast.bench.one_by_one import OneByOne
from stamgast.bench.scratch import BenchFailed, migrate, scratch_database
from stamgast.kit.database import KEEPING_PLANS
from stamgast.ledger.acts import Spend
from stamgast.ledger.operations import perform, settle_due
from stamgast.ledger.operations.expire import LARGEST_BATCH

OWNERS, LOTS_EACH = 20_000, 5
SPENDERS = 1_000
BASELINE_SECONDS = 5.0


def run(*, seed: int = 1) -> dict[str, Any]:
    """Measures one sweep of everything that is due."""
    chance = random.Random(seed)
    with scratch_database() as empty, scratch_database() as address:
        migrate(address)
        with psycopg.connect(address) as database, psycopg.connect(empty) as plain:
            give_lots(database, chance, owners=OWNERS, lots_each=LOTS_EACH, amount=10, due=True)
            spenders = give_lots(database, chance, owners=SPENDERS, lots_each=LOTS_EACH, amount=1_000_000)
            baseline = OneByOne(plain, accounts=OWNERS, seed=seed).transfers_per_second(BASELINE_SECONDS)
            with _spending(address, spenders) as told:
                expired, took = _sweep(database)
            milliseconds = told()
            movements = check_sound(database)
    if expired != OWNERS * LOTS_EACH:
        raise BenchFailed(f"{OWNERS * LOTS_EACH:,} lots were due, and {expired:,} expired.")
    cuts = quantiles(milliseconds, n=100)
    return {
        "name": "expiry",
        "throughput_per_second": round(expired / took),
        "seconds_per_million": round(1_000_000 * took / expired, 1),
        "spends_meanwhile_per_second": round(len(milliseconds) / took),
        "p50_ms": round(cuts[49], 2),
        "p95_ms": round(cuts[94], 2),
        "p99_ms": round(cuts[98], 2),
        "baseline": round(baseline),
        "baseline_name": "a plain ledger in one SQL function, one transfer a commit, transfers a second",
        "ratio": round(expired / took / baseline, 2),
        "lots": expired,
        "movements": movements,
    }


def _sweep(database: "psycopg.Connection[Any]") -> tuple[int, float]:
    expired, began = 0, time.perf_counter()
    while True:
        with database.transaction(), database.cursor() as cursor:
            swept = settle_due(cursor, at=datetime.now(UTC), actor="bench", limit=LARGEST_BATCH).movements
        if not swept:
            return expired, time.perf_counter() - began
        expired += swept


@contextmanager
def _spending(address: str, owners: list[UUID]) -> Iterator[Callable[[], list[float]]]:
    """Spends go on within it; afterwards it tells how many milliseconds each took."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "stamgast.settings"}
    command = [sys.executable, "-m", "stamgast.bench.expiry", address]
    pipe = subprocess.PIPE
    said = ""
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as spender:
        assert spender.stdin
        assert spender.stdout
        spender.stdin.write(json.dumps([str(one) for one in owners]) + "\n")
        spender.stdin.flush()
        spender.stdout.readline()  # it has begun
        yield lambda: json.loads(said)
        said, complaint = spender.communicate()  # which closes what it reads, and so ends it
    if spender.returncode:
        raise BenchFailed(f"The spends went wrong: {complaint.strip()[-300:]}")


def _spend_on(address: str) -> None:
    """Spends until what it reads is closed."""
    owners = [UUID(one) for one in json.loads(sys.stdin.readline())]
    stop, chance, names = threading.Event(), random.Random(2), count()

    def wait() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    milliseconds: list[float] = []
    with psycopg.connect(address, options=KEEPING_PLANS) as database:
        print(flush=True)
        while not stop.is_set():
            at = datetime.now(UTC)
            spend = Spend(
                owner_id=chance.choice(owners),
                key=str(next(names)),
                reason="bench",
                occurred_at=at,
                currency="points",
                amount=1,
            )
            began = time.perf_counter()
            with database.transaction(), database.cursor() as cursor:
                perform(cursor, [spend], at=at, actor="bench")
            milliseconds.append(1000 * (time.perf_counter() - began))
    print(json.dumps(milliseconds))


if __name__ == "__main__":
    import django

    django.setup()
    _spend_on(sys.argv[1])
