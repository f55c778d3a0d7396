"""``kill -9`` of web, worker and PostgreSQL in turn amid intake, spends and holds: nothing accepted is lost or there twice."""

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
SPENDERS = 4
"""Of the customers, those who also spend; each has a till of its own, so that what is left is known at every step."""
WELCOME = 100_000
PAUSE_SECONDS = 0.05
"""Between two batches of a shop: all that is accepted is decided, and sent again in the end."""
PROGRAMME = f"""
programme: default
timezone: Europe/Amsterdam
currencies:
  score: {{expires: {{after: 24 months, at: exact}}, spendable: false}}
  points: {{}}
earn:
  - {{name: purchase, when: {{activity: Order Completed}}, give: {{score: 1}}}}
  - {{name: welcome, when: {{activity: Coupon Redeemed}}, give: {{points: {WELCOME}}}}}
"""


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
            time.sleep(PAUSE_SECONDS)
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


class Till(threading.Thread):
    """Spends, sets aside, captures and releases for one customer, and asks each again until there is an answer."""

    def __init__(self, installation: Installation, key: str, customer: str, stop: threading.Event):
        super().__init__(name=f"till of {customer}", daemon=True)
        self.installation, self.key, self.customer, self.stop = installation, key, customer, stop
        self.answers: list[tuple[str, str, dict[str, object], object]] = []
        self.left, self.error = WELCOME, ""

    def run(self) -> None:
        try:
            for number in itertools.count():
                if self.stop.is_set():
                    return
                self.buy(number)
        except AssertionError as error:
            self.error = str(error) or "an answer was not as expected"

    def buy(self, number: int) -> None:
        """A spend, a hold that is captured in part, a hold that is released, and one for which there is not enough."""
        self.left -= 3
        assert self.ask("spends", f"{number} spend", amount=3)["available"] == self.left
        hold = self.ask("holds", f"{number} hold", amount=5)["id"]
        self.left -= 2
        assert self.ask(f"holds/{hold}/capture", f"{number} capture", amount=2)["available"] == self.left
        other = self.ask("holds", f"{number} other", amount=1)["id"]
        assert self.ask(f"holds/{other}/release", f"{number} release")["available"] == self.left
        assert self.ask("spends", f"{number} much", amount=WELCOME)["code"] == "insufficient_balance"

    def ask(self, path: str, name: str, **more: object) -> dict[str, object]:
        body = {"reason": "at the till", **more}
        if not path.startswith("holds/"):
            body["currency"] = "points"
        answer = self.send(path, name, body)
        self.answers.append((path, name, body, answer))
        return answer

    def send(self, path: str, name: str, body: dict[str, object]) -> dict[str, object]:
        """Until it is answered: what lost its answer may have been done or not."""
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                status, answer = self.installation.request(
                    "POST", f"/v1/customers/user_id:{self.customer}/{path}", body, key=self.key, name=name
                )
                if status < 500 and status != 429:
                    assert isinstance(answer, dict)
                    return answer
            time.sleep(0.05)


@pytest.mark.xdist_group("crash")
def test_everything_accepted_is_there_exactly_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    installation = Installation(folder)
    try:
        installation.wait_until_ready()
        key = json.loads(installation.run("source", "create", "Shop", "--json"))["write_key"]
        (folder / "programme.yaml").write_text(PROGRAMME)
        installation.run("programme", "publish", str(folder / "programme.yaml"))
        api_key = json.loads(installation.run("key", "create", "--scope", "points:spend", "--limit", "1000000", "--json"))[
            "key"
        ]
        stop = threading.Event()
        welcome = [
            {"type": "track", "event": "Coupon Redeemed", "messageId": f"w{n}", "userId": f"customer-{n}"}
            for n in range(SPENDERS)
        ]
        assert installation.request("POST", "/v1/batch", {"batch": welcome}, key=key)[0] == 200
        tills = [Till(installation, api_key, f"customer-{n}", stop) for n in range(SPENDERS)]
        wait_for_points(installation, SPENDERS)
        for till in tills:
            till.start()
        senders = [Sender(installation.port, key, f"till-{number}", stop) for number in range(3)]
        for sender in senders:
            sender.start()
        for number in range(ROUNDS):
            time.sleep(0.6)
            accepted, answered = sum(len(sender.accepted) for sender in senders), sum(len(till.answers) for till in tills)
            victim = installation.part(("web", "worker", "postgres")[number % 3])
            victim.kill()
            deadline = time.monotonic() + PATIENCE_SECONDS
            while (
                sum(len(sender.accepted) for sender in senders) <= accepted + 3
                or sum(len(till.answers) for till in tills) <= answered
            ):
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
        assert sum(len(till.answers) for till in tills) >= ROUNDS
        for till in tills:
            till.join(timeout=PATIENCE_SECONDS)
            assert not till.is_alive()
            assert till.error == ""
            assert [till.send(*asked) for *asked, _ in till.answers] == [answer for *_, answer in till.answers]

        expected = {message_id for sender in senders for message_id in sender.message_ids}
        kept = expected | {message["messageId"] for message in welcome}
        assert len(expected) >= ROUNDS * BATCH
        with psycopg.connect(installation.database_url(), autocommit=True) as database:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while database.execute("SELECT count(*) FROM activities_pending").fetchone()[0]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            stored = [row[0] for row in database.execute("SELECT body::json->>'messageId' FROM activities_activity")]
            movements = database.execute(
                "SELECT count(*), count(DISTINCT activity_id), sum(amount) FROM ledger_movement WHERE currency = 'score'"
            )
            assert len(stored) == len(set(stored))
            assert set(stored) == kept
            acts = database.execute("SELECT count(*), count(*) FILTER (WHERE refusal <> '') FROM ledger_act").fetchone()
            refused = sum("code" in answer for till in tills for *_, answer in till.answers)
            assert acts == (sum(len(till.answers) for till in tills), refused)
            left = database.execute("SELECT available, held FROM ledger_balance WHERE currency = 'points' ORDER BY available")
            assert left.fetchall() == sorted((till.left, 0) for till in tills)
            assert movements.fetchone() == (len(expected), len(expected), len(expected))
        installation.run("audit")
    finally:
        installation.stop()


def wait_for_points(installation: Installation, customers: int) -> None:
    """Until so many customers have their welcome."""
    with psycopg.connect(installation.database_url(), autocommit=True) as database:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while database.execute("SELECT count(*) FROM ledger_balance WHERE currency = 'points'").fetchone() != (customers,):
            assert time.monotonic() < deadline
            time.sleep(0.1)
