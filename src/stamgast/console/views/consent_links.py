"""The pages behind the links in messages: open to whoever holds the link, and they change nothing before a button is pressed.

Who reads mail on somebody's behalf follows links by itself, so a GET only asks. A mail program that unsubscribes by one click
sends the POST of RFC 8058, which carries no cookie and no token of ours: the signed link itself is what allows it.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from stamgast.console.consent_words import pair_label
from stamgast.console.pages import STATUS_OF
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.views.problems import problem_page
from stamgast.customers.consent import operations, tokens
from stamgast.customers.consent.errors import ConsentLinkInvalid
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.errors import StamgastError

TEMPLATE = "console/consent_link.html"


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Asks whether they meant it, and takes the answer once."""
    try:
        if request.method == "POST":
            with transaction() as cursor:
                change = operations.confirm(cursor, token, secrets=_secrets(), at=utc_now())
            return _said(request, _("Thank you. It is written down."), pair_label(change.purpose, change.channel))
        with open_cursor() as cursor:
            asked = operations.find_request(cursor, token, secrets=_secrets())
    except StamgastError as error:
        return problem_page(request, STATUS_OF[error.kind], detail=refusal_sentence(error))
    if asked is None:
        return problem_page(request, 404, detail=refusal_sentence(ConsentLinkInvalid("")))
    context = {
        "title": pair_label(asked.purpose, asked.channel),
        "text": asked.text,
        "text_language": asked.language,
        "button": _("Yes, I allow this"),
    }
    return render(request, TEMPLATE, context)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, token: str) -> HttpResponse:
    """Asks whether they meant it; a POST, by the button or by a mail program, withdraws at once."""
    try:
        if request.method == "POST":
            with transaction() as cursor:
                change = operations.withdraw_by_link(cursor, token, secrets=_secrets(), at=utc_now())
            said = _("You will not hear from us about this any more.")
            return _said(request, said, pair_label(change.purpose, change.channel))
        found = tokens.read_withdrawal(token, _secrets())
        if found is None:
            raise ConsentLinkInvalid("")
    except StamgastError as error:
        return problem_page(request, STATUS_OF[error.kind], detail=refusal_sentence(error))
    _anchor, purpose, channel = found
    context = {
        "title": pair_label(purpose, channel),
        "text": _("Do you want to stop this?"),
        "button": _("Yes, stop it"),
    }
    return render(request, TEMPLATE, context)


def _said(request: HttpRequest, text: str, title: str) -> HttpResponse:
    return render(request, TEMPLATE, {"title": title, "text": text, "button": ""})


def _secrets() -> list[str]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
