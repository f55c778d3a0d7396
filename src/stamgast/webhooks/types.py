"""What crosses the room's door: facts that come in, endpoints, deliveries and attempts that go out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from uuid import UUID

Network = IPv4Network | IPv6Network


class EventKind(StrEnum):
    """What an endpoint may ask to be told. The texts are stable: receivers compare them."""

    SEGMENT_ENTERED = "segment.entered"
    SEGMENT_LEFT = "segment.left"
    CUSTOMER_MERGED = "customer.merged"
    CUSTOMER_SEPARATED = "customer.separated"


TEST = "webhook.test"
"""The kind of an event that somebody sends to try an endpoint. Nobody asks for it, and it is tried once."""


class DeliveryState(StrEnum):
    """How one event stands with one endpoint."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class WhyOff(StrEnum):
    """Why nothing is sent to an endpoint."""

    STAFF = "staff"
    GONE = "gone"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened and that somebody may want to be told. The id follows from the fact: telling twice is once."""

    id: UUID
    kind: EventKind
    occurred_at: datetime
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reach:
    """Where events may go: networks beside the public ones, and whether readable HTTP may be used to get anywhere."""

    networks: tuple[Network, ...] = ()
    allows_http: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events are sent, and which. ``former_secret_until``: until then a second signature is by the secret before."""

    id: UUID
    name: str
    url: str
    kinds: tuple[str, ...]
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    disabled_reason: str
    failing_since: datetime | None
    former_secret_until: datetime | None


@dataclass(frozen=True, slots=True)
class EndpointSummary:
    """An endpoint with what is in its log."""

    endpoint: Endpoint
    waiting: int
    delivered: int
    failed: int
    last_delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One event for one endpoint, claimed by this process until its lease ends."""

    delivery_id: int
    claim: UUID
    endpoint_id: UUID
    event_id: UUID
    kind: str
    url: str
    body: str
    attempts: int
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt: the status of the answer, or the code of what went wrong before there was one."""

    status: int | None
    problem: str
    response: str
    milliseconds: int

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver said that it has the event."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the log: an attempt to deliver."""

    at: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint, as it stands. ``due_at`` says when it is tried again while it waits."""

    id: int
    event_id: UUID
    kind: str
    occurred_at: datetime
    body: str
    state: DeliveryState
    created_at: datetime
    due_at: datetime
    attempts: tuple[Attempt, ...]
