"""The period that a measure looks at, in days of the shop."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from stamgast.insights.errors import InvalidPeriod


class Step(StrEnum):
    """The grain of a series: calendar days, ISO weeks (from Monday) or calendar months."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Whole days of the shop, the first and the last both included.

    >>> Period(date(2026, 1, 1), date(2026, 1, 31)).days
    31
    """

    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise InvalidPeriod(f"The period ends on {self.last_day}, before it begins on {self.first_day}. Exchange the two.")

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last_day - self.first_day).days + 1

    @property
    def before(self) -> "Period":
        """The period of as many days that ends the day before this one.

        >>> Period(date(2026, 4, 1), date(2026, 4, 7)).before
        Period(first_day=datetime.date(2026, 3, 25), last_day=datetime.date(2026, 3, 31))
        """
        return Period(self.first_day - timedelta(days=self.days), self.first_day - timedelta(days=1))


USUAL_WEEKS = (4, 13, 26, 52)
"""The periods that pages offer, and that are worked out before anybody asks."""


def whole_weeks_before(day: date, weeks: int) -> Period:
    """The given number of whole ISO weeks that had ended when ``day`` began.

    >>> whole_weeks_before(date(2026, 11, 25), 1)
    Period(first_day=datetime.date(2026, 11, 16), last_day=datetime.date(2026, 11, 22))
    """
    last_day = day - timedelta(days=day.isoweekday())
    return Period(last_day - timedelta(days=7 * weeks - 1), last_day)
