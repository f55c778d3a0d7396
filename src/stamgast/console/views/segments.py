"""Segments: each as a sentence, who is in it, who came and who left."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from stamgast.conditions import CUSTOMER_FIELDS, parse
from stamgast.console import reader
from stamgast.console.asked import Asked, read_asked
from stamgast.console.days import midnight_of
from stamgast.console.files import stream_csv
from stamgast.console.pages import note, page, role_of, show, shows_people, start_of_today
from stamgast.console.permissions import may
from stamgast.console.words import customer_name, kind_label, segment_name, with_kinds
from stamgast.customers.queries import summarise_customers
from stamgast.customers.types import CustomerSummary
from stamgast.flows.list_entries import Entry, list_entries
from stamgast.insights.types import USUAL_WEEKS
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.ledger.queries import list_available
from stamgast.ledger.types import MovementKind
from stamgast.segments.crossings import count_crossings
from stamgast.segments.queries import count_changes, count_members, get_segment, list_members, list_segments
from stamgast.segments.types import Segment

ROWS = 50
CHANGES = 15
CHUNK = 1_000
RECENT_DAYS = 30
SCORE = "score"
STEPS = ("day", "week", "month")
HEADS = (
    "what", "occurred_at", "recorded_at", "customer_id", "name", "email", "cause", "movement_id", "activity_id", "activity",
    "source",
)  # fmt: skip


@page
@require_GET
def segments(request: HttpRequest) -> HttpResponse:
    """All segments."""
    with open_cursor() as cursor:
        rows = [
            {
                "segment": segment,
                "name": segment_name(segment.slug, segment.name),
                "sentence": condition_sentence(segment),
                "members": count_members(cursor, segment),
            }
            for segment in list_segments(cursor)
        ]
    return show(request, "console/segments.html", {"segments": rows})


@page
@require_GET
def segment(request: HttpRequest, slug: str) -> HttpResponse:
    """One segment: who is in it, and for any days who came in and who left, in event time, with what did it.

    The chart draws stays, which a late activity moves; the list tells what became known, corrections among it (decision 002).
    """
    from stamgast.console.insights.crossings import crossings_picture, starts_of, step_for, stretches_of

    with open_cursor() as cursor:
        found = get_segment(cursor, slug)
        asked = _asked(request)
        step = step_for(asked.period, dict(asked.more).get("by", ""))
        starts = starts_of(asked.period, step)
        crossed = count_crossings(cursor, found, [midnight_of(day) for day in starts])
        entries, exits = count_changes(cursor, found, since=start_of_today() - timedelta(days=RECENT_DAYS))
        members_now = count_members(cursor, found)
        context = {
            "segment": found,
            "name": segment_name(found.slug, found.name),
            "sentence": condition_sentence(found),
            "members_count": members_now,
            "recent_days": RECENT_DAYS,
            "entries": entries,
            "exits": exits,
            "picture": crossings_picture(stretches_of(starts, crossed, members_now), step, found.slug),
            **_members(cursor, found, request, asked),
            **_changes(cursor, found, request, asked),
        }
    context |= {
        "asked": asked,
        "weeks": [
            {"count": count, "address": asked.query(weeks=str(count)), "is_here": count == asked.weeks} for count in USUAL_WEEKS
        ],
        "steps": [
            {"label": label, "address": asked.query(by=name), "is_here": name == step.value}
            for name, label in (("day", _("by day")), ("week", _("by week")), ("month", _("by month")))
        ],
        "last_day": start_of_today().date(),
        "chart_words": reader.chart_words(),
    }
    return show(request, "console/segment.html", context)


@page
@require_GET
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """More members, as a part of the page."""
    with open_cursor() as cursor:
        found = get_segment(cursor, slug)
        context = {"segment": found, **_members(cursor, found, request, _asked(request))}
    return render(request, "console/parts/member_rows.html", context)


@page
@require_GET
def changes(request: HttpRequest, slug: str) -> HttpResponse:
    """Older entries and exits, as a part of the page."""
    with open_cursor() as cursor:
        found = get_segment(cursor, slug)
        context = {"segment": found, **_changes(cursor, found, request, _asked(request))}
    return render(request, "console/parts/change_rows.html", context)


@page
@require_GET
def changes_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """The entries and exits of a period as CSV. Personal data leaves the house, so the trail says who took it."""
    asked = _asked(request)
    with transaction() as cursor:
        found = get_segment(cursor, slug)
        note(cursor, request, "export customers", f"segment:{found.slug}", asked=asked.query().removeprefix("?"))
    return stream_csv(f"{found.slug}.csv", HEADS, _pages(found, asked))


def condition_sentence(segment: Segment) -> str:
    """The condition as one sentence in the reader's language."""
    condition = with_kinds(parse(segment.condition, CUSTOMER_FIELDS).sentence(get_language() or "en"))
    return _("Every customer for whom %(condition)s.") % {"condition": condition}


def _asked(request: HttpRequest) -> Asked:
    """The days that are asked for, today among them, and the step."""
    return read_asked(request.GET, start_of_today().date(), [], more={"by": ("", *STEPS)})


def _moments(asked: Asked) -> tuple[datetime, datetime]:
    """From the first moment of the period to the first one after it."""
    return midnight_of(asked.period.first_day), midnight_of(asked.period.last_day, later=1)


def _members(cursor: Cursor, segment: Segment, request: HttpRequest, asked: Asked) -> dict[str, Any]:
    found = list_members(cursor, segment, after=request.GET.get("after") or None, limit=ROWS)
    keys = [row.customer_id for row in found.rows]
    names = _names(cursor, keys, request)
    available = list_available(cursor, keys)
    rows = [
        {
            "id": row.customer_id,
            "name": names.get(row.customer_id, ""),
            "score": available.get(row.customer_id, {}).get(SCORE, 0),
            "since": row.entered_at,
        }
        for row in found.rows
    ]
    return {"rows": rows, "next": asked.query(after=found.next_cursor) if found.next_cursor else ""}


def _changes(cursor: Cursor, segment: Segment, request: HttpRequest, asked: Asked) -> dict[str, Any]:
    since, until = _moments(asked)
    found = list_entries(cursor, segment, since=since, until=until, before=request.GET.get("before") or None, limit=CHANGES)
    names = _names(cursor, [row.change.customer_id for row in found.rows], request)
    may_ask_why = may(role_of(request), "console:why")
    rows = [
        {
            "id": row.change.customer_id,
            "name": names.get(row.change.customer_id, ""),
            "is_entry": row.change.is_entry,
            "occurred_at": row.change.occurred_at,
            "cause": _cause(row),
            "why": reverse("console:why", args=[row.movement.id]) if row.movement and may_ask_why else "",
        }
        for row in found.rows
    ]
    return {"changes": rows, "next_changes": asked.query(before=found.next_cursor) if found.next_cursor else ""}


def _cause(entry: Entry) -> str:
    """What did it: the activity, what expired, or that something became known that changed what was said before."""
    if entry.movement is None:
        return _("what we knew was corrected")
    if entry.movement.kind is MovementKind.EXPIRE or entry.activity is None:
        amount = abs(entry.movement.delta)
        return ngettext("%(count)s expired", "%(count)s expired", amount) % {"count": reader.number(amount)}
    heard = entry.activity
    return f"{kind_label(heard.kind, heard.amount_minor, heard.currency)} · {heard.source}"


def _pages(segment: Segment, asked: Asked) -> Iterator[list[list[Any]]]:
    """The lines of the file, so many at a time."""
    since, until = _moments(asked)
    before: str | None = None
    while True:
        with open_cursor() as cursor:
            found = list_entries(cursor, segment, since=since, until=until, before=before, limit=CHUNK)
            known = {row.id: row for row in summarise_customers(cursor, [row.change.customer_id for row in found.rows])}
        yield [_line(row, known.get(row.change.customer_id)) for row in found.rows]
        before = found.next_cursor
        if before is None:
            return


def _line(entry: Entry, customer: CustomerSummary | None) -> list[Any]:
    change, movement, heard = entry.change, entry.movement, entry.activity
    return [
        "entry" if change.is_entry else "exit",
        change.occurred_at.isoformat(),
        change.recorded_at.isoformat(),
        change.customer_id,
        (customer.name if customer else None) or "",
        (customer.email if customer else None) or "",
        (movement.kind.name.lower() if movement else "correction"),
        movement.id if movement else "",
        (movement.activity_id if movement else None) or "",
        heard.kind if heard else "",
        heard.source if heard else "",
    ]


def _names(cursor: Cursor, keys: list[Any], request: HttpRequest) -> dict[Any, str]:
    """What to call each customer; for who may not know them, the beginning of our own id."""
    if not shows_people(request):
        return {key: customer_name(None, None, f"id:{key.hex[:8]}") for key in keys}
    return {row.id: customer_name(row.name, row.email, row.identifier) for row in summarise_customers(cursor, keys)}
