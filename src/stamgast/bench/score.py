"""How fast scores are made: the lag from received to decided while 2,000 activities come in each second, and deciding in sets.

The lag is measured on a real web process and a real worker: orders are sent at a steady pace, a watcher notes when each batch
of movements becomes visible to others, and each activity's lag is that moment less the one at which it was received. The
watcher looks every few milliseconds, which the lag includes.

Deciding in sets is ``decide`` on a year of activities with the first programme; its baseline is the same scores by
hand-written SQL in DuckDB, in turns with ours, medians of the turns.
"""

import http.client
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any

import duckdb
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from stamgast.bench.load import batch_of, message, percentiles
from stamgast.bench.scratch import BenchFailed, new_source, process, scratch_database, web_process
from stamgast.programmes.deciding import decide, warm
from stamgast.programmes.documents import default_document
from stamgast.programmes.programme import compile_programme
from stamgast.programmes.types import ACTIVITIES, Version

ACTIVITIES_PER_SECOND = 2_000
MESSAGES = 20
SENDERS = 8
CUSTOMERS = 20_000
WARMING_SECONDS = 3.0
LOOK_EVERY_SECONDS = 0.005
PATIENCE_SECONDS = 60.0
BY_HAND = """
SELECT customer_id, sum(CASE WHEN kind = 'Coupon Redeemed' THEN 5 WHEN amount_minor > 0 THEN 1 ELSE 0 END) AS score
FROM activities WHERE kind IN ('Order Completed', 'Till Sale', 'Coupon Redeemed') GROUP BY customer_id
"""


def run(*, seconds: float = 12.0, activities: int = 500_000, turns: int = 5) -> dict[str, Any]:
    """Measures; about a minute. ``p50_ms`` to ``p99_ms`` are the lag from received to decided and visible."""
    lags, rate = _measure_lag(seconds)
    ours, by_hand = _measure_sets(activities, turns)
    return {
        "name": "score",
        "throughput_per_second": round(activities / ours),
        **percentiles([lag * 1000 for lag in lags]),
        "baseline": round(activities / by_hand),
        "baseline_name": "the same scores by hand-written SQL in DuckDB, activities a second",
        "ratio": round(by_hand / ours, 3),
        "lag_activities": len(lags),
        "lag_activities_per_second": round(rate),
    }


def _measure_lag(seconds: float) -> tuple[list[float], float]:
    """The lag of each activity in seconds, after a time to warm up, and at what rate they came in."""
    with scratch_database() as address, web_process(address) as port, process("worker", address):
        write_key = new_source(address)
        early, _ = _send(port, write_key, 0.5, "early")
        _wait_until_decided(address)
        with _watching(address) as seen:
            sent, took = _send(port, write_key, WARMING_SECONDS + seconds, "late")
            _wait_until_decided(address)
        with psycopg.connect(address) as database:
            rows = database.execute(
                "SELECT m.batch_id, a.received_at FROM ledger_movement m JOIN activities_activity a ON a.id = m.activity_id"
            ).fetchall()
    if len(rows) != early + sent:
        raise BenchFailed(f"{early + sent:,} activities were accepted and {len(rows):,} were decided.")
    began = max(received_at for _, received_at in rows).timestamp() - seconds
    lags = [seen[batch] - received_at.timestamp() for batch, received_at in rows if received_at.timestamp() >= began]
    return lags, sent / took


@contextmanager
def _watching(address: str) -> Iterator[dict[Any, float]]:
    """When each batch of movements was first visible to another session."""
    seen: dict[Any, float] = {}
    stop = threading.Event()

    def look() -> None:
        with psycopg.connect(address, autocommit=True) as database:
            while not stop.is_set():
                rows = database.execute(
                    "SELECT id FROM ledger_batch WHERE posted_at > now() - interval '20 seconds'"
                ).fetchall()
                now = time.time()
                for (batch,) in rows:
                    seen.setdefault(batch, now)
                stop.wait(LOOK_EVERY_SECONDS)

    watcher = threading.Thread(target=look, name="watcher")
    watcher.start()
    try:
        yield seen
    finally:
        time.sleep(10 * LOOK_EVERY_SECONDS)
        stop.set()
        watcher.join()


def _send(port: int, write_key: str, seconds: float, seed: str) -> tuple[int, float]:
    """Orders at a steady pace over a few connections; how many were accepted, in how many seconds."""
    interval = SENDERS * MESSAGES / ACTIVITIES_PER_SECOND
    per_sender = int(seconds / interval)
    failures: list[str] = []

    def send(sender: int) -> None:
        chance = Random(f"score {seed} {sender}")
        headers = {"Authorization": f"Bearer {write_key}", "Content-Type": "application/json"}
        bodies = [batch_of([_order(chance) for _ in range(MESSAGES)]) for _ in range(per_sender)]
        ready.wait()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        began = time.monotonic() + interval * sender / SENDERS
        for number, body in enumerate(bodies):
            time.sleep(max(0.0, began + number * interval - time.monotonic()))
            connection.request("POST", "/v1/batch", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failures.append(str(answer.status))

    ready = threading.Barrier(SENDERS + 1)
    senders = [threading.Thread(target=send, args=(number,)) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    ready.wait()
    began = time.monotonic()
    for sender in senders:
        sender.join()
    if failures:
        raise BenchFailed(f"A batch was answered with {failures[0]}.")
    return per_sender * SENDERS * MESSAGES, time.monotonic() - began


def _order(chance: Random) -> dict[str, Any]:
    """An order of one of the customers, from the one browser that each of them has, now."""
    order = message(chance)
    user = str(chance.randrange(CUSTOMERS))
    order.pop("timestamp")
    return {**order, "userId": user, "anonymousId": f"browser-{user}"}


def _wait_until_decided(address: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    with psycopg.connect(address, autocommit=True) as database:
        while database.execute("SELECT EXISTS (SELECT FROM activities_pending)").fetchone() != (False,):
            if time.monotonic() > until:
                raise BenchFailed("The worker did not keep up with 2,000 activities a second.")
            time.sleep(0.02)


def _measure_sets(count: int, turns: int) -> tuple[float, float]:
    """Seconds for the scores of a year of activities: ours, and by hand."""
    activities = year_of(count)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    version = Version("default", 1, default_document("Europe/Amsterdam"), "", epoch, epoch, "", "")
    programme = compile_programme([version])
    warm()
    ours, by_hand = [], []
    with duckdb.connect() as database:
        database.execute("SET enable_progress_bar = false")
        database.register("activities", activities)
        for _ in range(turns):
            began = time.perf_counter()
            table = decide(programme, None, activities).table
            mine = table.group_by("customer_id").aggregate([("amount", "sum")])
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            theirs = database.sql(BY_HAND).to_arrow_table()
            by_hand.append(time.perf_counter() - began)
            if pc.sum(mine["amount_sum"]).as_py() != int(pc.sum(theirs["score"]).as_py()):
                raise BenchFailed("Deciding and the SQL by hand give different scores.")
    return statistics.median(ours), statistics.median(by_hand)


def year_of(count: int) -> pa.Table:
    """Activities of customers with ten each on average, sorted as ``decide`` wants them; one in ten a redeemed coupon."""
    chance = np.random.default_rng(1)
    customers = np.sort(chance.integers(0, count // 10, count)).astype(">u8")
    year_microseconds = 365 * 86_400 * 10**6
    occurred_at = np.int64(1_735_689_600_000_000) + chance.integers(0, year_microseconds, count)
    order = np.lexsort((occurred_at, customers))
    ids = np.zeros((count, 2), ">u8")
    ids[:, 1] = np.arange(count)
    owners = np.zeros((count, 2), ">u8")
    owners[:, 1] = customers[order]
    kinds = np.where(chance.random(count) < 0.1, "Coupon Redeemed", "Order Completed")
    columns = {
        "activity_id": pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), count, [None, pa.py_buffer(ids.tobytes())]),
        "customer_id": pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), count, [None, pa.py_buffer(owners.tobytes())]),
        "occurred_at": pa.array(occurred_at[order]).cast(ACTIVITIES.field("occurred_at").type),
        "kind": pa.array(kinds),
        "source": pa.array(["till"] * count),
        "amount_minor": pa.array(chance.integers(0, 5_000, count)),
        "currency": pa.array(["EUR"] * count),
    }
    empty = {name: pa.nulls(count, ACTIVITIES.field(name).type) for name in ACTIVITIES.names if name not in columns}
    merged = {**columns, **empty}
    return pa.Table.from_arrays([merged[name] for name in ACTIVITIES.names], schema=ACTIVITIES)
