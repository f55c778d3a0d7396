"""Customers who are likely one person: the list, both side by side, what somebody decides, and taking it back."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from stamgast.access.operations import record
from stamgast.console import reader
from stamgast.console.duplicate_words import compare, reason_sentence
from stamgast.console.pages import act, actor_of, page, role_of, show
from stamgast.console.permissions import may
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.views.identity import person
from stamgast.console.words import customer_name
from stamgast.customers.queries import summarise_customers
from stamgast.duplicates.operations import want_search
from stamgast.duplicates.queries import (
    count_waiting,
    find_last_search,
    find_next,
    get_proposal,
    list_proposals,
    list_settled,
)
from stamgast.duplicates.types import WAITING, Proposal, Search, State
from stamgast.flows.decide_duplicate import accept_duplicate, postpone_duplicate, refuse_duplicate, reopen_duplicate
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.read_customer import read_customer
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.kit.errors import StamgastError

ROWS = 50
LONGEST_REASON = 500


@page
@require_http_methods(["GET", "POST"])
def duplicates(request: HttpRequest) -> HttpResponse:
    """The proposals that wait, the likeliest first; those laid aside; what was decided. Sent: asks for a search."""
    if request.method == "POST":
        return _ask_for_search(request)
    shown = request.GET.get("show", "")
    with open_cursor() as cursor:
        counts = count_waiting(cursor)
        search = find_last_search(cursor)
        found: list[Proposal]
        following = None
        if shown == "decided":
            found = list_settled(cursor, limit=ROWS)
        else:
            state = State.LATER if shown == "later" else State.OPEN
            paged = list_proposals(cursor, (state,), after=request.GET.get("after") or None, limit=ROWS)
            found, following = list(paged.rows), paged.next_cursor
        names = _names(cursor, found)
    context = {
        "rows": [
            {
                "proposal": one,
                "names": [names[key] for key in (one.one_id, one.other_id) if key in names],
                "why": reason_sentence(one.reasons),
                "who": one.settled_by.partition(":")[2] or one.settled_by,
                "is_accepted": one.state is State.ACCEPTED,
            }
            for one in found
            # One that was merged meanwhile has no name of its own any more; the next search closes it.
            if shown == "decided" or (one.one_id in names and one.other_id in names)
        ],
        "next": following,
        "shown": shown,
        "open": counts[State.OPEN],
        "later": counts[State.LATER],
        "search": search,
        "progress": _progress(search),
        "left_out": max((count for _key, count in search.left_out), default=0) if search else 0,
    }
    return show(request, "console/duplicates.html", context)


@page
@require_http_methods(["GET", "POST"])
def duplicate(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """Both customers side by side, what they would be as one, and the three answers."""
    with open_cursor() as cursor:
        proposal = get_proposal(cursor, proposal_id)
        views = [read_customer(cursor, str(key)) for key in (proposal.one_id, proposal.other_id)]
    problem = ""
    if request.method == "POST":
        try:
            return _answer(request, proposal)
        except StamgastError as error:
            problem = refusal_sentence(error)
    is_two = {view.profile.customer.id for view in views} == {proposal.one_id, proposal.other_id}
    effects, refused = [], ""
    can_decide = is_two and proposal.state in WAITING and may(role_of(request), "console:duplicate", "POST")
    if can_decide:
        try:
            trial = merge_customers(
                str(proposal.one_id),
                str(proposal.other_id),
                reason="to see what would be",
                at=utc_now(),
                actor=actor_of(request),
                is_trial=True,
            )
            effects = [person(view) for view in trial.customers]
        except StamgastError as error:
            refused = refusal_sentence(error)
    context = {
        "proposal": proposal,
        "why": reason_sentence(proposal.reasons),
        "people": [person(view) for view in views],
        "rows": compare(views[0].profile, views[1].profile),
        "effects": effects,
        "refused": refused,
        "problem": problem,
        "is_two": is_two,
        "is_waiting": proposal.state in WAITING,
        "is_later": proposal.state is State.LATER,
        "can_decide": can_decide,
        "reason": request.POST.get("reason", ""),
    }
    return show(request, "console/duplicate.html", context, status=409 if problem else 200)


@require_POST
@act
def undo(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """Takes a decision back, and shows the proposal again."""
    reopen_duplicate(proposal_id, reason=_("Taken back under Likely duplicates"), at=utc_now(), actor=actor_of(request))
    messages.success(request, _("Taken back. Score, segments and orders are as if it had never been said."))
    return redirect("console:duplicate", proposal_id)


def _answer(request: HttpRequest, proposal: Proposal) -> HttpResponse:
    """Does what was chosen and goes on to the next that waits."""
    said = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    by: dict[str, Any] = {"at": utc_now(), "actor": actor_of(request)}
    match request.POST.get("answer"):
        case "same":
            found = _("Likely duplicate, %(probability)s") % {"probability": _percent(proposal.probability)}
            accept_duplicate(proposal.id, reason=said or f"{found}: {reason_sentence(proposal.reasons)}", **by)
            messages.success(request, _("They are one customer now. You can take it back under Decided."))
        case "different":
            refuse_duplicate(proposal.id, reason=said or _("Two people, seen side by side"), **by)
            messages.success(request, _("They stay two, and are not proposed again. You can take it back under Decided."))
        case _other:
            if proposal.state is State.OPEN:
                postpone_duplicate(proposal.id, **by)
            messages.success(request, _("Laid aside. It waits under Later."))
    with open_cursor() as cursor:
        following = find_next(cursor, proposal)
    return redirect("console:duplicate", following.id) if following else redirect("console:duplicates")


def _ask_for_search(request: HttpRequest) -> HttpResponse:
    with transaction() as cursor:
        is_new = want_search(cursor, at=utc_now(), actor=actor_of(request))
        if is_new:
            record(cursor, actor_of(request), "look for duplicates", "duplicates", {}, utc_now())
    if is_new:
        messages.success(request, _("The worker begins in a moment. With many customers it takes some minutes."))
    else:
        messages.info(request, _("We are looking already."))
    return redirect("console:duplicates")


def _names(cursor: Cursor, proposals: Iterable[Proposal]) -> dict[UUID, str]:
    """What to call those that are customers still."""
    keys = list(dict.fromkeys(key for one in proposals for key in (one.one_id, one.other_id)))
    rows = summarise_customers(cursor, keys)
    return {row.id: customer_name(row.name, row.email, row.identifier) for row in rows if row.identifier}


def _progress(search: Search | None) -> str:
    if search is None or search.ended_at is not None:
        return ""
    if not search.parts:
        return _("We are about to look.")
    share = _percent(search.parts_done / search.parts)
    return _("We are looking: %(share)s done.") % {"share": share}


def _percent(share: float) -> str:
    return reader.percent(share, 0)
