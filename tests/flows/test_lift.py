"""Who was erased comes back as somebody new: nothing of before returns, and what comes in from then on is kept."""

import threading
import time
from datetime import timedelta

import psycopg
import pytest

from stamgast.customers.erasure.errors import AlreadyLifted, ErasureNotFound, ErasureUnderWay
from stamgast.customers.erasure.queries import get_erasure
from stamgast.customers.errors import ReasonMissing
from stamgast.flows import decide_pending as deciding
from stamgast.flows import lift_erasure as lifting
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.erase import erase
from stamgast.flows.export_lake import clean
from stamgast.flows.lift_erasure import lift_erasure
from stamgast.flows.read_customer import read_customer
from stamgast.kit.database import open_cursor, transaction
from tests.flows.test_erase_races import (
    NOON,
    anna,
    drain,
    in_thread,
    left_of_anna,
    order,
    proofs,
    tell,
    wait_until_somebody_waits,
    waiting,
)

__all__ = ["anna"]
pytestmark = pytest.mark.django_db(transaction=True)
BY = {"reason": "asked to come back", "at": NOON, "actor": "staff:owner@example.org"}


@pytest.fixture
def erased(anna, tmp_path):
    """Anna, erased; an order of hers was kept out meanwhile; the lake is clean."""
    receipt = erase(anna, reason="", at=NOON, actor="test")
    tell(order(2))
    drain()
    clean(at=NOON, folder=tmp_path)
    return receipt


def orders_of(reference):
    with open_cursor() as cursor:
        return read_customer(cursor, reference).orders.count


def test_who_comes_back_is_new_and_nothing_of_before_returns(erased, tmp_path):
    assert left_of_anna() == []
    lifted = lift_erasure(erased.id, **BY)
    assert (lifted.lifted_at, lifted.lifted_by, lifted.lift_reason) == (NOON, BY["actor"], BY["reason"])
    assert left_of_anna() == []
    tell(order(1), order(2), order(3))
    drain()
    with open_cursor() as cursor:
        new = read_customer(cursor, "user_id:anna-900").profile.customer.id
        trail = cursor.execute("SELECT action, detail->>'reason' FROM access_trail ORDER BY id DESC LIMIT 1").fetchone()
    assert new != erased.customer_id
    assert (orders_of("user_id:anna-900"), orders_of(str(erased.customer_id))) == (1, 2)
    assert trail == ("lift erasure", BY["reason"])
    assert proofs() == []

    # Erased once more she is kept out once more, and may come back once more.
    again = erase("email:anna@example.org", reason="", at=NOON + timedelta(hours=1), actor="test")
    tell(order(4))
    drain()
    assert left_of_anna() == []
    assert orders_of(str(again.customer_id)) == 2
    clean(at=NOON, folder=tmp_path)
    lift_erasure(again.id, **BY)
    tell(order(5))
    drain()
    assert orders_of("user_id:anna-900") == 1
    assert proofs() == []


def test_it_is_done_once_with_a_reason_and_refused_without_an_effect(erased):
    with pytest.raises(ReasonMissing):
        lift_erasure(erased.id, **BY | {"reason": " "})
    with pytest.raises(ErasureNotFound):
        lift_erasure(erased.customer_id, **BY)
    lift_erasure(erased.id, **BY)
    with pytest.raises(AlreadyLifted):
        lift_erasure(erased.id, **BY)
    with open_cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM access_trail WHERE action = 'lift erasure'").fetchone() == (1,)


def test_it_waits_until_the_lake_forgot_her_and_nothing_of_hers_is_on_its_way(anna, tmp_path):
    receipt = erase(anna, reason="", at=NOON, actor="test")
    with pytest.raises(ErasureUnderWay):
        lift_erasure(receipt.id, **BY)
    clean(at=NOON, folder=tmp_path)
    tell(order(2), order(50, userId="bob", context={}))
    with pytest.raises(ErasureUnderWay):
        lift_erasure(receipt.id, **BY)
    drain()
    clean(at=NOON, folder=tmp_path)
    tell(order(51, userId="bob", context={}))
    lift_erasure(receipt.id, **BY)
    with open_cursor() as cursor:
        assert get_erasure(cursor, receipt.id).lifted_at == NOON


def test_the_application_cannot_take_a_lift_back_or_tombstones_away(erased):
    lift_erasure(erased.id, **BY)
    for statement in (
        "DELETE FROM customers_erasurelift", "UPDATE customers_erasurelift SET reason = ''", "DELETE FROM customers_tombstone",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction() as cursor:
            cursor.execute(f"SET LOCAL ROLE stamgast_app; {statement}")


def lift_while_a_worker_is_at_it(erased):
    """A worker has looked whether anybody was erased and has not written yet, when an owner lifts the erasure."""
    failures, threads = [], []
    look = deciding.keep_erased_out

    def slow(*arguments, **named):
        columns = look(*arguments, **named)
        if not threads:
            threads.append(in_thread(lambda: lift_erasure(erased.id, **BY), failures))
            wait_until_somebody_waits(threads[0])
        return columns

    tell(order(3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deciding, "keep_erased_out", slow)
        drain()
        threads[0].join(timeout=30)
        assert not threads[0].is_alive()
    return failures


def test_a_lift_waits_for_who_decides_and_then_for_the_lake(erased, tmp_path):
    (failure,) = lift_while_a_worker_is_at_it(erased)
    assert isinstance(failure, ErasureUnderWay), "what was kept out a moment ago is in the lake still"
    assert left_of_anna() == []
    clean(at=NOON, folder=tmp_path)
    lift_erasure(erased.id, **BY)
    assert proofs() == []


def test_control_without_the_lock_it_is_lifted_under_the_hands_of_a_worker(erased, monkeypatch):
    monkeypatch.setattr(lifting, "stop_deciding", lambda cursor: None)
    monkeypatch.setattr(lifting, "_waits", lambda cursor, erasure: False)
    assert lift_while_a_worker_is_at_it(erased) == []
    with open_cursor() as cursor:
        lifted = get_erasure(cursor, erased.id)
    assert lifted.lifted_at is not None
    assert lifted.lake_cleaned_at is None, "buried for an erasure that is lifted: the lake would be cleaned by it"


def test_an_import_that_runs_meanwhile_is_hers_from_the_lift_on_and_not_before(erased, tmp_path):
    failures = []
    stop = threading.Event()

    def work():
        while not stop.is_set() or waiting():
            decide_pending(at=NOON, actor="worker", limit=5)

    def bring():
        for number in range(10, 110):
            tell(order(number))

    threads = [in_thread(work, failures), in_thread(work, failures), in_thread(bring, failures)]
    threads[2].join(timeout=0.3)
    deadline = time.monotonic() + 60
    while True:  # the import is over within seconds, and then nothing of hers is on its way
        try:
            lift_erasure(erased.id, **BY)
            break
        except ErasureUnderWay:
            assert time.monotonic() < deadline, "something of hers still waits"
            clean(at=NOON, folder=tmp_path)
    threads[2].join(timeout=60)
    tell(order(200))
    stop.set()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    drain()
    assert failures == []
    assert proofs() == []
    hers, before = orders_of("user_id:anna-900"), orders_of(str(erased.customer_id))
    assert hers >= 1
    assert hers + before == 103
