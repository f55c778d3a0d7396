"""How fast customers choose: spends from lots that expire, and holds that are captured in part, on one connection, committed.

10,000 owners have five lots each with an expiry. ``throughput_per_second`` is of acts in batches, two hundred to a commit, a
third each of spends, holds and captures; ``one_by_one_per_second`` of spends with a commit each. The baseline is a plain ledger
in one SQL function, one transfer and one commit at a time, in turns with ours; medians of the turns. Then ``hammer``: a hundred
customers, 32 clients, and no deadlock.
"""

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import psycopg

from stamgast.bench.hammer import hammer
from stamgast.bench.ledger import check_sound
from stamgast.bench.one_by_one import OneByOne
from stamgast.bench.scratch import BenchFailed, migrate, scratch_database
from stamgast.kit.database import KEEPING_PLANS
from stamgast.ledger.acts import Act, Capture, Hold, Spend
from stamgast.ledger.operations import perform, post
from stamgast.ledger.types import WantedColumns, to_microseconds

OWNERS, LOTS_EACH, AMOUNT = 10_000, 5, 100_000
BATCH = 200
TURNS = 3


def run(*, seconds: float = 24.0, seed: int = 1) -> dict[str, Any]:
    """Measures; a third of ``seconds`` each for batches, for single spends, and for the baseline."""
    turn_seconds = seconds / 3 / TURNS
    chance, names = random.Random(seed), count()
    with scratch_database() as empty, scratch_database() as address:
        migrate(address)
        with psycopg.connect(address, options=KEEPING_PLANS) as database, psycopg.connect(empty) as plain:
            owners = give_lots(database, chance, owners=OWNERS, lots_each=LOTS_EACH, amount=AMOUNT)
            baseline = OneByOne(plain, accounts=OWNERS, seed=seed)
            told: dict[str, list[float]] = {"baseline": [], "batch": [], "single": []}
            milliseconds: list[float] = []
            for _ in range(TURNS):
                told["baseline"].append(baseline.transfers_per_second(turn_seconds))
                took = _perform_for(database, chance, owners, names, turn_seconds, BATCH)
                told["batch"].append(BATCH * len(took) / sum(took))
                took = _perform_for(database, chance, owners, names, turn_seconds, 1)
                told["single"].append(len(took) / sum(took))
                milliseconds += [1000 * one for one in took]
            movements = check_sound(database)
    cuts = quantiles(milliseconds, n=100)
    return {
        "name": "holds",
        "throughput_per_second": round(median(told["batch"])),
        "one_by_one_per_second": round(median(told["single"])),
        "p50_ms": round(cuts[49], 2),
        "p95_ms": round(cuts[94], 2),
        "p99_ms": round(cuts[98], 2),
        "baseline": round(median(told["baseline"])),
        "baseline_name": "a plain ledger in one SQL function, one transfer a commit, transfers a second",
        "ratio": round(median(told["batch"]) / median(told["baseline"]), 2),
        "ratio_one_by_one": round(median(told["single"]) / median(told["baseline"]), 2),
        "acts_per_batch": BATCH,
        "movements": movements,
        **hammer(turn_seconds * 2),
    }


def give_lots(
    database: "psycopg.Connection[Any]", chance: random.Random, *, owners: int, lots_each: int, amount: int, due: bool = False
) -> list[UUID]:
    """Owners with lots, each of an activity of its own; they expire in the coming year, or have yesterday."""
    ids = [UUID(bytes=chance.randbytes(16)) for _ in range(owners)]
    now = to_microseconds(datetime.now(UTC))
    day = 86_400 * 1_000_000
    for start in range(0, owners, 1_000):
        some = [one.bytes for one in ids[start : start + 1_000] for _ in range(lots_each)]
        expires = [now - day if due else now + chance.randrange(2, 365) * day for _ in some]
        columns = WantedColumns(
            some, [chance.randbytes(16) for _ in some], ["purchase"] * len(some), ["points"] * len(some),
            [amount] * len(some), [now - 30 * day] * len(some), expires, [1] * len(some),
        )  # fmt: skip
        with database.transaction(), database.cursor() as cursor:
            post(cursor, columns, at=datetime.now(UTC), actor="bench", reason="decided")
    return ids


def _perform_for(
    database: "psycopg.Connection[Any]",
    chance: random.Random,
    owners: Sequence[UUID],
    names: "count[int]",
    seconds: float,
    size: int,
) -> list[float]:
    """The seconds that each call took, commit included. Making the acts is not counted."""
    took: list[float] = []
    while sum(took) < seconds:
        at = datetime.now(UTC)
        acts = _acts(chance, owners, names, at, size)
        began = time.perf_counter()
        with database.transaction(), database.cursor() as cursor:
            outcomes = perform(cursor, acts, at=at, actor="bench").outcomes
        took.append(time.perf_counter() - began)
        if any(outcome.refusal for outcome in outcomes):
            raise BenchFailed(f"An act was refused: {next(one.sentence for one in outcomes if one.refusal)}")
    return took


def _acts(chance: random.Random, owners: Sequence[UUID], names: "count[int]", at: datetime, size: int) -> list[Act]:
    acts: list[Act] = []
    while len(acts) < size:
        said: dict[str, Any] = {"owner_id": chance.choice(owners), "reason": "bench", "occurred_at": at}
        acts.append(Spend(**said, key=str(next(names)), currency="points", amount=chance.randrange(1, 20)))
        if len(acts) + 2 <= size:
            hold = Hold(**said, key=str(next(names)), currency="points", amount=9, lasts=timedelta(minutes=15))
            acts += [hold, Capture(**said, key=str(next(names)), hold_id=hold.id, amount=chance.randrange(1, 9))]
    return acts
