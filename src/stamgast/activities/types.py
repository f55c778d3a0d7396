"""What leaves the room: sources, activities to store and stored, refusals, kinds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import msgspec


class Reason(StrEnum):
    """Why a message was refused. The codes are stable: they are stored, counted and documented in ``docs/intake.md``."""

    INVALID_JSON = "invalid_json"
    INVALID_MESSAGE = "invalid_message"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    UNKNOWN_TYPE = "unknown_type"
    NO_IDENTITY = "no_identity"
    NO_EVENT_NAME = "no_event_name"
    BAD_EVENT_NAME = "bad_event_name"
    BAD_MESSAGE_ID = "bad_message_id"
    BAD_TIMESTAMP = "bad_timestamp"
    BAD_AMOUNT = "bad_amount"
    SCHEMA = "schema"


@dataclass(frozen=True, slots=True)
class Source:
    """A system that sends activities. A strict one is answered as RudderStack answers, any other as Segment does."""

    id: int
    name: str
    is_strict: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SourceKey:
    """A write key of a source, without the key itself."""

    id: UUID
    hint: str
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """A source with what came in from it since the day began, and when it was last heard."""

    source: Source
    keys: Sequence[SourceKey]
    activities_today: int
    refusals_waiting: int
    last_received_at: datetime | None


class NewActivity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One activity, read and ready to be stored.

    A msgspec structure and not a dataclass, because ten thousand are made in a second and a frozen dataclass takes ten times
    as long to make. ``body`` is the message as it came, without its write key and with what its batch said for all.
    """

    id: UUID
    source_id: int
    type: str
    kind: str
    identifiers: tuple[str, ...]
    anchor_id: UUID
    occurred_at: datetime
    received_at: datetime
    order_id: str | None
    amount_minor: int | None
    currency: str | None
    line_count: int
    body: str
    traits: Mapping[str, Any]


class Refused(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message that was not accepted, whole, with the reason and a sentence that says what to mend."""

    id: UUID
    source_id: int
    received_at: datetime
    reason: Reason
    detail: str
    body: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing did: rows that are new, activities that were already there, refusals kept."""

    new: int
    repeated: int
    refused: int


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of an order."""

    product_id: str
    category: str
    quantity: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Activity:
    """A stored activity, for a timeline or the live view. ``lines`` and ``properties`` are read from the body."""

    id: UUID
    source: str
    type: str
    kind: str
    identifiers: Sequence[str]
    occurred_at: datetime
    received_at: datetime
    order_id: str | None
    amount_minor: int | None
    currency: str | None
    lines: Sequence[Line]
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """Activities as parallel lists, sorted by ``occurred_at`` and id: what deciding reads.

    ``properties`` (JSON text) and ``lines`` are None throughout unless they were asked for. ``traits`` is None where the
    message carried none. ``identifiers`` begin with the anchor; an alias names the former id as well.
    """

    ids: list[UUID]
    anchor_ids: list[UUID]
    identifiers: list[tuple[str, ...]]
    types: list[str]
    kinds: list[str]
    sources: list[str]
    occurred_at: list[datetime]
    received_at: list[datetime]
    order_ids: list[str | None]
    amounts_minor: list[int | None]
    currencies: list[str | None]
    properties: list[str | None]
    lines: list[Sequence[Line] | None]
    traits: list[Mapping[str, Any] | None]

    def __len__(self) -> int:
        return len(self.ids)


class Share(NamedTuple):
    """The lanes of the queue that are ``place`` modulo ``of``."""

    place: int
    of: int


WHOLE = Share(0, 1)


@dataclass(frozen=True, slots=True)
class PendingActivity:
    """An activity that waits to be decided."""

    occurred_at: datetime
    activity_id: UUID
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """A kept refusal."""

    id: UUID
    source: str
    received_at: datetime
    reason: str
    detail: str
    body: str
    settled_at: datetime | None
    settled_by: str | None
    activity_id: UUID | None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of activity. Without a schema it was met and not yet described."""

    name: str
    schema: Mapping[str, Any] | None
    is_builtin: bool
    first_seen_at: datetime | None
    changed_by: str


@dataclass(frozen=True, slots=True)
class Device:
    """What a customer's activities came from. ``id`` is the device's own or the visitor's; any of the texts may be empty."""

    id: str
    make: str
    system: str
    program: str
    first_at: datetime
    last_at: datetime
    activities: int


@dataclass(frozen=True, slots=True)
class SourceUse:
    """How much of a customer a source knows."""

    name: str
    activities: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ArchivedMonth:
    """The messages received in one month, in a file of the lake. ``removed_at`` is None while they leave the table."""

    month: str
    file: str
    rows: int
    digest: str
    archived_at: datetime
    removed_at: datetime | None
