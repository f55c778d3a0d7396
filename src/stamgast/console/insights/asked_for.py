"""Which customers an address asks for: the number of a page that it stands behind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import ibis.expr.types as ir
from django.utils.translation import ngettext

from stamgast.console import reader
from stamgast.console.asked import Asked
from stamgast.flows.insights.asking import Insights, Question
from stamgast.insights.behind import Part, of_bridge
from stamgast.insights.types import Period


@dataclass(frozen=True, slots=True)
class Population:
    """Customers, the page that counts them, and how to call so many of them."""

    customers: ir.Table
    page: str
    title: Callable[[int], str]


def read_population(values: Mapping[str, str], insights: Insights, asked: Asked) -> Population:
    """What the address asks for; without sense, those who bought in the period."""
    bought = insights.purchases(Question(asked.period, asked.segment))
    return _bridge(values, bought, asked)


def _bridge(values: Mapping[str, str], bought: ir.Table, asked: Asked) -> Population:
    part = Part(values["part"]) if values.get("part") in set(Part) else Part.BOUGHT
    first, last = _day(values.get("first")), _day(values.get("last"))
    period = Period(*sorted((first, last))) if first and last else asked.period

    def title(count: int) -> str:
        days = {"first": reader.day(period.first_day), "last": reader.day(period.last_day), "count": reader.number(count)}
        texts = {
            Part.BEFORE: ngettext(
                "%(count)s customer bought in the period before %(first)s",
                "%(count)s customers bought in the period before %(first)s",
                count,
            ),
            Part.STAYED: ngettext(
                "%(count)s customer stayed from %(first)s to %(last)s",
                "%(count)s customers stayed from %(first)s to %(last)s",
                count,
            ),
            Part.LEFT: ngettext(
                "%(count)s customer stayed away from %(first)s to %(last)s",
                "%(count)s customers stayed away from %(first)s to %(last)s",
                count,
            ),
            Part.CAME_BACK: ngettext(
                "%(count)s customer came back from %(first)s to %(last)s",
                "%(count)s customers came back from %(first)s to %(last)s",
                count,
            ),
            Part.NEW: ngettext(
                "%(count)s customer was new from %(first)s to %(last)s",
                "%(count)s customers were new from %(first)s to %(last)s",
                count,
            ),
            Part.BOUGHT: ngettext(
                "%(count)s customer bought from %(first)s to %(last)s",
                "%(count)s customers bought from %(first)s to %(last)s",
                count,
            ),
        }
        return texts[part] % days

    return Population(of_bridge(bought, period, part), "retention", title)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
