"""``@segment/analytics-node`` and ``@rudderstack/rudder-sdk-node``, unmodified, in a Node process."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import HERE, Server
from tests.clients.scenario import PROPERTIES, TRAITS, WHEN, check, refusals, stored

pytestmark = pytest.mark.xdist_group("clients")
TYPES = ("identify", "track", "page", "screen", "group", "alias")
SDKS = ("segment", "rudder")
WHO = {"userId": "900", "timestamp": WHEN.isoformat()}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("identify", {**WHO, "anonymousId": "a-1", "traits": TRAITS}),
    ("track", {**WHO, "event": "Order Completed", "properties": PROPERTIES}),
    ("page", {**WHO, "name": "Home", "properties": {"url": "https://shop.example/"}}),
    ("screen", {**WHO, "name": "Basket"}),
    ("group", {**WHO, "groupId": "regulars", "traits": {"email": "office@example.org"}}),
    ("alias", {**WHO, "previousId": "guest-7"}),
]


@pytest.fixture
def send(node: str, packages: Path, server: Server) -> Callable[..., list[str]]:
    def send(sdk: str, write_key: str, calls: list[tuple[str, dict[str, Any]]] = CALLS) -> list[str]:
        task = {"sdk": sdk, "packages": str(packages), "host": server.url, "writeKey": write_key, "calls": calls}
        done = subprocess.run(
            [node, HERE / "send.mjs"], input=json.dumps(task), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        problems: list[str] = json.loads(done.stdout.splitlines()[-1])["problems"]
        return problems

    return send


@pytest.mark.parametrize("is_strict", [False, True])
@pytest.mark.parametrize("sdk", SDKS)
def test_what_was_sent_is_stored(
    sdk: str, is_strict: bool, send: Callable[..., list[str]], make_key: Callable[..., str], server: Server
) -> None:
    assert send(sdk, make_key(is_strict=is_strict)) == []
    rows = check(server, types=TYPES, anonymous_id="a-1")
    assert "email:office@example.org" not in rows["group"].identifiers


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("sdk", SDKS)
def test_it_tries_again_and_nothing_is_lost_or_doubled(
    sdk: str, status: int, send: Callable[..., list[str]], make_key: Callable[..., str], server: Server
) -> None:
    key = make_key()
    server.make_trouble(status, 2)
    assert send(sdk, key) == []
    assert server.trouble_seen() == 2
    check(server, types=TYPES, anonymous_id="a-1")


@pytest.mark.parametrize("sdk", SDKS)
def test_a_wrong_key_is_told_and_not_tried_again(sdk: str, send: Callable[..., list[str]], server: Server) -> None:
    assert send(sdk, "sgw_" + "x" * 43) != []
    assert (stored(server), refusals(server)) == ([], [])


@pytest.mark.parametrize("sdk", SDKS)
def test_a_thousand_calls_arrive_once_each(
    sdk: str, send: Callable[..., list[str]], make_key: Callable[..., str], server: Server
) -> None:
    calls = [("track", {"userId": "900", "event": "App Opened", "properties": {"n": n}}) for n in range(1_000)]
    assert send(sdk, make_key(), calls) == []
    assert sorted(row.body["properties"]["n"] for row in stored(server)) == list(range(1_000))
