"""The routes of a customer's balances at any moment, and of the statement of a period."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, NinjaAPI, Query, Schema
from pydantic import AwareDatetime

from stamgast.activities.named import list_named
from stamgast.activities.types import Activity
from stamgast.api.keys import region
from stamgast.api.shapes import ActivityShape, MovementShape, Paging
from stamgast.api.words import shape_activity, shape_movement
from stamgast.customers.queries import get_customer
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.ledger.history import Amounts, Clock, Line, list_balances_at, read_statement


class AmountsShape(Schema):
    """What there is of one currency, or what changed in it; ``debt`` is what is owed."""

    available: int
    pending: int
    held: int
    debt: int


class BalanceShape(AmountsShape):
    """What a customer has of one currency."""

    currency: str


class BalancesShape(Schema):
    """The balances of one customer, by currency."""

    customer_id: UUID
    at: datetime
    known_at: datetime
    data: list[BalanceShape]
    next_cursor: None = None


class LineShape(Schema):
    """One movement: what it changed, what there was after it, the activity behind it, and the movement that it corrects."""

    movement: MovementShape
    actor: str
    change: AmountsShape
    after: AmountsShape
    activity: ActivityShape | None
    corrects: UUID | None
    corrects_posted_at: datetime | None


class StatementShape(Schema):
    """A period of one customer. ``opening`` and ``closing`` are of the whole period, ``data`` is a page of its lines."""

    customer_id: UUID
    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to")
    clock: Clock
    opening: list[BalanceShape]
    closing: list[BalanceShape]
    data: list[LineShape]
    next_cursor: str | None


class Moments(Schema):
    """Which moment, by both clocks."""

    at: AwareDatetime | None = Field(None, description="What there was at this moment; now, where it is left out.")
    known_at: AwareDatetime | None = Field(None, description="As the ledger knew it at this moment; now, where it is left out.")


class StatementQuery(Paging):
    """Which period, and by which clock: ``known``, when the ledger knew, or ``happened``."""

    since: AwareDatetime = Field(..., alias="from", description="The first moment.")
    until: AwareDatetime | None = Field(None, alias="to", description="The first moment that is not in it any more; now.")
    clock: Clock = Clock.KNOWN
    currency: str | None = Field(None, max_length=100)


def register(api: NinjaAPI) -> None:
    """Adds the routes; they end in a word, so they come before the one that takes any reference."""
    api.get("/customers/{path:reference}/balances", response=BalancesShape, summary="What one customer had at a moment")(
        list_customer_balances
    )
    api.get(
        "/customers/{path:reference}/statement", response=StatementShape, by_alias=True, summary="The statement of a customer"
    )(read_customer_statement)


def list_customer_balances(request: HttpRequest, reference: str, asked: Query[Moments]) -> dict[str, Any]:
    """Available, pending, held and debt, by currency. Now by both clocks, it is the balance of this moment.

    With ``known_at`` alone it is what the balance said then; with ``at`` alone what we know now of then, so that a correction
    counts from the moment that it corrects.
    """
    now = utc_now()
    with open_cursor() as cursor:
        customer = get_customer(cursor, reference, region=region())
        rows = list_balances_at(cursor, customer.id, at=asked.at, known_at=asked.known_at)
    return {"customer_id": customer.id, "at": asked.at or now, "known_at": asked.known_at or now, "data": rows}


def read_customer_statement(request: HttpRequest, reference: str, asked: Query[StatementQuery]) -> dict[str, Any]:
    """What there was, what moved and why, and what was left. By the clock ``known`` a correction stands under the moment at
    which it became known, names what it ``corrects``, and a period that is over never changes."""
    until = asked.until or utc_now()
    with open_cursor() as cursor:
        customer = get_customer(cursor, reference, region=region())
        statement = read_statement(
            cursor,
            customer.id,
            since=asked.since,
            until=until,
            clock=asked.clock,
            currency=asked.currency,
            after=asked.cursor,
            limit=asked.limit,
        )
        lines = statement.lines
        activities = list_named(cursor, {line.movement.activity_id for line in lines.rows if line.movement.activity_id})
    return {
        "customer_id": customer.id,
        "from": statement.since,
        "to": statement.until,
        "clock": statement.clock,
        "opening": _amounts(statement.opening),
        "closing": _amounts(statement.closing),
        "data": [
            _line(line, activities.get(line.movement.activity_id) if line.movement.activity_id else None) for line in lines.rows
        ],
        "next_cursor": lines.next_cursor,
    }


def _amounts(amounts: dict[str, Amounts]) -> list[dict[str, Any]]:
    return [{"currency": currency, **one._asdict()} for currency, one in sorted(amounts.items())]


def _line(line: Line, activity: Activity | None) -> dict[str, Any]:
    return {
        "movement": shape_movement(line.movement),
        "actor": line.movement.actor,
        "change": line.change._asdict(),
        "after": line.after._asdict(),
        "activity": shape_activity(activity) if activity else None,
        "corrects": line.corrects,
        "corrects_posted_at": line.corrects_at,
    }
