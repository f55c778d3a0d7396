"""Erasure against deciding and against an import, on connections of their own; and what happens without the lock."""

import json
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import count_pending, load_catalogue
from stamgast.flows import decide_pending as deciding
from stamgast.flows import erase as erasing
from stamgast.flows.audit import run as audit
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.erase import erase
from stamgast.flows.install import install
from stamgast.flows.read_customer import read_customer
from stamgast.kit.database import open_cursor, transaction

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HERS = ("anna@example.org", "anna-900", "Annabella")
pytestmark = pytest.mark.django_db(transaction=True)


def order(number, **who):
    at = (NOON - timedelta(days=1, minutes=-number)).isoformat()
    properties = {"order_id": f"o{number}", "revenue": "1.00", "currency": "EUR", "note": "Annabella"}
    context = {"traits": {"email": "anna@example.org", "firstName": "Annabella"}}
    return {"type": "track", "event": "Order Completed", "messageId": f"m{number}", "timestamp": at, "context": context,
            "properties": properties, **(who or {"userId": "anna-900"})}  # fmt: skip


def tell(*bodies):
    with transaction() as cursor:
        source = ensure_source(cursor, "shop", at=NOON, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        read = [
            reader.read_message(json.dumps(body).encode(), source=source, received_at=NOON, fallback_id="x") for body in bodies
        ]
        store(cursor, read, [])


def drain():
    while decide_pending(at=NOON, actor="worker", limit=50):
        pass


def in_thread(work, failures):
    def run():
        try:
            work()
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_until_somebody_waits(thread):
    """Until a session waits for a lock, or the thread needed to wait for none."""
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}, autocommit=True) as own:
        while thread.is_alive() and own.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() == (0,):
            threading.Event().wait(0.02)


def left_of_anna():
    with open_cursor() as cursor:
        tables = cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        ).fetchall()
        return sorted(
            table
            for (table,) in tables
            for (row,) in cursor.execute(f'SELECT t::text FROM "{table}" AS t').fetchall()
            if any(text.lower() in row.lower() for text in HERS)
        )


def proofs():
    with transaction():
        return audit(lambda check, rows: None)


@pytest.fixture
def anna():
    install(timezone="Europe/Amsterdam", at=NOON, actor="test")
    tell(order(1))
    drain()
    with open_cursor() as cursor:
        return str(read_customer(cursor, "user_id:anna-900").profile.customer.id)


def erase_while_a_worker_is_at_it(anna):
    """A worker has looked whether anybody was erased and has not written yet, when somebody asks to erase."""
    failures, threads = [], []
    look = deciding.keep_erased_out

    def slow(*arguments, **named):
        columns = look(*arguments, **named)
        if not threads:
            threads.append(in_thread(lambda: erase(anna, reason="", at=NOON, actor="test"), failures))
            wait_until_somebody_waits(threads[0])
        return columns

    tell(order(2), order(3, anonymousId="tablet", userId="anna-900"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deciding, "keep_erased_out", slow)
        drain()
        threads[0].join(timeout=30)
        assert not threads[0].is_alive()
    return failures


def test_an_erasure_waits_for_who_decides_and_finds_what_they_decided(anna):
    assert erase_while_a_worker_is_at_it(anna) == []
    assert left_of_anna() == []
    assert proofs() == []


def test_control_without_the_lock_a_worker_brings_her_back(anna, monkeypatch):
    monkeypatch.setattr(erasing, "stop_deciding", lambda cursor: None)
    failures = erase_while_a_worker_is_at_it(anna)
    assert failures or left_of_anna()


def test_an_import_that_runs_meanwhile_brings_nobody_back_and_loses_nothing(anna):
    failures = []
    stop = threading.Event()

    def work():
        while not stop.is_set() or waiting():
            decide_pending(at=NOON, actor="worker", limit=5)

    def bring():
        for number in range(2, 102):
            who = ({}, {"userId": "anna-900"}, {"anonymousId": "tablet"}, {"userId": f"bob-{number}"})[number % 4]
            body = order(number, **who)
            if "bob" in str(who):
                body.update(context={}, properties={**body["properties"], "note": ""})
            tell(body)

    threads = [in_thread(work, failures), in_thread(work, failures), in_thread(bring, failures)]
    threads[2].join(timeout=0.4)
    receipt = erase(anna, reason="", at=NOON, actor="test")
    threads[2].join(timeout=60)
    stop.set()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    drain()
    assert failures == []
    assert left_of_anna() == []
    assert proofs() == []
    with open_cursor() as cursor:
        theirs = read_customer(cursor, str(receipt.customer_id)).orders.count
        everything = cursor.execute("SELECT count(*) FROM activities_activity").fetchone()
    assert (theirs, everything) == (76, (101,))


def waiting():
    with open_cursor() as cursor:
        return count_pending(cursor, at_most=1)
