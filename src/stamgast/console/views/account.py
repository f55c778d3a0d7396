"""The reader's own account: password, language, second factor, where they are signed in."""

from uuid import UUID

import pyotp
import segno
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.access.errors import InvalidStaff, SecondFactorRefused, SignInRefused, SignInThrottled
from stamgast.access.operations import end_sessions, keep_password, new_secret, record, renew_codes, turn_off, turn_on
from stamgast.access.queries import count_recovery_codes, get_staff, list_second_factor_roles, list_sessions
from stamgast.access.sealing import seal, unseal
from stamgast.access.sessions import keep_after_new_password, session_of
from stamgast.access.types import StaffMember
from stamgast.console import reader
from stamgast.console.access_words import agent_words, role_label, role_sentence
from stamgast.console.pages import act, actor_of, page, safe_target, show
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.views.sign_in import LONGEST_CODE, seconds_of, wait_sentence
from stamgast.flows.sign_in import confirm_password
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction

SETTING_UP = "second_factor"
ISSUER = "Stamgast"


@page
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """Everything about the reader's own way in."""
    with open_cursor() as cursor:
        member = _me(request)
        sessions = list_sessions(cursor, member.id, present=session_of(request), at=utc_now())
        context = {
            "member": member,
            "role": role_label(member.role),
            "role_sentence": role_sentence(member.role),
            "is_required": member.role in list_second_factor_roles(cursor),
            "codes_left": count_recovery_codes(cursor, member.id),
            "sessions": [(session, agent_words(session.agent)) for session in sessions],
        }
    return show(request, "console/account.html", context)


@sensitive_post_parameters("present", "password", "again")
@require_POST
@act
def password(request: HttpRequest) -> HttpResponse:
    """A new password, by the present one; every other session ends."""
    chosen, member = request.POST.get("password", ""), _me(request)
    problem = _confirm(request, member, request.POST.get("present", ""))
    if not problem and chosen != request.POST.get("again", ""):
        problem = _("The two new passwords are not the same. Nothing was changed.")
    if problem:
        messages.error(request, problem)
        return redirect("console:account")
    with transaction() as cursor:
        keep_password(cursor, member, chosen, but=session_of(request))
        keep_after_new_password(request)
        record(cursor, actor_of(request), "set password", f"staff:{member.id}", {}, utc_now())
    messages.success(request, _("Your password is changed. You are signed out everywhere else."))
    return redirect("console:account")


@never_cache
@page
@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """A secret as a picture for the telephone, and the first code as proof that it has it."""
    member = _me(request)
    target = safe_target(request, request.POST.get("next") or request.GET.get("next"), reverse("console:account"))
    if member.has_second_factor:
        return redirect("console:account")
    kept = request.session.get(SETTING_UP)
    secret = unseal(kept.encode()) if kept else new_secret()
    if not kept:
        request.session[SETTING_UP] = seal(secret).decode()
    problem = ""
    if request.method == "POST":
        try:
            with transaction() as cursor:
                codes = turn_on(
                    cursor,
                    member.id,
                    secret,
                    request.POST.get("code", "")[:LONGEST_CODE],
                    at=utc_now(),
                    actor=actor_of(request),
                )
        except SecondFactorRefused:
            problem = _("This is not the code of this moment. Wait for the next one and type that.")
        else:
            del request.session[SETTING_UP]
            return show(request, "console/recovery_codes.html", {"codes": codes, "next": target})
    with open_cursor() as cursor:
        is_required = member.role in list_second_factor_roles(cursor)
    context = {
        "picture": _picture(secret, member.email),
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        "problem": problem,
        "is_required": is_required,
        "next": target,
    }
    return show(request, "console/second_factor.html", context, status=422 if problem else 200)


@sensitive_post_parameters("present")
@require_POST
@act
def second_factor_off(request: HttpRequest) -> HttpResponse:
    """Without a second factor from now on, by the password."""
    member = _me(request)
    problem = _confirm(request, member, request.POST.get("present", ""))
    if problem:
        messages.error(request, problem)
        return redirect("console:account")
    with transaction() as cursor:
        turn_off(cursor, member.id, at=utc_now(), actor=actor_of(request))
    messages.success(request, _("You sign in with your password only."))
    return redirect("console:account")


@never_cache
@sensitive_post_parameters("present")
@require_POST
@act
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes, by the password, shown this once."""
    member = _me(request)
    problem = "" if member.has_second_factor else _("Set up a second factor first.")
    problem = problem or _confirm(request, member, request.POST.get("present", ""))
    if problem:
        messages.error(request, problem)
        return redirect("console:account")
    with transaction() as cursor:
        codes = renew_codes(cursor, member.id, at=utc_now(), actor=actor_of(request))
    return show(request, "console/recovery_codes.html", {"codes": codes, "next": reverse("console:account")})


@require_POST
@act
def end(request: HttpRequest) -> HttpResponse:
    """Ends one session of the reader's, or every other."""
    one = request.POST.get("one", "")
    try:
        chosen = {"one": UUID(one)} if one else {"but": session_of(request)}
    except ValueError:
        raise Http404 from None
    with transaction() as cursor:
        ended = end_sessions(cursor, _me(request).id, **chosen)
        record(cursor, actor_of(request), "end sessions", f"staff:{request.user.pk}", {"count": ended}, utc_now())
    text = ngettext("%(count)s session is ended.", "%(count)s sessions are ended.", ended)
    messages.success(request, text % {"count": reader.number(ended)})
    return redirect("console:account")


def _me(request: HttpRequest) -> StaffMember:
    with open_cursor() as cursor:
        return get_staff(cursor, request.user.pk or 0)


def _confirm(request: HttpRequest, member: StaffMember, present: str) -> str:
    """What is wrong with the present password, in words; empty where nothing is."""
    try:
        confirm_password(member, present, address=request.META.get("REMOTE_ADDR", ""), at=utc_now())
    except SignInThrottled as error:
        return wait_sentence(seconds_of(error))
    except SignInRefused:
        return _("That is not your present password. Nothing was changed.")
    except InvalidStaff as error:
        return refusal_sentence(error)
    return ""


def _picture(secret: str, email: str) -> SafeString:
    """The secret as a QR code: an SVG in the page, so that it is nowhere else."""
    address = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)
    drawn = segno.make(address, error="m").svg_inline(border=3, omitsize=True, svgclass="sg-qr", lineclass=None)
    return mark_safe(drawn)  # noqa: S308  segno draws it, and what it encodes is not in it as text
