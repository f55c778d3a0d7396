"""The routes of a profile: one customer with the parts that were asked for, and what happened to them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language_from_request
from ninja import Field, NinjaAPI, Query, Schema
from pydantic import AfterValidator, AwareDatetime

from stamgast.api.consents import ConsentShape, shape_consent
from stamgast.api.keys import region
from stamgast.api.shapes import ActivityShape, CustomerShape, MovementShape, Paging
from stamgast.api.traits import ComputedTraitShape, shape_computed
from stamgast.api.words import shape_activity, shape_customer, shape_movement
from stamgast.customers.queries import anchors_of, get_customer
from stamgast.flows.read_buying import Bought, Buying
from stamgast.flows.read_customer import read_customer
from stamgast.flows.read_profile import Part, ProfileParts, read_parts
from stamgast.flows.read_standing import TierView
from stamgast.flows.read_timeline import Event, Filter, read_timeline
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.kit.money import to_major


class BoughtShape(Schema):
    """What was bought over one source, or of one product."""

    name: str
    category: str
    orders: int
    quantity: int
    amount: str
    last_at: datetime


class BuyingShape(Schema):
    """What the customer buys, net of what came back. Money is in ``currency``, that of the last order."""

    orders: int
    currency: str | None
    revenue: str
    average: str | None
    first_at: datetime | None
    last_at: datetime | None
    usual_gap_days: float | None
    channels: list[BoughtShape]
    products: list[BoughtShape]


class DeviceShape(Schema):
    """What activities came from: of the last few hundred of each identifier."""

    id: str
    make: str
    system: str
    program: str
    first_at: datetime
    last_at: datetime
    activities: int


class LotShape(Schema):
    """What one activity gave and is still there: what a balance is made of."""

    currency: str
    given: int
    remaining: int
    occurred_at: datetime
    expires_at: datetime | None
    activity_id: UUID
    rule: str


class CardShape(Schema):
    """How many of a currency are on a card, and how many fill it."""

    name: str
    currency: str
    on_card: int
    each: int


class TierShape(Schema):
    """The level that is held and the way to the next; null names where there is none. What qualifies is ``currency``, or money,
    of which ``total`` and ``missing`` are hundredths where ``currency`` is null. It is reviewed at ``review_at``, where
    anything can be lost."""

    name: str | None
    since: datetime | None
    benefits: dict[str, dict[str, str]]
    currency: str | None
    total: int
    next: str | None
    missing: int | None
    review_at: datetime | None
    cards: list[CardShape]


class SourceUseShape(Schema):
    """How much of the customer a source knows."""

    name: str
    activities: int
    first_at: datetime
    last_at: datetime


class TraitValueShape(Schema):
    """A value that a source told of a trait, from when to when; ``holds`` for the one that is in ``traits``."""

    name: str
    value: Any
    source: str
    first_at: datetime
    last_at: datetime
    holds: bool


class ProfileShape(CustomerShape):
    """One customer over all sources; a part that was not asked for with ``include`` is null."""

    buying: BuyingShape | None
    computed_traits: list[ComputedTraitShape] | None
    consents: list[ConsentShape] | None
    devices: list[DeviceShape] | None
    lots: list[LotShape] | None
    sources: list[SourceUseShape] | None
    tier: TierShape | None
    trait_values: list[TraitValueShape] | None


def _known_parts(text: str) -> str:
    unknown = [name for name in _split(text) if name not in set(Part)]
    if unknown:
        raise ValueError(f"There is no part {unknown[0][:40]!r}. The parts are: {', '.join(Part)}.")
    return text


def _split(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


class Including(Schema):
    """Which parts beside the customer."""

    include: Annotated[str, AfterValidator(_known_parts)] = Field(
        "", max_length=200, description=f"Names with a comma between them: {', '.join(Part)}."
    )


class EventShape(Schema):
    """An activity with what it gave or took; or, without an activity, what expired at one moment."""

    occurred_at: datetime
    activity: ActivityShape | None
    properties: dict[str, Any]
    movements: list[MovementShape]


class EventPage(Schema):
    """A page of events, the latest first; ``next_cursor`` is null at the end."""

    data: list[EventShape]
    next_cursor: str | None


class TimelineFilter(Paging):
    """Which part of a timeline."""

    kind: str | None = None
    source: str | None = None
    since: AwareDatetime | None = Field(None, alias="from", description="The first moment.")
    until: AwareDatetime | None = Field(None, alias="to", description="The first moment that is not in it any more.")


def register(api: NinjaAPI) -> None:
    """Adds the routes; the one that takes any reference last of all."""
    api.get("/customers/{path:reference}/timeline", response=EventPage, summary="What happened to one customer")(list_timeline)


def register_last(api: NinjaAPI) -> None:
    """Adds the route whose reference may hold slashes."""
    api.get("/customers/{path:reference}", response=ProfileShape, summary="One customer")(read_one_customer)


def read_one_customer(request: HttpRequest, reference: str, including: Query[Including]) -> dict[str, Any]:
    """The customer of our id, or of an identifier such as ``user_id:900`` or ``email:a@example.org``."""
    with open_cursor() as cursor:
        view = read_customer(cursor, reference, region=region())
        shop = settings.CONFIGURATION
        wanted = _split(including.include)
        parts = read_parts(cursor, view, wanted, zone=ZoneInfo(shop.timezone), currency=shop.currency, at=utc_now())
    return shape_customer(view) | _parts(parts, get_language_from_request(request))


def list_timeline(request: HttpRequest, reference: str, paging: Query[TimelineFilter]) -> dict[str, Any]:
    """Activities over all sources with what they gave, and what expired between them. Pages are cut by activities."""
    with open_cursor() as cursor:
        customer = get_customer(cursor, reference, region=region())
        anchors = anchors_of(cursor, [customer.id])[customer.id]
        only = Filter(paging.kind, paging.source, paging.since, paging.until)
        page = read_timeline(cursor, customer.id, anchors, before=paging.cursor, limit=paging.limit, only=only)
    return {"data": [_event(event) for event in page.rows], "next_cursor": page.next_cursor}


def _event(event: Event) -> dict[str, Any]:
    return {
        "occurred_at": event.at,
        "activity": shape_activity(event.activity) if event.activity else None,
        "properties": event.activity.properties if event.activity else {},
        "movements": [shape_movement(row) for row in event.movements],
    }


def _parts(parts: ProfileParts, language: str) -> dict[str, Any]:
    computed = parts.computed_traits
    return {
        "buying": _buying(parts.buying) if parts.buying else None,
        "computed_traits": [shape_computed(*one, language) for one in computed] if computed is not None else None,
        "consents": [shape_consent(one) for one in parts.consents] if parts.consents is not None else None,
        "devices": parts.devices,
        "lots": [
            {
                "currency": lot.currency,
                "given": lot.given,
                "remaining": lot.remaining,
                "occurred_at": lot.effective_at,
                "expires_at": lot.expires_at,
                "activity_id": lot.activity_id,
                "rule": lot.rule,
            }
            for lot in parts.lots
        ]
        if parts.lots is not None
        else None,
        "sources": parts.sources,
        "tier": _tier(parts.tier) if parts.tier else None,
        "trait_values": parts.trait_values,
    }


def _tier(view: TierView) -> dict[str, Any]:
    standing = view.standing
    return {
        "name": standing.level.name if standing.level else None,
        "since": view.since,
        "benefits": standing.level.benefits if standing.level else {},
        "currency": standing.currency,
        "total": standing.total,
        "next": standing.next_level.name if standing.next_level else None,
        "missing": standing.missing,
        "review_at": standing.review_at,
        "cards": list(standing.cards),
    }


def _buying(buying: Buying) -> dict[str, Any]:
    def money(minor: int) -> str:
        return str(to_major(minor, buying.currency)) if buying.currency else "0"

    def bought(rows: Any) -> list[dict[str, Any]]:
        return [_bought(row, money(row.amount_minor)) for row in rows]

    return {
        "orders": buying.orders,
        "currency": buying.currency,
        "revenue": money(buying.revenue_minor),
        "average": money(buying.average_minor) if buying.average_minor is not None else None,
        "first_at": buying.first_at,
        "last_at": buying.last_at,
        "usual_gap_days": buying.usual_gap_days,
        "channels": bought(buying.channels),
        "products": bought(buying.products),
    }


def _bought(row: Bought, amount: str) -> dict[str, Any]:
    return {
        "name": row.name,
        "category": row.category,
        "orders": row.orders,
        "quantity": row.quantity,
        "amount": amount,
        "last_at": row.last_at,
    }
