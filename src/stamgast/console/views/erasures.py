"""What a person may ask, in the console: everything that is known of them as a file, and to be erased, with the receipt."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.console.pages import act, actor_of, page, show
from stamgast.console.views.customers import profile_name
from stamgast.console.words import removed_rows
from stamgast.customers.erasure.queries import find_erasure_of, get_erasure, list_erasures
from stamgast.customers.queries import get_profile
from stamgast.flows.erase import erase
from stamgast.flows.export_person import export_person
from stamgast.flows.lift_erasure import lift_erasure
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction

ROWS = 50


@page
@require_http_methods(["GET", "POST"])
def erasure(request: HttpRequest, reference: str) -> HttpResponse:
    """Asks for the customer's name, for it cannot be undone; then erases and shows the receipt."""
    with open_cursor() as cursor:
        profile = get_profile(cursor, reference)
        known = find_erasure_of(cursor, profile.customer.id)
    if known is not None:
        return redirect("console:erasure_receipt", known.id)
    name, typed = profile_name(profile), request.POST.get("confirmation", "").strip()
    if request.method == "POST" and typed == name:
        reason = request.POST.get("reason", "")
        receipt = erase(str(profile.customer.id), reason=reason, at=utc_now(), actor=actor_of(request))
        messages.success(request, _("Erased. This is the receipt; nothing on it says who it was."))
        return redirect("console:erasure_receipt", receipt.id)
    problem = _("That is not the name of this customer. Nothing was erased.") if request.method == "POST" else ""
    context = {
        "customer_id": profile.customer.id,
        "name": name,
        "typed": typed,
        "problem": problem,
        "reason": request.POST.get("reason", ""),
    }
    return show(request, "console/erase.html", context, status=422 if problem else 200)


@page
@require_GET
def erasures(request: HttpRequest) -> HttpResponse:
    """Every receipt, the latest first."""
    with open_cursor() as cursor:
        found = list_erasures(cursor, after=request.GET.get("after") or None, limit=ROWS)
    return show(request, "console/erasures.html", {"rows": found.rows, "next": found.next_cursor})


@page
@require_GET
def receipt(request: HttpRequest, erasure_id: UUID) -> HttpResponse:
    """One receipt."""
    with open_cursor() as cursor:
        found = get_erasure(cursor, erasure_id)
    return show(request, "console/erasure.html", {"erasure": found, "removed": removed_rows(found.removed)})


@require_POST
@act
def lift(request: HttpRequest, erasure_id: UUID) -> HttpResponse:
    """Lets the person come back; says why it cannot be yet where something of theirs is still on its way."""
    lift_erasure(erasure_id, reason=request.POST.get("reason", ""), at=utc_now(), actor=actor_of(request))
    messages.success(request, _("Lifted. Who comes in with the same identifiers is a new customer from now on."))
    return redirect("console:erasure_receipt", erasure_id)


@require_POST
@act
def export(request: HttpRequest, reference: str) -> HttpResponse:
    """Everything that is known, as a zip to give to the person. A POST, because it stands in the trail."""
    language = (get_language() or "en")[:2]
    with transaction() as cursor:
        customer, content = export_person(cursor, reference, at=utc_now(), actor=actor_of(request), language=language)
    answer = HttpResponse(content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="customer-{customer}.zip"'
    return answer
