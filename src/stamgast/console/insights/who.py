"""The addresses of the customers behind a number."""

from dataclasses import dataclass

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

    def _address(self, **named: str) -> str:
        return reverse("console:behind") + self.asked.query(**named) if self.is_shown else ""


def _of(period: Period | None) -> dict[str, str]:
    return {} if period is None else {"first": period.first_day.isoformat(), "last": period.last_day.isoformat()}
