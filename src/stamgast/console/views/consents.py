"""Consent in the console: what a customer allows with its proof, a change by staff, and the texts that people are asked."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from stamgast.console.consent_words import channel_label, consent_rows, pair_label, state_badge
from stamgast.console.pages import actor_of, note, page, show
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.views.customers import profile_name
from stamgast.customers.consent.errors import InvalidConsent, UnknownConsent
from stamgast.customers.consent.operations import publish_text
from stamgast.customers.consent.queries import list_changes, list_texts
from stamgast.customers.consent.rules import CHANNELS
from stamgast.customers.consent.types import ConsentState, ConsentText
from stamgast.customers.queries import get_profile
from stamgast.flows.set_consent import Told, tell_consent
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction


@page
@require_http_methods(["GET", "POST"])
def customer_consents(request: HttpRequest, reference: str) -> HttpResponse:
    """What a customer allows, every change with its proof, and a form for what they told a colleague."""
    problem = ""
    if request.method == "POST":
        try:
            return _tell(request, reference)
        except (InvalidConsent, UnknownConsent) as error:
            problem = refusal_sentence(error)
    with open_cursor() as cursor:
        profile = get_profile(cursor, reference)
        changes = list_changes(cursor, profile.customer.id)
        texts = list_texts(cursor)
    context = {
        "customer_id": profile.customer.id,
        "name": profile_name(profile),
        "consents": consent_rows(changes),
        "changes": [
            {
                "label": pair_label(change.purpose, change.channel),
                "badge": state_badge(change.state),
                "change": change,
            }
            for change in changes
        ],
        "choices": _choices(texts),
        "chosen": request.POST.get("what", ""),
        "state": request.POST.get("state", ""),
        "reason": request.POST.get("reason", ""),
        "problem": problem,
    }
    return show(request, "console/consents.html", context, status=422 if problem else 200)


@page
@require_http_methods(["GET", "POST"])
def consent_texts(request: HttpRequest) -> HttpResponse:
    """What people are asked, for each purpose and channel, with the versions before; a new text is a new version."""
    problem = ""
    if request.method == "POST":
        try:
            return _publish(request)
        except InvalidConsent as error:
            problem = refusal_sentence(error)
    with open_cursor() as cursor:
        texts = list_texts(cursor)
    groups = [list(group) for _pair, group in groupby(texts, key=lambda text: (text.purpose, text.channel))]
    chosen = _chosen(texts, request)
    context = {
        "groups": [
            {"label": pair_label(rows[0].purpose, rows[0].channel), "now": rows[0], "before": rows[1:]} for rows in groups
        ],
        "channels": [(channel, channel_label(channel)) for channel in CHANNELS],
        "chosen": chosen,
        "problem": problem,
    }
    return show(request, "console/consent_texts.html", context, status=422 if problem else 200)


def _tell(request: HttpRequest, reference: str) -> HttpResponse:
    purpose, _separator, channel = request.POST.get("what", "").partition("/")
    state = request.POST.get("state", "")
    reason = request.POST.get("reason", "").strip()
    if state not in (ConsentState.GIVEN, ConsentState.WITHDRAWN):
        raise InvalidConsent(_("Choose whether they allow it or not."))
    if not reason:
        raise InvalidConsent(_("Write down how they told it: without that, it proves nothing."))
    at = utc_now()
    told = Told(ConsentState(state), "console", actor_of(request), at, reason=reason)
    with transaction() as cursor:
        answer = tell_consent(cursor, reference, purpose, channel, told, at=at, secret=settings.SECRET_KEY)
        _note(cursor, request, answer.customer_id, purpose, channel, state)
    messages.success(request, _("Written down. What was said before stays on record."))
    return redirect("console:consents", answer.customer_id)


def _note(cursor: Cursor, request: HttpRequest, customer: Any, purpose: str, channel: str, state: str) -> None:
    note(cursor, request, "set consent", f"customer:{customer}", purpose=purpose, channel=channel, state=state)


def _publish(request: HttpRequest) -> HttpResponse:
    texts = {"en": request.POST.get("text_en", ""), "nl": request.POST.get("text_nl", "")}
    with transaction() as cursor:
        text = publish_text(
            cursor,
            purpose=request.POST.get("purpose", ""),
            channel=request.POST.get("channel", ""),
            texts=texts,
            at=utc_now(),
            actor=actor_of(request),
        )
        subject = f"consent:{text.purpose}/{text.channel}"
        note(cursor, request, "publish consent text", subject, version=text.version)
    said = {"what": pair_label(text.purpose, text.channel), "version": text.version}
    messages.success(request, _("Version %(version)s of %(what)s holds from now on.") % said)
    return redirect("console:consent_texts")


def _choices(texts: Sequence[ConsentText]) -> list[tuple[str, str]]:
    pairs = dict.fromkeys((text.purpose, text.channel) for text in texts)
    return [(f"{purpose}/{channel}", pair_label(purpose, channel)) for purpose, channel in pairs]


def _chosen(texts: Sequence[ConsentText], request: HttpRequest) -> dict[str, str]:
    """What the form shows: what was typed, or the text that is to be followed by another, or nothing."""
    if request.method == "POST":
        return {name: request.POST.get(name, "") for name in ("purpose", "channel", "text_en", "text_nl")}
    wanted = (request.GET.get("purpose"), request.GET.get("channel"))
    known = next((text for text in texts if (text.purpose, text.channel) == wanted), None)
    if known is None:
        return {"purpose": "", "channel": "email", "text_en": "", "text_nl": ""}
    return {
        "purpose": known.purpose,
        "channel": known.channel,
        "text_en": known.texts.get("en", ""),
        "text_nl": known.texts.get("nl", ""),
    }
