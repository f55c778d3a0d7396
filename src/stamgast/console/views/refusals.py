"""Refusals: what was sent and could not be accepted waits here, to be corrected and sent again, or dismissed."""

from uuid import UUID

import msgspec
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.activities.errors import StillRefused
from stamgast.activities.operations import correct_and_resend, dismiss
from stamgast.activities.queries import load_reader
from stamgast.activities.refusal_queries import count_refusals, get_refusal, list_refusals
from stamgast.console.pages import act, actor_of, page, show
from stamgast.console.words import reason_sentence
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction

ROWS = 50


@page
@require_GET
def refusals(request: HttpRequest) -> HttpResponse:
    """What waits, the last first; or what was settled."""
    chosen = {name: request.GET.get(name) or None for name in ("source", "reason")}
    is_settled = request.GET.get("settled") == "1"
    with open_cursor() as cursor:
        found = list_refusals(cursor, is_settled=is_settled, **chosen, after=request.GET.get("after") or None, limit=ROWS)
        counts = count_refusals(cursor)
    context = {
        "rows": [(row, reason_sentence(row.reason)) for row in found.rows],
        "next": found.next_cursor,
        "waiting": sum(counts.values()),
        "reasons": [(reason, reason_sentence(reason), count) for reason, count in counts.items()],
        "is_settled": is_settled,
        **chosen,
    }
    return show(request, "console/refusals.html", context)


@page
@require_http_methods(["GET", "POST"])
def refusal(request: HttpRequest, refusal_id: UUID) -> HttpResponse:
    """One refusal with its message, to be corrected and sent again. What was typed is kept when it is refused again."""
    with open_cursor() as cursor:
        row = get_refusal(cursor, refusal_id)
    body, problem = _readable(row.body), ""
    if request.method == "POST":
        body = request.POST.get("body", "")
        try:
            with transaction() as cursor:
                correct_and_resend(
                    cursor,
                    refusal_id,
                    body,
                    reader=load_reader(
                        cursor, currency=settings.CONFIGURATION.currency, timezone=settings.CONFIGURATION.timezone
                    ),
                    at=utc_now(),
                    actor=actor_of(request),
                )
        except StillRefused as error:
            reason = str(error.details.get("reason", ""))
            problem = f"{reason_sentence(reason)}. {error.message}" if reason else error.message
        else:
            messages.success(request, _("Sent again and accepted. It counts from the day it was sent."))
            return redirect("console:refusals")
    context = {"row": row, "reason": reason_sentence(row.reason), "body": body, "problem": problem}
    return show(request, "console/refusal.html", context, status=422 if problem else 200)


@require_POST
@act
def dismissal(request: HttpRequest, refusal_id: UUID) -> HttpResponse:
    """Puts a refusal aside; it stays on record."""
    with transaction() as cursor:
        dismiss(cursor, refusal_id, at=utc_now(), actor=actor_of(request))
    messages.success(request, _("Dismissed. It stays on record under Settled."))
    return redirect("console:refusals")


def _readable(body: str) -> str:
    """The message with one field a line where it is JSON, else as it came."""
    try:
        return msgspec.json.format(body, indent=2)
    except msgspec.DecodeError:
        return body
