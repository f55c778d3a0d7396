"""Computed traits: the list, a form with a preview, versions, removing; and a customer's values with their why."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from statistics import median_low
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.activities.queries import list_kinds
from stamgast.console import reader
from stamgast.console.pages import LONGEST_REASON, act, actor_of, is_part, page, role_of, show, shows_people
from stamgast.console.permissions import may
from stamgast.console.trait_words import (
    aggregate_choices,
    counted_sentence,
    problem_sentence,
    shape_label,
    taking_choices,
    value_text,
)
from stamgast.console.words import customer_name, kind_label, with_kinds
from stamgast.customers.queries import get_customer, list_customers, summarise_customers
from stamgast.flows.compute_traits import compute_every_trait, compute_for_one, compute_for_some, definitions_of
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.kit.errors import StamgastError
from stamgast.traits.definition import Definition, read_definition
from stamgast.traits.errors import TraitNotFound
from stamgast.traits.forms import Fields, fields_of, read_fields, write_fields
from stamgast.traits.operations import remove_trait, save_trait
from stamgast.traits.queries import get_trait, list_traits, list_versions
from stamgast.traits.types import Computed, Shape, Trait, Value
from stamgast.traits.words import say_definition

ROWS = 50
SAMPLE = 200
EXAMPLES = 8
COUNTED = 10
COMMON = 5


@page
@require_GET
def traits(request: HttpRequest) -> HttpResponse:
    """All traits by name."""
    with open_cursor() as cursor:
        found = list_traits(cursor, after=request.GET.get("after") or None, limit=ROWS)
    context = {
        "rows": [
            {"trait": trait, "definition": one, "sentence": _sentence(one), "shape": shape_label(one.shape)}
            for trait, one in zip(found.rows, _definitions(found.rows), strict=True)
        ],
        "next": found.next_cursor,
    }
    return show(request, "console/traits.html", context)


@page
@require_http_methods(["GET", "POST"])
def new_trait(request: HttpRequest) -> HttpResponse:
    """A form for a new one."""
    return _form(request, None)


@page
@require_http_methods(["GET", "POST"])
def trait(request: HttpRequest, name: str) -> HttpResponse:
    """One trait, its form for who may change it, and its versions."""
    with open_cursor() as cursor:
        found = get_trait(cursor, name)
    return _form(request, found)


@require_POST
@act
def trait_remove(request: HttpRequest, name: str) -> HttpResponse:
    """Removes one."""
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    with transaction() as cursor:
        remove_trait(cursor, name, after=_number(request, "after"), at=utc_now(), actor=actor_of(request), reason=reason)
    messages.success(request, _("Removed. Its versions stay in the trail, and its name can be used again."))
    return redirect("console:traits")


@page
@require_GET
def customer_traits(request: HttpRequest, reference: str) -> HttpResponse:
    """The values of one customer now: a part of the profile, or a page of its own."""
    with open_cursor() as cursor:
        customer = get_customer(cursor, reference)
        found = _every(cursor, customer.id)
    rows = [
        {"definition": definition, "value": value_text(definition, computed.value), "has_value": computed.value is not None}
        for definition, computed in found
    ]
    context = {"traits": rows, "customer_id": customer.id}
    if is_part(request):
        return render(request, "console/parts/computed_traits.html", context)
    return show(request, "console/computed_traits.html", context)


@page
@require_GET
def trait_why(request: HttpRequest, reference: str, name: str) -> HttpResponse:
    """How one value of one customer was computed."""
    with open_cursor() as cursor:
        customer = get_customer(cursor, reference)
        found = get_trait(cursor, name)
        pair = next((pair for pair in _every(cursor, customer.id) if pair[0].name == found.name), None)
        if pair is None:
            raise TraitNotFound("This trait was removed before, or never was.")
    context = {"customer_id": customer.id, "computed": _computed(*pair)}
    if is_part(request):
        return render(request, "console/parts/trait_why.html", context)
    return show(request, "console/trait_why.html", context)


def _form(request: HttpRequest, known: Trait | None) -> HttpResponse:
    """Shows a form; sent, it computes a preview or saves."""
    may_save = may(role_of(request), "console:trait", "POST")
    sent = read_fields(known.document) if known else Fields(currency=settings.CONFIGURATION.currency)
    problem, preview, after = "", None, known.version if known else None
    reason, sample = request.POST.get("reason", "").strip()[:LONGEST_REASON], request.POST.get("customer", "").strip()
    if request.method == "POST":
        sent = fields_of(request.POST)
        after = _number(request, "after") if known else None
        try:
            sent = replace(sent, name=known.name if known else sent.name or _name_from(sent.label))
            definition = _read(write_fields(sent))
            if request.POST.get("act") == "save":
                with transaction() as cursor:
                    save_trait(cursor, definition, after=after, at=utc_now(), actor=actor_of(request), reason=reason)
                messages.success(request, _("Saved. Profiles show it at once, lists within a minute or so."))
                return redirect("console:trait", definition.name)
            preview = _preview(request, definition, sample)
        except StamgastError as error:
            problem = problem_sentence(error)
    context: dict[str, Any] = {"known": known, "fields": sent, "problem": problem, "preview": preview, "after": after}
    context |= {"reason": reason, "customer": sample, "may_save": may_save, "shows_people": shows_people(request)}
    context |= {"aggregates": aggregate_choices(), "takings": taking_choices()}
    with open_cursor() as cursor:
        context["kinds"] = [kind.name for kind in list_kinds(cursor)]
        if known is not None:
            (definition,) = _definitions([known])
            context |= {"label": definition.label, "sentence": _sentence(definition), "shape": shape_label(definition.shape)}
            context["versions"] = [
                {
                    "version": one,
                    "who": one.saved_by.removeprefix("staff:"),
                    "sentence": _sentence(_read(one.document)) if one.document else "",
                }
                for one in list_versions(cursor, known.name)
            ]
    return show(request, "console/trait.html", context, status=422 if problem else 200)


def _preview(request: HttpRequest, definition: Definition, reference: str) -> dict[str, Any]:
    """What it would give: for those who were seen last, and for the one customer who was named."""
    at, knows_people = utc_now(), shows_people(request)
    with open_cursor() as cursor:
        seen = [row.id for row in list_customers(cursor, limit=SAMPLE).rows]
        values = compute_for_some(cursor, seen, [definition], at=at)[definition.name]
        told: dict[str, Any] = {
            "sentence": _sentence(definition),
            "looked_at": len(seen),
            "with_value": sum(1 for one in seen if values.get(one, definition.nothing) not in (None, 0)),
            "spread": _spread(definition, [values.get(one, definition.nothing) for one in seen], knows_people),
        }
        if knows_people:
            shown = sorted((one for one in seen if one in values), key=seen.index)[:EXAMPLES]
            named = {row.id: customer_name(row.name, row.email, row.identifier) for row in summarise_customers(cursor, shown)}
            told["examples"] = [(one, named.get(one, ""), value_text(definition, values[one])) for one in shown]
            if reference:
                customer = get_customer(cursor, reference)
                (pair,) = compute_for_one(cursor, customer.id, [definition], at=at)
                told["one"] = _computed(*pair) | {"customer": customer.id}
    return told


def _spread(definition: Definition, values: Sequence[Value | None], knows_people: bool) -> list[tuple[str, str]]:
    """The values of a sample in a few words. A text may be personal, so who may not know people is told none."""
    known: list[Any] = [value for value in values if value is not None]
    if not known:
        return []
    if definition.shape is Shape.TEXT:
        if not knows_people:
            return [(_("different values"), reader.number(len(set(known))))]
        return [(value, reader.number(count)) for value, count in Counter(known).most_common(COMMON)]
    labels = [(min, _("lowest")), (median_low, _("in the middle")), (max, _("highest"))]
    return [(label, value_text(definition, take(known))) for take, label in labels]  # type: ignore[operator]


def _computed(definition: Definition, computed: Computed) -> dict[str, Any]:
    """A value with how it was computed, the last activities first."""
    counted, taking = computed.activities, definition.taking
    with_value = counted if taking is None else [row for row in counted if any(True for _value in taking.values(row))]
    rows = [
        {
            "kind": kind_label(row["kind"]),
            "source": row["source"],
            "at": row["occurred_at"],
            "amount": reader.money(row["amount_minor"], row["currency"])
            if row["amount_minor"] is not None and row["currency"]
            else "",
        }
        for row in reversed(with_value[-COUNTED:])
    ]
    return {
        "definition": definition,
        "value": value_text(definition, computed.value),
        "sentence": _sentence(definition),
        "counted": counted_sentence(len(counted), computed.used, computed.in_other_currencies, definition),
        "rows": rows,
        "is_cut": len(with_value) > COUNTED,
    }


def _every(cursor: Cursor, customer: UUID) -> list[tuple[Definition, Computed]]:
    shop = settings.CONFIGURATION
    return compute_every_trait(cursor, customer, zone=shop.timezone, currency=shop.currency, at=utc_now())


def _read(document: object) -> Definition:
    return read_definition(document, zone=settings.CONFIGURATION.timezone, currency=settings.CONFIGURATION.currency)


def _definitions(known: Collection[Trait]) -> list[Definition]:
    shop = settings.CONFIGURATION
    return definitions_of(list(known), zone=shop.timezone, currency=shop.currency)


def _sentence(definition: Definition) -> str:
    return with_kinds(say_definition(definition, get_language() or "en"))


def _name_from(label: str) -> str:
    """A name of the letters and digits of a label: ``Orders in 90 days`` is orders_in_90_days."""
    return re.sub(r"[^a-z0-9]+", "_", label.casefold()).strip("_")[:40].strip("_")


def _number(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() else -1
