"""How fast what comes in is decided.

``throughput_per_second`` is of going on from states, in batches of the size that the worker takes, by the programme of
``replay``, with nothing loaded or posted; its baseline is that of ``replay``. Each batch comes after all before it, so that
customers go on from a state.

``posting`` is the whole way: two workers on a queue that is suddenly full, from the commit that fills it to the commit that
empties it, with everything read, posted, and followed in segments. Once with the first programme, which gives an order points,
and once with that of ``replay``, which gives several currencies by several rules. Its baseline is a plain ledger in one SQL
function, one transfer and one commit at a time, in the same minute.
"""

import os
import secrets
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import psycopg
import pyarrow as pa

from stamgast.bench.load import message
from stamgast.bench.one_by_one import OneByOne
from stamgast.bench.replay import build_programme, measure, write_programme
from stamgast.bench.score import year_of
from stamgast.bench.scratch import BenchFailed, migrate, process, scratch_database
from stamgast.programmes.deciding import decide
from stamgast.programmes.programme import Programme
from stamgast.programmes.types import STATES

BATCH = 2_000
WORKERS = 2
CUSTOMERS, QUEUE = 10_000, 60_000
BASELINE_SECONDS = 3.0
PATIENCE_SECONDS = 120.0
PROGRAMMES = ("first", "twenty")
START = datetime(2026, 1, 1, tzinfo=UTC)


def run(*, activities: int = 100_000, turns: int = 3) -> dict[str, Any]:
    """Measures; about two minutes."""
    programme, table = build_programme(), year_of(activities)
    by_time = table.sort_by("occurred_at")
    keys: Any = [("customer_id", "ascending"), ("occurred_at", "ascending"), ("activity_id", "ascending")]
    batches = [by_time.slice(start, BATCH).sort_by(keys) for start in range(0, activities, BATCH)]
    figures = measure("decide", activities, turns, table, lambda: _decide_on(programme, batches))
    return {**figures, "posting": {name: _measure_posting(name) for name in PROGRAMMES}}


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


def _measure_posting(programme: str) -> dict[str, Any]:
    with scratch_database() as empty, psycopg.connect(empty) as plain:
        baseline = OneByOne(plain, accounts=CUSTOMERS, seed=1).transfers_per_second(BASELINE_SECONDS)
    with scratch_database() as address, ExitStack() as stack:
        migrate(address)
        _fill(address, "publish", programme)
        database = stack.enter_context(psycopg.connect(address, autocommit=True))
        # A folder for this server: the lake in the measurement's own may be of the last one.
        folder = stack.enter_context(TemporaryDirectory(prefix="stamgast-bench-", ignore_cleanup_errors=True))
        for _ in range(WORKERS):
            stack.enter_context(process("worker", address, STAMGAST_DATA=folder))
        _wait_for(database, f"SELECT count(*) = {WORKERS} FROM activities_worker")
        _fill(address, "customers")
        _wait_for(database, "SELECT NOT EXISTS (SELECT FROM activities_pending)")
        before = _count(database)
        began = float(_fill(address, "queue"))
        _wait_for(database, "SELECT NOT EXISTS (SELECT FROM activities_pending)")
        took = time.time() - began
        movements = _count(database) - before
    throughput = QUEUE / took
    return {
        "throughput_per_second": round(throughput),
        "baseline": round(baseline),
        "baseline_name": "a plain ledger in one SQL function, one transfer a commit, transfers a second",
        "ratio": round(throughput / baseline, 2),
        "movements_per_activity": round(movements / QUEUE, 2),
        "workers": WORKERS,
    }


def _count(database: "psycopg.Connection[Any]") -> int:
    row = database.execute("SELECT count(*) FROM ledger_movement").fetchone()
    return int(row[0]) if row else 0


def _wait_for(database: "psycopg.Connection[Any]", question: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while database.execute(question).fetchone() != (True,):
        if time.monotonic() > until:
            raise BenchFailed("The workers did not come to the end of the queue. `stamgast doctor` says what is wrong.")
        time.sleep(0.01)


def _fill(address: str, *what: str) -> str:
    """Fills the queue in a process of its own, because this one is bound to the shop's database; what it said."""
    environment = {
        **os.environ,
        "STAMGAST_DATABASE_URL": address,
        "STAMGAST_SECRET_KEY": secrets.token_urlsafe(64),
        "STAMGAST_LOG_LEVEL": "error",
        "DJANGO_SETTINGS_MODULE": "stamgast.settings",
    }
    command = [sys.executable, "-m", "stamgast.bench.decide", *what]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchFailed(f"The queue was not filled: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()


def _publish(name: str) -> None:
    from stamgast.kit.database import transaction
    from stamgast.programmes.operations import publish

    if name == "twenty":
        with transaction() as cursor:
            publish(cursor, write_programme(), effective_from=START, at=START, actor="bench", reason="bench")


def _store(count: int, *, since: int, users: list[int]) -> None:
    """Orders a second apart, of these users in turn, in one transaction; prints when it was committed."""
    from stamgast.activities.operations import ensure_source, store
    from stamgast.activities.queries import load_reader
    from stamgast.activities.types import NewActivity
    from stamgast.kit.database import transaction

    chance, now = Random(since), datetime.now(UTC)
    with transaction() as cursor:
        source = ensure_source(cursor, "bench", at=now, actor="bench")
        reader = load_reader(cursor, currency="EUR", timezone="Europe/Amsterdam")
        for start in range(0, count, BATCH):
            read = []
            for number in range(start, min(start + BATCH, count)):
                at = (START + timedelta(seconds=since + number)).isoformat()
                user = str(users[number % len(users)])
                body = {**message(chance), "userId": user, "anonymousId": f"browser-{user}", "timestamp": at}
                raw = msgspec.json.encode(body)
                read.append(reader.read_message(raw, source=source, received_at=now, fallback_id=str(since + number)))
            store(cursor, [one for one in read if isinstance(one, NewActivity)], [])
    print(time.time())


def _main(what: str, *more: str) -> None:
    import django

    django.setup()
    if what == "publish":
        _publish(*more)
    elif what == "customers":
        _store(CUSTOMERS, since=0, users=list(range(CUSTOMERS)))
    else:
        users = Random(2).choices(range(CUSTOMERS), k=QUEUE)
        _store(QUEUE, since=CUSTOMERS, users=users)


if __name__ == "__main__":
    _main(*sys.argv[1:])
