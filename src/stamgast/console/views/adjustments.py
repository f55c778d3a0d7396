"""Putting a balance right; what waits for a second person, what became of it, and the limits above which it waits."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.access.queries import list_names
from stamgast.console.act_forms import is_number, problem_of, say_done, wrong_in
from stamgast.console.ledger_words import person_of
from stamgast.console.pages import LONGEST_REASON, act, actor_of, page, role_of, safe_target, show
from stamgast.console.permissions import may
from stamgast.console.views.customers import profile_name
from stamgast.console.views.ledger import tabs
from stamgast.console.views.statements import midnight_of
from stamgast.console.words import currency_label, customer_name
from stamgast.customers.erasure.queries import find_erasure_of
from stamgast.customers.queries import get_profile, summarise_customers
from stamgast.customers.reasons import required_reason
from stamgast.flows.act import list_currencies
from stamgast.flows.adjust import adjust as adjust_balance
from stamgast.flows.adjust import approve_adjustment, owners_of, refuse_adjustment
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.kit.ids import new_id
from stamgast.ledger.adjusting import (
    BY_ERASURE,
    Proposal,
    ProposalState,
    count_waiting,
    list_decided,
    list_limits,
    list_proposals_of,
    list_waiting,
    set_limit,
)
from stamgast.ledger.errors import InvalidLimit
from stamgast.ledger.queries import get_balances

ROWS = 50


@page
@require_http_methods(["GET", "POST"])
def adjust(request: HttpRequest, reference: str) -> HttpResponse:
    """What a customer has, what waits, and the form; a form that was sent does its act once, and what is refused is said beside
    it."""
    problem = ""
    if request.method == "POST":
        problem = problem_of(_wrong_in(request), lambda: _act(request, reference))
        if not problem:
            return redirect("console:adjust", reference)
    with open_cursor() as cursor:
        profile = get_profile(cursor, reference)
        customer = profile.customer.id
        balances = get_balances(cursor, customer)
        currencies = list_currencies(cursor, at=utc_now())
        limits = list_limits(cursor)
        erased = find_erasure_of(cursor, customer)
        anchors = [one.id for one in profile.identifiers]
        mine = list_names(cursor, actor_of(request))
        proposals = list_proposals_of(cursor, customer, anchors, after=request.GET.get("after") or None, limit=ROWS)
    context = {
        "customer_id": customer,
        "name": profile_name(profile),
        "is_erased": erased is not None,
        "balances": [(currency_label(one.currency), one) for one in balances],
        "rows": [_row(request, one, mine) for one in proposals.rows],
        "next": proposals.next_cursor,
        "currencies": [(name, currency_label(name)) for name in currencies],
        "limits": [(currency_label(name), limits[name]) for name in currencies if name in limits],
        "problem": problem,
        "typed": request.POST if problem else {},
        "key": new_id(),
    }
    return show(request, "console/adjust.html", context, status=422 if problem else 200)


@page
@require_GET
def adjustments(request: HttpRequest) -> HttpResponse:
    """What waits for a second person, what waits longest first; what was decided, the last first; and the limits."""
    is_decided = request.GET.get("show") == "decided"
    with open_cursor() as cursor:
        read = list_decided if is_decided else list_waiting
        found = read(cursor, after=request.GET.get("after") or None, limit=ROWS)
        owners = owners_of(cursor, found.rows)
        names = _names(cursor, set(owners.values()))
        mine = list_names(cursor, actor_of(request))
        waiting = count_waiting(cursor)
        limits, currencies = list_limits(cursor), list_currencies(cursor, at=utc_now())
    context = {
        "tabs": tabs(request, "adjustments"),
        "rows": [_row(request, one, mine, owners[one.id], names) for one in found.rows],
        "next": found.next_cursor,
        "is_decided": is_decided,
        "waiting": waiting,
        "shows_customer": True,
        "limits": [(name, currency_label(name), limits.get(name)) for name in dict.fromkeys((*currencies, *limits))],
    }
    return show(request, "console/adjustments.html", context)


@act
@require_POST
def decide(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """Approves or refuses, and goes back to where that was asked."""
    said: dict[str, Any] = {
        "reason": request.POST.get("reason", "").strip()[:LONGEST_REASON],
        "at": utc_now(),
        "actor": actor_of(request),
    }
    if request.POST.get("answer") == "approve":
        approve_adjustment(proposal_id, **said)
        messages.success(request, _("Approved. It stands on the statement, with its reason."))
    else:
        refuse_adjustment(proposal_id, **said)
        messages.success(request, _("Refused. Nothing was added or taken."))
    return redirect(safe_target(request, request.POST.get("next"), reverse("console:adjustments")))


@act
@require_POST
def limit(request: HttpRequest) -> HttpResponse:
    """Sets the limit of a currency; left empty there is none. Says why."""
    typed = request.POST.get("limit", "").strip()
    if typed and not is_number(typed):
        raise InvalidLimit("A limit is a whole number, 0 or more, or none.")
    with open_cursor() as cursor:
        known = {*list_currencies(cursor, at=utc_now()), *list_limits(cursor)}
    currency = request.POST.get("currency", "")
    if currency not in known:
        raise InvalidLimit("The programme has no such currency.")
    with transaction() as cursor:
        amount = int(typed) if typed else None
        reason = required_reason(request.POST.get("reason", ""))
        set_limit(cursor, currency, amount, at=utc_now(), actor=actor_of(request), reason=reason)
    messages.success(request, _("Kept. It holds for what is asked from now on."))
    return redirect("console:adjustments")


def _row(
    request: HttpRequest, one: Proposal, mine: set[str], owner: UUID | None = None, names: Mapping[UUID, str] | None = None
) -> dict[str, Any]:
    is_waiting, may_decide = one.state is ProposalState.WAITING, may(role_of(request), "console:adjustment_decide", "POST")
    return {
        "proposal": one,
        "currency": currency_label(one.currency, one.amount),
        "owner": owner,
        "name": (names or {}).get(owner) if owner else None,
        "who": person_of(one.asked_by),
        "is_waiting": is_waiting,
        "is_approved": one.state is ProposalState.APPROVED,
        "decided_by": _("the erasure of the customer") if one.decided_by == BY_ERASURE else person_of(one.decided_by),
        "can_decide": is_waiting and may_decide,
        "is_own": one.asked_by in mine,
    }


def _act(request: HttpRequest, reference: str) -> None:
    amount = int(request.POST["amount"].strip())
    is_taken = request.POST.get("what") == "take"
    answer = adjust_balance(
        reference,
        currency=request.POST.get("currency", ""),
        amount=-amount if is_taken else amount,
        expires_at=None if is_taken else _expiry(request),
        reason=required_reason(request.POST.get("reason", "")),
        key=f"console {request.POST.get('key', '')[:100]}",
        at=utc_now(),
        actor=actor_of(request),
    )
    say_done(request, answer)


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


def _names(cursor: Cursor, customers: set[UUID]) -> dict[UUID, str]:
    rows = summarise_customers(cursor, list(customers)) if customers else []
    return {row.id: customer_name(row.name, row.email, row.identifier) for row in rows}
