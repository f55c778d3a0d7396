"""A hundred customers who are hammered by 32 clients at once, for ``bench holds``: spends, holds that are captured in part, and
transfers between any two, each act as the web process does it, with a thread for each client.

Deadlocks are what the server counted; whatever fails but a balance that is empty fails the measurement. The plain ledger meets
the same hammering: a hundred accounts, 32 connections. Each runs in a process of its own.
"""

import json
import os
import random
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import psycopg

from stamgast.bench.load import percentiles
from stamgast.bench.one_by_one import OneByOne
from stamgast.bench.scratch import BenchFailed, migrate, scratch_database

CUSTOMERS, CLIENTS = 100, 32
LOTS_EACH, AMOUNT = 5, 1_000_000


def hammer(seconds: float) -> dict[str, Any]:
    """What ``bench holds`` tells of it, ``seconds`` for each of the two."""
    with scratch_database() as address, scratch_database() as empty:
        migrate(address)
        plain = _measure("plain", empty, seconds)
        ours = _measure("acts", address, seconds)
    return {
        "hammered_per_second": ours["per_second"],
        "hammered_p95_ms": ours["p95_ms"],
        "hammered_p99_ms": ours["p99_ms"],
        "hammered_baseline": plain["per_second"],
        "hammered_ratio": round(ours["per_second"] / plain["per_second"], 2),
        "hammered_deadlocks": ours["deadlocks"],
    }


def _measure(which: str, address: str, seconds: float) -> dict[str, Any]:
    environment = {
        **os.environ,
        "STAMGAST_DATABASE_URL": address,
        "STAMGAST_SECRET_KEY": secrets.token_urlsafe(64),
        "STAMGAST_LOG_LEVEL": "error",
        "DJANGO_SETTINGS_MODULE": "stamgast.settings",
    }
    command = [sys.executable, "-m", "stamgast.bench.hammer", which, str(seconds)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchFailed(f"Hammering failed: {done.stderr.strip()[-300:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _run(client: "Callable[[int, Callable[[], bool]], list[float]]", seconds: float) -> dict[str, Any]:
    """All clients at once until the time is over. ``client`` is given its number and whether to go on."""
    milliseconds: list[float] = []
    failures: list[BaseException] = []
    until = time.perf_counter() + seconds

    def run(number: int) -> None:
        try:
            milliseconds.extend(client(number, lambda: not failures and time.perf_counter() < until))
        except BaseException as failure:
            failures.append(failure)

    began = time.perf_counter()
    threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    rate = round(len(milliseconds) / (time.perf_counter() - began))
    with psycopg.connect(os.environ["STAMGAST_DATABASE_URL"]) as database:
        [deadlocks] = database.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone() or [0]
    return {"per_second": rate, "deadlocks": deadlocks, **percentiles(milliseconds)}


def _hammer_acts(seconds: float) -> dict[str, Any]:
    import django

    django.setup()
    from django.db import connection

    from stamgast.customers.operations import resolve
    from stamgast.customers.types import Sighting
    from stamgast.flows.act import act
    from stamgast.kit.database import act_as_application, transaction
    from stamgast.kit.garbage import settle
    from stamgast.ledger.acts import Act, Capture, Hold, Spend, Transfer
    from stamgast.ledger.errors import InsufficientBalance
    from stamgast.ledger.operations import post
    from stamgast.ledger.types import Wanted

    now = datetime.now(UTC)
    chance = random.Random(1)
    names = [f"user_id:member-{number}" for number in range(CUSTOMERS)]
    activities = [UUID(bytes=chance.randbytes(16)) for _ in names]
    with transaction() as cursor:
        sightings = [Sighting(activity, now, now, [name], "bench") for activity, name in zip(activities, names, strict=True)]
        found = resolve(cursor, sightings, at=now, actor="bench").customers
        customers = [found[activity] for activity in activities]
        wanted = [
            Wanted(
                one, UUID(bytes=chance.randbytes(16)), "purchase", "points", AMOUNT, now, now + timedelta(days=30 + number), 1
            )
            for one in customers
            for number in range(LOTS_EACH)
        ]
        post(cursor, wanted, at=now, actor="bench", reason="decided")
    connection.close()
    act_as_application(most_connections=CLIENTS)
    settle()

    def client(number: int, goes_on: "Callable[[], bool]") -> list[float]:
        own, keys, took = random.Random(number), count(), []

        def ask(customer: str, kind: "Callable[..., Act]", **values: Any) -> UUID | None:
            at = datetime.now(UTC)

            def asked(owner: UUID, anchor: UUID | None) -> Act:
                key = f"{number} {next(keys)}"
                return kind(owner_id=owner, anchor_id=anchor, key=key, reason="bench", occurred_at=at, **values)

            began = time.perf_counter()
            try:
                return act(customer, asked, at=at, actor="bench").act_id
            except InsufficientBalance:
                return None
            finally:
                took.append(1000 * (time.perf_counter() - began))

        while goes_on():
            one, other = own.sample(range(CUSTOMERS), 2)
            customer, choice, some = names[one], own.random(), {"currency": "points", "amount": own.randrange(1, 20)}
            if choice < 0.7:
                ask(customer, Spend, **some)
            elif choice < 0.8:
                ask(customer, Transfer, receiver_id=customers[other], **some)
            elif hold := ask(customer, Hold, lasts=timedelta(minutes=15), **some):
                ask(customer, Capture, hold_id=hold, amount=1)
        connection.close()
        return took

    return _run(client, seconds)


def _hammer_plain(seconds: float) -> dict[str, Any]:
    address = os.environ["STAMGAST_DATABASE_URL"]
    with psycopg.connect(address) as database:
        OneByOne(database, accounts=CUSTOMERS, seed=1)

    def client(number: int, goes_on: "Callable[[], bool]") -> list[float]:
        own, took = random.Random(number), []
        with psycopg.connect(address) as database:
            while goes_on():
                pair = own.sample(range(1, CUSTOMERS + 1), 2)
                began = time.perf_counter()
                with database.transaction():
                    database.execute("SELECT plain_transfer(%s, %s, 1)", pair)
                took.append(1000 * (time.perf_counter() - began))
        return took

    return _run(client, seconds)


if __name__ == "__main__":
    print(json.dumps({"acts": _hammer_acts, "plain": _hammer_plain}[sys.argv[1]](float(sys.argv[2]))))
