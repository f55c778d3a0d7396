"""Several connections at once: exactly once, no deadlock, no waiting where none is promised. Each race has its control."""

import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from psycopg.errors import UniqueViolation

from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import derive_id
from stamgast.ledger import sql
from stamgast.ledger.audit import audit
from stamgast.ledger.operations import expire_due, seal
from stamgast.ledger.queries import count_movements, get_balances
from stamgast.ledger.tests.examples import ACTOR, ADA, BOB, day, give, wanted
from stamgast.ledger.types import Wanted

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(*acts: Callable[[], int]) -> list[int]:
    """Runs each act in a thread with a connection of its own; the first error is raised here."""

    def run(act: Callable[[], int]) -> int:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, act) for act in acts]]


def posting(rows: list[Wanted]) -> Callable[[], int]:
    def act() -> int:
        with transaction() as cursor:
            return give(cursor, *rows).movements

    return act


def test_same_causes_posted_by_four_at_once_are_posted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["stamgast.ledger.operations.post"], "LARGEST_BATCH", 40)
    owners = [derive_id("customer", str(n)) for n in range(60)]
    rows = [wanted(owner, f"order {n}", currency=currency) for owner in owners for n in range(3) for currency in ("a", "b")]
    shuffled = [random.sample(rows, len(rows)) for _ in range(4)]
    assert sum(in_threads(*map(posting, shuffled))) == len(rows)
    with transaction() as cursor:
        assert count_movements(cursor) == len(rows)
        assert audit(cursor) == []


def race_on_one_lot() -> int:
    """A second posting of the same cause begins while the first is not committed; returns what the second wrote."""
    with transaction() as cursor:
        give(cursor, wanted(ADA, "order 0"))
    is_posted, second = threading.Event(), wanted(ADA, "order 1")

    def late() -> int:
        is_posted.wait(10)
        return posting([second])()

    def early() -> int:
        with transaction() as cursor:
            give(cursor, second)
            is_posted.set()
            wait_until_somebody_waits()
        return 1

    return in_threads(early, late)[1]


def wait_until_somebody_waits() -> None:
    with open_cursor() as cursor:
        for _ in range(1000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            if cursor.fetchone() != (0,):
                return
            time.sleep(0.01)
    raise AssertionError("nobody waited, so there was no race")


def test_posting_waits_for_the_balance_and_then_sees_the_lot() -> None:
    assert race_on_one_lot() == 0


def test_control_without_the_lock_the_race_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    unlocked = """SELECT b.owner_id, b.currency, b.debt FROM ledger_balance b
    JOIN unnest(%s::smallint[], %s::uuid[], %s::text[]) AS k(bucket, owner_id, currency) USING (bucket, owner_id, currency)"""
    with transaction() as cursor:
        give(cursor, wanted(ADA, "order 0"))
    monkeypatch.setattr(sql, "LOCK_BALANCES", unlocked)
    with pytest.raises(UniqueViolation):
        race_on_one_lot()


def test_expiry_passes_over_a_balance_that_is_held_and_takes_the_others() -> None:
    with transaction() as cursor:
        give(cursor, wanted(ADA, expires_at=day(1)), wanted(BOB, expires_at=day(1)))
    with transaction() as cursor:
        give(cursor, wanted(ADA, amount=4, expires_at=day(1)))

        def expire() -> int:
            with transaction() as other:
                return expire_due(other, at=day(2), actor=ACTOR).movements

        assert in_threads(expire) == [1]
        assert expire_due(cursor, at=day(2), actor=ACTOR, owners=[ADA]).movements == 1
    with transaction() as cursor:
        assert [get_balances(cursor, owner)[0].available for owner in (ADA, BOB)] == [0, 0]
        assert audit(cursor) == []


def test_posting_against_expiry_and_sealing_ends_sound() -> None:
    owners = [derive_id("customer", str(n)) for n in range(20)]

    def post_many(seed: int) -> Callable[[], int]:
        def act() -> int:
            chance = random.Random(seed)
            written = 0
            for _ in range(15):
                rows = [
                    wanted(owner, f"order {chance.randrange(3)}", chance.randrange(9), expires_at=day(chance.randrange(4)))
                    for owner in chance.sample(owners, 10)
                ]
                complete = tuple(chance.sample([row.owner_id for row in rows], 3))
                with transaction() as cursor:
                    written += give(cursor, *rows, complete=complete).movements
                    written += expire_due(cursor, at=day(2), actor=ACTOR, owners=[row.owner_id for row in rows]).movements
            return written

        return act

    def expire_and_seal() -> int:
        written = 0
        for _ in range(15):
            with transaction() as cursor:
                written += expire_due(cursor, at=day(2), actor=ACTOR).movements
                seal(cursor, at=day(2))
        return written

    written = in_threads(post_many(1), post_many(2), expire_and_seal, expire_and_seal)
    with transaction() as cursor:
        assert count_movements(cursor) == sum(written)
        assert audit(cursor) == []
