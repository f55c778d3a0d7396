"""``kill -9`` of web, worker and PostgreSQL in turn amid intake: nothing accepted is lost, nothing is there twice."""

import base64
import contextlib
import http.client
import itertools
import json
import random
import threading
import time

import psycopg
import pytest

from tests.installation import PATIENCE_SECONDS, Installation

ROUNDS = 20
CUSTOMERS = 40
BATCH = 25


class Sender(threading.Thread):
    """A shop that sends batches and sends each again until it is told that it was accepted."""

    def __init__(self, port: int, key: str, name: str, stop: threading.Event):
        super().__init__(name=name, daemon=True)
        self.port, self.stop = port, stop
        self.headers = {
            "Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(),
            "Content-Type": "application/json",
        }
        self.accepted: list[bytes] = []
        self.message_ids: list[str] = []
        self.random = random.Random(name)

    def run(self) -> None:
        for number in itertools.count():
            if self.stop.is_set():
                return
            messages = [self.message(f"{self.name}-{number}-{i}") for i in range(BATCH)]
            body = json.dumps({"batch": messages}).encode()
            while not self.send(body):
                time.sleep(0.05)
            self.accepted.append(body)
            self.message_ids += [message["messageId"] for message in messages]

    def message(self, message_id: str) -> dict[str, object]:
        return {
            "type": "track",
            "event": "Order Completed",
            "messageId": message_id,
            "userId": f"customer-{self.random.randrange(CUSTOMERS)}",
            "properties": {"order_id": message_id, "revenue": "1.00", "currency": "EUR"},
        }

    def send(self, body: bytes) -> bool:
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
                connection.request("POST", "/v1/batch", body, self.headers)
                return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


@pytest.mark.xdist_group("crash")
def test_everything_accepted_is_there_exactly_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    installation = Installation(folder)
    try:
        installation.wait_until_ready()
        key = json.loads(installation.run("source", "create", "Shop", "--json"))["write_key"]
        stop = threading.Event()
        senders = [Sender(installation.port, key, f"till-{number}", stop) for number in range(3)]
        for sender in senders:
            sender.start()
        for number in range(ROUNDS):
            time.sleep(0.6)
            accepted = sum(len(sender.accepted) for sender in senders)
            victim = installation.part(("web", "worker", "postgres")[number % 3])
            victim.kill()
            deadline = time.monotonic() + PATIENCE_SECONDS
            while sum(len(sender.accepted) for sender in senders) <= accepted + 3:
                assert time.monotonic() < deadline, (folder / "serve.log").read_text()[-4000:]
                time.sleep(0.05)
        stop.set()
        for sender in senders:
            sender.join(timeout=PATIENCE_SECONDS)
            assert not sender.is_alive()
        for sender in senders:
            for body in sender.accepted:
                while not sender.send(body):
                    time.sleep(0.05)

        expected = {message_id for sender in senders for message_id in sender.message_ids}
        assert len(expected) >= ROUNDS * BATCH
        with psycopg.connect(installation.database_url(), autocommit=True) as database:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while database.execute("SELECT count(*) FROM activities_pending").fetchone()[0]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            stored = [row[0] for row in database.execute("SELECT body::json->>'messageId' FROM activities_activity")]
            movements = database.execute("SELECT count(*), count(DISTINCT activity_id), sum(amount) FROM ledger_movement")
            assert len(stored) == len(set(stored))
            assert set(stored) == expected
            assert movements.fetchone() == (len(expected), len(expected), len(expected))
        installation.run("audit")
    finally:
        installation.stop()
