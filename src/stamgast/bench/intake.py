"""How fast intake is: activities a second through ``/v1/batch``, and single requests a second, all of it on the disk.

The whole way is measured: a real web process, a scratch database on the server in use, and this process as the client on
the same machine, over plain sockets with bodies made beforehand. The baseline is that server's own pgbench (TPC-B-like,
8 clients) in the same minute, and for single requests the no-op ``/healthz`` of the same web process.
"""

import asyncio
import random
from typing import Any

import msgspec
import psycopg

from stamgast.bench.load import batch_of, drive, message, percentiles, request
from stamgast.bench.scratch import PGBENCH_CLIENTS, BenchFailed, Pgbench, new_source, scratch_database, web_process

BATCH_MESSAGES = 100
BATCH_CONNECTIONS = 16
SINGLE_CONNECTIONS = 64


def run(*, seconds: float = 8.0, seed: int = 1) -> dict[str, Any]:
    """Measures; about half a minute. ``seconds`` bounds each of the four loads."""
    with scratch_database() as url, web_process(url) as port:
        write_key = new_source(url)
        batches = [request("/v1/batch", write_key, batch_of(_messages(seed, number))) for number in range(int(200 * seconds))]
        singles = [
            request("/v1/track", write_key, msgspec.json.encode(message(random.Random(f"single {seed} {number}"))))
            for number in range(int(4_000 * seconds))
        ]
        noops = [b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"] * int(20_000 * seconds)
        asyncio.run(drive(port, batches[:BATCH_CONNECTIONS], BATCH_CONNECTIONS, seconds))  # connections, plans, caches
        batched = asyncio.run(drive(port, batches[BATCH_CONNECTIONS:], BATCH_CONNECTIONS, seconds))
        single = asyncio.run(drive(port, singles, SINGLE_CONNECTIONS, seconds))
        noop = asyncio.run(drive(port, noops, SINGLE_CONNECTIONS, min(seconds, 4.0)))
        _check_stored(url, BATCH_MESSAGES * (batched.requests + BATCH_CONNECTIONS) + single.requests)
    with scratch_database() as url:
        baseline = Pgbench(url).transactions_per_second(round(seconds))
    throughput = batched.rate * BATCH_MESSAGES
    return {
        "name": "intake",
        "throughput_per_second": round(throughput),
        **percentiles(batched.milliseconds),
        "baseline": round(baseline),
        "baseline_name": f"pgbench, TPC-B-like, {PGBENCH_CLIENTS} clients, transactions a second",
        "ratio": round(throughput / baseline, 3),
        "messages_per_batch": BATCH_MESSAGES,
        "singles": {
            "throughput_per_second": round(single.rate),
            **percentiles(single.milliseconds),
            "baseline": round(noop.rate),
            "baseline_name": "GET /healthz on the same process, requests a second",
            "ratio": round(single.rate / noop.rate, 3),
        },
    }


def _messages(seed: int, number: int) -> list[dict[str, Any]]:
    chance = random.Random(f"batch {seed} {number}")
    return [message(chance) for _ in range(BATCH_MESSAGES)]


def _check_stored(url: str, sent: int) -> None:
    """A speed at which something got lost is no speed."""
    with psycopg.connect(url) as database:
        row = database.execute("SELECT count(*) FROM activities_activity").fetchone()
    if row is None or row[0] != sent:
        raise BenchFailed(f"{sent:,} activities were answered with 200 and {row[0] if row else 0:,} are stored.")
