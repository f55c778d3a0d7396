"""The routes of computed traits: the definitions, and the shape of one customer's values."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language_from_request
from ninja import NinjaAPI, Query, Schema

from stamgast.api.shapes import Paging
from stamgast.flows.compute_traits import definitions_of
from stamgast.kit.database import open_cursor
from stamgast.traits.definition import Definition
from stamgast.traits.queries import list_traits as read_traits
from stamgast.traits.types import Computed
from stamgast.traits.words import plain_value, say_definition


class TraitDefinitionShape(Schema):
    """A computed trait: its definition, and the same as a sentence. ``type`` is whole, money, number, text or moment.

    ``computed_at`` is as of when lists have the values of all customers; null until they were worked out.
    """

    name: str
    label: str
    type: str
    currency: str | None
    sentence: str
    definition: dict[str, Any]
    version: int
    saved_at: datetime
    computed_at: datetime | None


class TraitPage(Schema):
    """A page of definitions; ``next_cursor`` is null at the end."""

    data: list[TraitDefinitionShape]
    next_cursor: str | None


class ComputedTraitShape(Schema):
    """One value of a customer, computed now. Money and numbers are decimal text, a moment is in UTC, null is no value.

    ``activities`` is how many were counted, ``in_other_currencies`` how many of them had an amount that was left out.
    """

    name: str
    label: str
    type: str
    value: int | str | None
    currency: str | None
    sentence: str
    activities: int
    in_other_currencies: int


def register(api: NinjaAPI) -> None:
    """Adds the routes."""
    api.get("/traits", response=TraitPage, summary="The computed traits")(list_traits)


def list_traits(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Every definition by name. A customer's values come with the customer: ``include=computed_traits``."""
    shop, language = settings.CONFIGURATION, get_language_from_request(request)
    with open_cursor() as cursor:
        page = read_traits(cursor, after=paging.cursor, limit=paging.limit)
    definitions = definitions_of(page.rows, zone=shop.timezone, currency=shop.currency)
    return {
        "data": [
            _of(definition, language)
            | {
                "definition": trait.document,
                "version": trait.version,
                "saved_at": trait.saved_at,
                "computed_at": trait.computed_at,
            }
            for trait, definition in zip(page.rows, definitions, strict=True)
        ],
        "next_cursor": page.next_cursor,
    }


def shape_computed(definition: Definition, computed: Computed, language: str) -> dict[str, Any]:
    """A value as ``ComputedTraitShape``."""
    return _of(definition, language) | {
        "value": plain_value(definition, computed.value),
        "activities": len(computed.activities),
        "in_other_currencies": computed.in_other_currencies,
    }


def _of(definition: Definition, language: str) -> dict[str, Any]:
    return {
        "name": definition.name,
        "label": definition.label,
        "type": definition.shape,
        "currency": definition.currency,
        "sentence": say_definition(definition, language),
    }
