"""The receiver of docs/webhooks.md runs as it stands there: it takes an event once, and refuses what is not ours."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.installation import free_port

from stamgast.webhooks.rules import body_of, format_secret, headers_of
from stamgast.webhooks.types import TEST, EventKind

PAGE = (Path(__file__).parents[2] / "docs/webhooks.md").read_text("utf-8")


def test_every_event_is_described():
    assert set(re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", PAGE, re.MULTILINE)) == {*EventKind, TEST}


@pytest.fixture
def receiver(tmp_path):
    [code] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    port, secret = free_port(), format_secret(os.urandom(32))
    environment = os.environ | {"WEBHOOK_SECRET": secret, "PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/", secret, tmp_path / "inbox.db"
    finally:
        process.terminate()
        process.wait()


def post(address, body, headers):
    request = urllib.request.Request(address, body.encode(), {"content-type": "application/json", **headers})
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_the_receiver_of_the_page_takes_an_event_once_and_refuses_what_is_not_ours(receiver):
    address, secret, inbox = receiver
    event = json.loads(re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0])
    event_id, now = event["data"]["customer_id"], datetime.now(UTC)
    body = body_of(event_id, event["type"], datetime.fromisoformat(event["timestamp"]), event["data"])
    assert json.loads(body).keys() == event.keys()
    assert post(address, body, headers_of(event_id, body, [secret], now)) == 204
    assert post(address, body, headers_of(event_id, body, [format_secret(os.urandom(32)), secret], now)) == 204
    assert post(address, body, headers_of(event_id, body, [format_secret(os.urandom(32))], now)) == 401
    connection = sqlite3.connect(inbox)
    assert connection.execute("SELECT * FROM event").fetchall() == [(event_id, "segment.entered", event["data"]["customer_id"])]
    connection.close()
