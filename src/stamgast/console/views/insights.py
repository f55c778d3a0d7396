"""Insights: a page a question, and who is behind each number. What draws and measures is imported on the first question."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from stamgast.console import reader
from stamgast.console.asked import FEW_WEEKS, Asked, read_asked
from stamgast.console.files import stream_csv
from stamgast.console.pages import is_part, note, page, role_of, show, shows_people
from stamgast.console.permissions import may
from stamgast.console.words import customer_name, segment_name
from stamgast.customers.queries import summarise_customers
from stamgast.insights.types import USUAL_WEEKS
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.kit.money import to_major
from stamgast.lake.errors import LakeNotThere
from stamgast.segments.queries import list_segments

if TYPE_CHECKING:
    from stamgast.console.insights.shape import Page
    from stamgast.flows.insights.asking import Insights
    from stamgast.flows.insights.behind import Buyer

ROWS = 50
PAGES = ("retention", "cohorts", "repeat", "best")
COHORTS = {"by": ("month", "week"), "count": ("on", "or-later")}
"""What the page of cohorts asks besides, the usual first."""
NOTHING_MORE: Mapping[str, tuple[str, ...]] = {}
YEAR_WEEKS = 52
"""New customers are followed for long, so their pages usually look at a year of them."""


@page
@require_GET
def insights(request: HttpRequest) -> HttpResponse:
    """The first question."""
    return redirect("console:retention")


@page
@require_GET
def retention(request: HttpRequest) -> HttpResponse:
    """Who stayed, left, came back and is new."""

    def answer(opened: "Insights", asked: Asked) -> "Page":
        from stamgast.console.insights.bridge import bridge_page
        from stamgast.console.insights.who import Who
        from stamgast.flows.insights.asking import Question
        from stamgast.flows.insights.bridge import measure_bridge

        return bridge_page(measure_bridge(opened, Question(asked.period, asked.segment)), Who(asked, shows_people(request)))

    return _page(request, "retention", answer)


@page
@require_GET
def cohorts(request: HttpRequest) -> HttpResponse:
    """Who came back of those who first bought in one month or week."""

    def answer(opened: "Insights", asked: Asked) -> "Page":
        from stamgast.console.insights.asked_for import or_later_of, step_of
        from stamgast.console.insights.cohorts import cohorts_page
        from stamgast.console.insights.who import Who
        from stamgast.flows.insights.asking import Question
        from stamgast.flows.insights.cohorts import measure_cohorts

        step, is_or_later = step_of(asked), or_later_of(asked)
        measured = measure_cohorts(opened, Question(asked.period, asked.segment), step, is_or_later=is_or_later)
        return cohorts_page(measured, step, Who(asked, shows_people(request)), is_or_later=is_or_later)

    return _page(request, "cohorts", answer, more=COHORTS, choices=_cohort_choices, usual_weeks=YEAR_WEEKS)


@page
@require_GET
def repeat(request: HttpRequest) -> HttpResponse:
    """How soon new customers buy again, and how often customers buy."""

    def answer(opened: "Insights", asked: Asked) -> "Page":
        from stamgast.console.insights.repeat import repeat_page
        from stamgast.console.insights.who import Who
        from stamgast.flows.insights.asking import Question
        from stamgast.flows.insights.repeat import measure_repeat

        return repeat_page(measure_repeat(opened, Question(asked.period, asked.segment)), Who(asked, shows_people(request)))

    return _page(request, "repeat", answer, usual_weeks=YEAR_WEEKS)


@page
@require_GET
def best(request: HttpRequest) -> HttpResponse:
    """How much of the revenue hangs on how few."""

    def answer(opened: "Insights", asked: Asked) -> "Page":
        from stamgast.console.insights.best import best_page
        from stamgast.console.insights.who import Who
        from stamgast.flows.insights.asking import Question
        from stamgast.flows.insights.best import measure_best

        return best_page(measure_best(opened, Question(asked.period, asked.segment)), Who(asked, shows_people(request)))

    return _page(request, "best", answer)


def _cohort_choices(asked: Asked) -> list[dict[str, Any]]:
    more = dict(asked.more)
    texts = {"month": _("by month"), "week": _("by week"), "on": _("exactly then"), "or-later": _("then or later")}
    labels = {"by": _("Cohorts"), "count": _("What counts")}
    return [
        {
            "label": labels[name],
            "options": [
                {
                    "label": texts[value],
                    "address": asked.query(**{name: None if value == values[0] else value}),
                    "is_here": more.get(name, values[0]) == value,
                }
                for value in values
            ],
        }
        for name, values in COHORTS.items()
    ]


@page
@require_GET
def behind(request: HttpRequest) -> HttpResponse:
    """The customers behind a number, by page."""
    from stamgast.console.insights.asked_for import read_population
    from stamgast.flows.insights.behind import count_behind, list_behind

    with open_cursor() as cursor:
        opened, asked, segments = _open(cursor, request, COHORTS)
        population = read_population(request.GET, opened, asked)
        found = list_behind(opened, population.customers, after=request.GET.get("after") or None, limit=ROWS)
        names = _names(cursor, list(found.rows))
    context: dict[str, Any] = {
        "rows": [{"buyer": row, "name": names.get(row.customer, _("Customer"))} for row in found.rows],
        "currency": opened.summary.currency,
        "more": _more(request, found.next_cursor),
    }
    if is_part(request):
        return render(request, "console/parts/behind_rows.html", context)
    role = role_of(request)
    counted = f"{opened.summary.last_whole_day}|{sorted(request.GET.items())}"
    context |= {
        "title": population.title(opened.remember(f"count|{counted}", lambda: count_behind(opened, population.customers))),
        "back": reverse(f"console:{population.page}") + asked.query(),
        "back_label": _label(population.page),
        "note": _segment_note(asked, segments),
        "download": f"{reverse('console:behind_csv')}?{request.GET.urlencode()}" if may(role, "console:behind_csv") else "",
    }
    return show(request, "console/behind.html", context)


@page
@require_GET
def behind_csv(request: HttpRequest) -> StreamingHttpResponse:
    """All customers behind a number, as CSV. Personal data leaves the house, so the trail says who took it."""
    from stamgast.console.insights.asked_for import read_population
    from stamgast.flows.insights.behind import all_behind

    with transaction() as cursor:
        opened, asked, _segments = _open(cursor, request, COHORTS)
        population = read_population(request.GET, opened, asked)
        note(cursor, request, "export customers", "insights", asked=request.GET.urlencode())
    heads = ("customer_id", "name", "email", "first_order", "last_order", "orders", "revenue", "currency")
    return stream_csv("customers.csv", heads, _lines(all_behind(opened, population.customers), opened.summary.currency))


def _page(
    request: HttpRequest,
    name: str,
    answer: Callable[["Insights", Asked], "Page"],
    *,
    more: Mapping[str, tuple[str, ...]] = NOTHING_MORE,
    choices: Callable[[Asked], list[dict[str, Any]]] = lambda asked: [],
    usual_weeks: int = FEW_WEEKS,
) -> HttpResponse:
    """A page of insights, or the page that says that there is nothing to tell yet."""
    try:
        with open_cursor() as cursor:
            opened, asked, segments = _open(cursor, request, more, usual_weeks)
    except LakeNotThere:
        return show(request, "console/insight.html", {"label": _label(name)})
    if opened.summary.first_day is None:
        return show(request, "console/insight.html", {"label": _label(name)})
    first, last = reader.day(asked.period.first_day), reader.day(asked.period.last_day)
    notes = [
        (
            _("The whole months or weeks that %(first)s to %(last)s touch, against as many before.")
            if name == "cohorts"
            else _("%(first)s to %(last)s, against the %(days)s before it.")
        )
        % {"first": first, "last": last, "days": reader.days(asked.period.days)},
        _segment_note(asked, segments),
        _("Brought up to date %(when)s.") % {"when": reader.ago(opened.summary.measured_at)},
    ]
    context = {
        "label": _label(name),
        "answer": opened.remember(
            f"page|{name}|{get_language()}|{shows_people(request)}|{opened.summary.last_whole_day}|{asked!r}",
            lambda: answer(opened, asked),
        ),
        "pages": [
            {"label": _label(other), "address": reverse(f"console:{other}") + _days_of(asked), "is_here": other == name}
            for other in PAGES
        ],
        "asked": asked,
        "weeks": [
            {"count": count, "address": asked.query(weeks=str(count)), "is_here": count == asked.weeks} for count in USUAL_WEEKS
        ],
        "choices": choices(asked),
        "segments": segments,
        "last_whole_day": opened.summary.last_whole_day,
        "notes": [note for note in notes if note],
        "chart_words": reader.chart_words(),
    }
    return show(request, "console/insight.html", context)


def _open(
    cursor: Cursor, request: HttpRequest, more: Mapping[str, tuple[str, ...]], usual_weeks: int = FEW_WEEKS
) -> tuple["Insights", Asked, dict[str, str]]:
    """The summary, what is asked of it, and the names of the segments. Raises LakeNotThere."""
    from stamgast.flows.insights.asking import open_insights

    opened = open_insights(at=utc_now())
    segments = {found.slug: segment_name(found.slug, found.name) for found in list_segments(cursor)}
    asked = read_asked(request.GET, opened.summary.last_whole_day, list(segments), more=more, usual_weeks=usual_weeks)
    return opened, asked, segments


def _days_of(asked: Asked) -> str:
    """What one page asks about days and a segment, for another page."""
    return Asked(asked.period, asked.weeks, asked.segment).query()


def _label(name: str) -> str:
    return {
        "retention": _("Retention"),
        "cohorts": _("Cohorts"),
        "repeat": _("Repeat purchase"),
        "best": _("Best customers"),
    }[name]


def _segment_note(asked: Asked, segments: Mapping[str, str]) -> str:
    if asked.segment is None:
        return ""
    words = {"segment": segments[asked.segment], "day": reader.day(asked.period.last_day)}
    return (
        _(
            "Only the customers who were in “%(segment)s” at the end of %(day)s; earlier periods show the same people. Where "
            "buying makes somebody a member, they look better than members did before."
        )
        % words
    )


def _more(request: HttpRequest, cursor: str | None) -> str:
    if cursor is None:
        return ""
    values = request.GET.copy()
    values["after"] = cursor
    return "?" + values.urlencode()


def _names(cursor: Cursor, buyers: "list[Buyer]") -> dict[Any, str]:
    found = summarise_customers(cursor, [buyer.customer for buyer in buyers])
    return {row.id: customer_name(row.name, row.email, row.identifier) for row in found}


def _lines(pages: "Iterator[list[Buyer]]", currency: str) -> Iterator[list[list[Any]]]:
    """The lines of the file, with the names of as many customers at once as come in one piece."""
    for buyers in pages:
        with open_cursor() as cursor:
            known = {row.id: row for row in summarise_customers(cursor, [buyer.customer for buyer in buyers])}
        lines = []
        for buyer in buyers:
            row = known.get(buyer.customer)
            revenue = to_major(buyer.revenue_minor, currency)
            told = [row.name or "", row.email or ""] if row else ["", ""]
            lines.append([buyer.customer, *told, buyer.first_on, buyer.last_on, buyer.orders, revenue, currency])
        yield lines
