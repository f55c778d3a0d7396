"""When what is given expires: calendar arithmetic in the programme's zone, over whole columns.

Seconds, minutes and hours are elapsed time. Days, weeks, months and years keep the time on the wall clock; a month that lacks
the day ends on its last. Of a wall time that comes twice the first is meant; one that is skipped lies as far after the gap
as it was into it. ``end of day`` and ``end of month`` are the first moment of the next local day or month.
"""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from stamgast.kit.zones import DAY, SECOND, Microseconds, from_local, to_local

At = Literal["exact", "end of day", "end of month"]
NEVER = np.iinfo(np.int64).max
_LAST = int(np.datetime64("9998-01-01", "us").astype(np.int64))
_DURATION = re.compile(r"([1-9][0-9]{0,8}) (second|minute|hour|day|week|month|year)s?")
_ELAPSED = {"second": SECOND, "minute": 60 * SECOND, "hour": 3600 * SECOND}
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}
LONGEST_YEARS = 100


@dataclass(frozen=True, slots=True)
class Expiry:
    """Exactly one of the three lengths is above zero."""

    elapsed: int
    days: int
    months: int
    at: At
    text: str

    @property
    def shortest_days(self) -> float:
        """No moment's expiry comes sooner after it, apart from a change of the clock."""
        return self.elapsed / DAY + self.days + self.months * 28

    @property
    def longest_days(self) -> float:
        """No moment's expiry comes later after it, apart from a change of the clock and from ``at``."""
        return self.elapsed / DAY + self.days + self.months * 31


def parse_duration(text: str, at: At = "exact") -> Expiry:
    """``24 months``; raises ValueError with a sentence."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError("A duration is a number and a unit, such as '24 months', '365 days' or '90 seconds'.")
    count, unit = int(found[1]), found[2]
    elapsed, days, months = (count * units.get(unit, 0) for units in (_ELAPSED, _DAYS, _MONTHS))
    expiry = Expiry(elapsed, days, months, at, text)
    if expiry.elapsed / DAY + expiry.days + expiry.months * 30.5 > LONGEST_YEARS * 366:
        raise ValueError(f"A duration is at most {LONGEST_YEARS} years. Leave 'expires' out for what never expires.")
    return expiry


def expires_at(expiry: Expiry, zone: str, occurred_at: Microseconds) -> Microseconds:
    """The moment of expiry of what was given at each moment; ``NEVER`` beyond the end of the calendar."""
    start = np.minimum(occurred_at, _LAST)
    if expiry.elapsed:
        moments = start + expiry.elapsed
    else:
        local = to_local(zone, start)
        moved = local + expiry.days * DAY if expiry.days else _add_months(local, expiry.months)
        moments = from_local(zone, np.minimum(moved, _LAST))
    if expiry.at != "exact":
        moments = _end_of(zone, moments, expiry.at)
    result: Microseconds = np.where(moments >= _LAST - 2 * DAY, NEVER, moments)  # two days hold any offset and end of day
    return result


def _add_months(local: Microseconds, count: int) -> Microseconds:
    days = local // DAY
    months = days.view("datetime64[D]").astype("datetime64[M]")
    day_of_month = days - months.astype("datetime64[D]").astype(np.int64)
    target = months + count
    first = target.astype("datetime64[D]").astype(np.int64)
    length = (target + 1).astype("datetime64[D]").astype(np.int64) - first
    result: Microseconds = (first + np.minimum(day_of_month, length - 1)) * DAY + local % DAY
    return result


def _end_of(zone: str, moments: Microseconds, at: At) -> Microseconds:
    days: npt.NDArray[np.int64] = to_local(zone, moments) // DAY
    if at == "end of day":
        next_day = days + 1
    else:
        months = days.view("datetime64[D]").astype("datetime64[M]")
        next_day = (months + 1).astype("datetime64[D]").astype(np.int64)
    return from_local(zone, next_day * DAY)
