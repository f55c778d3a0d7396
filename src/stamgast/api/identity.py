"""The routes of ``/v1`` about who is one customer: merge, separate, withdraw, and the history of links."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, NinjaAPI, Query, Schema

from stamgast.api.idempotency import idempotent
from stamgast.api.keys import actor_of, region
from stamgast.api.shapes import MembershipShape, Paging
from stamgast.customers.histories import list_judgements, list_links
from stamgast.customers.households import get_household, list_stays
from stamgast.customers.queries import get_customer
from stamgast.customers.types import HouseholdStay, Identifier, Judgement, JudgementRecord, LinkRecord
from stamgast.flows.merge_customers import Effect, merge_customers
from stamgast.flows.set_household import set_household
from stamgast.flows.unmerge_customers import separate_identifier, withdraw_judgement
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor


class ReasonBody(Schema):
    """Why, for who asks later. With ``dry_run`` nothing is kept, and the answer says what would be."""

    reason: str = Field(min_length=1, max_length=500)
    dry_run: bool = False


class MergeBody(ReasonBody):
    """The other customer, by our id or an identifier."""

    other: str


class SeparateBody(ReasonBody):
    """The identifier that is not this customer's, such as ``card_number:123``."""

    identifier: str


class JudgementShape(Schema):
    """What somebody said about two identifiers, and until when it held."""

    id: UUID
    is_same: bool
    made_at: datetime
    actor: str
    reason: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    withdrawn_reason: str | None


class AffectedShape(Schema):
    """A customer after the act."""

    id: UUID
    identifiers: list[str]
    balances: dict[str, int]
    orders: int
    segments: list[MembershipShape]


class EffectShape(Schema):
    """What a judgement, or its withdrawal, made of the customers concerned."""

    judgement: JudgementShape
    customers: list[AffectedShape]
    dry_run: bool


class LinkShape(Schema):
    """That an identifier pointed at the customer from a moment to a moment; ``ended_at`` is null while it does."""

    identifier: str
    began_at: datetime
    ended_at: datetime | None
    actor: str
    reason: str
    activity_id: UUID | None
    judgement: JudgementShape | None


class JudgementRecordShape(Schema):
    """A judgement about one of the customer's identifiers, and whose the other is now."""

    judgement: JudgementShape
    is_in_force: bool
    identifier: str
    other_identifier: str
    other_customer_id: UUID | None


class HouseholdBody(Schema):
    """The household that the customer lives in from now on; null: in none."""

    household: str | None
    reason: str = Field(min_length=1, max_length=500)


class StayShape(Schema):
    """That a customer was in a household from a moment to a moment; ``ended_at`` is null while they are."""

    household: str
    customer_id: UUID
    began_at: datetime
    ended_at: datetime | None
    actor: str
    reason: str


class HouseholdShape(Schema):
    """Everybody who is or was in a household, those who are first."""

    id: str
    members: list[StayShape]


class StayList(Schema):
    """The households of one customer, the first first."""

    data: list[StayShape]


class LinkPage(Schema):
    """A page of links, the latest first, and every judgement about the customer."""

    data: list[LinkShape]
    judgements: list[JudgementRecordShape]
    next_cursor: str | None


def register(api: NinjaAPI) -> None:
    """Adds the routes. Before those that read a customer, whose reference may hold slashes."""
    api.post("/customers/{path:reference}/merge", response=EffectShape, summary="Make one customer of two")(merge_customer)
    api.post("/customers/{path:reference}/separate", response=EffectShape, summary="Take an identifier away")(separate_customer)
    api.post("/judgements/{judgement_id}/withdraw", response=EffectShape, summary="Undo a merge or a separation")(
        withdraw_one_judgement
    )
    api.post("/customers/{path:reference}/household", response=StayList, summary="Say where a customer lives")(
        set_customer_household
    )
    api.get("/households/{path:household}", response=HouseholdShape, summary="Who lives together")(read_household)
    api.get("/customers/{path:reference}/links", response=LinkPage, summary="How a customer became this one")(
        list_customer_links
    )


@idempotent
def merge_customer(request: HttpRequest, reference: str, body: MergeBody) -> dict[str, Any]:
    """Says that two customers are one person. Holds until it is withdrawn; score, segments and orders follow at once."""
    effect = merge_customers(
        reference,
        body.other,
        reason=body.reason,
        at=utc_now(),
        actor=actor_of(request),
        region=region(),
        is_trial=body.dry_run,
    )
    return _effect(effect, body)


@idempotent
def separate_customer(request: HttpRequest, reference: str, body: SeparateBody) -> dict[str, Any]:
    """Says that an identifier is another person's, however it came to this customer."""
    effect = separate_identifier(
        reference,
        body.identifier,
        reason=body.reason,
        at=utc_now(),
        actor=actor_of(request),
        region=region(),
        is_trial=body.dry_run,
    )
    return _effect(effect, body)


@idempotent
def withdraw_one_judgement(request: HttpRequest, judgement_id: UUID, body: ReasonBody) -> dict[str, Any]:
    """Takes a judgement back: customers, score, segments and orders are as if it had never been."""
    effect = withdraw_judgement(judgement_id, reason=body.reason, at=utc_now(), actor=actor_of(request), is_trial=body.dry_run)
    return _effect(effect, body)


@idempotent
def set_customer_household(request: HttpRequest, reference: str, body: HouseholdBody) -> dict[str, Any]:
    """Puts a customer in a household from now on, and out of any other. Answers all their stays."""
    set_household(reference, body.household, reason=body.reason, at=utc_now(), actor=actor_of(request), region=region())
    with open_cursor() as cursor:
        customer = get_customer(cursor, reference, region=region())
        return {"data": [_stay(one) for one in list_stays(cursor, [customer.id]).get(customer.id, [])]}


def read_household(request: HttpRequest, household: str) -> dict[str, Any]:
    """Who lives, or lived, in one household, since when and until when."""
    with open_cursor() as cursor:
        return {"id": household, "members": [_stay(one) for one in get_household(cursor, household)]}


def list_customer_links(request: HttpRequest, reference: str, paging: Query[Paging]) -> dict[str, Any]:
    """Which identifiers point at the customer since when, and who or what said so."""
    with open_cursor() as cursor:
        customer = get_customer(cursor, reference, region=region())
        page = list_links(cursor, customer.id, after=paging.cursor, limit=paging.limit)
        judgements = list_judgements(cursor, customer.id)
    return {
        "data": [_link(row) for row in page.rows],
        "judgements": [_record(row) for row in judgements],
        "next_cursor": page.next_cursor,
    }


def _stay(one: HouseholdStay) -> dict[str, Any]:
    return {
        "household": one.household,
        "customer_id": one.customer_id,
        "began_at": one.began_at,
        "ended_at": one.ended_at,
        "actor": one.actor,
        "reason": one.reason,
    }


def _effect(effect: Effect, body: ReasonBody) -> dict[str, Any]:
    return {
        "judgement": _judgement(effect.judgement),
        "customers": [
            {
                "id": view.profile.customer.id,
                "identifiers": [f"{one.kind}:{one.value}" for one in view.profile.identifiers],
                "balances": {balance.currency: balance.available for balance in view.balances},
                "orders": view.orders.count,
                "segments": view.memberships,
            }
            for view in effect.customers
        ],
        "dry_run": body.dry_run,
    }


def _judgement(one: Judgement) -> dict[str, Any]:
    return {
        "id": one.id,
        "is_same": one.is_same,
        "made_at": one.made_at,
        "actor": one.actor,
        "reason": one.reason,
        "withdrawn_at": one.withdrawn_at,
        "withdrawn_by": one.withdrawn_by or None,
        "withdrawn_reason": one.withdrawn_reason or None,
    }


def _link(row: LinkRecord) -> dict[str, Any]:
    return {
        "identifier": f"{row.kind}:{row.value}",
        "began_at": row.began_at,
        "ended_at": row.ended_at,
        "actor": row.actor,
        "reason": row.reason,
        "activity_id": row.cause if row.judgement is None else None,
        "judgement": _judgement(row.judgement) if row.judgement else None,
    }


def _record(row: JudgementRecord) -> dict[str, Any]:
    return {
        "judgement": _judgement(row.judgement),
        "is_in_force": row.is_in_force,
        "identifier": _text(row.ours),
        "other_identifier": _text(row.theirs),
        "other_customer_id": row.theirs.customer_id,
    }


def _text(one: Identifier) -> str:
    return f"{one.kind}:{one.value}"
