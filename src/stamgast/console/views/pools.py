"""What a household has together: its balances, what moved and by whom, and giving to it, spending from it, moving out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from stamgast.console.act_forms import problem_of, wrong_in
from stamgast.console.ledger_words import person_of
from stamgast.console.pages import LONGEST_REASON, actor_of, page, show
from stamgast.console.words import currency_label, customer_name, movement_word
from stamgast.customers.errors import NotInHousehold
from stamgast.customers.queries import summarise_customers
from stamgast.flows.act import list_spendable
from stamgast.flows.pool import Asked, Pool, give_to_pool, list_who_of, read_pool, spend_from_pool, take_from_pool
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor
from stamgast.kit.ids import new_id
from stamgast.ledger.acts import Outcome
from stamgast.ledger.queries import get_balances, list_movements
from stamgast.ledger.types import Movement

ROWS = 50


@dataclass(frozen=True, slots=True)
class PoolCard:
    """The pool of the household in which a customer lives, for their profile."""

    household: str
    balances: list[tuple[str, int]]


@page
@require_http_methods(["GET", "POST"])
def pool(request: HttpRequest, household: str) -> HttpResponse:
    """The pool; a form that was sent does its act once, and what is refused is said beside it."""
    problem = ""
    if request.method == "POST":
        problem = problem_of(wrong_in(request), lambda: _act(request, household))
        if not problem:
            messages.success(request, _("Done. It stands below, with its reason."))
            return redirect("console:pool", household)
    with open_cursor() as cursor:
        found = read_pool(cursor, household)
        moved = list_movements(cursor, found.id, after=request.GET.get("after") or None, limit=ROWS)
        who = list_who_of(cursor, moved.rows)
        names = _names(cursor, {*who.values(), *(one.customer_id for one in found.stays)})
        currencies = list_spendable(cursor, at=utc_now())
    context = {
        "household": household,
        "balances": [(currency_label(one.currency, one.available), one) for one in found.balances if one.available],
        "members": _members(found, names),
        "currencies": [(name, currency_label(name)) for name in currencies],
        "rows": _lines(moved.rows, who, names),
        "next": moved.next_cursor,
        "problem": problem,
        "typed": request.POST if problem else {},
        "key": new_id(),
    }
    return show(request, "console/pool.html", context, status=422 if problem else 200)


def pool_card(cursor: Cursor, household: str) -> PoolCard:
    """What the household of a customer has together."""
    balances = read_pool(cursor, household).balances
    return PoolCard(
        household, [(currency_label(one.currency, one.available), one.available) for one in balances if one.available]
    )


def _act(request: HttpRequest, household: str) -> Outcome:
    """Does what the form asks. Raises what the pool refuses, and NotInHousehold for a member of another household."""
    currency, member = request.POST.get("currency", ""), request.POST.get("member", "")
    amount, reason = int(request.POST["amount"].strip()), request.POST["reason"].strip()[:LONGEST_REASON]
    with open_cursor() as cursor:
        here = {str(one.customer_id) for one in read_pool(cursor, household).stays if one.ended_at is None}
    asked = Asked(f"console {request.POST.get('key', '')[:100]}", reason, utc_now(), actor_of(request))
    what = request.POST.get("what")
    if what == "take":
        return take_from_pool(household, member, currency=currency, amount=amount, asked=asked)
    if member not in here:
        raise NotInHousehold("Only who lives in the household now gives to its pool and spends from it.")
    act = spend_from_pool if what == "spend" else give_to_pool
    return act(member, currency=currency, amount=amount, asked=asked)


def _lines(movements: Sequence[Movement], who: Mapping[UUID, UUID], names: Mapping[UUID, str]) -> list[dict[str, Any]]:
    """One line for what an act, or the clock, did at one moment, over however many lots it went."""
    lines: dict[object, dict[str, Any]] = {}
    for row in movements:
        person = who.get(row.act_id) if row.act_id else None
        line = lines.setdefault(
            (row.effective_at, row.act_id, row.kind, row.currency),
            {
                "movement": row,
                "amount": 0,
                "word": movement_word(row),
                "who": person,
                "name": names.get(person, "") if person else "",
                "is_act": row.act_id is not None,
                "actor": person_of(row.actor),
            },
        )
        line["amount"] += row.delta
        line["currency"] = currency_label(row.currency, line["amount"])
    return list(lines.values())


def _names(cursor: Cursor, customers: set[UUID]) -> dict[UUID, str]:
    rows = summarise_customers(cursor, list(customers)) if customers else []
    return {row.id: customer_name(row.name, row.email, row.identifier) for row in rows}


def _members(found: Pool, names: dict[UUID, str]) -> list[dict[str, Any]]:
    """Who is or was in it, each once, those who are first; with what they have themselves."""
    members: dict[UUID, dict[str, Any]] = {}
    for one in found.stays:
        members.setdefault(one.customer_id, {"id": one.customer_id, "name": names.get(one.customer_id, ""), "stay": one})
    with open_cursor() as cursor:
        for key, member in members.items():
            member["balances"] = [
                (currency_label(one.currency, one.available), one.available)
                for one in get_balances(cursor, key)
                if one.available
            ]
    return list(members.values())
