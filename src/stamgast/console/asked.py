"""What the reader of a page of insights asks for: days and a segment. All of it is in the address, so a page can be sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from stamgast.insights.types import USUAL_WEEKS, Period, whole_weeks_before

FEW_WEEKS = 13
EARLIEST = date(1990, 1, 1)


@dataclass(frozen=True, slots=True)
class Asked:
    """The days, by a number of whole weeks or from one day to another, and the slug of a segment or nothing.

    ``more`` is what one page asks besides, by the name that it has in the address.
    """

    period: Period
    weeks: int | None
    segment: str | None
    more: tuple[tuple[str, str], ...] = ()

    def query(self, **changes: str | None) -> str:
        """The part of an address that asks the same, but for the changes; what is None is left out."""
        days = (
            {"weeks": str(self.weeks)}
            if self.weeks
            else {"from": self.period.first_day.isoformat(), "to": self.period.last_day.isoformat()}
        )
        if "weeks" in changes:
            days = {}
        named: dict[str, str | None] = {**days, "segment": self.segment, **dict(self.more), **changes}
        return "?" + urlencode({name: value for name, value in named.items() if value is not None})


def read_asked(
    values: Mapping[str, str],
    last_whole_day: date,
    segments: list[str],
    *,
    more: Mapping[str, tuple[str, ...]],
    usual_weeks: int = FEW_WEEKS,
) -> Asked:
    """What an address asks for. What makes no sense falls back on the usual: a shared address must open.

    ``last_whole_day`` is the last day that is over and known. ``more`` holds, by name, what else may be asked for; the first is
    the usual.
    """
    segment = values.get("segment", "")
    asked = tuple(
        (name, values[name]) for name, allowed in more.items() if values.get(name) in allowed and values[name] != allowed[0]
    )
    found = segment if segment in segments else None
    first, last = _day(values.get("from", "")), _day(values.get("to", ""))
    if first is not None and last is not None:
        first, last = sorted((min(first, last_whole_day), min(last, last_whole_day)))
        return Asked(Period(max(first, EARLIEST), max(last, EARLIEST)), None, found, asked)
    weeks = values.get("weeks", "")
    count = int(weeks) if weeks in map(str, USUAL_WEEKS) else usual_weeks
    return Asked(whole_weeks_before(last_whole_day + timedelta(days=1), count), count, found, asked)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
