"""Segments: each as a sentence, who is in it, who came and who left."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from stamgast.conditions import CUSTOMER_FIELDS, parse
from stamgast.console.pages import page, show, shows_people, start_of_today
from stamgast.console.words import customer_name, segment_name, with_kinds
from stamgast.customers.queries import summarise_customers
from stamgast.kit.database import Cursor, open_cursor
from stamgast.ledger.queries import list_available
from stamgast.segments.queries import count_changes, count_members, get_segment, list_changes, list_members, list_segments
from stamgast.segments.types import Segment

ROWS = 50
CHANGES = 15
RECENT_DAYS = 30
SCORE = "score"


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
    """One segment with its members and its last entries and exits."""
    with open_cursor() as cursor:
        found = get_segment(cursor, slug)
        entries, exits = count_changes(cursor, found, since=start_of_today() - timedelta(days=RECENT_DAYS))
        context = {
            "segment": found,
            "name": segment_name(found.slug, found.name),
            "sentence": condition_sentence(found),
            "members_count": count_members(cursor, found),
            "recent_days": RECENT_DAYS,
            "entries": entries,
            "exits": exits,
            **_members(cursor, found, request),
            **_changes(cursor, found, request),
        }
    return show(request, "console/segment.html", context)


@page
@require_GET
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """More members, as a part of the page."""
    with open_cursor() as cursor:
        found = get_segment(cursor, slug)
        context = {"segment": found, **_members(cursor, found, request)}
    return render(request, "console/parts/member_rows.html", context)


@page
@require_GET
def changes(request: HttpRequest, slug: str) -> HttpResponse:
    """Older entries and exits, as a part of the page."""
    with open_cursor() as cursor:
        found = get_segment(cursor, slug)
        context = {"segment": found, **_changes(cursor, found, request)}
    return render(request, "console/parts/change_rows.html", context)


def condition_sentence(segment: Segment) -> str:
    """The condition as one sentence in the reader's language."""
    condition = with_kinds(parse(segment.condition, CUSTOMER_FIELDS).sentence(get_language() or "en"))
    return _("Every customer for whom %(condition)s.") % {"condition": condition}


def _members(cursor: Cursor, segment: Segment, request: HttpRequest) -> dict[str, Any]:
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
    return {"rows": rows, "next": found.next_cursor}


def _changes(cursor: Cursor, segment: Segment, request: HttpRequest) -> dict[str, Any]:
    found = list_changes(cursor, segment, before=request.GET.get("before") or None, limit=CHANGES)
    names = _names(cursor, [row.customer_id for row in found.rows], request)
    rows = [
        {
            "id": row.customer_id,
            "name": names.get(row.customer_id, ""),
            "is_entry": row.is_entry,
            "occurred_at": row.occurred_at,
        }
        for row in found.rows
    ]
    return {"changes": rows, "next_changes": found.next_cursor}


def _names(cursor: Cursor, keys: list[Any], request: HttpRequest) -> dict[Any, str]:
    """What to call each customer; for who may not know them, the beginning of our own id."""
    if not shows_people(request):
        return {key: customer_name(None, None, f"id:{key.hex[:8]}") for key in keys}
    return {row.id: customer_name(row.name, row.email, row.identifier) for row in summarise_customers(cursor, keys)}
