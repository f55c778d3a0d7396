"""The trail: who did what, when and why; filtered, paged, and as CSV."""

import csv
import io
import json
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from stamgast.access.queries import list_trail, list_trail_actions
from stamgast.access.types import TrailFilter, TrailLine
from stamgast.console.access_words import action_label
from stamgast.console.days import midnight_of, read_day
from stamgast.console.pages import is_part, page, show
from stamgast.kit.database import open_cursor

ROWS = 50
CSV_ROWS = 10_000  # read at once
LARGEST_CSV = 200_000
LONGEST_TYPED = 200


@page
@require_GET
def trail(request: HttpRequest) -> HttpResponse:
    """The latest acts first."""
    wanted = _filter(request)
    with open_cursor() as cursor:
        found = list_trail(cursor, wanted, after=request.GET.get("after") or None, limit=ROWS)
        actions = [] if is_part(request) else list_trail_actions(cursor)
    asked = {name: request.GET[name] for name in ("actor", "action", "subject", "since", "until") if request.GET.get(name)}
    context = {
        "rows": [(line, line.actor.removeprefix("staff:"), action_label(line.action), _told(line)) for line in found.rows],
        "next": f"{urlencode({**asked, 'after': found.next_cursor})}" if found.next_cursor else "",
        "asked": asked,
        "query": urlencode(asked),
        "actions": sorted(((action, action_label(action)) for action in actions), key=lambda pair: pair[1].casefold()),
    }
    if is_part(request):
        return render(request, "console/parts/trail_rows.html", context)
    return show(request, "console/trail.html", context)


@page
@require_GET
def trail_csv(request: HttpRequest) -> HttpResponse:
    """The same lines as CSV, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("at", "actor", "action", "subject", "detail"))
    after, count = None, 0
    with open_cursor() as cursor:
        while True:
            found = list_trail(cursor, _filter(request), after=after, limit=CSV_ROWS)
            count += len(found.rows)
            if count > LARGEST_CSV:
                messages.error(request, _("That is too much for one file. Choose a shorter period."))
                return redirect(f"{reverse('console:trail')}?{request.GET.urlencode()}")
            writer.writerows(_cells(line) for line in found.rows)
            after = found.next_cursor
            if after is None:
                break
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="trail.csv"'
    return response


def _cells(line: TrailLine) -> list[str]:
    cells = (line.at.isoformat(), line.actor, line.action, line.subject, json.dumps(line.detail, ensure_ascii=False))
    return [f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in cells]


def _told(line: TrailLine) -> list[tuple[str, str]]:
    """What the act says about itself, without what is empty."""
    return [
        (name.replace("_", " "), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in line.detail.items()
        if value not in ("", None, [], {})
    ]


def _filter(request: HttpRequest) -> TrailFilter:
    return TrailFilter(
        actor=request.GET.get("actor", "").strip()[:LONGEST_TYPED],
        action=request.GET.get("action", "").strip()[:LONGEST_TYPED],
        subject=request.GET.get("subject", "").strip()[:LONGEST_TYPED],
        since=_midnight(request.GET.get("since", "")),
        until=_midnight(request.GET.get("until", ""), later=1),
    )


def _midnight(text: str, *, later: int = 0) -> datetime | None:
    """The midnight that begins a day of the shop, or one so many days later; None where it is no day."""
    day = read_day(text)
    return None if day is None else midnight_of(day, later=later)
