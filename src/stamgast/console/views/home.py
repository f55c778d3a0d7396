"""Home: today on the loop, live; the measures; who is loyal over time, and who stayed."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import resolve, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from stamgast.activities.queries import count_happened, count_pending, list_sources
from stamgast.console import reader
from stamgast.console.pages import page, role_of, show, start_of_today
from stamgast.console.permissions import may
from stamgast.customers.queries import count_customers, count_seen, list_customers
from stamgast.flows.export_lake import lake_folder
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor
from stamgast.lake.errors import LakeNotThere
from stamgast.ledger.queries import sum_given
from stamgast.segments.queries import count_changes, count_members, list_segments

CHOICES = (4, 13, 26)
USUAL_WEEKS = 13
SCORE = "score"
LOYAL = "loyal-customers"


@page
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The page that a shop owner opens in the morning."""
    chosen = _weeks(request)
    with open_cursor() as cursor:
        known = count_customers(cursor)
        loyal = _count_loyal(cursor)
        waiting = count_pending(cursor, at_most=1_000)
        context = _loop(cursor, role_of(request))
    context |= {
        "greeting": _greeting(),
        "sentence": _sentence(known, loyal, waiting),
        "is_empty": not known,
        "choices": CHOICES,
        "chosen": chosen,
        "chart_words": reader.chart_words(),
    }
    return show(request, "console/home.html", context)


@page
@require_GET
def measures(request: HttpRequest) -> HttpResponse:
    """The measures and their charts, as a part of the page: they may take a moment after new data came in.

    What draws and measures is imported here: it takes seconds, which a process that starts should not wait for.
    """
    from stamgast.console.home_words import bridge_context, cards, members_context, trend
    from stamgast.flows.measure import measure_home

    weeks = _weeks(request)
    context: dict[str, Any] = {"cards": []}
    configuration = settings.CONFIGURATION
    try:
        measured = measure_home(
            lake_folder(),
            now=utc_now(),
            zone=configuration.timezone,
            currency=configuration.currency,
            segment=LOYAL,
            weeks=weeks,
        )
    except LakeNotThere:
        measured = None
    if measured is not None and (measured.orders or measured.bridge.start):
        context = {
            "cards": cards(measured, weeks),
            **bridge_context(measured, weeks),
            "measured": measured,
            "trend": trend(measured, weeks),
        }
        if measured.loyal:
            context |= members_context([(row.day, row.members) for row in measured.loyal])
    return render(request, "console/parts/measures.html", context)


@page
@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """Today's figures again, as a part of the page."""
    with open_cursor() as cursor:
        context = _loop(cursor, role_of(request))
    return render(request, "console/parts/loop.html", context)


def _weeks(request: HttpRequest) -> int:
    asked = request.GET.get("weeks", "")
    return int(asked) if asked in map(str, CHOICES) else USUAL_WEEKS


def _loop(cursor: Cursor, role: str) -> dict[str, Any]:
    """Today on the loop; while nothing has happened today, the last seven days in which something did, and it says so."""
    today = start_of_today()
    since, happened, quiet = today, count_happened(cursor, since=today), ""
    last = _last_activity(cursor) if not happened else None
    if last is not None and last < today:
        last_day = timezone.localtime(last).replace(hour=0, minute=0, second=0, microsecond=0)
        since = last_day - timedelta(days=6)
        happened = count_happened(cursor, since=since)
        quiet = _("Nothing has happened yet today. These are the last seven days with activities: %(first)s to %(last)s.") % {
            "first": reader.day(since),
            "last": reader.day(last_day),
        }
    steps = _steps(cursor, since, happened, is_today=not quiet)
    for step in steps:
        if not may(role, resolve(step["address"]).view_name):
            step["address"] = ""
    return {"loop": steps, "quiet": quiet, "today": reader.weekday(today)}


def _last_activity(cursor: Cursor) -> datetime | None:
    found = list_customers(cursor, search="", after=None, limit=1).rows
    return found[0].last_seen if found else None


def _steps(cursor: Cursor, since: datetime, happened: int, *, is_today: bool) -> list[dict[str, str]]:
    sources = list_sources(cursor, since=since)
    heard = max((row.last_received_at for row in sources if row.last_received_at), default=None)
    seen, new = count_seen(cursor, since=since)
    given, expired = sum_given(cursor, SCORE, since=since)
    entries = exits = 0
    for segment in list_segments(cursor):
        if segment.slug == LOYAL:
            entries, exits = count_changes(cursor, segment, since=since)
    several = ngettext("%(count)s source", "%(count)s sources", len(sources)) % {"count": reader.number(len(sources))}
    return [
        {
            "label": _("Activities today") if is_today else _("Activities"),
            "value": reader.number(happened),
            "note": f"{several} · {reader.ago(heard)}" if heard else several,
            "address": reverse("console:sources"),
        },
        {
            "label": _("Customers seen"),
            "value": reader.number(seen),
            "note": ngettext("%(count)s new", "%(count)s new", new) % {"count": reader.number(new)},
            "address": reverse("console:customers"),
        },
        {
            "label": _("Score given"),
            "value": reader.number(given),
            "note": ngettext("%(count)s expired", "%(count)s expired", expired) % {"count": reader.number(expired)},
            "address": reverse("console:programme"),
        },
        {
            "label": _("Became loyal"),
            "value": reader.number(entries),
            "note": ngettext("%(count)s left", "%(count)s left", exits) % {"count": reader.number(exits)},
            "address": reverse("console:segment", args=[LOYAL]),
        },
    ]


def _count_loyal(cursor: Cursor) -> int:
    return sum(count_members(cursor, segment) for segment in list_segments(cursor) if segment.slug == LOYAL)


def _greeting() -> str:
    hour = timezone.localtime().hour
    return _("Good morning") if 5 <= hour < 12 else _("Good afternoon") if 12 <= hour < 18 else _("Good evening")


def _sentence(known: int, loyal: int, waiting: int) -> str:
    if not known:
        if waiting:
            return _("Your first activities are coming in.")
        return _("Nothing has come in yet. Connect a source, and your customers appear here.")
    text = ngettext("%(loyal)s of your %(known)s customer is loyal.", "%(loyal)s of your %(known)s customers are loyal.", known)
    return text % {"loyal": reader.number(loyal), "known": reader.number(known)}
