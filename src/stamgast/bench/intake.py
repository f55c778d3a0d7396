"""How fast intake is: activities a second through ``/v1/batch``, and single requests a second, all of it on the disk.

The whole way is measured: a real web process, a scratch database on the server in use, and this process as the client on
the same machine, over plain sockets with bodies made beforehand. The baseline is that server's own pgbench (TPC-B-like,
8 clients) in the same minute, and for single requests the no-op ``/healthz`` of the same web process.
"""

import asyncio
import base64
import os
import random
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any

import msgspec
import psycopg

from stamgast.activities.operations import create_source
from stamgast.bench.scratch import PGBENCH_CLIENTS, BenchFailed, Pgbench, migrate, scratch_database

BATCH_MESSAGES = 100
BATCH_CONNECTIONS = 16
SINGLE_CONNECTIONS = 64
START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What a load did: requests answered with 200, in how many seconds, each in how many milliseconds."""

    requests: int
    seconds: float
    milliseconds: Sequence[float]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def run(*, seconds: float = 8.0, seed: int = 1) -> dict[str, Any]:
    """Measures; about half a minute. ``seconds`` bounds each of the four loads."""
    with scratch_database() as url, _web_process(url) as port:
        write_key = _new_source(url)
        batches = [
            _request("/v1/batch", write_key, _batch(random.Random(f"batch {seed} {number}")))
            for number in range(int(200 * seconds))
        ]
        singles = [
            _request("/v1/track", write_key, msgspec.json.encode(_message(random.Random(f"single {seed} {number}"))))
            for number in range(int(4_000 * seconds))
        ]
        noops = [b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"] * int(20_000 * seconds)
        asyncio.run(_drive(port, batches[:BATCH_CONNECTIONS], BATCH_CONNECTIONS, seconds))  # connections, plans, caches
        batched = asyncio.run(_drive(port, batches[BATCH_CONNECTIONS:], BATCH_CONNECTIONS, seconds))
        single = asyncio.run(_drive(port, singles, SINGLE_CONNECTIONS, seconds))
        noop = asyncio.run(_drive(port, noops, SINGLE_CONNECTIONS, min(seconds, 4.0)))
        _check_stored(url, BATCH_MESSAGES * (batched.requests + BATCH_CONNECTIONS) + single.requests)
    with scratch_database() as url:
        baseline = Pgbench(url).transactions_per_second(round(seconds))
    throughput = batched.rate * BATCH_MESSAGES
    return {
        "name": "intake",
        "throughput_per_second": round(throughput),
        **_percentiles(batched.milliseconds),
        "baseline": round(baseline),
        "baseline_name": f"pgbench, TPC-B-like, {PGBENCH_CLIENTS} clients, transactions a second",
        "ratio": round(throughput / baseline, 3),
        "messages_per_batch": BATCH_MESSAGES,
        "singles": {
            "throughput_per_second": round(single.rate),
            **_percentiles(single.milliseconds),
            "baseline": round(noop.rate),
            "baseline_name": "GET /healthz on the same process, requests a second",
            "ratio": round(single.rate / noop.rate, 3),
        },
    }


# The server


@contextmanager
def _web_process(url: str) -> Iterator[int]:
    """``stamgast web`` on a free port, on a migrated database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "STAMGAST_DATABASE_URL": url,
        "STAMGAST_BIND": f"127.0.0.1:{port}",
        "STAMGAST_SECRET_KEY": secrets.token_urlsafe(64),
        "STAMGAST_LOG_LEVEL": "error",
    }
    migrate(url)
    process = subprocess.Popen([sys.executable, "-m", "stamgast", "web"], env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_until_open(port, process)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_open(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise BenchFailed("The web process did not start. `stamgast doctor` says what is wrong.")


def _new_source(url: str) -> str:
    with psycopg.connect(url) as database, database.cursor() as cursor:
        return create_source(cursor, "bench", at=datetime.now(UTC), actor="bench")[1]


def _check_stored(url: str, sent: int) -> None:
    """A speed at which something got lost is no speed."""
    with psycopg.connect(url) as database:
        row = database.execute("SELECT count(*) FROM activities_activity").fetchone()
    if row is None or row[0] != sent:
        raise BenchFailed(f"{sent:,} activities were answered with 200 and {row[0] if row else 0:,} are stored.")


# The client


class _Connection(asyncio.Protocol):
    """Sends one request after the other, each when the one before it is answered."""

    def __init__(self, requests: Iterator[bytes], until: float, milliseconds: list[float]) -> None:
        self._requests = requests
        self._until = until
        self._milliseconds = milliseconds
        self._received = b""
        self._began = 0.0
        self._transport: asyncio.Transport | None = None
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send_next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = re.search(rb"content-length: *([0-9]+)", head, re.IGNORECASE)
        if length is None or len(body) < int(length[1]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._end(BenchFailed(f"A request was answered with {head[9:12].decode()}: {body[:200].decode()}"))
            return
        self._milliseconds.append((time.perf_counter() - self._began) * 1000)
        self._received = b""
        self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(BenchFailed("The web process closed a connection."))

    def _send_next(self) -> None:
        request = next(self._requests, None) if time.perf_counter() < self._until else None
        if request is None or self._transport is None:
            self._end(None)
            return
        self._began = time.perf_counter()
        self._transport.write(request)

    def _end(self, error: BenchFailed | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(error) if error is not None else self.finished.set_result(None)
        if self._transport is not None:
            self._transport.close()


async def _drive(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Sends the requests over so many connections, until they are all sent or the time is up."""
    milliseconds: list[float] = []
    began = time.perf_counter()
    queue = iter(requests)
    opened = [
        await asyncio.get_running_loop().create_connection(
            lambda: _Connection(queue, began + seconds, milliseconds), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.wait_for(asyncio.gather(*(client.finished for _, client in opened)), seconds + 60)
    return Load(len(milliseconds), time.perf_counter() - began, milliseconds)


def _request(path: str, write_key: str, body: bytes) -> bytes:
    authorization = base64.b64encode(f"{write_key}:".encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Basic {authorization}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _batch(chance: random.Random) -> bytes:
    return msgspec.json.encode({"batch": [_message(chance) for _ in range(BATCH_MESSAGES)], "sentAt": "2026-01-01T00:00:01Z"})


def _message(chance: random.Random) -> dict[str, Any]:
    """An order as a shop's plug-in sends it: about 700 bytes, two lines."""
    lines = [
        {
            "product_id": str(chance.randrange(20_000)),
            "sku": f"SKU-{chance.randrange(20_000)}",
            "category": chance.choice(("coffee", "bread", "cheese", "flowers")),
            "name": "A product with a name of ordinary length",
            "price": chance.randrange(100, 5_000) / 100,
            "quantity": chance.randrange(1, 4),
        }
        for _ in range(2)
    ]
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"bench-{chance.getrandbits(96):024x}",
        "userId": str(chance.randrange(200_000)),
        "anonymousId": f"{chance.getrandbits(128):032x}",
        "timestamp": "2026-01-01T00:00:00.123Z",
        "context": {"library": {"name": "analytics-bench", "version": "1.0.0"}, "ip": "192.0.2.7", "locale": "nl-NL"},
        "properties": {
            "order_id": f"{chance.getrandbits(48):012x}",
            "revenue": chance.randrange(100, 20_000) / 100,
            "currency": "EUR",
            "products": lines,
        },
    }


def _percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    cuts = quantiles(milliseconds, n=100) if len(milliseconds) > 1 else [0.0] * 99
    return {"p50_ms": round(cuts[49], 2), "p95_ms": round(cuts[94], 2), "p99_ms": round(cuts[98], 2)}
