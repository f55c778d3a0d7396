"""Keys of the API: what each may, how fast, when it was used last; a new one, and away with one."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from stamgast.access.errors import InvalidLimit, UnknownScope
from stamgast.access.operations import create_key, revoke_key, set_limit
from stamgast.access.queries import list_keys
from stamgast.access.rules import DEFAULT_LIMIT_PER_MINUTE, LARGEST_LIMIT_PER_MINUTE
from stamgast.access.types import ApiKey, Scope
from stamgast.console.access_words import scope_sentence
from stamgast.console.pages import act, actor_of, page, show
from stamgast.console.refusal_words import refusal_sentence
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction


@never_cache
@page
@require_http_methods(["GET", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """All keys, and a form for a new one."""
    problem = ""
    if request.method == "POST":
        try:
            return _create(request)
        except (UnknownScope, InvalidLimit) as error:
            problem = refusal_sentence(error)
    with open_cursor() as cursor:
        found = list_keys(cursor)
    context = {
        "keys": [(key, [scope_sentence(scope) for scope in key.scopes]) for key in found],
        "in_force": sum(key.revoked_at is None for key in found),
        "scopes": [(scope.value, scope_sentence(scope)) for scope in Scope],
        "name": request.POST.get("name", ""),
        "chosen": request.POST.getlist("scopes"),
        "limit": request.POST.get("limit", DEFAULT_LIMIT_PER_MINUTE),
        "largest": LARGEST_LIMIT_PER_MINUTE,
        "problem": problem,
    }
    return show(request, "console/keys.html", context, status=422 if problem else 200)


@require_POST
@act
def limit(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Another pace for a key, from its next request."""
    with transaction() as cursor:
        set_limit(cursor, str(key_id), _limit_of(request), at=utc_now(), actor=actor_of(request))
    messages.success(request, _("Saved. It holds from the next request."))
    return redirect("console:keys")


@page
@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Asks for the key's name, for it cannot be undone; then refuses the key for ever."""
    key = _key(key_id)
    typed = request.POST.get("confirmation", "").strip()
    if request.method == "POST" and typed == key.name:
        with transaction() as cursor:
            revoke_key(cursor, str(key_id), at=utc_now(), actor=actor_of(request))
        messages.success(request, _("The key is revoked. What still uses it is refused from now on."))
        return redirect("console:keys")
    problem = _("That is not the name of this key. Nothing was revoked.") if request.method == "POST" else ""
    context: dict[str, Any] = {"key": key, "typed": typed, "problem": problem}
    return show(request, "console/revoke_key.html", context, status=422 if problem else 200)


def _create(request: HttpRequest) -> HttpResponse:
    with transaction() as cursor:
        key, text = create_key(
            cursor,
            request.POST.get("name", ""),
            request.POST.getlist("scopes"),
            limit_per_minute=_limit_of(request),
            at=utc_now(),
            actor=actor_of(request),
        )
    return show(request, "console/api_key.html", {"key": key, "text": text, "address": request.build_absolute_uri("/")[:-1]})


def _limit_of(request: HttpRequest) -> int:
    """0, which no key can have, where it is no number."""
    typed = request.POST.get("limit", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 12 else 0


def _key(key_id: UUID) -> ApiKey:
    with open_cursor() as cursor:
        for key in list_keys(cursor):
            if key.id == key_id and key.revoked_at is None:
                return key
    raise Http404
