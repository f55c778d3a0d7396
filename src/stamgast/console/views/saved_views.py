"""Saved views of the list of customers: kept, opened, renamed, overwritten, shared, deleted, and one to begin with.

What concerns a shared view stands in the trail, in the transaction of the act. Own views are nobody else's business.
"""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from stamgast.access.errors import InvalidView, ViewExists
from stamgast.access.operations import change_view, delete_view, keep_view, set_start_view
from stamgast.access.saved_views import get_view, list_views
from stamgast.access.types import SavedView
from stamgast.console.customer_filters import Asked, read_asked
from stamgast.console.pages import act, actor_of, note, page, role_of, show, staff_of
from stamgast.console.permissions import may
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.views.customer_list import columns_there_are, traits_there_are
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.segments.queries import list_segments


@require_http_methods(["GET", "POST"])
def views(request: HttpRequest) -> HttpResponseBase:
    """Every view that the reader can open, each with what it shows; or one more of their own."""
    return _keep(request, is_shared=False) if request.method == "POST" else _show(request)


@page
def _show(request: HttpRequest) -> HttpResponseBase:
    with open_cursor() as cursor:
        found = list_views(cursor, staff_of(request))
        segments, traits = list_segments(cursor), traits_there_are(cursor)
        columns = columns_there_are(cursor, traits)
    rows = []
    for one in found:
        asked = read_asked(one.asked, segments, columns, traits)
        rows.append(
            {
                "view": one,
                "filters": [words for _name, words in asked.filters],
                "columns": [columns[name].label for name in asked.columns] if "columns" in asked.values else [],
                "gone": asked.gone,
                "may_change": not one.is_shared or _may_share(request),
            }
        )
    return show(request, "console/views.html", {"rows": rows, "has_start": any(one.is_start for one in found)})


@require_POST
def shared_views(request: HttpRequest) -> HttpResponseBase:
    """One more for everybody."""
    return _keep(request, is_shared=True)


@require_http_methods(["GET", "POST"])
def view(request: HttpRequest, view_id: UUID) -> HttpResponseBase:
    """Opens it, by its own address; or renames it or puts in its place what the list shows now."""
    return _change(request, view_id) if request.method == "POST" else _open(request, view_id)


@page
def _open(request: HttpRequest, view_id: UUID) -> HttpResponseBase:
    with open_cursor() as cursor:
        opened = get_view(cursor, view_id, staff=staff_of(request))
    return redirect(f"{reverse('console:customers')}?{urlencode({**opened.asked, 'view': str(view_id)})}")


@require_POST
@act
def share(request: HttpRequest, view_id: UUID) -> HttpResponseBase:
    """For everybody from now on; or, taken back, for who took it back alone."""
    is_shared = request.POST.get("act") != "take back"
    with transaction() as cursor:
        _changed(cursor, request, view_id, is_shared=is_shared)
        found = get_view(cursor, view_id, staff=staff_of(request))
        note(cursor, request, "share view" if is_shared else "take view back", f"view:{view_id}", **_told(found))
    messages.success(request, _("Everybody can open it now.") if is_shared else _("It is yours alone now."))
    return redirect("console:views")


@require_POST
@act
def start(request: HttpRequest, view_id: UUID) -> HttpResponseBase:
    """The reader's list begins with it, or no longer does."""
    is_off = request.POST.get("act") == "off"
    with transaction() as cursor:
        set_start_view(cursor, None if is_off else view_id, staff=staff_of(request))
    messages.success(
        request, _("Customers begins with everybody again.") if is_off else _("Customers begins with this view from now on.")
    )
    return redirect("console:views")


@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, view_id: UUID) -> HttpResponseBase:
    """Asks once, for it cannot be undone; then it is gone, for everybody where it was shared."""
    return _delete(request, view_id) if request.method == "POST" else _ask(request, view_id)


@page
def _ask(request: HttpRequest, view_id: UUID) -> HttpResponseBase:
    with open_cursor() as cursor:
        found = get_view(cursor, view_id, staff=staff_of(request))
    may_change = not found.is_shared or _may_share(request)
    return show(request, "console/delete_view.html", {"view": found, "may_change": may_change})


@act
def _change(request: HttpRequest, view_id: UUID) -> HttpResponseBase:
    with transaction() as cursor:
        if "name" in request.POST:
            before = _changed(cursor, request, view_id, name=request.POST["name"])
        else:
            before = _changed(cursor, request, view_id, asked=_asked(cursor, request).kept)
        after = get_view(cursor, view_id, staff=staff_of(request))
        if after.is_shared:
            note(cursor, request, "change shared view", f"view:{view_id}", **_told(after), before=_told(before))
    messages.success(request, _("“%(name)s” is kept as it is now.") % {"name": after.name})
    return redirect("console:views" if "name" in request.POST else reverse("console:view", args=[view_id]))


@act
def _delete(request: HttpRequest, view_id: UUID) -> HttpResponseBase:
    with transaction() as cursor:
        gone = delete_view(cursor, view_id, staff=staff_of(request), may_share=_may_share(request))
        if gone.is_shared:
            note(cursor, request, "delete shared view", f"view:{view_id}", **_told(gone))
    messages.success(request, _("“%(name)s” is deleted.") % {"name": gone.name})
    return redirect("console:views")


@page
def _keep(request: HttpRequest, *, is_shared: bool) -> HttpResponseBase:
    """Keeps what the list shows; what was typed is kept where the name cannot be used."""
    name = request.POST.get("name", "")
    with open_cursor() as cursor:
        asked = _asked(cursor, request)
    try:
        with transaction() as cursor:
            view_id = keep_view(
                cursor, name, asked.kept, staff=staff_of(request), is_shared=is_shared, at=utc_now(), actor=actor_of(request)
            )
            if is_shared:
                kept = get_view(cursor, view_id, staff=staff_of(request))
                note(cursor, request, "keep shared view", f"view:{view_id}", **_told(kept))
    except (InvalidView, ViewExists) as error:
        messages.error(request, refusal_sentence(error))
        return redirect(reverse("console:customers") + asked.query(keep=name))
    messages.success(request, _("The view is kept."))
    return redirect("console:view", view_id)


def _changed(cursor: Cursor, request: HttpRequest, view_id: UUID, **what: Any) -> SavedView:
    return change_view(
        cursor,
        view_id,
        staff=staff_of(request),
        may_share=_may_share(request),
        at=utc_now(),
        actor=actor_of(request),
        **what,
    )


def _asked(cursor: Cursor, request: HttpRequest) -> Asked:
    """What the list showed when the form was sent."""
    traits = traits_there_are(cursor)
    return read_asked(request.POST, list_segments(cursor), columns_there_are(cursor, traits), traits)


def _told(one: SavedView) -> dict[str, str]:
    return {"name": one.name, "asked": urlencode(one.asked)}


def _may_share(request: HttpRequest) -> bool:
    return may(role_of(request), "console:share_view", "POST")
