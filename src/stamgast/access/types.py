"""What leaves the room: keys, people, and what a key may do."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Scope(StrEnum):
    """What a key may do. The texts are stable: they are stored and typed by people."""

    CUSTOMERS_READ = "customers:read"
    SEGMENTS_READ = "segments:read"
    MOVEMENTS_READ = "movements:read"
    EVERYTHING = "*"


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

    def allows(self, scope: str) -> bool:
        """Whether the key holds ``scope``, or everything."""
        return self.revoked_at is None and (scope in self.scopes or Scope.EVERYTHING in self.scopes)


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A person who works in the console."""

    id: int
    email: str
    name: str
    language: str
    is_active: bool
    created_at: datetime
