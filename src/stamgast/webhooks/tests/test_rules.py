"""What is signed, where it may go, when it is tried again."""

import base64
import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from stamgast.webhooks import rules
from stamgast.webhooks.errors import InvalidEndpoint
from stamgast.webhooks.types import TEST, EventKind, Reach

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EVENT = UUID(int=7)
OPEN = Reach()


@given(random=st.binary(min_size=32, max_size=32), text=st.text())
def test_the_standards_own_library_accepts_what_is_signed_and_nothing_else(random: bytes, text: str) -> None:
    at = datetime.now(UTC)
    body = rules.body_of(EVENT, "segment.entered", at, {"segment": text[:1000]})
    secret = rules.format_secret(random)
    headers = rules.headers_of(EVENT, body, [secret], at)
    assert Webhook(secret).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + " ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers | {"webhook-id": str(UUID(int=8))})


def test_while_a_secret_is_rotated_both_are_accepted() -> None:
    old, new = rules.format_secret(bytes(32)), rules.format_secret(bytes([1]) * 32)
    at = datetime.now(UTC)
    headers = rules.headers_of(EVENT, "{}", [new, old], at)
    assert Webhook(old).verify("{}", headers) == Webhook(new).verify("{}", headers) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(rules.format_secret(bytes([2]) * 32)).verify("{}", headers)


def test_a_secret_has_the_length_of_the_standard() -> None:
    secret = rules.format_secret(bytes(range(32)))
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"))) <= 64
    with pytest.raises(ValueError, match="32 random bytes"):
        rules.format_secret(b"short")


def test_the_body_has_type_timestamp_and_data() -> None:
    assert json.loads(rules.body_of(EVENT, "segment.left", NOW, {"segment": "loyal"})) == {
        "type": "segment.left",
        "timestamp": "2026-06-01T12:00:00Z",
        "data": {"segment": "loyal"},
    }


def test_the_schedule_is_that_of_the_standard() -> None:
    delays = [rules.delay_after(attempts, EventKind.SEGMENT_LEFT, 0.5) for attempts in range(1, 11)]
    assert delays == [
        timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5),
        timedelta(hours=10), timedelta(hours=14), timedelta(hours=20), timedelta(hours=24), None,
    ]  # fmt: skip
    assert rules.delay_after(1, TEST, 0.5) is None


@given(attempts=st.integers(1, 9), chance=st.floats(0, 1))
def test_retries_are_spread_by_a_tenth(attempts: int, chance: float) -> None:
    delay = rules.delay_after(attempts, EventKind.SEGMENT_LEFT, chance)
    assert delay is not None
    assert rules.DELAYS[attempts - 1] * 0.899 < delay < rules.DELAYS[attempts - 1] * 1.101
    earliest, latest = (rules.delay_after(attempts, EventKind.SEGMENT_LEFT, end) for end in (0.0, 1.0))
    assert earliest < latest


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "192.0.2.1", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::10.0.0.1", "2001:db8::1",
    ],
)  # fmt: skip
def test_nothing_is_sent_into_the_own_network(address: str) -> None:
    assert not rules.may_reach(address, OPEN)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::8.8.8.8"])
def test_public_addresses_are_open(address: str) -> None:
    assert rules.may_reach(address, OPEN)


def test_the_setting_opens_what_it_names_and_no_more() -> None:
    reach = Reach((ip_network("10.1.0.0/16"), ip_network("fd12::/16")))
    assert rules.may_reach("10.1.2.3", reach)
    assert rules.may_reach("::ffff:10.1.2.3", reach)
    assert rules.may_reach("fd12::1", reach)
    assert not rules.may_reach("10.2.2.3", reach)


LOCAL = Reach((ip_network("127.0.0.0/8"),))


@pytest.mark.parametrize(
    ("url", "reach"),
    [
        ("http://example.org/hook", OPEN),
        ("http://10.0.0.1/hook", Reach((ip_network("10.0.0.0/8"),))),
        ("http://127.0.0.1:9000/", OPEN),
        ("https://localhost/", OPEN),
        ("https://[::1]/", OPEN),
        ("https://169.254.169.254/latest", OPEN),
        ("ftp://example.org/", OPEN),
        ("https://", OPEN),
        ("https://user:word@example.org/", OPEN),
        ("https://example.org/#part", OPEN),
        ("https://example.org/" + "x" * 2000, OPEN),
        ("https://example.org:99999/", OPEN),
        ("example.org", OPEN),
        ("", OPEN),
    ],
)
def test_an_address_that_cannot_be_sent_to_is_refused(url: str, reach: Reach) -> None:
    with pytest.raises(InvalidEndpoint) as refused:
        rules.check_url(url, reach)
    assert refused.value.details["reason"] in {"shape", "parts", "inside", "https"}


@pytest.mark.parametrize(
    ("url", "reach"),
    [
        ("https://example.org/hook?shop=1", OPEN),
        ("https://bücher.example/", OPEN),
        ("https://93.184.216.34:8443/", OPEN),
        ("http://127.0.0.1:9000/", LOCAL),
        ("http://localhost:9000/", LOCAL),
        ("http://example.org/", Reach(allows_http=True)),
    ],
)
def test_an_address_that_can_be_sent_to(url: str, reach: Reach) -> None:
    assert rules.check_url(f" {url} ", reach) == url


@pytest.mark.parametrize(("days", "failed", "expected"), [(5, 3, True), (4.9, 30, False), (9, 2, False)])
def test_an_endpoint_that_only_fails_is_given_up(days: float, failed: int, expected: bool) -> None:
    assert rules.should_switch_off(NOW - timedelta(days=days), failed, NOW) is expected
    assert rules.should_switch_off(None, failed, NOW) is False


def test_names_and_kinds() -> None:
    assert rules.check_name("  the   till ") == "the till"
    assert rules.check_kinds(["segment.left", "segment.entered", "segment.left"]) == ["segment.entered", "segment.left"]
    for refused in ([], ["segment.melted"], [TEST]):
        with pytest.raises(InvalidEndpoint):
            rules.check_kinds(refused)
    for name in ("", "x" * 101, "a\x00b"):
        with pytest.raises(InvalidEndpoint):
            rules.check_name(name)
