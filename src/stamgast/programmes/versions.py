"""Which of a programme's versions holds when. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stamgast.programmes.errors import UnknownVersion
from stamgast.programmes.types import Version


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A version that was taken back before it took effect, by whom and why."""

    version: Version
    at: datetime
    actor: str
    reason: str


def find_in_force(versions: Sequence[Version], at: datetime) -> Version | None:
    """The version in force at a moment: of those that took effect by then the last, and of two at one moment the newer."""
    return max(
        (version for version in versions if version.effective_from <= at),
        key=lambda version: (version.effective_from, version.version),
        default=None,
    )


def find_before(versions: Sequence[Version], version: Version) -> Version | None:
    """The version that was in force until ``version`` took effect."""
    key = (version.effective_from, version.version)
    earlier = [one for one in versions if (one.effective_from, one.version) < key]
    return max(earlier, key=lambda one: (one.effective_from, one.version), default=None)


def get_version(versions: Sequence[Version], number: int) -> Version:
    """The version of that number; raises UnknownVersion."""
    for version in versions:
        if version.version == number:
            return version
    raise UnknownVersion(f"There is no version {number}. The newest is {versions[-1].version if versions else 0}.")
