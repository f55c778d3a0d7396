"""Two workers that resolve overlapping sightings end as one worker would, and never wait for each other in a circle."""

import random
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from stamgast.customers import operations, sql
from stamgast.customers.types import Sighting
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import derive_id

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


def sighting(minute: int, *identifiers: str) -> Sighting:
    moment = START + timedelta(minutes=minute)
    return Sighting(derive_id("activity", "shop", f"{minute} {identifiers}"), moment, moment, identifiers, "shop")


def resolve(sightings: Sequence[Sighting]) -> None:
    with transaction() as cursor:
        operations.resolve(cursor, sightings, at=NOW, actor="worker")


def partition() -> set[frozenset[str]]:
    with open_cursor() as cursor:
        cursor.execute(
            """
            SELECT array_agg(identifier.kind || ':' || identifier.value)
            FROM customers_link AS link JOIN customers_identifier AS identifier ON identifier.id = link.identifier_id
            WHERE link.ended_at IS NULL GROUP BY link.customer_id
            """
        )
        return {frozenset(row[0]) for row in cursor}


def in_thread(work: Callable[[], None], failures: list[Exception]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def join_while_another_joins() -> list[Exception]:
    """One worker joins a and b and has not committed yet while another joins b and c."""
    resolve([sighting(1, "email:a"), sighting(2, "anonymous_id:b"), sighting(3, "card_number:c")])
    failures: list[Exception] = []
    with transaction() as cursor:
        operations.resolve(cursor, [sighting(4, "email:a", "anonymous_id:b")], at=NOW, actor="one")
        other = in_thread(lambda: resolve([sighting(5, "card_number:c", "anonymous_id:b")]), failures)
        wait_until_somebody_waits()
    other.join(timeout=20)
    assert not other.is_alive()
    return failures


def wait_until_somebody_waits() -> None:
    """Asks on a connection of its own, because activity is a snapshot within a transaction."""
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}, autocommit=True) as own:
        for _ in range(200):
            waiting = own.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
            if waiting != (0,):
                return
            threading.Event().wait(0.02)


def test_the_second_waits_and_then_sees_what_the_first_did() -> None:
    assert join_while_another_joins() == []
    assert partition() == {frozenset({"email:a", "anonymous_id:b", "card_number:c"})}


def test_control_without_the_lock_the_second_works_on_what_is_no_longer_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "lock_customers", lambda cursor, customers: None)
    assert join_while_another_joins() == []
    assert partition() == {frozenset({"email:a", "anonymous_id:b"}), frozenset({"card_number:c"})}


def test_a_new_identifier_in_two_workers_is_one_customer() -> None:
    failures: list[Exception] = []
    with transaction() as cursor:
        operations.resolve(cursor, [sighting(1, "user_id:1", "email:a")], at=NOW, actor="one")
        other = in_thread(lambda: resolve([sighting(2, "anonymous_id:x", "email:a"), sighting(3, "user_id:1")]), failures)
        wait_until_somebody_waits()
    other.join(timeout=20)
    assert failures == []
    assert partition() == {frozenset({"user_id:1", "email:a", "anonymous_id:x"})}


@pytest.mark.parametrize("seed", range(3))
def test_many_overlapping_batches_in_three_workers_end_as_in_one(seed: int) -> None:
    chance = random.Random(seed)
    kinds = ("user_id", "card_number", "email", "anonymous_id")
    history = []
    for minute in range(240):
        chosen = {f"{chance.choice(kinds)}:{chance.randrange(12)}" for _ in range(chance.randint(1, 3))}
        history.append(sighting(minute, *sorted(chosen, key=lambda text: kinds.index(text.split(":")[0]))))
    chance.shuffle(history)
    batches = [history[place : place + 6] for place in range(0, len(history), 6)]
    failures: list[Exception] = []
    waiting = iter(batches)
    turn = threading.Lock()

    def work() -> None:
        while True:
            with turn:
                batch = next(waiting, None)
            if batch is None:
                return
            resolve(batch)

    threads = [in_thread(work, failures) for _ in range(3)]
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []
    together = partition()
    with open_cursor() as cursor:
        cursor.execute("TRUNCATE customers_customer, customers_identifier, customers_link, customers_evidence, customers_trait")
    resolve(sorted(history, key=lambda one: one.occurred_at))
    assert together == partition()
    assert len(together) >= 12
