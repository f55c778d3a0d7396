"""Budgets of rules over all members: how they stand, when they will be spent, and ending a rule on a day."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from stamgast.console import reader
from stamgast.console.pages import LONGEST_REASON, act, actor_of, page, show
from stamgast.console.programme_words import rule_label
from stamgast.flows.watch_budgets import close_rule, read_budgets, watch_budgets
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.programmes.documents import load
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.queries import find_programme
from stamgast.programmes.versions import find_in_force


@page
@require_GET
def budgets(request: HttpRequest) -> HttpResponse:
    """Each budget of the version in force: spent, left, the day on which it will be gone, and closing its rule."""
    from stamgast.console.budget_words import budget_rows, budgets_title

    now = utc_now()
    with open_cursor() as cursor:
        programme = find_programme(cursor)
        watched = read_budgets(cursor, at=now) if programme else []
    in_force = find_in_force(programme.versions, now) if programme else None
    today = now.astimezone(ZoneInfo(load(in_force.document).timezone)).date() if in_force else now.date()
    context: dict[str, Any] = {
        "title": budgets_title(watched, today),
        "budgets": budget_rows(watched, today),
        "today": today.isoformat(),
        "scheduled": [one for one in (programme.versions if programme else ()) if one.effective_from > now],
        "chart_words": reader.chart_words(),
    }
    return show(request, "console/budgets.html", context)


@page
@require_GET
def warning(request: HttpRequest) -> HttpResponse:
    """What needs attention, as a part of another page that comes afterwards; empty where nothing does."""
    from stamgast.console.budget_words import warning_sentences

    now = utc_now()
    with open_cursor() as cursor:
        found = watch_budgets(cursor, at=now) if find_programme(cursor) else []
    return render(request, "console/parts/budget_warning.html", {"sentences": warning_sentences(found, now.date())})


@act
@require_POST
def close(request: HttpRequest) -> HttpResponse:
    """Publishes a version in which a rule gives for the last time on a day. Nothing that was given is taken back."""
    rule, reason = request.POST.get("rule", ""), request.POST.get("reason", "").strip()[:LONGEST_REASON]
    try:
        last_day = date.fromisoformat(request.POST.get("last_day", ""))
    except ValueError:
        raise InvalidProgramme(_("Choose the last day on which the rule gives. Nothing was changed.")) from None
    if not reason:
        raise InvalidProgramme(_("Say why, so that others understand it later. Nothing was changed."))
    version = close_rule(rule, last_day=last_day, at=utc_now(), actor=actor_of(request), reason=reason)
    said = _("Version %(version)s holds now: “%(rule)s” gives for the last time on %(day)s.")
    messages.success(request, said % {"version": version.version, "rule": rule_label(rule), "day": reader.day(last_day)})
    return redirect("console:budgets")
