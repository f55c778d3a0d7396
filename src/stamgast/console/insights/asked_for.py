"""Which customers an address asks for: the number of a page that it stands behind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import ibis.expr.types as ir
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stamgast.console import reader
from stamgast.console.asked import Asked
from stamgast.console.insights.cohorts import age_label, cohort_label
from stamgast.flows.insights.asking import Insights, Question
from stamgast.flows.insights.best import PERCENT
from stamgast.flows.insights.cohorts import AGES
from stamgast.insights.behind import Part, of_best, of_bridge, of_cohort, of_order_number, of_second_order
from stamgast.insights.cohorts import start_of
from stamgast.insights.repeat import MANY_ORDERS
from stamgast.insights.types import Period, Step


@dataclass(frozen=True, slots=True)
class Population:
    """Customers, the page that counts them, and how to call so many of them."""

    customers: ir.Table
    page: str
    title: Callable[[int], str]


def read_population(values: Mapping[str, str], insights: Insights, asked: Asked) -> Population:
    """What the address asks for; without sense, those who bought in the period."""
    bought = insights.purchases(Question(asked.period, asked.segment))
    until = insights.summary.last_whole_day
    match values.get("what"):
        case "cohort":
            return _cohort(values, bought, asked, until)
        case "again" | "not-again":
            return _second_order(values, bought, asked, until)
        case "orders":
            return _order_number(values, bought, asked)
        case "best":
            return _best(values, bought, asked, insights.summary.currency)
        case _:
            return _bridge(values, bought, asked)


def _cohort(values: Mapping[str, str], bought: ir.Table, asked: Asked, until: date) -> Population:
    step, is_or_later = step_of(asked), or_later_of(asked)
    starts_on = start_of(_day(values.get("first")) or asked.period.first_day, step)
    age = _number(values.get("age"), 1, max(AGES[step], 1))
    people = of_cohort(bought, starts_on, step, until, age=age, is_or_later=is_or_later)

    def title(count: int) -> str:
        words = {"count": reader.number(count), "cohort": _cohort_name(starts_on, step)}
        if age is None:
            return ngettext(
                "%(count)s customer first bought in %(cohort)s", "%(count)s customers first bought in %(cohort)s", count
            ) % words  # fmt: skip
        words["age"] = age_label(age, step, is_or_later=is_or_later)
        text = ngettext(
            "%(count)s customer of %(cohort)s bought again %(age)s",
            "%(count)s customers of %(cohort)s bought again %(age)s",
            count,
        )
        return text % words

    return Population(people, "cohorts", title)


def _cohort_name(starts_on: date, step: Step) -> str:
    label = cohort_label(starts_on, step)
    return label if step is Step.MONTH else _("the week of %(day)s") % {"day": label}


def _second_order(values: Mapping[str, str], bought: ir.Table, asked: Asked, until: date) -> Population:
    days, is_again = _number(values.get("days"), 0, 100_000), values.get("what") == "again"

    def title(count: int) -> str:
        words = {"count": reader.number(count), "days": reader.days(days)}
        if days is None:
            text = ngettext(
                "%(count)s new customer has bought again", "%(count)s new customers have bought again", count
            ) if is_again else ngettext(
                "%(count)s new customer has not bought again yet", "%(count)s new customers have not bought again yet", count
            )  # fmt: skip
        elif is_again:
            text = ngettext(
                "%(count)s new customer bought again within %(days)s",
                "%(count)s new customers bought again within %(days)s",
                count,
            )
        else:
            text = ngettext(
                "%(count)s new customer did not buy again within %(days)s, so far",
                "%(count)s new customers did not buy again within %(days)s, so far",
                count,
            )
        return text % words

    return Population(of_second_order(bought, asked.period, until, within_days=days, is_again=is_again), "repeat", title)


def _order_number(values: Mapping[str, str], bought: ir.Table, asked: Asked) -> Population:
    orders = _number(values.get("orders"), 1, MANY_ORDERS) or 1

    def title(count: int) -> str:
        words = {"count": reader.number(count), "orders": reader.number(orders)}
        if orders == MANY_ORDERS:
            text = ngettext(
                "%(count)s customer made %(orders)s orders or more", "%(count)s customers made %(orders)s orders or more", count
            )
        elif orders == 1:
            text = ngettext("%(count)s customer made one order", "%(count)s customers made one order", count)
        else:
            text = ngettext("%(count)s customer made %(orders)s orders", "%(count)s customers made %(orders)s orders", count)
        return text % words

    return Population(of_order_number(bought, asked.period, orders), "repeat", title)


def _best(values: Mapping[str, str], bought: ir.Table, asked: Asked, currency: str) -> Population:
    percent = _number(values.get("percent"), 1, 100) or PERCENT

    def title(count: int) -> str:
        words = {"count": reader.number(count), "percent": reader.percent(percent / 100, 0)}
        if percent == 100:
            return ngettext("%(count)s customer bought", "%(count)s customers bought", count) % words
        text = ngettext("%(count)s customer is the best %(percent)s", "%(count)s customers are the best %(percent)s", count)
        return text % words

    return Population(of_best(bought, asked.period, currency, percent), "best", title)


def step_of(asked: Asked) -> Step:
    """Months, or the weeks that are asked for."""
    return Step(dict(asked.more).get("by", Step.MONTH))


def or_later_of(asked: Asked) -> bool:
    """Whether a step or any later one counts."""
    return "count" in dict(asked.more)


def _number(text: str | None, least: int, most: int) -> int | None:
    return min(max(int(text), least), most) if text and text.isascii() and text.isdigit() and len(text) < 9 else None


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
