"""What leaves the room: keys, people, what a key may do, and what a person is there for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Scope(StrEnum):
    """What a key may do. The texts are stable: they are stored and typed by people."""

    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    CUSTOMERS_EXPORT = "customers:export"
    CUSTOMERS_ERASE = "customers:erase"
    CONSENTS_WRITE = "consents:write"
    SEGMENTS_READ = "segments:read"
    MOVEMENTS_READ = "movements:read"
    POINTS_SPEND = "points:spend"
    POINTS_REVERSE = "points:reverse"
    POINTS_TRANSFER = "points:transfer"
    POINTS_ADJUST = "points:adjust"
    POINTS_ISSUE = "points:issue"
    MEASURES_READ = "measures:read"
    PROGRAMMES_READ = "programmes:read"
    PROGRAMMES_DRAFT = "programmes:draft"
    EVERYTHING = "*"


class Role(StrEnum):
    """What a person does in the console. What each may do there is in ``console.permissions``; the texts are stored."""

    OWNER = "owner"
    MARKETER = "marketer"
    ANALYST = "analyst"
    AGENT = "agent"
    CASHIER = "cashier"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key for scripts, without the key itself. ``hint`` is its last four characters."""

    id: UUID
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    limit_per_minute: int
    last_used_at: datetime | None

    def allows(self, scope: str) -> bool:
        """Whether the key holds ``scope``, or everything."""
        return self.revoked_at is None and (scope in self.scopes or Scope.EVERYTHING in self.scopes)


@dataclass(frozen=True, slots=True)
class Rate:
    """How a key stands with its limit after a request. ``retry_after_seconds`` is None where the request may go on."""

    limit_per_minute: int
    remaining: int
    reset_seconds: int
    retry_after_seconds: int | None


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered to a write: the status where it was not the usual one, and the JSON."""

    status: int | None
    body: bytes


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A person who works in the console."""

    id: int
    email: str
    name: str
    language: str
    is_active: bool
    created_at: datetime
    role: Role
    has_second_factor: bool
    last_signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """Where a person is signed in. ``id`` is not the session's key, which nobody is shown."""

    id: UUID
    started_at: datetime
    last_seen_at: datetime
    address: str
    agent: str
    is_this: bool


@dataclass(frozen=True, slots=True)
class SavedView:
    """Filters and columns of the list of customers under a name; ``asked`` holds them by the names in its address.

    ``is_own``: the reader made it. ``is_start``: with it the reader's list begins.
    """

    id: UUID
    name: str
    asked: Mapping[str, str]
    is_shared: bool
    is_own: bool
    is_start: bool
    maker: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One act: who did what to what, when, and what they said about it."""

    id: UUID
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """Which lines: an exact action, an actor and a subject by their beginning, and the moments between which it was done."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
