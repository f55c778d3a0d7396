"""Local time for whole columns: offsets of a time zone over arrays, equal to ``zoneinfo`` for every moment.

Moments are int64 microseconds since 1970 in UTC; local times are the same count on the wall clock.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Microseconds: TypeAlias = npt.NDArray[np.int64]

SECOND = 1_000_000
DAY = 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 2, 9998
FEW_YEARS = 20


def to_local(zone: str, moments: Microseconds) -> Microseconds:
    """The wall clock at each moment."""
    if not len(moments):
        return moments
    switches, offsets = _switches_around(zone, moments)
    return moments + offsets[np.searchsorted(switches, moments, side="right") - 1]


def from_local(zone: str, local: Microseconds) -> Microseconds:
    """The moment of each local time. Of two, the earlier one; a time that is skipped takes the offset before the gap,
    so that it lies as far after the gap as it was into it. This is ``fold=0`` of the standard library."""
    if not len(local):
        return local
    switches, offsets = _switches_around(zone, local)
    before = np.concatenate((offsets[:1], offsets[:-1]))
    walls = switches + np.maximum(before, offsets)
    return local - offsets[np.maximum(np.searchsorted(walls, local, side="right") - 1, 0)]


def _switches_around(zone: str, moments: Microseconds) -> tuple[Microseconds, Microseconds]:
    """Moments at which an offset begins, and the offsets, for every year that the moments touch and its neighbours."""
    ends = np.array([moments.min(), moments.max()]).view("datetime64[us]").astype("datetime64[Y]").astype(np.int64)
    years = np.arange(ends[0], ends[1] + 1) + 1970
    if len(years) > FEW_YEARS:  # a stray moment of another age is no reason to work out every year between
        years = np.unique(moments.view("datetime64[us]").astype("datetime64[Y]").astype(np.int64)) + 1970
    wanted = np.unique(np.clip(np.concatenate((years - 1, years, years + 1)), FIRST_YEAR, LAST_YEAR))
    tables = [_switches_of_year(zone, int(year)) for year in wanted]
    switches = np.concatenate([table[0] for table in tables])
    offsets = np.concatenate([table[1] for table in tables])
    switches[0] = np.iinfo(np.int64).min // 2
    return switches, offsets


@lru_cache(maxsize=4096)
def _switches_of_year(zone: str, year: int) -> tuple[Microseconds, Microseconds]:
    """The start of the year and each change of offset in it. Offsets are compared day by day and the change is found
    by halving, because the standard library does not show its table."""
    clock = ZoneInfo(zone)

    def offset_at(second: int) -> int:
        local = (_EPOCH + timedelta(seconds=second)).astimezone(clock).utcoffset()
        assert local is not None
        return round(local.total_seconds() * SECOND)

    start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    stop = int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp())
    moments, offsets = [start], [offset_at(start)]
    for day in range(start, stop, 86_400):
        low, high = day, min(day + 86_400, stop)
        while (last := offset_at(high)) != offsets[-1]:
            left, right = low, high
            while right - left > 1:
                middle = (left + right) // 2
                left, right = (middle, right) if offset_at(middle) == offsets[-1] else (left, middle)
            if right == stop:
                break
            moments.append(right)
            offsets.append(offset_at(right))
            low = right
            if offsets[-1] == last:
                break
    return np.array(moments, np.int64) * SECOND, np.array(offsets, np.int64)
