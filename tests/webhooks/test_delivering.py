"""The worker's deliverer against receivers on this machine: retries, two at once, slow ones beside quick ones."""

import threading
import time
from datetime import UTC, datetime
from ipaddress import ip_network
from uuid import UUID

import pytest
from django.db import connection

from stamgast.flows.deliver_webhooks import Deliverer
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import derive_id, new_id
from stamgast.webhooks import sending
from stamgast.webhooks.operations import claim_due, create_endpoint, write_events
from stamgast.webhooks.queries import count_waiting, get_endpoint, list_deliveries
from stamgast.webhooks.tests.receiver import receiving
from stamgast.webhooks.types import EventKind, Fact, Reach, WhyOff

REACH = Reach((ip_network("127.0.0.0/8"),))
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver():
    with receiving() as one:
        yield one


def listen(receiver, name="crm"):
    with transaction() as cursor:
        return create_endpoint(
            cursor,
            name=name,
            url=receiver.url,
            kinds=[EventKind.SEGMENT_ENTERED],
            reach=REACH,
            random=bytes(32),
            at=datetime.now(UTC),
            actor="test",
        )[0]


def tell(count, start=0):
    now = datetime.now(UTC)
    with transaction() as cursor:
        facts = [
            Fact(derive_id("test", str(n)), EventKind.SEGMENT_ENTERED, now, {"number": n}) for n in range(start, start + count)
        ]
        assert write_events(cursor, facts, at=now) >= count
    return {str(fact.id) for fact in facts}


class Working:
    """A deliverer that takes turns in a thread of its own, as in the worker."""

    def __init__(self):
        self.stop, self.failures = threading.Event(), []
        self.thread = threading.Thread(target=self.run)

    def run(self):
        deliverer = Deliverer(REACH, chance=lambda: 0.5)
        try:
            while not self.stop.is_set():
                deliverer.turn(self.stop)
        except Exception as failure:
            self.failures.append(failure)
        finally:
            deliverer.close()
            connection.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        assert self.failures == []


def log_of(endpoint):
    with open_cursor() as cursor:
        return list_deliveries(cursor, endpoint.id, state=None, before=None, limit=500).rows


def wait_until(look, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def hurry():
    """The time that a retry waits for has passed."""
    with transaction() as cursor:
        cursor.execute("UPDATE webhooks_delivery SET due_at = now() WHERE state = 'waiting' AND claim IS NULL")


def test_what_fails_is_sent_again_until_it_arrives(receiver):
    receiver.answers[:] = [(500, {}, b"busy", 0.0), (503, {}, b"", 0.0), (204, {}, b"", 0.0)]
    endpoint = listen(receiver)
    [event_id] = tell(1)
    with Working():
        for count in (1, 2):
            wait_until(lambda: len(log_of(endpoint)[0].attempts) == count)  # noqa: B023
            hurry()
        wait_until(lambda: log_of(endpoint)[0].state == "delivered")
    [row] = log_of(endpoint)
    assert [attempt.outcome.status for attempt in row.attempts] == [204, 503, 500]
    assert row.attempts[-1].outcome.response == "busy"
    assert receiver.ids() == [event_id] * 3


def test_the_second_attempt_comes_by_itself_after_five_seconds(receiver):
    receiver.answers[:] = [(500, {}, b"", 0.0), (204, {}, b"", 0.0)]
    listen(receiver)
    tell(1)
    with Working():
        assert receiver.wait_for(2, 15)
    assert 4.9 < receiver.moments[1] - receiver.moments[0] < 8


def test_gone_ends_it(receiver):
    receiver.answer(410)
    endpoint = listen(receiver)
    tell(1)
    with Working():
        wait_until(lambda: log_of(endpoint)[0].attempts)
        hurry()
        time.sleep(0.7)
    assert len(receiver.got) == 1
    with open_cursor() as cursor:
        assert get_endpoint(cursor, endpoint.id).disabled_reason == WhyOff.GONE


def test_one_that_hangs_holds_up_nobody_else(receiver, monkeypatch):
    monkeypatch.setattr(sending, "TOTAL_SECONDS", 3.0)
    with receiving() as slow:
        slow.answer(204, seconds=60)
        hanging = listen(slow, "a slow one")
        listen(receiver)
        with Working():
            expected = tell(60)
            assert receiver.wait_for(60, 2.5)
            assert set(receiver.ids()) == expected
            assert len(slow.got) <= 8
            wait_until(lambda: any(row.attempts for row in log_of(hanging)))
        assert {attempt.outcome.problem for row in log_of(hanging) for attempt in row.attempts} == {"timed_out"}


def test_two_workers_send_each_event_once(receiver):
    endpoint = listen(receiver)
    with Working(), Working():
        expected = tell(150)
        expected |= tell(150, start=150)
        wait_until(lambda: all(row.state == "delivered" for row in log_of(endpoint)), 30)
    assert sorted(receiver.ids()) == sorted(expected)


def claims_of_two(take):
    """What two connections take at the same moment."""
    taken, together = [], threading.Barrier(2)

    def run():
        try:
            with transaction() as cursor:
                together.wait()
                taken.extend(take(cursor))
                together.wait()  # before either commits
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def test_a_claim_is_one_process_s_and_without_it_both_would_send(receiver):
    listen(receiver)
    tell(4)

    def only_look(cursor):
        return cursor.execute("SELECT id FROM webhooks_delivery WHERE state = 'waiting' AND due_at <= now()").fetchall()

    assert len(claims_of_two(only_look)) == 8
    claimed = claims_of_two(lambda cursor: claim_due(cursor, new_id(), limit=10, at=datetime.now(UTC)))
    assert len(claimed) == len({parcel.delivery_id for parcel in claimed}) == 4


def test_what_breaks_here_is_in_the_log_and_stops_nothing(receiver, monkeypatch, tmp_path):
    endpoint = listen(receiver)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "not-there.pem"))
    tell(1)
    with Working():
        wait_until(lambda: log_of(endpoint)[0].attempts)
        monkeypatch.delenv("SSL_CERT_FILE")
        hurry()
        wait_until(lambda: log_of(endpoint)[0].state == "delivered")
    assert [attempt.outcome.problem for attempt in log_of(endpoint)[0].attempts] == ["", "not_sent"]


def test_stopping_waits_for_what_is_on_its_way(receiver):
    receiver.answer(204, seconds=0.5)
    endpoint = listen(receiver)
    with Working():
        tell(1)
        assert receiver.wait_for(1)
    assert [row.state for row in log_of(endpoint)] == ["delivered"]


def test_what_did_not_come_back_is_sent_again_after_its_lease(receiver):
    endpoint = listen(receiver)
    tell(1)
    with transaction() as cursor:  # a worker that died after this
        [parcel] = claim_due(cursor, UUID(int=1), limit=10, at=datetime.now(UTC))
        cursor.execute("UPDATE webhooks_delivery SET due_at = due_at - interval '29 seconds'")
    with Working():
        time.sleep(0.3)
        assert receiver.got == []
        wait_until(lambda: log_of(endpoint)[0].state == "delivered")
    assert receiver.ids() == [str(parcel.event_id)]
    with open_cursor() as cursor:
        assert count_waiting(cursor) == 0
