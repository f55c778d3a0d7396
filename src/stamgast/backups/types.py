"""What a backup says about itself."""

from datetime import datetime

import msgspec

FORMAT = 1
"""Rises when an older version could not put such a file back."""


class Member(msgspec.Struct, frozen=True):
    """One file in the backup, and what it must be."""

    name: str
    size: int
    sha256: str


class Description(msgspec.Struct, frozen=True):
    """The whole backup. ``rows`` counts every table at its moment; ``place`` lies beyond every place in the order of storing.

    ``settings`` are what the installation was run with, the secret not among them: ``secret_mark`` tells only whether another
    secret is the same one.
    """

    format: int
    made_at: datetime
    version: str
    postgres: str
    migrations: tuple[str, ...]
    place: int
    rows: dict[str, int]
    settings: dict[str, str]
    secret_mark: str
    members: tuple[Member, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all members."""
        return sum(member.size for member in self.members)
