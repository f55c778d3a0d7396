"""Putting a customer's balance right, with a reason."""

from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from stamgast.console.pages import LONGEST_REASON, actor_of, page, show
from stamgast.console.views.customers import profile_name
from stamgast.console.views.pools import wrong_in
from stamgast.console.views.statements import midnight_of
from stamgast.console.words import currency_label, refusal_sentence
from stamgast.customers.erasure.queries import find_erasure_of
from stamgast.customers.queries import get_profile
from stamgast.flows.act import list_currencies
from stamgast.flows.adjust import adjust as adjust_balance
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.kit.errors import Kind, StamgastError
from stamgast.kit.ids import new_id
from stamgast.ledger.queries import get_balances


@page
@require_http_methods(["GET", "POST"])
def adjust(request: HttpRequest, reference: str) -> HttpResponse:
    """What a customer has, and the form; a form that was sent does its act once, and what is refused is said beside it."""
    problem = ""
    if request.method == "POST":
        problem = _wrong_in(request)
        try:
            if not problem:
                _act(request, reference)
        except StamgastError as error:
            if error.kind is Kind.NOT_FOUND:
                raise
            problem = refusal_sentence(error)
        else:
            if not problem:
                messages.success(request, _("Done. It stands on the statement, with its reason."))
                return redirect("console:adjust", reference)
    with open_cursor() as cursor:
        profile = get_profile(cursor, reference)
        customer = profile.customer.id
        balances = get_balances(cursor, customer)
        currencies = list_currencies(cursor, at=utc_now())
        erased = find_erasure_of(cursor, customer)
    context = {
        "customer_id": customer,
        "name": profile_name(profile),
        "is_erased": erased is not None,
        "balances": [(currency_label(one.currency), one) for one in balances],
        "currencies": [(name, currency_label(name)) for name in currencies],
        "problem": problem,
        "typed": request.POST if problem else {},
        "key": new_id(),
    }
    return show(request, "console/adjust.html", context, status=422 if problem else 200)


def _act(request: HttpRequest, reference: str) -> None:
    amount = int(request.POST["amount"].strip())
    is_taken = request.POST.get("what") == "take"
    adjust_balance(
        reference,
        currency=request.POST.get("currency", ""),
        amount=-amount if is_taken else amount,
        expires_at=None if is_taken else _expiry(request),
        reason=request.POST["reason"].strip()[:LONGEST_REASON],
        key=f"console {request.POST.get('key', '')[:100]}",
        at=utc_now(),
        actor=actor_of(request),
    )


def _wrong_in(request: HttpRequest) -> str:
    """What is wrong with the form as it was typed; empty where nothing is."""
    if problem := wrong_in(request):
        return problem
    last_day, expires_at = request.POST.get("last_day", "").strip(), _expiry(request)
    if last_day and (expires_at is None or expires_at <= utc_now()):
        return _("The last day lies in the past. Choose a later one, or none.")
    return ""


def _expiry(request: HttpRequest) -> datetime | None:
    """The midnight that ends the last day; None where nothing was chosen."""
    first = midnight_of(request.POST.get("last_day", "").strip())
    return first + timedelta(days=1) if first else None
