"""The door: signing in, slowed when it fails; the code of the second factor; signing out; the language."""

import math
from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import check_for_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from stamgast.access.errors import InvalidStaff, LinkExpired, SecondFactorRefused, SignInRefused, SignInThrottled
from stamgast.access.operations import accept_link, get_invited
from stamgast.access.operations import set_language as keep_language
from stamgast.access.queries import count_recovery_codes, get_staff
from stamgast.access.sessions import close_session, open_session
from stamgast.access.types import StaffMember
from stamgast.console import reader
from stamgast.console.access_words import role_label
from stamgast.console.pages import safe_target
from stamgast.console.refusal_words import refusal_sentence
from stamgast.flows.sign_in import sign_in as sign_in_flow
from stamgast.flows.sign_in import take_code
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction

A_YEAR_SECONDS = 365 * 86_400
PENDING = "pending"
CODE_WITHIN = timedelta(minutes=5)
LONGEST_CODE = 40


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Signs in. What is wrong is said in one way, whichever part of it was wrong."""
    target = safe_target(request, request.POST.get("next") or request.GET.get("next"), reverse("console:home"))
    if request.user.is_authenticated:
        return redirect(target)
    if request.method == "GET":
        return render(request, "console/sign_in.html", {"next": target})
    email, password = request.POST.get("email", "").strip(), request.POST.get("password", "")
    problem, status, wait = _("This address and password do not belong together. Check both and try again."), 403, 0
    try:
        member = sign_in_flow(email=email, password=password, address=request.META.get("REMOTE_ADDR", ""), at=utc_now())
    except SignInThrottled as error:
        wait = seconds_of(error)
        problem, status = wait_sentence(wait), 429
    except SignInRefused:
        pass
    else:
        if member.has_second_factor:
            request.session[PENDING] = {"staff": member.id, "until": (utc_now() + CODE_WITHIN).timestamp(), "next": target}
            return redirect("console:sign_in_code")
        return _open(request, member, target)
    response = render(request, "console/sign_in.html", {"next": target, "email": email, "problem": problem}, status=status)
    if wait:
        response["Retry-After"] = str(wait)
    return response


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """The second step, within five minutes of the first: a code from the telephone, or a recovery code."""
    pending = request.session.get(PENDING) or {}
    if request.user.is_authenticated or pending.get("until", 0) < utc_now().timestamp():
        return redirect("console:sign_in")
    problem, status, wait = "", 200, 0
    if request.method == "POST":
        problem, status = _("This is not the code of this moment. Wait for the next one, or use a recovery code."), 403
        try:
            was_recovery = take_code(pending["staff"], request.POST.get("code", "")[:LONGEST_CODE], at=utc_now())
        except SignInThrottled as error:
            wait = seconds_of(error)
            problem, status = wait_sentence(wait), 429
        except SecondFactorRefused:
            pass
        else:
            with open_cursor() as cursor:
                member = get_staff(cursor, pending["staff"])
                left = count_recovery_codes(cursor, member.id)
            del request.session[PENDING]
            if was_recovery:
                text = ngettext(
                    "That recovery code is used up; %(count)s is left.",
                    "That recovery code is used up; %(count)s are left.",
                    left,
                )
                messages.warning(request, text % {"count": reader.number(left)})
            return _open(request, member, pending["next"])
    response = render(request, "console/sign_in_code.html", {"problem": problem}, status=status)
    if wait:
        response["Retry-After"] = str(wait)
    return response


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """A one-time link: its person chooses a password. Opening it uses nothing up."""
    problem = ""
    try:
        with transaction() as cursor:
            member = get_invited(cursor, token, at=utc_now())
            if request.method == "POST":
                password = request.POST.get("password", "")
                if password == request.POST.get("again", ""):
                    accept_link(cursor, token, password, at=utc_now())
                    messages.success(request, _("Your password is set. Sign in with it."))
                    return redirect("console:sign_in")
                problem = _("The two are not the same. Type the password twice.")
    except LinkExpired:
        return render(request, "console/welcome.html", {"is_over": True}, status=404)
    except InvalidStaff as error:
        problem = refusal_sentence(error)
    context = {"member": member, "role": role_label(member.role), "problem": problem}
    return render(request, "console/welcome.html", context, status=422 if problem else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Signs out and says so."""
    with transaction() as cursor:
        close_session(cursor, request)
    messages.success(request, _("You are signed out."))
    return redirect("console:sign_in")


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remembers the language, on this browser and for the person, and goes back to the same page."""
    response = redirect(safe_target(request, request.POST.get("next"), reverse("console:home")))
    language = request.POST.get("language", "")
    if check_for_language(language) and language in dict(settings.LANGUAGES):
        _remember_language(response, language)
        if request.user.is_authenticated:
            with transaction() as cursor:
                keep_language(cursor, request.user.pk, language)
    return response


def _open(request: HttpRequest, member: StaffMember, target: str) -> HttpResponse:
    with transaction() as cursor:
        open_session(cursor, request, member, at=utc_now())
    response = redirect(target)
    if member.language and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        _remember_language(response, member.language)
    return response


def _remember_language(response: HttpResponse, language: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=A_YEAR_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def seconds_of(error: SignInThrottled) -> int:
    """How long the refusal says to wait."""
    return max(math.ceil(float(str(error.details.get("retry_after_seconds", 1)))), 1)


def wait_sentence(seconds: int) -> str:
    """How long to wait after too many attempts."""
    if seconds < 90:
        words = ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": reader.number(seconds)}
    else:
        minutes = math.ceil(seconds / 60)
        words = ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": reader.number(minutes)}
    return _("Too many attempts. Wait %(lapse)s and try again.") % {"lapse": words}
