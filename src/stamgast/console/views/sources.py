"""Sources: what arrives, their keys, how they are answered."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.activities.errors import InvalidSourceName, SourceExists
from stamgast.activities.operations import create_source, revoke_key, rotate_key, set_strict
from stamgast.activities.queries import list_latest, list_sources
from stamgast.activities.refusal_queries import count_refusals
from stamgast.activities.types import Source, SourceKey, SourceSummary
from stamgast.console.pages import act, actor_of, is_part, note, page, show, shows_people, start_of_today
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.words import activity_facts, customer_name, look_of
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction

ARRIVALS = 12


@page
@require_http_methods(["GET", "POST"])
def sources(request: HttpRequest) -> HttpResponse:
    """All sources with what came in today, and a form for a new one."""
    name = request.POST.get("name", "")
    problem = ""
    if request.method == "POST":
        try:
            return _create(request, name)
        except (SourceExists, InvalidSourceName) as error:
            problem = refusal_sentence(error)
    with open_cursor() as cursor:
        context = {
            "sources": list_sources(cursor, since=start_of_today()),
            "arrivals": _arrivals(cursor, None, request),
            "waiting": sum(count_refusals(cursor).values()),
            "name": name,
            "is_strict": "is_strict" in request.POST,
            "problem": problem,
        }
    if is_part(request):
        return render(request, "console/parts/sources_live.html", context)
    return show(request, "console/sources.html", context, status=422 if problem else 200)


@page
@require_GET
def source(request: HttpRequest, number: int) -> HttpResponse:
    """One source: its keys, what arrives from it, how it is answered."""
    with open_cursor() as cursor:
        summary = _summary(cursor, number)
        context = {"summary": summary, "arrivals": _arrivals(cursor, summary.source.name, request)}
    if is_part(request):
        return render(request, "console/parts/source_live.html", context)
    return show(request, "console/source.html", context)


@require_POST
@act
def strictness(request: HttpRequest, number: int) -> HttpResponse:
    """Answers the source as RudderStack does, or as Segment does."""
    is_strict = request.POST.get("is_strict") == "on"
    with transaction() as cursor:
        source = set_strict(cursor, _summary(cursor, number).source.name, is_strict)
        note(cursor, request, "set strictness", f"source:{source.id}", name=source.name, is_strict=is_strict)
    messages.success(
        request, _("Refused messages now get an error.") if is_strict else _("Refused messages now get an OK, and wait here.")
    )
    return redirect("console:source", number)


@require_POST
@act
def new_key(request: HttpRequest, number: int) -> HttpResponse:
    """A further key, shown this once."""
    with transaction() as cursor:
        source = _summary(cursor, number).source
        key = rotate_key(cursor, source.name, at=utc_now(), actor=actor_of(request))
        note(cursor, request, "create source key", f"source:{source.id}", name=source.name, hint=key[-4:])
    return _show_key(request, source, key)


@page
@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, number: int, key_id: UUID) -> HttpResponse:
    """Asks for the source's name, for it cannot be undone; then refuses the key for ever."""
    typed = request.POST.get("confirmation", "").strip()
    with open_cursor() as cursor:
        summary = _summary(cursor, number)
    key = _key(summary, key_id)
    if request.method == "POST" and typed == summary.source.name:
        with transaction() as cursor:
            revoke_key(cursor, key_id, at=utc_now())
            note(
                cursor,
                request,
                "revoke source key",
                f"source:{number}",
                name=summary.source.name,
                key=str(key_id),
                hint=key.hint,
            )
        messages.success(request, _("The key is revoked. What still uses it is refused from now on."))
        return redirect("console:source", number)
    problem = _("That is not the name of this source. Nothing was revoked.") if request.method == "POST" else ""
    reason = request.POST.get("reason", "")
    context = {"source": summary.source, "key": key, "typed": typed, "problem": problem, "reason": reason}
    return show(request, "console/revoke.html", context, status=422 if problem else 200)


def _create(request: HttpRequest, name: str) -> HttpResponse:
    with transaction() as cursor:
        made, key = create_source(cursor, name, is_strict="is_strict" in request.POST, at=utc_now(), actor=actor_of(request))
        note(cursor, request, "create source", f"source:{made.id}", name=made.name, is_strict=made.is_strict, hint=key[-4:])
    return _show_key(request, made, key)


def _show_key(request: HttpRequest, source: Source, key: str) -> HttpResponse:
    return show(request, "console/key.html", {"source": source, "key": key, "address": request.build_absolute_uri("/")[:-1]})


def _arrivals(cursor: Cursor, name: str | None, request: HttpRequest) -> list[dict[str, object]]:
    rows = list_latest(cursor, source=name, limit=ARRIVALS).rows
    return [
        {
            "activity": row,
            "look": look_of(row),
            "facts": activity_facts(row),
            "who": customer_name(None, None, row.identifiers[0]) if shows_people(request) else "",
        }
        for row in rows
    ]


def _summary(cursor: Cursor, number: int) -> SourceSummary:
    for summary in list_sources(cursor, since=start_of_today()):
        if summary.source.id == number:
            return summary
    raise Http404


def _key(summary: SourceSummary, key_id: UUID) -> SourceKey:
    for key in summary.keys:
        if key.id == key_id and key.revoked_at is None:
            return key
    raise Http404
