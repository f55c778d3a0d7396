"""The addresses of the customers behind a number."""

from dataclasses import dataclass
from datetime import date

from django.urls import reverse

from stamgast.console.asked import Asked
from stamgast.insights.behind import Part
from stamgast.insights.types import Period


@dataclass(frozen=True, slots=True)
class Who:
    """Addresses for what was asked; none for a reader who sees figures and no customers.

    The segment is the one at the end of the asked period, also for earlier periods.
    """

    asked: Asked
    is_shown: bool

    def of_bridge(self, part: Part, period: Period | None = None) -> str:
        """Of a part of the bridge, of the asked period or of an earlier one."""
        return self._address(what="bridge", part=part.value, **_of(period))

    def of_cohort(self, starts_on: date, age: int | None = None) -> str:
        """Of a cohort, or of one of its cells."""
        return self._address(what="cohort", first=starts_on.isoformat(), age=None if age is None else str(age))

    def of_second_order(self, within_days: int | None, *, is_again: bool = True) -> str:
        """Of the new customers who bought again within so many days, or have not."""
        days = None if within_days is None else str(within_days)
        return self._address(what="again" if is_again else "not-again", days=days)

    def of_order_number(self, orders: int) -> str:
        """Of those with so many orders in the period."""
        return self._address(what="orders", orders=str(orders))

    def of_best(self, percent: int) -> str:
        """Of the best so many percent."""
        return self._address(what="best", percent=str(percent))

    def _address(self, **named: str | None) -> str:
        return reverse("console:behind") + self.asked.query(**named) if self.is_shown else ""


def _of(period: Period | None) -> dict[str, str]:
    return {} if period is None else {"first": period.first_day.isoformat(), "last": period.last_day.isoformat()}
