"""The versions of the programme: what each changed, what two of them say differently, and taking one back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from stamgast.console.pages import LONGEST_REASON, act, actor_of, page, show
from stamgast.console.programme_words import differences
from stamgast.flows.publish import publish_one_before, withdraw_version
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.programmes.documents import load
from stamgast.programmes.drafts import needs_second_person, set_second_person
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.queries import get_programme, list_withdrawn
from stamgast.programmes.types import Version
from stamgast.programmes.versions import find_before, find_in_force, get_version

PAGE = 20


@page
@require_GET
def versions(request: HttpRequest) -> HttpResponse:
    """Every version, the newest first, some at a time; two that were asked for beside each other, in words."""
    with open_cursor() as cursor:
        known = get_programme(cursor)
        withdrawn = {one.version.version: one for one in list_withdrawn(cursor, known.name)}
        needs_second = needs_second_person(cursor)
    now, language = utc_now(), get_language() or "en"
    every = sorted([*known.versions, *(one.version for one in withdrawn.values())], key=lambda one: -one.version)
    until = request.GET.get("until", "")
    rest = [one for one in every if not until.isdecimal() or one.version < int(until)]
    in_force = find_in_force(known.versions, now)
    rows = []
    for one in rest[:PAGE]:
        before = find_before(known.versions, one)
        changed = differences(load(before.document), load(one.document), language) if before else []
        rows.append({"version": one, "withdrawn": withdrawn.get(one.version), "changed": changed})
    return show(
        request,
        "console/programme_versions.html",
        {
            "rows": rows,
            "next": rest[PAGE - 1].version if len(rest) > PAGE else None,
            "every": every,
            "in_force": in_force,
            "before": find_before(known.versions, in_force) if in_force else None,
            "now": now,
            "needs_second": needs_second,
            "compared": _compared(request, every, language),
        },
    )


@act
@require_POST
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Takes back what is scheduled."""
    withdraw_version(number, at=utc_now(), actor=actor_of(request), reason=_reason(request))
    messages.success(request, _("Version %(version)s is withdrawn. Nothing was decided by it.") % {"version": number})
    return redirect("console:programme_versions")


@act
@require_POST
def revert(request: HttpRequest, number: int) -> HttpResponse:
    """Puts what held before the version in force again."""
    version = publish_one_before(number, at=utc_now(), actor=actor_of(request), reason=_reason(request))
    text = _("Version %(version)s holds now: what held before version %(before)s.")
    messages.success(request, text % {"version": version.version, "before": number})
    return redirect("console:programme_versions")


@act
@require_POST
def second_person(request: HttpRequest) -> HttpResponse:
    """Asks for a second person who publishes, or no longer."""
    is_needed = request.POST.get("is_needed") == "on"
    with transaction() as cursor:
        set_second_person(
            cursor, is_needed, at=utc_now(), actor=actor_of(request), reason=request.POST.get("reason", "")[:LONGEST_REASON]
        )
    said = (
        _("From now on, whoever wrote in a draft does not publish it.") if is_needed else _("Everybody may publish their own.")
    )
    messages.success(request, said)
    return redirect("console:programme_versions")


def _reason(request: HttpRequest) -> str:
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    if not reason:
        raise InvalidProgramme(_("Say why, so that others understand it later. Nothing was changed."))
    return reason


def _compared(request: HttpRequest, every: list[Version], language: str) -> dict[str, object] | None:
    """Two versions beside each other."""
    first, second = request.GET.get("from", ""), request.GET.get("to", "")
    if not (first.isdecimal() and second.isdecimal() and len(first + second) < 12):
        return None
    oldest_first = list(reversed(every))
    before, after = get_version(oldest_first, int(first)), get_version(oldest_first, int(second))
    is_same = before.document == after.document
    said = [] if is_same else differences(load(before.document), load(after.document), language)
    return {"before": before, "after": after, "said": said}
