"""How fast a profile is read by the API in a shop of a million customers and 50 million activities.

A real web process answers ``GET /v1/customers/{id}`` for customers picked at random, by our id and by each kind of
identifier, over a few connections at once. The baseline is the no-op ``/healthz`` of the same process in the same minute.
"""

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

import psycopg

from stamgast.access.operations import create_key
from stamgast.bench import big_shop
from stamgast.bench.load import Load, drive, percentiles
from stamgast.bench.scratch import scratch_database, web_process
from stamgast.kit.ids import derive_id

CONNECTIONS = 2
TARGET_P95_MS = 20


def run(*, seconds: float = 15.0, customers: int = big_shop.CUSTOMERS) -> dict[str, Any]:
    """Makes the shop, which takes most of the time, and measures."""
    with scratch_database() as url:
        big_shop.make(url, customers=customers, at=datetime.now(UTC), progress=big_shop.say)
        return measure(url, customers, seconds)


def measure(url: str, customers: int, seconds: float) -> dict[str, Any]:
    """On a shop that is there."""
    with web_process(url) as port:
        key = _new_key(url)
        profiles = [_request(path, key) for path in _paths(customers, int(1_000 * seconds))]
        asyncio.run(drive(port, profiles[:200], CONNECTIONS, seconds))  # connections, plans, imports
        read = asyncio.run(drive(port, profiles[200:], CONNECTIONS, seconds))
        noop = read_nothing(port, CONNECTIONS)
    figures = percentiles(read.milliseconds)
    return {
        "name": "profile",
        "unit": "profiles",
        "throughput_per_second": round(read.rate),
        **figures,
        "baseline": round(noop.rate),
        "baseline_name": "GET /healthz on the same process, requests a second",
        "ratio": round(read.rate / noop.rate, 4),
        "target_p95_ms": TARGET_P95_MS,
        "customers": customers,
        "activities": customers * big_shop.ACTIVITIES_EACH,
    }


def read_nothing(port: int, connections: int) -> Load:
    """The no-op of the same process."""
    return asyncio.run(drive(port, [b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"] * 40_000, connections, 4.0))


def _paths(customers: int, count: int) -> list[str]:
    chance = random.Random("profiles")
    paths = []
    for _ in range(count):
        number = chance.randint(1, customers)
        ways = (
            str(derive_id("customer", f"user_id:{number}")),
            f"user_id:{number}",
            f"email:shopper{number}@example.org",
            f"anonymous_id:browser-{number}",
        )
        paths.append(f"/v1/customers/{chance.choice(ways)}")
    return paths


def _new_key(url: str) -> str:
    with psycopg.connect(url) as database, database.cursor() as cursor:
        return create_key(cursor, "bench", ["customers:read"], at=datetime.now(UTC), actor="bench")[1]


def _request(path: str, key: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n\r\n".encode()
