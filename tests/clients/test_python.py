"""``segment-analytics-python`` and ``rudder-sdk-python``, unmodified, in this process."""

from collections.abc import Callable
from typing import Any

import pytest
from rudderstack.analytics.client import Client as RudderClient
from segment.analytics.client import Client as SegmentClient

from tests.clients.conftest import Server
from tests.clients.scenario import PROPERTIES, TRAITS, WHEN, check, refusals, stored

pytestmark = pytest.mark.xdist_group("clients")
TYPES = ("identify", "track", "page", "screen", "group", "alias")
CLIENTS = [pytest.param(SegmentClient, id="segment"), pytest.param(RudderClient, id="rudder")]


@pytest.fixture
def connect(server: Server) -> Callable[..., Any]:
    def connect(client: Any, write_key: str, problems: list[Any], **more: Any) -> Any:
        return client(write_key, host=server.url, on_error=lambda error, items: problems.append(error), **more)

    return connect


def send_everything(client: Any) -> None:
    client.identify("900", TRAITS, anonymous_id="a-1", timestamp=WHEN)
    client.track("900", "Order Completed", PROPERTIES, timestamp=WHEN)
    client.page("900", None, "Home", {"url": "https://shop.example/"}, timestamp=WHEN)
    client.screen("900", None, "Basket", timestamp=WHEN)
    client.group("900", "regulars", {"email": "office@example.org"}, timestamp=WHEN)
    client.alias("guest-7", "900", timestamp=WHEN)
    client.flush()
    client.join()


@pytest.mark.parametrize("is_strict", [False, True])
@pytest.mark.parametrize("gzip", [False, True])
@pytest.mark.parametrize("client", CLIENTS)
def test_what_was_sent_is_stored(
    client: Any, gzip: bool, is_strict: bool, connect: Callable[..., Any], make_key: Callable[..., str], server: Server
) -> None:
    problems: list[Any] = []
    send_everything(connect(client, make_key(is_strict=is_strict), problems, gzip=gzip))
    assert problems == []
    rows = check(server, types=TYPES, anonymous_id="a-1")
    assert "email:office@example.org" not in rows["group"].identifiers


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("client", CLIENTS)
def test_it_tries_again_and_nothing_is_lost_or_doubled(
    client: Any, status: int, connect: Callable[..., Any], make_key: Callable[..., str], server: Server
) -> None:
    problems: list[Any] = []
    sender = connect(client, make_key(), problems)
    server.make_trouble(status, 2)
    send_everything(sender)
    assert problems == []
    assert server.trouble_seen() == 2
    check(server, types=TYPES, anonymous_id="a-1")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_wrong_key_is_told_with_code_and_message(client: Any, connect: Callable[..., Any], server: Server) -> None:
    problems: list[Any] = []
    sender = connect(client, "sgw_" + "x" * 43, problems, max_retries=1)
    sender.track("900", "App Opened")
    sender.flush()
    sender.join()
    [problem] = problems
    assert (problem.status, problem.code) == (401, "invalid_write_key")
    assert problem.message == "The write key is missing, unknown or revoked."
    assert (stored(server), refusals(server)) == ([], [])


@pytest.mark.parametrize("client", CLIENTS)
def test_a_strict_source_says_what_is_wrong(
    client: Any, connect: Callable[..., Any], make_key: Callable[..., str], server: Server
) -> None:
    problems: list[Any] = []
    sender = connect(client, make_key(is_strict=True), problems, max_retries=1)
    sender.track("900", "Order Completed", {"revenue": 5})
    sender.flush()
    sender.join()
    [problem] = problems
    assert (problem.status, problem.code) == (400, "schema")
    assert refusals(server) == ["schema"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_thousand_calls_arrive_once_each(
    client: Any, connect: Callable[..., Any], make_key: Callable[..., str], server: Server
) -> None:
    problems: list[Any] = []
    sender = connect(client, make_key(), problems)
    for n in range(1_000):
        sender.track("900", "App Opened", {"n": n})
    sender.flush()
    sender.join()
    assert problems == []
    assert sorted(row.body["properties"]["n"] for row in stored(server)) == list(range(1_000))
