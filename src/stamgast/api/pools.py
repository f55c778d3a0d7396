"""The routes of what a household has together: read it, give to it, spend from it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import NinjaAPI, Query, Schema
from ninja.responses import Status

from stamgast.api.acts import (
    OutcomeShape,
    ReasonBody,
    ReversalBody,
    SpendBody,
    TransferBody,
    Values,
    done_once,
    key_of,
    told,
)
from stamgast.api.keys import actor_of, region
from stamgast.api.ledger import BalanceShape
from stamgast.api.shapes import MovementShape, Paging
from stamgast.api.words import shape_movement
from stamgast.customers.reasons import required_reason
from stamgast.flows.pool import (
    Asked,
    give_to_pool,
    list_who_of,
    read_pool,
    reverse_spend_from_pool,
    spend_from_pool,
    take_from_pool,
)
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.ledger.acts import Outcome
from stamgast.ledger.queries import list_movements


class PoolShape(Schema):
    """What a household has together. ``id`` is the pool's own, which its movements name as their customer."""

    id: UUID
    household: str
    members: list[UUID]
    balances: list[BalanceShape]


class PoolMovementShape(MovementShape):
    """A movement of a pool. ``member_id`` is who gave or spent it, or was given it; null where nobody did or who was erased."""

    member_id: UUID | None


class PoolMovementPage(Schema):
    """A page of movements, the latest first."""

    data: list[PoolMovementShape]
    next_cursor: str | None


def register(api: NinjaAPI) -> None:
    """Adds the routes. Before those that read a household, whose id may hold slashes."""

    @api.get("/households/{path:household}/pool/movements", response=PoolMovementPage, summary="What moved in a pool")
    def list_pool_movements(request: HttpRequest, household: str, paging: Query[Paging]) -> dict[str, Any]:
        """Every movement of the pool, the latest first, with the member who gave or spent it."""
        with open_cursor() as cursor:
            pool = read_pool(cursor, household)
            page = list_movements(cursor, pool.id, after=paging.cursor, limit=paging.limit)
            who = list_who_of(cursor, page.rows)
        data = [{**shape_movement(row), "member_id": who.get(row.act_id) if row.act_id else None} for row in page.rows]
        return {"data": data, "next_cursor": page.next_cursor}

    @api.get("/households/{path:household}/pool", response=PoolShape, summary="What a household has together")
    def read_household_pool(request: HttpRequest, household: str) -> dict[str, Any]:
        """The balances of the pool, and who may give to it and spend from it."""
        with open_cursor() as cursor:
            pool = read_pool(cursor, household)
        members = [one.customer_id for one in pool.stays if one.ended_at is None]
        return {"id": pool.id, "household": household, "members": members, "balances": pool.balances}

    @api.post("/households/{path:household}/pool/transfers", response={201: OutcomeShape}, summary="Move out of a pool")
    @done_once
    def take_points_from_pool(request: HttpRequest, household: str, body: TransferBody) -> Status[Values]:
        """Moves an amount from the pool to a customer who is or was in the household; it expires when it would have."""
        values: Values = {"currency": body.currency, "amount": body.amount}
        return _ask(request, body, lambda asked: take_from_pool(household, body.receiver, asked=asked, **values))

    @api.post("/customers/{reference}/pool/gifts", response={201: OutcomeShape}, summary="Give to the pool of the household")
    @done_once
    def give_points_to_pool(request: HttpRequest, reference: str, body: SpendBody) -> Status[Values]:
        """Moves an amount of a member to the pool of their household; it expires when it would have, and stays when they
        leave."""
        values: Values = {"currency": body.currency, "amount": body.amount}
        return _ask(request, body, lambda asked: give_to_pool(reference, asked=asked, **values))

    @api.post(
        "/customers/{reference}/pool/spends", response={201: OutcomeShape}, summary="Spend from the pool of the household"
    )
    @done_once
    def spend_points_from_pool(request: HttpRequest, reference: str, body: SpendBody) -> Status[Values]:
        """A member uses up an amount of what their household has together, what expires soonest first."""
        values: Values = {"currency": body.currency, "amount": body.amount}
        return _ask(request, body, lambda asked: spend_from_pool(reference, asked=asked, **values))

    @api.post(
        "/customers/{reference}/pool/spends/{spend_id}/reversals",
        response={201: OutcomeShape},
        summary="Reverse a spend from a pool",
    )
    @done_once
    def reverse_spend_of_pool(request: HttpRequest, reference: str, spend_id: UUID, body: ReversalBody) -> Status[Values]:
        """Gives a spend back to the pool, or a part of it, with the expiry that it had. Any member may ask it."""
        grace = None if body.grace_days is None else timedelta(days=body.grace_days)
        values: Values = {"amount": body.amount, "grace": grace}
        return _ask(request, body, lambda asked: reverse_spend_from_pool(reference, spend_id, asked=asked, **values))


def _ask(request: HttpRequest, body: ReasonBody, act: Callable[[Asked], Outcome]) -> Status[Values]:
    asked = Asked(key_of(request), required_reason(body.reason), utc_now(), actor_of(request), region())
    return told(request, act(asked))
