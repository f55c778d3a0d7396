"""Webhooks: who is told what, how that goes, and sending again."""

import json
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.console import reader
from stamgast.console.pages import LONGEST_REASON, act, actor_of, is_part, page, shop_zone, show, shows_people
from stamgast.console.webhook_words import (
    BADGES,
    delivery_fact,
    event_label,
    form_problem,
    is_given_up,
    outcome_sentence,
    standing,
    state_label,
)
from stamgast.console.words import customer_name
from stamgast.customers.queries import summarise_customers
from stamgast.flows.deliver_webhooks import reach_of
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.webhooks.errors import EndpointExists, EndpointNotFound, InvalidEndpoint
from stamgast.webhooks.operations import (
    create_endpoint,
    delete_endpoint,
    edit_endpoint,
    resend,
    resend_failed,
    rotate_secret,
    send_test,
    switch,
)
from stamgast.webhooks.queries import get_delivery, list_deliveries, summarise_endpoints
from stamgast.webhooks.rules import SECRET_BYTES
from stamgast.webhooks.types import Delivery, DeliveryState, Endpoint, EndpointSummary, EventKind

ROWS = 25
DAY = timedelta(days=1)


@page
@require_http_methods(["GET", "POST"])
def webhooks(request: HttpRequest) -> HttpResponse:
    """All systems that are told, and a form for another one."""
    form = _form(request)
    if request.method == "POST":
        try:
            with transaction() as cursor:
                endpoint, secret = create_endpoint(
                    cursor, **_wanted(request), random=secrets.token_bytes(SECRET_BYTES), at=utc_now(), actor=actor_of(request)
                )
            return _show_secret(request, endpoint, secret)
        except (InvalidEndpoint, EndpointExists) as error:
            form["field"], form["problem"] = form_problem(error)
    with open_cursor() as cursor:
        rows = [{**_told(summary), "summary": summary} for summary in summarise_endpoints(cursor, since=utc_now() - DAY)]
    return show(request, "console/webhooks.html", {"rows": rows, "form": form}, status=422 if form["problem"] else 200)


@page
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """One system: how it does, what it was told, and a form to change it."""
    with open_cursor() as cursor:
        summary = _summary(cursor, endpoint_id)
    form = _form(request, summary.endpoint)
    if request.method == "POST":
        try:
            with transaction() as cursor:
                edit_endpoint(
                    cursor, endpoint_id, **_wanted(request), at=utc_now(), actor=actor_of(request), reason=_reason(request)
                )
            messages.success(request, _("Kept. What waits goes to the new address."))
            return redirect("console:webhook", endpoint_id)
        except (InvalidEndpoint, EndpointExists) as error:
            form["field"], form["problem"] = form_problem(error)
    state = request.GET.get("state", "")
    chosen = DeliveryState(state) if state in set(DeliveryState) else None
    with open_cursor() as cursor:
        found = list_deliveries(cursor, endpoint_id, state=chosen, before=request.GET.get("before") or None, limit=ROWS)
        context = {
            "summary": summary,
            "endpoint": summary.endpoint,
            "rows": _rows(cursor, found.rows, request),
            "next": found.next_cursor,
            "state": chosen or "",
            "query": request.GET.urlencode(),
            **_told(summary),
        }
    if is_part(request):
        return render(request, "console/parts/deliveries.html", context)
    since = timezone.localtime(summary.endpoint.failing_since or utc_now() - DAY)
    context |= {
        "form": form,
        "states": [("", _("All")), *((str(one), state_label(one).capitalize()) for one in DeliveryState)],
        "both_until": _both_until(summary.endpoint),
        "since": since.replace(tzinfo=None).isoformat(timespec="minutes"),
    }
    return show(request, "console/webhook.html", context, status=422 if form["problem"] else 200)


@page
@require_GET
def delivery(request: HttpRequest, endpoint_id: UUID, number: int) -> HttpResponse:
    """One event for one system: what was sent, and each attempt."""
    with open_cursor() as cursor:
        found = get_delivery(cursor, endpoint_id, number)
    context = {
        "delivery": found,
        "endpoint_id": endpoint_id,
        "label": event_label(found.kind),
        "body": json.dumps(json.loads(found.body), indent=2, ensure_ascii=False),
        "attempts": [(attempt, outcome_sentence(attempt.outcome)) for attempt in found.attempts],
    }
    if is_part(request):
        return render(request, "console/parts/delivery.html", context)
    return show(request, "console/delivery.html", context)


@require_POST
@act
def test(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Sends an event that says nothing."""
    with transaction() as cursor:
        send_test(cursor, endpoint_id, at=utc_now(), actor=actor_of(request))
    messages.success(request, _("A test is on its way. What became of it shows below in a moment."))
    return redirect("console:webhook", endpoint_id)


@require_POST
@act
def secret(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """A new secret, shown this once; the former one signs along for a day."""
    with transaction() as cursor:
        endpoint, text = rotate_secret(
            cursor,
            endpoint_id,
            random=secrets.token_bytes(SECRET_BYTES),
            at=utc_now(),
            actor=actor_of(request),
            reason=_reason(request),
        )
    return _show_secret(request, endpoint, text)


@require_POST
@act
def switched(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Switches it on or off."""
    is_on = request.POST.get("is_on") == "1"
    with transaction() as cursor:
        switch(cursor, endpoint_id, is_on=is_on, at=utc_now(), actor=actor_of(request), reason=_reason(request))
    messages.success(
        request,
        _("Switched on. What waited is sent now.")
        if is_on
        else _("Switched off. Nothing is sent, and no new events are kept."),
    )
    return redirect("console:webhook", endpoint_id)


@page
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Asks for the name, for it cannot be undone; then removes the webhook with its log."""
    with open_cursor() as cursor:
        endpoint = _summary(cursor, endpoint_id).endpoint
    typed = request.POST.get("confirmation", "").strip()
    if request.method == "POST" and typed == endpoint.name:
        with transaction() as cursor:
            delete_endpoint(cursor, endpoint.name, at=utc_now(), actor=actor_of(request), reason=_reason(request))
        messages.success(request, _("Deleted, and its log with it. It is told nothing any more."))
        return redirect("console:webhooks")
    problem = _("That is not the name of this webhook. Nothing was deleted.") if request.method == "POST" else ""
    context = {"endpoint": endpoint, "typed": typed, "problem": problem, "reason": request.POST.get("reason", "")}
    return show(request, "console/webhook_delete.html", context, status=422 if problem else 200)


@require_POST
@act
def again(request: HttpRequest, endpoint_id: UUID, number: int) -> HttpResponse:
    """Sends one event again."""
    with transaction() as cursor:
        resend(cursor, endpoint_id, number, at=utc_now(), actor=actor_of(request))
    messages.success(request, _("It is sent again, under the same id."))
    return redirect("console:webhook", endpoint_id)


@require_POST
@act
def all_again(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Sends again what was given up since a moment."""
    try:
        since = datetime.fromisoformat(request.POST.get("since", "")).replace(tzinfo=shop_zone())
    except (ValueError, OverflowError):
        messages.error(request, _("Choose the moment since when events are sent again. Nothing was sent."))
        return redirect("console:webhook", endpoint_id)
    with transaction() as cursor:
        count = resend_failed(cursor, endpoint_id, since=since, at=utc_now(), actor=actor_of(request))
    said = ngettext("%(count)s event is sent again.", "%(count)s events are sent again.", count)
    messages.success(request, said % {"count": reader.number(count)})
    return redirect("console:webhook", endpoint_id)


def _wanted(request: HttpRequest) -> dict[str, Any]:
    return {
        "name": request.POST.get("name", ""),
        "url": request.POST.get("url", ""),
        "kinds": request.POST.getlist("kinds"),
        "reach": reach_of(settings.CONFIGURATION),
    }


def _form(request: HttpRequest, endpoint: Endpoint | None = None) -> dict[str, Any]:
    """What the form shows: what was typed, else what is, else everything wanted."""
    name, url, kinds = (endpoint.name, endpoint.url, endpoint.kinds) if endpoint else ("", "", tuple(EventKind))
    if request.method == "POST":
        name, url, kinds = request.POST.get("name", ""), request.POST.get("url", ""), tuple(request.POST.getlist("kinds"))
    choices = [(kind.value, event_label(kind), kind in kinds) for kind in EventKind]
    return {"name": name, "url": url, "choices": choices, "field": "", "problem": "", "is_new": endpoint is None}


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()[:LONGEST_REASON]


def _show_secret(request: HttpRequest, endpoint: Endpoint, text: str) -> HttpResponse:
    return show(
        request,
        "console/webhook_secret.html",
        {"endpoint": endpoint, "secret": text, "both_until": _both_until(endpoint)},
    )


def _both_until(endpoint: Endpoint) -> datetime | None:
    until = endpoint.former_secret_until
    return until if until is not None and until > utc_now() else None


def _told(summary: EndpointSummary) -> dict[str, Any]:
    return {
        "standing": standing(summary),
        "is_given_up": is_given_up(summary),
        "kinds": [event_label(kind) for kind in summary.endpoint.kinds],
    }


def _summary(cursor: Cursor, endpoint_id: UUID) -> EndpointSummary:
    for summary in summarise_endpoints(cursor, since=utc_now() - DAY):
        if summary.endpoint.id == endpoint_id:
            return summary
    raise EndpointNotFound("There is no such webhook. It may have been deleted.")


def _rows(cursor: Cursor, deliveries: Any, request: HttpRequest) -> list[dict[str, Any]]:
    customers = {row.id: _customer_of(row) for row in deliveries}
    names = _names(cursor, [one for one in set(customers.values()) if one], request)
    return [
        {
            "delivery": row,
            "label": event_label(row.kind),
            "state": state_label(row.state),
            "badge": BADGES[row.state],
            "fact": delivery_fact(row),
            "customer": customers[row.id],
            "who": names.get(customers[row.id], ""),
        }
        for row in deliveries
    ]


def _customer_of(delivery: Delivery) -> UUID | None:
    text = json.loads(delivery.body)["data"].get("customer_id")
    return UUID(text) if text else None


def _names(cursor: Cursor, keys: list[UUID], request: HttpRequest) -> dict[UUID | None, str]:
    """What to call each customer; our own id where they are no more, or for who may not know them."""
    known: dict[UUID | None, str] = {key: customer_name(None, None, f"id:{key.hex[:8]}") for key in keys}
    if shows_people(request):
        known |= {row.id: customer_name(row.name, row.email, row.identifier) for row in summarise_customers(cursor, keys)}
    return known
