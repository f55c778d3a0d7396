"""``kill -9`` of web, worker and PostgreSQL in turn in the middle of intake: nothing accepted is lost, nothing is there twice."""

import base64
import http.client
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest

ROUNDS = 20
CUSTOMERS = 40
BATCH = 25
PATIENCE_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Installation:
    """A real ``stamgast serve`` in a folder of its own, with the parts of it that can be killed."""

    def __init__(self, folder: Path):
        self.port = free_port()
        self.folder = folder
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("STAMGAST_")} | {
            "STAMGAST_DATA": str(folder),
            "STAMGAST_BIND": f"127.0.0.1:{self.port}",
        }
        self.log = (folder / "serve.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stamgast", "serve"], env=self.environment, stdout=self.log, stderr=self.log
        )

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "stamgast", *arguments], env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError((self.folder / "serve.log").read_text()[-4000:])

    def database_url(self) -> str:
        options = (self.folder / "postgres" / "postmaster.pid").read_text().splitlines()
        return f"postgresql://postgres@/stamgast?host={options[4]}&port={options[3]}"

    def part(self, name: str) -> psutil.Process:
        if name == "postgres":
            return psutil.Process(int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0]))
        for child in psutil.Process(self.process.pid).children(recursive=True):
            if name in child.cmdline():
                return child
        raise AssertionError(f"there is no {name} to kill")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()


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
            "userId": str(self.random.randrange(CUSTOMERS)),
            "properties": {"order_id": message_id, "revenue": "1.00", "currency": "EUR"},
        }

    def send(self, body: bytes) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
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
