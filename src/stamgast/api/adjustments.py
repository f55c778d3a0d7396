"""The route by which a customer's balance is put right."""

from dataclasses import replace

from django.http import HttpRequest
from ninja import Field, NinjaAPI
from ninja.responses import Status
from pydantic import AwareDatetime

from stamgast.api.acts import LARGEST_AMOUNT, OutcomeShape, ReasonBody, Values, done_once, key_of, told
from stamgast.api.keys import actor_of, region
from stamgast.flows.adjust import adjust
from stamgast.kit.clock import utc_now


class AdjustmentBody(ReasonBody):
    """How much of which currency: above zero it is added, below zero it is taken. What is added may expire."""

    currency: str
    amount: int = Field(ge=-LARGEST_AMOUNT, le=LARGEST_AMOUNT, strict=True)
    expires_at: AwareDatetime | None = None


def register(api: NinjaAPI) -> None:
    """Adds the route."""

    @api.post("/customers/{reference}/adjustments", response={201: OutcomeShape}, summary="Put a balance right")
    @done_once
    def adjust_points(request: HttpRequest, reference: str, body: AdjustmentBody) -> Status[Values]:
        """Adds an amount, or takes one from what expires soonest; a balance never goes below zero."""
        outcome = adjust(
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
        return told(request, replace(outcome, amount=body.amount))
