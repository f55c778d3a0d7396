"""Giving points of a customer to a charity, for who asks staff to."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from stamgast.books.queries import list_charities
from stamgast.console.act_forms import problem_of, wrong_in
from stamgast.console.pages import actor_of, page, show
from stamgast.console.views.customers import profile_name
from stamgast.console.words import currency_label
from stamgast.customers.erasure.queries import find_erasure_of
from stamgast.customers.queries import get_profile
from stamgast.customers.reasons import required_reason
from stamgast.flows.act import list_spendable
from stamgast.flows.partners import donate_by_hand
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.kit.ids import new_id
from stamgast.ledger.acts import Donate
from stamgast.ledger.queries import list_available


@page
@require_http_methods(["GET", "POST"])
def donate(request: HttpRequest, reference: str) -> HttpResponse:
    """What a customer can give, and the form; one that was sent is done once, and what is refused is said beside it."""
    with open_cursor() as cursor:
        profile = get_profile(cursor, reference)
    problem = ""
    if request.method == "POST":
        problem = problem_of(wrong_in(request), lambda: _act(request, reference))
        if not problem:
            messages.success(request, _("Done. It stands on the statement, with its reason."))
            return redirect("console:statement", reference)
    customer = profile.customer.id
    with open_cursor() as cursor:
        available = list_available(cursor, [customer]).get(customer, {})
        currencies = list_spendable(cursor, at=utc_now())
        charities = list_charities(cursor)
        erased = find_erasure_of(cursor, customer)
    context = {
        "customer_id": customer,
        "name": profile_name(profile),
        "is_erased": erased is not None,
        "currencies": [(name, currency_label(name), available.get(name, 0)) for name in currencies],
        "charities": charities,
        "problem": problem,
        "typed": request.POST if problem else {},
        "key": new_id(),
    }
    return show(request, "console/donate.html", context, status=422 if problem else 200)


def _act(request: HttpRequest, reference: str) -> None:
    at = utc_now()

    def wanted(owner: UUID, anchor: UUID | None) -> Donate:
        return Donate(
            owner_id=owner,
            anchor_id=anchor,
            key=f"console {request.POST.get('key', '')[:100]}",
            reason=required_reason(request.POST["reason"]),
            occurred_at=at,
            currency=request.POST.get("currency", ""),
            amount=int(request.POST["amount"].strip()),
            charity=request.POST.get("charity", ""),
        )

    donate_by_hand(reference, wanted, at=at, actor=actor_of(request))
