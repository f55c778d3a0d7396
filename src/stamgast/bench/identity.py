"""What live linking costs: activities a second from a message to decided, against the same messages from a source that is
flagged as shared, whose identifiers never link.

Each turn is a process of its own on an empty database: it reads messages, stores them in batches and decides them, as the web
and the worker do. Each customer comes with a user id and one of three browsers, and now and then with an e-mail address: more
than a third of the activities bring an identifier that was never seen. Both in turns in the same minute, medians of the
turns. ``linking_share`` is the part of the time with links that linking takes; it should be at most 0.2.
"""

import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from stamgast.bench.load import message, percentiles
from stamgast.bench.scratch import BenchFailed, migrate, scratch_database

ACTIVITIES = 16_000
ACTIVITIES_OF_A_CUSTOMER = 8
BROWSERS = 3
BATCH = 2_000
SOURCE = "bench"
START = datetime(2026, 1, 1, tzinfo=UTC)


def run(*, turns: int = 3) -> dict[str, Any]:
    """Measures; about a minute and a half. The milliseconds are of a batch of 2,000, with links."""
    seconds: dict[str, list[float]] = {"links": [], "none": []}
    batches: list[float] = []
    for _ in range(turns):
        for stream, kept in seconds.items():
            took = _turn(stream)
            kept.append(sum(took))
            if stream == "links":
                batches += took
    ours, without = (statistics.median(kept) for kept in seconds.values())
    return {
        "name": "identity",
        "throughput_per_second": round(ACTIVITIES / ours),
        **percentiles([one * 1000 for one in batches]),
        "baseline": round(ACTIVITIES / without),
        "baseline_name": "the same messages from a source that never links, activities a second from message to decided",
        "ratio": round(without / ours, 3),
        "linking_share": round(max(1 - without / ours, 0.0), 3),
        "activities": ACTIVITIES,
    }


def _turn(stream: str) -> list[float]:
    with scratch_database() as address:
        migrate(address)
        environment = {
            **os.environ,
            "STAMGAST_DATABASE_URL": address,
            "STAMGAST_SECRET_KEY": secrets.token_urlsafe(64),
            "STAMGAST_LOG_LEVEL": "error",
            "DJANGO_SETTINGS_MODULE": "stamgast.settings",
        }
        done = subprocess.run(
            [sys.executable, "-m", "stamgast.bench.identity", stream],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise BenchFailed(f"A stream was not decided: {done.stderr.strip()[-300:]}")
    return [float(second) for second in json.loads(done.stdout.splitlines()[-1])]


def _stream() -> list[bytes]:
    """Orders a second apart."""
    chance = Random("identity")
    bodies = []
    for number in range(ACTIVITIES):
        user = chance.randrange(ACTIVITIES // ACTIVITIES_OF_A_CUSTOMER)
        browser, has_email = chance.randrange(BROWSERS), chance.random() < 0.1
        body = {**message(chance), "userId": str(user), "timestamp": (START + timedelta(seconds=number)).isoformat()}
        body["anonymousId"] = f"browser-{user}-{browser}"
        if has_email:
            body["context"] = {"traits": {"email": f"user{user}@example.org"}}
        bodies.append(msgspec.json.encode(body))
    return bodies


def _decide_stream(stream: str) -> None:
    """Prints how many seconds each batch took from message to decided."""
    import django

    django.setup()
    from stamgast.activities.operations import ensure_source, store
    from stamgast.activities.queries import load_reader
    from stamgast.activities.types import NewActivity
    from stamgast.customers.ruleset import DEFAULT, write_rules
    from stamgast.flows.apply_identity_rules import put_in_force
    from stamgast.flows.decide_pending import decide_pending
    from stamgast.kit.database import transaction
    from stamgast.kit.garbage import settle
    from stamgast.programmes.deciding import warm

    warm()
    now = START + timedelta(days=30)
    with transaction() as cursor:
        source = ensure_source(cursor, SOURCE, at=now, actor="bench")
        reader = load_reader(cursor, currency="EUR", timezone="Europe/Amsterdam")
    if stream == "none":
        shared = write_rules(DEFAULT) | {"shared_sources": [SOURCE]}
        put_in_force(shared, reason="nothing links", at=now, actor="bench")
    bodies = _stream()
    settle()
    took = []
    for place in range(0, len(bodies), BATCH):
        began = time.perf_counter()
        read = [
            reader.read_message(body, source=source, received_at=now, fallback_id=str(place + number))
            for number, body in enumerate(bodies[place : place + BATCH])
        ]
        with transaction() as cursor:
            store(cursor, [one for one in read if isinstance(one, NewActivity)], [])
        while decide_pending(at=now, actor="bench", limit=BATCH):
            pass
        took.append(time.perf_counter() - began)
    print(json.dumps(took))


if __name__ == "__main__":
    _decide_stream(sys.argv[1])
