"""The routes of ``/v1``: each calls a flow or a query and gives its shape. Nothing is decided here."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import get_language_from_request
from ninja import NinjaAPI, Query

from stamgast.activities.types import Activity
from stamgast.api import consents, identity, problems, shapes
from stamgast.api.keys import Keyed, region
from stamgast.conditions import CUSTOMER_FIELDS, parse
from stamgast.customers.queries import get_customer
from stamgast.customers.queries import list_customers as read_customers
from stamgast.flows.explain_movement import explain_movement
from stamgast.flows.read_customer import CustomerView, read_customer
from stamgast.kit.database import open_cursor
from stamgast.kit.money import to_major
from stamgast.ledger.queries import get_movement
from stamgast.ledger.queries import list_movements as read_movements
from stamgast.ledger.types import Movement
from stamgast.programmes.types import RuleOutcome
from stamgast.segments.queries import count_members, get_segment
from stamgast.segments.queries import list_members as read_members
from stamgast.segments.queries import list_segments as read_segments
from stamgast.segments.types import Segment

api = NinjaAPI(title="Stamgast", version="1", urls_namespace="api", docs_url=None, openapi_url="/openapi.json", auth=Keyed())
problems.register(api)
identity.register(api)
consents.register(api)


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
    return {"data": [_movement(row) for row in page.rows], "next_cursor": page.next_cursor}


@api.get("/customers/{path:reference}", response=shapes.CustomerShape, summary="One customer")
def read_one_customer(request: HttpRequest, reference: str) -> dict[str, Any]:
    """The customer of our id, or of an identifier such as ``user_id:900`` or ``email:a@example.org``."""
    with open_cursor() as cursor:
        return _customer(read_customer(cursor, reference, region=region()))


@api.get("/movements/{movement_id}", response=shapes.MovementShape, summary="One movement")
def read_movement(request: HttpRequest, movement_id: UUID) -> dict[str, Any]:
    """One immutable ledger row."""
    with open_cursor() as cursor:
        return _movement(get_movement(cursor, movement_id))


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
        "movement": _movement(found.movement),
        "sentence": found.sentence,
        "programme": explanation.programme if explanation else None,
        "programme_version": explanation.version if explanation else None,
        "activity": _activity(found.activity) if found.activity else None,
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


def _customer(view: CustomerView) -> dict[str, Any]:
    orders = view.orders
    currency = orders.currency
    return {
        "id": view.profile.customer.id,
        "identifiers": [
            {"kind": row.kind, "value": row.value, "first_seen": row.first_at, "linked_since": row.linked_since}
            for row in view.profile.identifiers
        ],
        "traits": {
            trait.name: {"value": trait.value, "source": trait.source, "occurred_at": trait.occurred_at}
            for trait in view.profile.traits
        },
        "balances": {balance.currency: balance.available for balance in view.balances},
        "segments": view.memberships,
        "orders": {
            "count": orders.count,
            "count_of_zero": orders.count_of_zero,
            "revenue": str(to_major(orders.revenue_minor, currency)) if currency else "0",
            "currency": currency,
            "first_at": orders.first_at,
            "last_at": orders.last_at,
        },
        "first_seen": view.first_seen,
        "last_seen": view.last_seen,
    }


def _movement(row: Movement) -> dict[str, Any]:
    return {
        "id": row.id,
        "customer_id": row.owner_id,
        "kind": row.kind.name.lower(),
        "currency": row.currency,
        "amount": row.delta,
        "occurred_at": row.effective_at,
        "posted_at": row.posted_at,
        "activity_id": row.activity_id,
        "rule": row.rule or None,
        "programme_version": row.programme_version,
        "reason": row.reason,
    }


def _activity(activity: Activity) -> dict[str, Any]:
    amount, currency = activity.amount_minor, activity.currency
    return {
        "id": activity.id,
        "kind": activity.kind,
        "source": activity.source,
        "occurred_at": activity.occurred_at,
        "received_at": activity.received_at,
        "order_id": activity.order_id,
        "amount": str(to_major(amount, currency)) if amount is not None and currency is not None else None,
        "currency": currency,
    }


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
