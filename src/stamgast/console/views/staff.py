"""Staff: who may sign in, what each does here, and links by which they choose a password."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.access.errors import InvalidStaff, StaffExists
from stamgast.access.operations import create_link, create_staff, set_active, set_role, set_second_factor_roles, turn_off
from stamgast.access.queries import get_staff, list_second_factor_roles, list_sessions, list_staff, list_waiting_links
from stamgast.access.sessions import session_of
from stamgast.access.types import Role, StaffMember
from stamgast.console.access_words import agent_words, role_label, role_sentence
from stamgast.console.pages import act, actor_of, page, show
from stamgast.console.refusal_words import refusal_sentence
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction


@never_cache
@page
@require_http_methods(["GET", "POST"])
def staff(request: HttpRequest) -> HttpResponse:
    """Everybody, a form to invite somebody, and who needs a second factor."""
    problem = ""
    if request.method == "POST":
        try:
            return _invite(request)
        except (InvalidStaff, StaffExists) as error:
            problem = refusal_sentence(error)
    with open_cursor() as cursor:
        members = list_staff(cursor)
        links = list_waiting_links(cursor, at=utc_now())
        required = list_second_factor_roles(cursor)
    context = {
        "members": [(member, role_label(member.role), links.get(member.id)) for member in members],
        "active": sum(member.is_active for member in members),
        "roles": roles(),
        "required": required,
        "email": request.POST.get("email", ""),
        "name": request.POST.get("name", ""),
        "chosen": request.POST.get("role", ""),
        "problem": problem,
    }
    return show(request, "console/staff.html", context, status=422 if problem else 200)


@page
@require_GET
def staff_member(request: HttpRequest, number: int) -> HttpResponse:
    """One person: role, second factor, where they are signed in."""
    with open_cursor() as cursor:
        member = get_staff(cursor, number)
        sessions = list_sessions(cursor, member.id, present=session_of(request), at=utc_now())
        context = {
            "member": member,
            "role": role_label(member.role),
            "roles": roles(),
            "link_until": list_waiting_links(cursor, at=utc_now()).get(member.id),
            "sessions": [(session, agent_words(session.agent)) for session in sessions],
        }
    return show(request, "console/staff_member.html", context)


@require_POST
@act
def role(request: HttpRequest, number: int) -> HttpResponse:
    """Another role, from the next click."""
    with transaction() as cursor:
        member = set_role(cursor, number, request.POST.get("role", ""), at=utc_now(), actor=actor_of(request))
    messages.success(request, _("%(name)s is %(role)s from now on.") % {"name": member.name, "role": role_label(member.role)})
    return redirect("console:staff_member", number)


@require_POST
@act
def access(request: HttpRequest, number: int) -> HttpResponse:
    """Shuts out at once, or lets in again."""
    with transaction() as cursor:
        is_active = request.POST.get("is_active") == "on"
        member = set_active(cursor, number, is_active, at=utc_now(), actor=actor_of(request))
    text = (
        _("%(name)s may sign in again.") if is_active else _("%(name)s may not sign in any more, and is signed out everywhere.")
    )
    messages.success(request, text % {"name": member.name})
    return redirect("console:staff_member", number)


@never_cache
@require_POST
@act
def link(request: HttpRequest, number: int) -> HttpResponse:
    """A link by which the person chooses a new password, shown this once."""
    with transaction() as cursor:
        member = get_staff(cursor, number)
        token = create_link(cursor, number, at=utc_now(), actor=actor_of(request))
    return _show_link(request, member, token)


@require_POST
@act
def second_factor(request: HttpRequest, number: int) -> HttpResponse:
    """Takes the second factor away, for who lost the telephone."""
    with transaction() as cursor:
        member = get_staff(cursor, number)
        turn_off(cursor, number, at=utc_now(), actor=actor_of(request))
    messages.success(request, _("%(name)s signs in with the password only, and can set it up again.") % {"name": member.name})
    return redirect("console:staff_member", number)


@require_POST
@act
def second_factor_policy(request: HttpRequest) -> HttpResponse:
    """Which roles need a second factor."""
    with transaction() as cursor:
        set_second_factor_roles(cursor, request.POST.getlist("roles"), at=utc_now(), actor=actor_of(request))
    messages.success(request, _("Saved. Who needs one and has none sets it up at the next click."))
    return redirect("console:staff")


def roles() -> list[tuple[str, str, str]]:
    """Every role with its name and what it is for."""
    return [(one.value, role_label(one), role_sentence(one)) for one in Role]


def _invite(request: HttpRequest) -> HttpResponse:
    with transaction() as cursor:
        member, token = _create(cursor, request)
    return _show_link(request, member, token)


def _create(cursor: Cursor, request: HttpRequest) -> tuple[StaffMember, str]:
    at, actor = utc_now(), actor_of(request)
    member = create_staff(
        cursor,
        email=request.POST.get("email", ""),
        name=request.POST.get("name", ""),
        role=request.POST.get("role", ""),
        password=None,
        at=at,
        actor=actor,
    )
    return member, create_link(cursor, member.id, at=at, actor=actor)


def _show_link(request: HttpRequest, member: StaffMember, token: str) -> HttpResponse:
    address = request.build_absolute_uri(reverse("console:welcome", args=[token]))
    return show(request, "console/link.html", {"member": member, "address": address})
