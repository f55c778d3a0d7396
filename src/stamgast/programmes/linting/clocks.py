"""The hours that a zone's clock skips or has twice, in the years after a moment."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from stamgast.kit.zones import SECOND, to_local

YEARS = 2
_QUARTER = 15 * 60 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Switch:
    """A change of the clock: between these wall times it skips, or goes through twice. ``begins`` and ``ends`` have no zone."""

    is_skipped: bool
    begins: datetime
    ends: datetime

    @property
    def hours(self) -> frozenset[int]:
        """The hours on the dial that are skipped or come twice, in whole or in part."""
        steps = max(int((self.ends - self.begins) / timedelta(minutes=15)), 1)
        return frozenset((self.begins + step * timedelta(minutes=15)).hour for step in range(steps))

    def holds(self, wall: datetime) -> bool:
        """Whether a wall time is one that is skipped or comes twice."""
        return self.begins <= wall < self.ends


def switches(zone: str, since: datetime, years: int = YEARS) -> list[Switch]:
    """Every change of the zone's clock from a moment on, in order. Changes that last less than a quarter are not seen."""
    start = int((since - _EPOCH) / timedelta(microseconds=1)) // _QUARTER * _QUARTER
    moments = np.arange(start, start + years * 366 * 86_400 * SECOND, _QUARTER, dtype=np.int64)
    local = to_local(zone, moments)
    offsets = local - moments
    found = []
    for place in np.flatnonzero(np.diff(offsets)).tolist():
        before, after = int(offsets[place]), int(offsets[place + 1])
        wall = int(moments[place + 1])
        low, high = sorted((wall + before, wall + after))
        found.append(Switch(after > before, _wall(low), _wall(high)))
    return found


def _wall(microseconds: int) -> datetime:
    return (_EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=None)
