"""The door: signing in, slowed when it fails; signing out; the language."""

import math

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from stamgast.access.errors import SignInRefused, SignInThrottled
from stamgast.access.sessions import close_session, open_session
from stamgast.console import reader
from stamgast.flows.sign_in import sign_in as sign_in_flow
from stamgast.kit.clock import utc_now

A_YEAR_SECONDS = 365 * 86_400


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Signs in. What is wrong is said in one way, whichever part of it was wrong."""
    target = _safe_target(request, request.POST.get("next") or request.GET.get("next"), reverse("console:home"))
    if request.user.is_authenticated:
        return redirect(target)
    if request.method == "GET":
        return render(request, "console/sign_in.html", {"next": target})
    email, password = request.POST.get("email", "").strip(), request.POST.get("password", "")
    problem, status, wait = _("This address and password do not belong together. Check both and try again."), 403, 0
    try:
        member = sign_in_flow(email=email, password=password, address=request.META.get("REMOTE_ADDR", ""), at=utc_now())
    except SignInThrottled as error:
        wait = max(math.ceil(float(str(error.details.get("retry_after_seconds", 1)))), 1)
        problem, status = _wait_sentence(wait), 429
    except SignInRefused:
        pass
    else:
        open_session(request, member)
        return redirect(target)
    response = render(request, "console/sign_in.html", {"next": target, "email": email, "problem": problem}, status=status)
    if wait:
        response["Retry-After"] = str(wait)
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Signs out and says so."""
    close_session(request)
    messages.success(request, _("You are signed out."))
    return redirect("console:sign_in")


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remembers the language on this browser and goes back to the same page."""
    response = redirect(_safe_target(request, request.POST.get("next"), reverse("console:home")))
    language = request.POST.get("language", "")
    if check_for_language(language) and language in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=A_YEAR_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


def _wait_sentence(seconds: int) -> str:
    if seconds < 90:
        words = ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": reader.number(seconds)}
    else:
        minutes = math.ceil(seconds / 60)
        words = ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": reader.number(minutes)}
    return _("Too many attempts. Wait %(lapse)s and try again.") % {"lapse": words}


def _safe_target(request: HttpRequest, wanted: str | None, otherwise: str) -> str:
    """The address to go to, on this host only."""
    if wanted and url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return otherwise
