"""The running system: from an activity to a receiver within a second, and ``kill -9`` of the worker amid sending."""

import json
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from standardwebhooks.webhooks import Webhook

from stamgast.webhooks.tests.receiver import receiving
from tests.installation import PATIENCE_SECONDS, Installation

pytestmark = pytest.mark.xdist_group("live")


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("webhooks")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    installation = Installation(folder, STAMGAST_WEBHOOK_TARGETS="127.0.0.1")
    try:
        installation.wait_until_ready()
        yield installation
    finally:
        installation.stop()


@pytest.fixture(scope="module")
def write_key(installation):
    return json.loads(installation.run("source", "create", "Shop", "--json"))["write_key"]


@pytest.fixture
def receiver():
    with receiving() as one:
        yield one


def redemptions(user, count=21):
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    body = {"type": "track", "userId": user, "event": "Coupon Redeemed", "timestamp": at, "properties": {"coupon_id": "c"}}
    return [{**body, "messageId": f"{user}-{number}"} for number in range(count)]


def send(installation, write_key, messages):
    assert installation.request("POST", "/v1/batch", {"batch": messages}, key=write_key)[0] == 200


def create(installation, receiver, name, *events):
    chosen = [word for event in events for word in ("--event", event)]
    return json.loads(installation.run("webhook", "create", receiver.url, "--name", name, *chosen, "--json"))


def row_of(installation, endpoint_id):
    rows = json.loads(installation.run("webhook", "list", "--json"))["webhooks"]
    return next(row for row in rows if row["id"] == endpoint_id)


def test_who_becomes_loyal_is_told_within_a_second(installation, write_key, receiver):
    made = create(installation, receiver, "one by one", "segment.entered")
    send(installation, write_key, redemptions("warm"))
    assert receiver.wait_for(1, 30)
    began = time.time()
    send(installation, write_key, redemptions("anna"))
    assert receiver.wait_for(2, 10)
    assert receiver.moments[1] - began < 1.0
    headers, body = receiver.got[1]
    event = Webhook(made["secret"]).verify(body, headers)
    key = json.loads(installation.run("key", "create", "--scope", "*", "--json"))["key"]
    anna = installation.request("GET", "/v1/customers/user_id:anna", key=key)[1]
    assert (event["type"], event["data"]["customer_id"]) == ("segment.entered", anna["id"])
    deadline = time.monotonic() + 10
    while (row := row_of(installation, made["id"]))["delivered"] < 2:
        assert time.monotonic() < deadline, row
    assert (row["waiting"], row["failed"], row["events"]) == (0, 0, ["segment.entered"])
    deleted = json.loads(installation.run("webhook", "delete", "one by one", "--json"))["deleted"]
    assert deleted["id"] == made["id"]
    assert made["secret"] not in (installation.folder / "serve.log").read_text()


def test_a_worker_killed_amid_sending_loses_nothing(installation, write_key, receiver):
    """At least once, under the same id. Leases are ended by hand, so that nobody waits half a minute for them."""
    made = create(installation, receiver, "amid sending", "segment.entered")
    receiver.answer(204, seconds=0.2)
    customers = [f"customer-{number}" for number in range(40)]
    for customer in customers:
        send(installation, write_key, redemptions(customer))
    for count in (5, 20):
        assert receiver.wait_for(count, 30)
        installation.part("worker").kill()
    with psycopg.connect(installation.database_url(), autocommit=True) as database:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            database.execute(
                "UPDATE webhooks_delivery SET due_at = now() "
                "WHERE state = 'waiting' AND claim IS NOT NULL AND due_at < now() + interval '25 seconds'"
            )
            states = dict(
                database.execute(
                    "SELECT state, count(*) FROM webhooks_delivery WHERE endpoint_id = %s GROUP BY state", (made["id"],)
                ).fetchall()
            )
            pending = database.execute("SELECT count(*) FROM activities_pending").fetchone()[0]
            if not pending and states == {"delivered": len(customers)}:
                break
            assert time.monotonic() < deadline, states
            time.sleep(0.1)
        events = database.execute(
            "SELECT event.id, body::json->'data'->>'customer_id' FROM webhooks_event event "
            "JOIN webhooks_delivery ON event_id = event.id WHERE endpoint_id = %s",
            (made["id"],),
        ).fetchall()
    assert len(events) == len({customer for _, customer in events}) == len(customers)
    assert set(receiver.ids()) == {str(event_id) for event_id, _ in events}
