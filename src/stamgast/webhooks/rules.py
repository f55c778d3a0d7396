"""Pure decisions: what is said, how it is signed, where it may go, when it is tried again. As Standard Webhooks has it."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from uuid import UUID

import httpx
import msgspec

from stamgast.webhooks.errors import InvalidEndpoint
from stamgast.webhooks.types import TEST, EventKind, Fact, Reach

DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long after each failed attempt the next one comes; the first is at once."""
JITTER = 0.1
SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105
FORMER_SECRET_KEPT_FOR = timedelta(hours=24)
FAILING_FOR = timedelta(days=5)
FAILED_AT_LEAST = 3
LOG_KEPT_FOR = timedelta(days=30)
LARGEST_BODY_BYTES = 20_000
LONGEST_NAME = 100
LONGEST_URL = 2_000
GONE = 410
_NAT64 = IPv6Network("64:ff9b::/96")
Address = IPv4Address | IPv6Address


def body_of(fact_id: UUID, kind: str, occurred_at: datetime, data: object) -> str:
    """What is sent, the same to every endpoint and at every attempt: ids and no personal data."""
    moment = occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    body = msgspec.json.encode({"type": kind, "timestamp": moment, "data": data}).decode()
    assert len(body.encode()) < LARGEST_BODY_BYTES, fact_id
    return body


def body_of_fact(fact: Fact) -> str:
    """The body of a fact."""
    return body_of(fact.id, fact.kind, fact.occurred_at, fact.data)


def format_secret(random: bytes) -> str:
    """A secret from 32 random bytes, as receivers' libraries take it."""
    if len(random) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} random bytes")
    return SECRET_PREFIX + base64.b64encode(random).decode()


def sign(secret: str, event_id: UUID, at: datetime, body: str) -> str:
    """One signature: HMAC-SHA256 over id, moment in seconds and body, with the bytes behind ``whsec_``."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{event_id}.{int(at.timestamp())}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers_of(event_id: UUID, body: str, secrets: Iterable[str], at: datetime) -> dict[str, str]:
    """The three headers of the standard; a signature by each secret in force, the newest first."""
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(sign(secret, event_id, at, body) for secret in secrets),
    }


def delay_after(attempts: int, kind: str, chance: float) -> timedelta | None:
    """How long after the ``attempts``-th failure the next attempt comes; None when there is none. ``chance`` is 0 to 1.

    >>> delay_after(1, "segment.entered", 0.5)
    datetime.timedelta(seconds=5)
    >>> delay_after(10, "segment.entered", 0.5) is None
    True
    """
    if kind == TEST or attempts > len(DELAYS):
        return None
    return DELAYS[attempts - 1] * (1 + JITTER * (2 * chance - 1))


def should_switch_off(failing_since: datetime | None, failed: int, at: datetime) -> bool:
    """Whether an endpoint has answered nothing well for so long, and lost so many events, that trying is of no use."""
    return failing_since is not None and at - failing_since >= FAILING_FOR and failed >= FAILED_AT_LEAST


def may_reach(address: str, reach: Reach) -> bool:
    """Whether events may go to this address: public ones, and those that the setting names.

    An address within another (IPv4 in IPv6, by whatever way) counts as the inner one, so that it is no way round.
    """
    found = _inner(ip_address(address.partition("%")[0]))
    if any(found in network for network in reach.networks if network.version == found.version):
        return True
    return found.is_global and not found.is_multicast and not found.is_reserved


def _inner(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
    return address


def check_name(name: str) -> str:
    """The name as it is kept; raises InvalidEndpoint."""
    kept = " ".join(name.split())
    if not 1 <= len(kept) <= LONGEST_NAME or not kept.isprintable():
        raise InvalidEndpoint(f"A webhook's name has 1 to {LONGEST_NAME} printable characters.", reason="name")
    return kept


def check_kinds(kinds: Iterable[str]) -> list[str]:
    """The kinds, each once and in the order of ``EventKind``; raises InvalidEndpoint."""
    wanted = set(kinds)
    unknown = sorted(wanted - set(EventKind))
    if unknown or not wanted:
        said = f"There is no event {unknown[0][:60]!r}" if unknown else "Choose at least one event"
        raise InvalidEndpoint(f"{said}. The events are: {', '.join(EventKind)}.", reason="kinds")
    return [kind for kind in EventKind if kind in wanted]


def check_url(url: str, reach: Reach) -> str:
    """The address as it is kept; raises InvalidEndpoint. What a name leads to is looked at each time that something is sent."""
    url = url.strip()
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        parsed = httpx.URL("")
    is_whole = parsed.scheme in ("https", "http") and parsed.host and 0 < (parsed.port or 443) < 65536
    if not is_whole or len(url) > LONGEST_URL or not url.isprintable():
        raise InvalidEndpoint(
            "The address is not one that can be sent to. It looks like https://example.org/hooks.", reason="shape"
        )
    if parsed.userinfo or parsed.fragment:
        raise InvalidEndpoint("Leave the user, the password and what follows # out of the address.", reason="parts")
    literal = _literal(parsed.host)
    if literal is not None and not may_reach(literal, reach):
        raise InvalidEndpoint(
            f"{parsed.host[:60]} is an address within this network, to which nothing is sent unless "
            "STAMGAST_WEBHOOK_TARGETS names it.",
            reason="inside",
        )
    if parsed.scheme == "http" and not reach.allows_http and not (literal and ip_address(literal).is_loopback):
        raise InvalidEndpoint("The address must begin with https://, so that nobody on the way can read along.", reason="https")
    return url


def _literal(host: str) -> str | None:
    """The address that a host is without asking anybody; None for a name."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        return str(ip_address(host))
    except ValueError:
        return None
