"""The route by which a customer's balance is put right."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, NinjaAPI, Schema
from ninja.responses import Status
from pydantic import AwareDatetime

from stamgast.api.acts import LARGEST_AMOUNT, OutcomeShape, ReasonBody, done_once, key_of, told
from stamgast.api.headers import say_replayed
from stamgast.api.keys import actor_of, region
from stamgast.flows.adjust import adjust
from stamgast.kit.clock import utc_now
from stamgast.ledger.acts import Outcome
from stamgast.ledger.adjusting import Proposal


class AdjustmentBody(ReasonBody):
    """How much of which currency: above zero it is added, below zero it is taken. What is added may expire."""

    currency: str
    amount: int = Field(ge=-LARGEST_AMOUNT, le=LARGEST_AMOUNT, strict=True)
    expires_at: AwareDatetime | None = None


class ProposalShape(Schema):
    """An adjustment or an issue above the limit, of which nothing was done yet. Sent again, the request says what became of
    it."""

    id: UUID
    state: str
    currency: str
    amount: int
    asked_at: datetime


def register(api: NinjaAPI) -> None:
    """Adds the route."""

    @api.post(
        "/customers/{reference}/adjustments",
        response={201: OutcomeShape, 202: ProposalShape},
        summary="Put a balance right",
    )
    @done_once
    def adjust_points(request: HttpRequest, reference: str, body: AdjustmentBody) -> Status[Any]:
        """Adds an amount, or takes one from what expires soonest; a balance never goes below zero. Above the limit of the
        currency it waits for a second person."""
        answer = adjust(
            reference,
            currency=body.currency,
            amount=body.amount,
            expires_at=body.expires_at,
            reason=body.reason,
            key=key_of(request),
            at=utc_now(),
            actor=actor_of(request),
            region=region(),
        )
        if isinstance(answer, Outcome):
            answer = replace(answer, amount=body.amount)
        return told_or_waits(request, answer)


def told_or_waits(request: HttpRequest, answer: Outcome | Proposal) -> Status[Any]:
    """The answer that says what was done, or what waits."""
    if isinstance(answer, Outcome):
        return told(request, answer)
    say_replayed(request, answer.is_repeat)
    return Status(202, answer)
