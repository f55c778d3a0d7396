"""Merges beside merges, postings and streaming intake, on connections of their own; and what happens without the lock."""

import json
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import count_pending, load_catalogue
from stamgast.customers import sql
from stamgast.customers.errors import AlreadyOneCustomer
from stamgast.customers.histories import list_judgements
from stamgast.customers.queries import get_customer
from stamgast.flows import merge_customers as merging
from stamgast.flows.audit import run as audit
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.install import install
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.read_customer import read_customer
from stamgast.flows.unmerge_customers import withdraw_judgement
from stamgast.kit.database import open_cursor, transaction

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BY = {"actor": "staff:hanna@example.org", "at": NOW}
pytestmark = pytest.mark.django_db(transaction=True)


def coupon(number, user, days_ago=5, device=None):
    at = (NOW - timedelta(days=days_ago)).isoformat()
    body = {"type": "track", "event": "Coupon Redeemed", "messageId": f"c{number}", "timestamp": at, "properties": {}}
    return {**body, "userId": user, **({"anonymousId": device} if device else {})}


def tell(*bodies):
    with transaction() as cursor:
        source = ensure_source(cursor, "Web shop", at=NOW, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        read = [
            reader.read_message(json.dumps(body).encode(), source=source, received_at=NOW, fallback_id=body["messageId"])
            for body in bodies
        ]
        store(cursor, read, [])


def drain(limit=1000):
    while decide_pending(at=NOW, actor="worker", limit=limit):
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


def wait_until_somebody_waits():
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}, autocommit=True) as own:
        for _ in range(200):
            if own.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() != (0,):
                return
            threading.Event().wait(0.02)


def score_of(reference):
    with open_cursor() as cursor:
        view = read_customer(cursor, reference)
    return {balance.currency: balance.available for balance in view.balances}.get("score", 0)


def proofs():
    with transaction():
        return audit(lambda check, rows: None)


@pytest.fixture
def shop():
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    tell(*[coupon(n, user, days_ago=20 - n) for n, user in enumerate(("anna", "bob", "carla"))])
    drain()


def merge_while(other):
    """One merges anna and bob and has not committed yet while ``other`` runs."""
    failures = []
    decide, waited = merging.decide_locked, threading.Event()

    def slow(*arguments, **named):
        decide(*arguments, **named)
        if not waited.is_set() and threading.current_thread() is threading.main_thread():
            waited.set()
            threads.append(in_thread(other, failures))
            wait_until_somebody_waits()

    threads = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "decide_locked", slow)
        merge_customers("user_id:anna", "user_id:bob", reason="one", **BY)
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
    return failures


def test_the_same_merge_twice_at_once_is_one_judgement(shop):
    failures = merge_while(lambda: merge_customers("user_id:bob", "user_id:anna", reason="two", **BY))
    assert [type(failure) for failure in failures] == [AlreadyOneCustomer]
    with open_cursor() as cursor:
        assert len(list_judgements(cursor, get_customer(cursor, "user_id:anna").id)) == 1
    assert score_of("user_id:anna") == 10


def test_two_merges_that_overlap_make_one_of_three(shop):
    failures = merge_while(lambda: merge_customers("user_id:carla", "user_id:bob", reason="two", **BY))
    assert failures == []
    assert score_of("user_id:anna") == score_of("user_id:carla") == 15
    assert proofs() == []


def test_a_posting_beside_a_merge_waits_and_goes_to_the_merged_customer(shop):
    tell(coupon(9, "bob"))
    assert merge_while(drain) == []
    assert score_of("user_id:anna") == 15
    assert proofs() == []


def test_control_without_the_lock_a_posting_goes_to_who_is_no_longer(shop, monkeypatch):
    monkeypatch.setattr(sql, "lock_customers", lambda cursor, customers: None)
    tell(coupon(9, "bob"))
    failures = merge_while(drain)
    assert failures or score_of("user_id:anna") != 15 or proofs()


def test_merges_and_withdrawals_while_activities_stream_in_lose_nothing(shop):
    failures = []
    stop = threading.Event()

    def work():
        while not stop.is_set() or _waiting():
            decide_pending(at=NOW, actor="worker", limit=7)

    workers = [in_thread(work, failures) for _ in range(2)]
    for turn in range(12):
        tell(*[coupon(100 + turn * 10 + n, user, days_ago=20 - n, device=f"d{n}") for n, user in enumerate(("anna", "bob"))])
        effect = merge_customers("user_id:anna", "user_id:bob", reason="one", **BY)
        tell(coupon(104 + turn * 10, "bob", days_ago=3), coupon(105 + turn * 10, "carla", days_ago=2))
        withdraw_judgement(effect.judgement.id, reason="two", **BY)
    stop.set()
    for worker in workers:
        worker.join(timeout=60)
        assert not worker.is_alive()
    drain()
    assert failures == []
    assert (score_of("user_id:anna"), score_of("user_id:bob"), score_of("user_id:carla")) == (65, 125, 65)
    assert proofs() == []


def _waiting():
    with open_cursor() as cursor:
        return count_pending(cursor, at_most=1)
