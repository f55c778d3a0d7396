"""The rules of who is one customer: limits, blocked values and shared sources, weighed before they are kept."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from stamgast.activities.queries import list_sources
from stamgast.console.pages import actor_of, page, show, start_of_today
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.words import customer_name, identifier_label
from stamgast.customers import rules
from stamgast.customers.errors import InvalidIdentityRules
from stamgast.customers.identity import find_unapplied, get_identity_rules, get_swallowers, list_versions
from stamgast.customers.partition import Cost
from stamgast.customers.queries import customers_of, summarise_customers
from stamgast.customers.ruleset import read_rules, write_rules
from stamgast.flows.apply_identity_rules import put_in_force, weigh_rules
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor
from stamgast.kit.errors import StamgastError

KINDS = ("user_id", "card_number", "loyalty_id", "email", "phone", "anonymous_id")
VERSIONS = 10


@page
@require_http_methods(["GET", "POST"])
def identity_rules(request: HttpRequest) -> HttpResponse:
    """Shows the rules; sent, it says what they would do, or keeps them."""
    problem, cost = "", None
    with open_cursor() as cursor:
        document: dict[str, Any] = write_rules(get_identity_rules(cursor))
    if request.method == "POST":
        try:
            document = _read_form(request.POST, document)
            if request.POST.get("act") == "keep":
                put_in_force(document, reason=request.POST.get("reason", ""), at=utc_now(), actor=actor_of(request))
                messages.success(request, _("Kept. They hold for what comes in; the customers of before follow in a moment."))
                return redirect("console:identity_rules")
            with open_cursor() as cursor:
                cost = _told(cursor, weigh_rules(cursor, read_rules(document)))
        except StamgastError as error:
            problem = refusal_sentence(error)
    with open_cursor() as cursor:
        context = {
            "kinds": _kinds(document),
            "sources": [
                (row.source.name, row.source.name in document["shared_sources"])
                for row in list_sources(cursor, since=start_of_today())
            ],
            "alarm_above": document["alarm_above"],
            "versions": list_versions(cursor, limit=VERSIONS),
            "is_following": find_unapplied(cursor) is not None,
        }
    context |= {"cost": cost, "problem": problem, "reason": request.POST.get("reason", "")}
    return show(request, "console/identity_rules.html", context, status=422 if problem else 200)


@page
@require_GET
def swallowers(request: HttpRequest) -> HttpResponse:
    """Who holds suspiciously many identifiers, as a part of the page: the worker counts them from time to time."""
    with open_cursor() as cursor:
        found = get_swallowers(cursor)
        context = {"found": found, "swallowers": _named(cursor, dict(found.largest)) if found else []}
    return render(request, "console/parts/swallowers.html", context)


def _kinds(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    known = dict.fromkeys([*KINDS, *document["limits"], *document["priorities"], *document["blocked"]])
    return [
        {
            "kind": kind,
            "label": identifier_label(kind),
            "limit": document["limits"].get(kind, ""),
            "priority": document["priorities"].get(kind, ""),
            "usual": rules.priority_of(kind),
            "blocked": "\n".join(document["blocked"].get(kind, [])),
        }
        for kind in known
    ]


def _read_form(sent: QueryDict, before: Mapping[str, Any]) -> dict[str, Any]:
    kinds = [one["kind"] for one in _kinds(before)]
    limits = {kind: _number(sent.get(f"limit {kind}", "")) for kind in kinds}
    priorities = {kind: _number(sent.get(f"priority {kind}", "")) for kind in kinds}
    blocked = {kind: [line.strip() for line in sent.get(f"blocked {kind}", "").splitlines() if line.strip()] for kind in kinds}
    document = {
        "limits": {kind: number for kind, number in limits.items() if number is not None},
        "priorities": {kind: number for kind, number in priorities.items() if number is not None},
        "blocked": {kind: values for kind, values in blocked.items() if values},
        "shared_sources": sent.getlist("shared"),
        "alarm_above": _number(sent.get("alarm_above", "")),
    }
    return write_rules(read_rules(document))


def _number(text: str) -> int | None:
    try:
        return int(text) if text.strip() else None
    except ValueError:
        raise InvalidIdentityRules(_("“%(text)s” is not a whole number.") % {"text": text[:20]}) from None


def _told(cursor: Cursor, cost: Cost) -> dict[str, Any]:
    owners = customers_of(cursor, [one.example for one in cost.largest])
    named = {row["id"]: row["name"] for row in _named(cursor, dict.fromkeys(owners.values(), 0))}
    largest = [(owners.get(one.example), named.get(owners.get(one.example)), one) for one in cost.largest]
    return {"cost": cost, "largest": largest, "is_nothing": not cost.groups}


def _named(cursor: Cursor, customers: Mapping[Any, int]) -> list[dict[str, Any]]:
    return [
        {"id": row.id, "name": customer_name(row.name, row.email, row.identifier), "count": customers[row.id]}
        for row in summarise_customers(cursor, list(customers))
    ]
