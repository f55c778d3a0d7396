"""What a person does with points of a customer at a partner or for a charity, for who asks staff to."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from stamgast.books.queries import list_active
from stamgast.books.types import PartnerKind
from stamgast.console.act_forms import problem_of, say_done, wrong_in
from stamgast.console.pages import actor_of, page, show
from stamgast.console.views.customers import profile_name
from stamgast.console.words import currency_label
from stamgast.customers.erasure.queries import find_erasure_of
from stamgast.customers.queries import get_profile
from stamgast.customers.reasons import required_reason
from stamgast.flows.act import list_currencies, list_spendable
from stamgast.flows.adjust import issue as issue_points
from stamgast.flows.partners import WithPartner, act_by_hand
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.kit.ids import new_id
from stamgast.ledger.acts import Donate, Issue, Redeem
from stamgast.ledger.queries import list_available


@page
@require_http_methods(["GET", "POST"])
def donate(request: HttpRequest, reference: str) -> HttpResponse:
    """Giving points of a customer to a charity."""
    words = {
        "title": _("Give points of %(name)s to a charity"),
        "lead": _("When the customer asks you to. It stands on the statement with your name."),
        "verb": _("Donate"),
        "none": _("The programme in force has no currency that can be spent, so there is nothing to give."),
    }
    return _page(request, reference, Donate, words)


@page
@require_http_methods(["GET", "POST"])
def redeem(request: HttpRequest, reference: str) -> HttpResponse:
    """Using points of a customer up at a partner, who is owed for them."""
    words = {
        "title": _("Use points of %(name)s at a partner"),
        "lead": _("When the partner could not send it by itself. You owe the partner for it, and it stands on the statement."),
        "verb": _("Redeem"),
        "none": _("The programme in force has no currency that can be spent, so there is nothing to use."),
    }
    return _page(request, reference, Redeem, words)


@page
@require_http_methods(["GET", "POST"])
def issue(request: HttpRequest, reference: str) -> HttpResponse:
    """Giving a customer points on behalf of a partner, who owes for them."""
    words = {
        "title": _("Give %(name)s points of a partner"),
        "lead": _("When the partner could not send it by itself. The partner owes you for it, and it stands on the statement."),
        "verb": _("Issue"),
        "none": _("No programme is in force, so there is nothing to give."),
    }
    return _page(request, reference, Issue, words)


def _page(request: HttpRequest, reference: str, kind: type[WithPartner], words: Mapping[str, str]) -> HttpResponse:
    """What a customer has, and the form; one that was sent is done once, and what is refused is said beside it."""
    with open_cursor() as cursor:
        profile = get_profile(cursor, reference)
    problem = ""
    if request.method == "POST":
        problem = problem_of(wrong_in(request), lambda: _act(request, reference, kind))
        if not problem:
            return redirect("console:statement", reference)
    customer, name = profile.customer.id, profile_name(profile)
    with open_cursor() as cursor:
        available = list_available(cursor, [customer]).get(customer, {})
        currencies = (list_currencies if kind is Issue else list_spendable)(cursor, at=utc_now())
        partners = list_active(cursor, PartnerKind.CHARITY if kind is Donate else PartnerKind.PARTNER)
        erased = find_erasure_of(cursor, customer)
    context = {
        **words,
        "title": words["title"] % {"name": name},
        "customer_id": customer,
        "name": name,
        "is_charity": kind is Donate,
        "is_erased": erased is not None,
        "currencies": [(name, currency_label(name), available.get(name, 0)) for name in currencies],
        "partners": partners,
        "problem": problem,
        "typed": request.POST if problem else {},
        "key": new_id(),
    }
    return show(request, "console/partner_act.html", context, status=422 if problem else 200)


def _act(request: HttpRequest, reference: str, kind: type[WithPartner]) -> None:
    at, actor = utc_now(), actor_of(request)
    said: dict[str, Any] = {
        "key": f"console {request.POST.get('key', '')[:100]}",
        "reason": required_reason(request.POST["reason"]),
        "occurred_at": at,
        "currency": request.POST.get("currency", ""),
        "amount": int(request.POST["amount"].strip()),
        "charity" if kind is Donate else "partner": request.POST.get("partner", ""),
    }
    if kind is Issue:
        answer = issue_points(
            reference, lambda owner, anchor: Issue(owner_id=owner, anchor_id=anchor, **said), at=at, actor=actor
        )
    else:
        answer = act_by_hand(
            reference, lambda owner, anchor: kind(owner_id=owner, anchor_id=anchor, **said), at=at, actor=actor
        )
    say_done(request, answer)
