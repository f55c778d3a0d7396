"""What crosses the door of consent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

EVERY = "*"
"""Stands for every purpose, or every channel: what who unsubscribes without naming one says."""


class ConsentState(StrEnum):
    """What a change says. The texts are stable: they are stored and sent."""

    REQUESTED = "requested"
    """Asked for, and not yet confirmed: who may be contacted by it is nobody."""
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """One change with its proof. Immutable. ``text`` is what the person was shown, as far as the source told it."""

    id: UUID
    anchor_id: UUID
    purpose: str
    channel: str
    state: ConsentState
    occurred_at: datetime
    recorded_at: datetime
    source: str
    actor: str
    reason: str = ""
    activity_id: UUID | None = None
    language: str = ""
    text_version: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Consent:
    """What holds for one purpose and channel, and the change because of which it does."""

    purpose: str
    channel: str
    state: ConsentState
    proof: ConsentChange


@dataclass(frozen=True, slots=True)
class ConsentText:
    """One version of what people are asked for one purpose and channel, by language. Never edited."""

    purpose: str
    channel: str
    version: int
    texts: Mapping[str, str]
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Told:
    """An activity of a kind that says something about consent."""

    activity_id: UUID
    anchor_id: UUID
    kind: str
    occurred_at: datetime
    source: str
    properties: Mapping[str, object]
