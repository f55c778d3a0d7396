"""Who is one customer: how they became so, merging two, taking an identifier away, and taking either back."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.console import reader
from stamgast.console.pages import act, actor_of, page, show
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.views.customers import SCORE, profile_name
from stamgast.console.words import customer_name, identifier_label, segment_badge
from stamgast.customers.histories import get_judgement, list_judgements, list_links, list_sharers
from stamgast.customers.households import get_household, list_stays
from stamgast.customers.queries import get_profile, list_customers, summarise_customers
from stamgast.customers.types import JudgementRecord, LinkRecord
from stamgast.flows.merge_customers import Effect, merge_customers
from stamgast.flows.read_customer import CustomerView, read_customer
from stamgast.flows.set_household import set_household
from stamgast.flows.unmerge_customers import separate_identifier, withdraw_judgement
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.kit.errors import StamgastError

FOUND = 10
LINKS = 50
TO_SEE = "to see what would be"


@page
@require_GET
def links(request: HttpRequest, reference: str) -> HttpResponse:
    """How a customer became this one: identifiers, what people said, and every link with its beginning and end."""
    with open_cursor() as cursor:
        profile = get_profile(cursor, reference)
        key = profile.customer.id
        history = list_links(cursor, key, after=request.GET.get("after"), limit=LINKS)
        judgements = list_judgements(cursor, key)
        stays = list_stays(cursor, [key]).get(key, [])
        now = stays[-1] if stays and stays[-1].ended_at is None else None
        beside = [one.customer_id for one in get_household(cursor, now.household) if one.ended_at is None] if now else []
        sharers = list_sharers(cursor, key)
        others = {*beside, *(other for _shared, other in sharers)} - {key}
        names = {
            row.id: customer_name(row.name, row.email, row.identifier) for row in summarise_customers(cursor, list(others))
        }
    context = {
        "household": now,
        "stays": list(reversed(stays)),
        "together": [(other, names.get(other, "")) for other in dict.fromkeys(beside) if other != key],
        "sharers": [(identifier_label(one.kind), one.value, other, names.get(other, "")) for one, other in sharers],
        "customer_id": key,
        "name": profile_name(profile),
        "identifiers": [
            {
                "label": identifier_label(one.kind),
                "value": one.value,
                "text": f"{one.kind}:{one.value}",
                "since": one.linked_since,
            }
            for one in profile.identifiers
        ],
        "judgements": [_told(record) for record in judgements],
        "history": [_linked(row) for row in history.rows],
        "next": history.next_cursor,
    }
    return show(request, "console/links.html", context)


@page
@require_http_methods(["GET", "POST"])
def merge(request: HttpRequest, reference: str) -> HttpResponse:
    """Finds the other customer, shows both side by side and what they would be together, and makes them one."""
    search = request.GET.get("search", "").strip()[:100]
    other = request.POST.get("other") or request.GET.get("other", "")
    with open_cursor() as cursor:
        view = read_customer(cursor, reference)
        found = list_customers(cursor, search=search, limit=FOUND).rows if search else []
        second = read_customer(cursor, other) if other else None
    key = view.profile.customer.id
    context: dict[str, Any] = {"name": profile_name(view.profile), "customer_id": key, "search": search, "one": person(view)}
    context["found"] = [(row.id, customer_name(row.name, row.email, row.identifier), row) for row in found if row.id != key]
    if second is None:
        return show(request, "console/merge.html", context)
    context |= {"other": second.profile.customer.id, "two": person(second)}
    arguments = (str(key), str(second.profile.customer.id))
    return _do(
        request,
        "console/merge.html",
        context,
        lambda reason, is_trial: merge_customers(
            *arguments, reason=reason, at=utc_now(), actor=actor_of(request), is_trial=is_trial
        ),
        _("They are one customer now. Score, segments and orders have followed."),
    )


@page
@require_http_methods(["GET", "POST"])
def separate(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows what taking an identifier away would make, and does it."""
    identifier = request.POST.get("identifier") or request.GET.get("identifier", "")
    with open_cursor() as cursor:
        profile = get_profile(cursor, reference)
    kind, _separator, value = identifier.partition(":")
    key = profile.customer.id
    context = {
        "customer_id": key,
        "name": profile_name(profile),
        "identifier": identifier,
        "title": _("Is %(value)s another person's?") % {"value": value},
        "lead": _("%(label)s %(value)s leaves %(name)s, and does not come back by itself, whatever comes in.")
        % {"label": identifier_label(kind), "value": value, "name": profile_name(profile)},
        "button": _("Separate"),
    }
    return _do(
        request,
        "console/judgement.html",
        context,
        lambda reason, is_trial: separate_identifier(
            str(key), identifier, reason=reason, at=utc_now(), actor=actor_of(request), is_trial=is_trial
        ),
        _("They are two customers now. Score, segments and orders have followed."),
    )


@page
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, judgement_id: UUID) -> HttpResponse:
    """Shows what taking a judgement back would make, and does it."""
    with open_cursor() as cursor:
        record = get_judgement(cursor, judgement_id)
        profile = get_profile(cursor, str(record.ours.customer_id))
    judgement = record.judgement
    if judgement.withdrawn_at is not None:
        return redirect("console:links", profile.customer.id)
    context = {
        "customer_id": profile.customer.id,
        "name": profile_name(profile),
        "title": _("Undo this merge?") if judgement.is_same else _("Undo this separation?"),
        "lead": _("It was said on %(day)s by %(who)s: “%(reason)s”. After undoing it is as if that had never been said.")
        % {"day": reader.day(judgement.made_at), "who": _who(judgement.actor), "reason": judgement.reason},
        "button": _("Undo"),
    }
    return _do(
        request,
        "console/judgement.html",
        context,
        lambda reason, is_trial: withdraw_judgement(
            judgement_id, reason=reason, at=utc_now(), actor=actor_of(request), is_trial=is_trial
        ),
        _("Undone. Score, segments and orders are as if it had never been said."),
    )


@require_POST
@act
def household(request: HttpRequest, reference: str) -> HttpResponse:
    """Says where a customer lives from now on; an empty field says: in no household that is known."""
    named = request.POST.get("household", "").strip()
    set_household(reference, named or None, reason=request.POST.get("reason", ""), at=utc_now(), actor=actor_of(request))
    messages.success(request, _("Kept."))
    return redirect("console:links", reference)


def _do(
    request: HttpRequest, template: str, context: dict[str, Any], act: Callable[[str, bool], Effect], done: str
) -> HttpResponse:
    """Acts when the form was sent, else says what would be; a refusal is said on the page, and nothing was changed."""
    reason = request.POST.get("reason", "").strip()
    problem, status = "", 200
    try:
        if request.method == "POST":
            effect = act(reason, False)
            messages.success(request, done)
            return redirect("console:links", effect.customers[0].profile.customer.id)
    except StamgastError as error:
        problem, status = refusal_sentence(error), 422
    effects: list[dict[str, Any]] = []
    refused = ""
    try:
        effects = [person(view) for view in act(TO_SEE, True).customers]
    except StamgastError as error:
        refused = refusal_sentence(error)
    context |= {"effects": effects, "refused": refused, "problem": problem, "reason": reason}
    return show(request, template, context, status=status)


def person(view: CustomerView) -> dict[str, Any]:
    """A customer in a column, and in one sentence."""
    score = next((balance.available for balance in view.balances if balance.currency == SCORE), 0)
    orders = view.orders
    spend = reader.money(orders.revenue_minor, orders.currency) if orders.currency else reader.number(0)
    loyal = [
        _("%(segment)s since %(day)s") % {"segment": segment_badge(one.slug, one.name), "day": reader.day(one.entered_at)}
        for one in view.memberships
    ]
    counted = ngettext("%(count)s order", "%(count)s orders", orders.count) % {"count": reader.number(orders.count)}
    return {
        "id": view.profile.customer.id,
        "name": profile_name(view.profile),
        "sentence": ", ".join([counted, _("score %(score)s") % {"score": reader.number(score)}, *loyal]) + ".",
        "facts": [
            (_("Score"), reader.number(score)),
            (_("Orders"), reader.number(orders.count)),
            (_("Spend"), spend),
            (_("First seen"), reader.day(view.first_seen)),
        ],
        "loyal": loyal,
        "identifiers": [(identifier_label(one.kind), one.value) for one in view.profile.identifiers],
    }


def _who(actor: str) -> str:
    return actor.partition(":")[2] or actor


def _told(record: JudgementRecord) -> dict[str, Any]:
    """A judgement in words, and what can be done about it."""
    judgement, theirs = record.judgement, record.theirs
    values = {"ours": record.ours.value, "label": identifier_label(theirs.kind), "value": theirs.value}
    said = (
        _("%(ours)s and %(label)s %(value)s are one person")
        if judgement.is_same
        else _("%(ours)s and %(label)s %(value)s are two people")
    )
    return {
        "id": judgement.id,
        "said": said % values,
        "judgement": judgement,
        "who": _who(judgement.actor),
        "withdrawn_who": _who(judgement.withdrawn_by),
        "is_in_force": record.is_in_force,
        "other": theirs.customer_id if theirs.customer_id != record.ours.customer_id else None,
    }


def _linked(row: LinkRecord) -> dict[str, Any]:
    words = {
        "first_seen": _("came in for the first time"),
        "joined": _("joined"),
        "separated": _("moved here when customers came apart"),
    }
    return {
        "label": identifier_label(row.kind),
        "value": row.value,
        "word": words.get(row.reason, row.reason),
        "row": row,
        "who": _who(row.judgement.actor if row.judgement else row.actor),
        "why": (row.judgement.withdrawn_reason or row.judgement.reason) if row.judgement else "",
    }
