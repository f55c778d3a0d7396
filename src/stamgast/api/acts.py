"""The routes of what is done with a customer's points: spend, hold, capture, release, reverse, transfer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, NinjaAPI, Schema
from ninja.responses import Status
from pydantic import ConfigDict

from stamgast.access.errors import InvalidIdempotencyKey
from stamgast.access.types import ApiKey
from stamgast.api.headers import say_replayed
from stamgast.api.idempotency import HEADER
from stamgast.api.keys import actor_of, region
from stamgast.customers.queries import get_customer
from stamgast.customers.reasons import required_reason
from stamgast.flows.act import act
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.ledger.acts import Act, Capture, Hold, Outcome, Release, Reverse, Spend, Transfer

LONGEST_KEY = 200
LARGEST_AMOUNT = 10**15
LONGEST_HOLD_SECONDS = 366 * 24 * 3600
Values = dict[str, Any]
Write = TypeVar("Write", bound=Callable[..., Any])


class ReasonBody(Schema):
    """Why, as the customer reads it: the order, the reward. A field that is not known is refused: a misspelt ``amount`` would
    capture or give back all there is."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


class SpendBody(ReasonBody):
    """How much of which currency."""

    currency: str
    amount: int = Field(ge=1, le=LARGEST_AMOUNT, strict=True)


class HoldBody(SpendBody):
    """How much to set aside, and for how long."""

    lasts_seconds: int = Field(900, ge=1, le=LONGEST_HOLD_SECONDS, strict=True)


class CaptureBody(ReasonBody):
    """How much of what was set aside; all of it, where it is left out. The rest is released."""

    amount: int | None = Field(None, ge=1, le=LARGEST_AMOUNT, strict=True)


class ReversalBody(CaptureBody):
    """How much to give back; all that is left, where it is left out. What expired lives ``grace_days`` more."""

    grace_days: int | None = Field(None, ge=1, le=3660, strict=True)


class TransferBody(SpendBody):
    """How much, and to whom: our id or an identifier."""

    receiver: str


class OutcomeShape(Schema):
    """What was done. ``id`` names the spend or hold from now on; ``available`` is what the customer had left after it."""

    id: UUID
    kind: str
    currency: str
    amount: int
    available: int


def register(api: NinjaAPI) -> None:
    """Adds the routes."""

    @api.post("/customers/{reference}/spends", response={201: OutcomeShape}, summary="Spend")
    @done_once
    def spend_points(request: HttpRequest, reference: str, body: SpendBody) -> Status[Values]:
        """Uses up an amount, what expires soonest first."""
        return _ask(request, reference, Spend, body, currency=body.currency, amount=body.amount)

    @api.post("/customers/{reference}/holds", response={201: OutcomeShape}, summary="Set aside")
    @done_once
    def hold_points(request: HttpRequest, reference: str, body: HoldBody) -> Status[Values]:
        """Sets an amount aside until it is captured or released, or its time is over. What is held does not expire."""
        lasts = timedelta(seconds=body.lasts_seconds)
        values = {"currency": body.currency, "amount": body.amount, "lasts": lasts}
        return _ask(request, reference, Hold, body, **values)

    @api.post("/customers/{reference}/holds/{hold_id}/capture", response={201: OutcomeShape}, summary="Capture a hold")
    @done_once
    def capture_hold(request: HttpRequest, reference: str, hold_id: UUID, body: CaptureBody) -> Status[Values]:
        """Spends what was set aside, or a part of it, and releases the rest. Ends the hold."""
        return _ask(request, reference, Capture, body, hold_id=hold_id, amount=body.amount)

    @api.post("/customers/{reference}/holds/{hold_id}/release", response={201: OutcomeShape}, summary="Release a hold")
    @done_once
    def release_hold(request: HttpRequest, reference: str, hold_id: UUID, body: ReasonBody) -> Status[Values]:
        """Makes what was set aside available again. Ends the hold."""
        return _ask(request, reference, Release, body, hold_id=hold_id)

    @api.post("/customers/{reference}/spends/{spend_id}/reversals", response={201: OutcomeShape}, summary="Reverse a spend")
    @done_once
    def reverse_spend(request: HttpRequest, reference: str, spend_id: UUID, body: ReversalBody) -> Status[Values]:
        """Gives back a spend or a captured hold, or a part of it, with the expiry that it had."""
        grace = None if body.grace_days is None else timedelta(days=body.grace_days)
        return _ask(request, reference, Reverse, body, spend_id=spend_id, amount=body.amount, grace=grace)

    @api.post("/customers/{reference}/transfers", response={201: OutcomeShape}, summary="Transfer to another customer")
    @done_once
    def transfer_points(request: HttpRequest, reference: str, body: TransferBody) -> Status[Values]:
        """Moves an amount to another customer; it expires when it would have."""
        with open_cursor() as cursor:
            receiver = get_customer(cursor, body.receiver, region=region()).id
        values = {"currency": body.currency, "amount": body.amount, "receiver_id": receiver}
        return _ask(request, reference, Transfer, body, **values)


def done_once(operation: Write) -> Write:
    """A write that keeps its answer itself, by the act's key, refusals included: no second store of answers is needed."""
    operation.is_idempotent = True  # type: ignore[attr-defined]  # a test asks every operation that writes
    return operation


def _ask(request: HttpRequest, reference: str, kind: type[Act], body: ReasonBody, **values: Any) -> Status[Values]:
    key, at = key_of(request), utc_now()

    def asked(owner: UUID, anchor: UUID | None) -> Act:
        said: Values = {"key": key, "reason": required_reason(body.reason), "occurred_at": at}
        return kind(owner_id=owner, anchor_id=anchor, **said, **values)

    return told(request, act(reference, asked, at=at, actor=actor_of(request), region=region(), is_strict=True))


def key_of(request: HttpRequest) -> str:
    """The key of the act that is asked: that of the header, which each API key has for itself. Raises InvalidIdempotencyKey."""
    name = request.headers.get(HEADER, "")
    if not 1 <= len(name) <= LONGEST_KEY:
        raise InvalidIdempotencyKey(
            f"Send an {HEADER} of 1 to {LONGEST_KEY} characters, and the same one when you ask again. A new UUID is a good one."
        )
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # ninja keeps there what Keyed returned
    return f"{key.id.hex} {name}"


def told(request: HttpRequest, outcome: Outcome) -> Status[Values]:
    """The answer that says what was done, and in its header whether that was before."""
    say_replayed(request, outcome.is_repeat)
    shape = {"id": outcome.act_id, "kind": outcome.kind.name.lower(), "currency": outcome.currency}
    return Status(201, shape | {"amount": outcome.amount, "available": outcome.available})
