"""The routes of ``/v1``: each calls a flow or a query and gives its shape. Nothing is decided here."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import get_language_from_request
from ninja import Query

from stamgast.api import (
    acts,
    adjustments,
    consents,
    duplicates,
    erasures,
    identity,
    ledger,
    measures,
    partners,
    pools,
    problems,
    profiles,
    programmes,
    shapes,
    traits,
)
from stamgast.api.description import DescribedApi
from stamgast.api.keys import Keyed, region
from stamgast.api.words import shape_activity, shape_movement
from stamgast.conditions import CUSTOMER_FIELDS, parse
from stamgast.customers.queries import get_customer
from stamgast.customers.queries import list_customers as read_customers
from stamgast.flows.explain_movement import explain_movement
from stamgast.kit.database import open_cursor
from stamgast.ledger.queries import get_movement
from stamgast.ledger.queries import list_movements as read_movements
from stamgast.programmes.types import RuleOutcome
from stamgast.segments.queries import count_members, get_segment
from stamgast.segments.queries import list_members as read_members
from stamgast.segments.queries import list_segments as read_segments
from stamgast.segments.types import Segment

api = DescribedApi(
    title="Stamgast", version="1", urls_namespace="api", docs_url=None, openapi_url="/openapi.json", auth=Keyed()
)
problems.register(api)
pools.register(api)
identity.register(api)
duplicates.register(api)
consents.register(api)
profiles.register(api)
traits.register(api)
erasures.register(api)
measures.register(api)
programmes.register(api)
acts.register(api)
adjustments.register(api)
partners.register(api)


@api.get("/customers", response=shapes.CustomerPage, summary="List or search customers")
def list_customers(request: HttpRequest, paging: Query[shapes.Paging], search: str = "") -> dict[str, Any]:
    """Customers, last seen first. ``search`` is the beginning of an identifier, a name or an e-mail address."""
    with open_cursor() as cursor:
        page = read_customers(cursor, search=search, region=region(), after=paging.cursor, limit=paging.limit)
    return {"data": page.rows, "next_cursor": page.next_cursor}


@api.get(
    "/customers/{path:reference}/movements",
    response=shapes.MovementPage,
    summary="The movements of one customer",
)
def list_customer_movements(request: HttpRequest, reference: str, paging: Query[shapes.Paging]) -> dict[str, Any]:
    """Every movement of a customer, the latest first."""
    with open_cursor() as cursor:
        customer = get_customer(cursor, reference, region=region())
        page = read_movements(cursor, customer.id, after=paging.cursor, limit=paging.limit)
    return {"data": [shape_movement(row) for row in page.rows], "next_cursor": page.next_cursor}


ledger.register(api)
profiles.register_last(api)


@api.get("/movements/{movement_id}", response=shapes.MovementShape, summary="One movement")
def read_movement(request: HttpRequest, movement_id: UUID) -> dict[str, Any]:
    """One immutable ledger row."""
    with open_cursor() as cursor:
        return shape_movement(get_movement(cursor, movement_id))


@api.get(
    "/movements/{movement_id}/explanation",
    response=shapes.ExplanationShape,
    summary="Why a movement was posted",
)
def explain_one_movement(request: HttpRequest, movement_id: UUID) -> dict[str, Any]:
    """The activity, each rule with its arithmetic or with what failed, and the version. Sentences follow Accept-Language."""
    with open_cursor() as cursor:
        found = explain_movement(cursor, movement_id, language=get_language_from_request(request))
    explanation = found.explanation
    return {
        "movement": shape_movement(found.movement),
        "sentence": found.sentence,
        "programme": explanation.programme if explanation else None,
        "programme_version": explanation.version if explanation else None,
        "activity": shape_activity(found.activity) if found.activity else None,
        "rules": [_outcome(outcome) for outcome in explanation.outcomes] if explanation else [],
    }


@api.get("/segments", response=shapes.SegmentList, summary="All segments")
def list_segments(request: HttpRequest) -> dict[str, Any]:
    """Every segment with its condition and the number of its members."""
    with open_cursor() as cursor:
        language = get_language_from_request(request)
        return {"data": [_segment(segment, count_members(cursor, segment), language) for segment in read_segments(cursor)]}


@api.get("/segments/{name}", response=shapes.SegmentShape, summary="One segment")
def read_segment(request: HttpRequest, name: str) -> dict[str, Any]:
    """The segment of this name or slug."""
    with open_cursor() as cursor:
        segment = get_segment(cursor, name)
        return _segment(segment, count_members(cursor, segment), get_language_from_request(request))


@api.get("/segments/{name}/members", response=shapes.MemberPage, summary="Who is in a segment")
def list_members(request: HttpRequest, name: str, paging: Query[shapes.Paging]) -> dict[str, Any]:
    """The members of the segment of this name or slug, longest first."""
    with open_cursor() as cursor:
        page = read_members(cursor, get_segment(cursor, name), after=paging.cursor, limit=paging.limit)
    return {"data": page.rows, "next_cursor": page.next_cursor}


def _outcome(outcome: RuleOutcome) -> dict[str, Any]:
    return {
        "rule": outcome.rule,
        "currency": outcome.currency,
        "applied": outcome.is_applied,
        "amount": outcome.amount,
        "arithmetic": outcome.arithmetic,
        "condition": outcome.condition,
        "failures": list(outcome.failures),
        "more": outcome.more,
        "available_at": outcome.available_at,
        "expires_at": outcome.expires_at,
    }


def _segment(segment: Segment, members: int, language: str) -> dict[str, Any]:
    sentence = parse(segment.condition, CUSTOMER_FIELDS).sentence(language)
    return {
        "name": segment.name,
        "slug": segment.slug,
        "condition": segment.condition,
        "sentence": sentence,
        "members": members,
    }
