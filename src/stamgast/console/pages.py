"""What every page of the console does: only for those who may, in the shop's zone, refusals as pages, the navigation."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from stamgast.access.operations import record
from stamgast.access.sessions import look
from stamgast.access.types import Role
from stamgast.activities.refusal_queries import count_refusals
from stamgast.console.access_words import role_label
from stamgast.console.permissions import RULES, VISITOR, may, may_see_people, roles_of
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.views.problems import problem_page
from stamgast.console.words import currencies_called
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor
from stamgast.kit.errors import Kind, StamgastError
from stamgast.ledger.adjusting import count_waiting
from stamgast.programmes.queries import find_programme
from stamgast.programmes.terms import Document
from stamgast.webhooks.queries import count_given_up

PLACES = (
    ("console:home", "home", gettext_noop("Home")),
    ("console:customers", "users", gettext_noop("Customers")),
    ("console:segments", "chart-pie", gettext_noop("Segments")),
    ("console:traits", "calculator", gettext_noop("Traits")),
    ("console:programme", "award", gettext_noop("Programme")),
    ("console:ledger", "coins", gettext_noop("Ledger")),
    ("console:insights", "chart-bar", gettext_noop("Insights")),
    ("console:sources", "plug", gettext_noop("Sources")),
    ("console:webhooks", "webhook", gettext_noop("Webhooks")),
    ("console:till", "cash-register", gettext_noop("Till")),
    ("console:staff", "users-group", gettext_noop("Staff")),
    ("console:keys", "key", gettext_noop("API keys")),
    ("console:trail", "history", gettext_noop("Trail")),
)
"""Where one can go, in the order of the loop: the name of the address, the icon, the word."""

BELOW: Mapping[str, tuple[str, ...]] = {
    "console:customers": ("/duplicates", "/erasures", "/households/", "/judgements/", "/movements/")
}
"""Pages that belong to a place although their address does not begin with its."""

View = Callable[..., HttpResponseBase]
LONGEST_REASON = 500
STATUS_OF = {
    Kind.INVALID: 400,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.FORBIDDEN: 403,
    Kind.THROTTLED: 429,
    Kind.UNAVAILABLE: 503,
}


def shop_zone() -> ZoneInfo:
    """The zone in which the shop's days begin and end."""
    return ZoneInfo(settings.CONFIGURATION.timezone)


def start_of_today() -> datetime:
    """The midnight that began this day in the shop's zone."""
    return timezone.localtime(timezone=shop_zone()).replace(hour=0, minute=0, second=0, microsecond=0)


def actor_of(request: HttpRequest) -> str:
    """Who acts, as the trail writes it."""
    return f"staff:{request.user.email}"  # type: ignore[union-attr]


def staff_of(request: HttpRequest) -> int:
    """Who is signed in, by number."""
    return int(request.user.pk)  # type: ignore[arg-type]  # ``page`` signed them in


def note(cursor: Cursor, request: HttpRequest, action: str, subject: str, **detail: Any) -> None:
    """Writes who did this, and why if they said so, into the trail, in the transaction of the act itself."""
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    record(cursor, actor_of(request), action, subject, {**detail, "reason": reason}, utc_now())


def role_of(request: HttpRequest) -> str:
    """What the reader is here for, or ``VISITOR``."""
    return str(getattr(request.user, "role", VISITOR))


def shows_people(request: HttpRequest) -> bool:
    """Whether the reader may know who the customers behind a figure are."""
    return may_see_people(role_of(request))


def is_part(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def page(view: View) -> View:
    """A page for those in ``permissions``: signs in who is not, sets the shop's zone, shows what a room refuses as a page."""

    @wraps(view)
    def shown(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to(request, reverse("console:sign_in"))
        with open_cursor() as cursor:
            roles = look(cursor, request, at=utc_now(), is_seen=not is_part(request))
        if roles is None:
            return _to(request, reverse("console:sign_in"))
        if role_of(request) in roles and not _has_second_factor(request):
            return _to(request, reverse("console:second_factor"))
        refused = _refuse(request)
        if refused is not None:
            return refused
        with timezone.override(shop_zone()), currencies_called(_published):
            try:
                response = view(request, *arguments, **named)
            except StamgastError as error:
                return problem_page(request, STATUS_OF[error.kind], detail=refusal_sentence(error))
        response.headers.setdefault("Cache-Control", "private, no-store")
        response.headers.setdefault("Vary", "HX-Request, Cookie")
        return response

    return shown


def _published() -> Iterable[Document]:
    with open_cursor() as cursor:
        programme = find_programme(cursor)
    return programme.documents if programme else ()


def act(view: View) -> View:
    """A form that was sent: what a room refuses is said on the page that the reader comes from, and nothing was changed."""

    @wraps(view)
    def done(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        try:
            return view(request, *arguments, **named)
        except StamgastError as error:
            if error.kind is Kind.NOT_FOUND:
                raise
            messages.error(request, refusal_sentence(error))
            return redirect(request.headers.get("Referer") or reverse("console:home"))

    return page(done)


def safe_target(request: HttpRequest, wanted: str | None, otherwise: str) -> str:
    """The address to go to, on this host only."""
    if wanted and url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return otherwise


def show(request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """A whole page with its navigation."""
    return render(request, template, {**context, "navigation": _navigation(request)}, status=status)


def _refuse(request: HttpRequest) -> HttpResponse | None:
    """The answer to somebody who may not; None for who may."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    roles = roles_of(name, request.method or "")
    if roles is None and name in RULES:
        return HttpResponseNotAllowed(sorted(RULES[name]))
    role = role_of(request)
    if roles is not None and role in roles:
        return None
    first = next((place for place, *_rest in PLACES if may(role, place)), None)
    if name == "console:home" and first:
        return redirect(first)
    if is_part(request):
        return HttpResponse(_("You may not see this."), status=403, content_type="text/plain; charset=utf-8")
    context = {
        "is_change": request.method != "GET",
        "role": role_label(role),
        "is_owner": role == Role.OWNER,
        "first": reverse(first) if first else "",
    }
    return show(request, "console/refused.html", context, status=403)


def _has_second_factor(request: HttpRequest) -> bool:
    """Whether the reader has one, or is setting it up."""
    match = request.resolver_match
    return bool(getattr(request.user, "has_second_factor", False)) or (
        match is not None and match.view_name == "console:second_factor"
    )


def _to(request: HttpRequest, address: str) -> HttpResponse:
    """To the door, or to what has to be done first, and back here afterwards."""
    if is_part(request):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = address
        return response
    return redirect(f"{address}?{urlencode({'next': request.get_full_path()})}")


def _navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The places that the reader may open. A place is ``page`` where the reader is, ``true`` on pages below it."""
    role = role_of(request)
    items = []
    for name, icon, text in PLACES:
        if not may(role, name):
            continue
        label, (count, count_of) = _(text), _waiting_at(name, role)
        address = reverse(name)
        is_below = address != "/" and request.path.startswith((address, *BELOW.get(name, ())))
        is_here = "page" if request.path == address else "true" if is_below else ""
        items.append(
            {"address": address, "icon": icon, "label": label, "count": count, "count_of": count_of, "is_here": is_here}
        )
    return items


def _waiting_at(name: str, role: str) -> tuple[int, str]:
    """What waits for somebody at a place: how many, and of what."""
    if name == "console:sources" and may(role, "console:refusals"):
        with open_cursor() as cursor:
            return sum(count_refusals(cursor).values()), _("refusals waiting")
    if name == "console:ledger" and may(role, "console:adjustment_decide", "POST"):
        with open_cursor() as cursor:
            return count_waiting(cursor), _("adjustments waiting")
    if name == "console:webhooks":
        with open_cursor() as cursor:
            return count_given_up(cursor), _("switched off by themselves")
    return 0, ""
