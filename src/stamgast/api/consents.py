"""The routes of consent: what a customer allows, every change with its proof, and telling us of one."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from ninja import Field, NinjaAPI, Schema

from stamgast.access.operations import record
from stamgast.api.idempotency import idempotent
from stamgast.api.keys import actor_of, region
from stamgast.customers.consent.queries import list_changes
from stamgast.customers.consent.rules import LONGEST_REASON, LONGEST_TEXT, derive
from stamgast.customers.consent.types import Consent, ConsentChange, ConsentState
from stamgast.customers.queries import get_customer
from stamgast.flows.set_consent import Answer, Told, tell_consent
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction


class ConsentShape(Schema):
    """What holds for one purpose and channel; ``*`` is every one that is not named. Only ``given`` allows contact."""

    purpose: str
    channel: str
    state: str
    since: datetime
    source: str
    text_version: int | None


class ConsentChangeShape(Schema):
    """One change with its proof."""

    id: UUID
    purpose: str
    channel: str
    state: str
    occurred_at: datetime
    recorded_at: datetime
    source: str
    actor: str
    reason: str
    activity_id: UUID | None
    language: str
    text_version: int | None
    text: str


class ConsentList(Schema):
    """What holds, and every change, the latest to happen first."""

    data: list[ConsentShape]
    changes: list[ConsentChangeShape]


class NewConsent(Schema):
    """A change. ``requested`` asks for double opt-in: nothing is allowed until the person confirms by the link."""

    state: Literal["requested", "given", "withdrawn"]
    source: str = Field(min_length=1, max_length=100, description="Where it was said, such as the checkout's page.")
    occurred_at: datetime | None = Field(None, description="When it was said; now, when it is left out.")
    reason: str = Field("", max_length=LONGEST_REASON)
    language: str = Field("", max_length=20)
    text_version: int | None = Field(None, ge=1, le=2**31 - 1)
    text: str = Field("", max_length=LONGEST_TEXT, description="What was shown, where it was not the catalogue's text.")


class ConsentAnswer(Schema):
    """The change that was written, and the links for a message to the person. Whoever asks sends them: Stamgast does not."""

    change: ConsentChangeShape
    confirm_url: str | None
    confirm_until: datetime | None
    withdraw_url: str


def register(api: NinjaAPI) -> None:
    """Adds the routes; before the one that takes any reference."""

    @api.get(
        "/customers/{path:reference}/consents",
        response=ConsentList,
        summary="What a customer allows",
    )
    def list_customer_consents(request: HttpRequest, reference: str) -> dict[str, Any]:
        """What holds for each purpose and channel, and every change with its proof."""
        with open_cursor() as cursor:
            customer = get_customer(cursor, reference, region=region())
            changes = list_changes(cursor, customer.id)
        return {"data": [shape_consent(one) for one in derive(changes)], "changes": [_change(one) for one in changes]}

    @api.put(
        "/customers/{path:reference}/consents/{purpose}/{channel}",
        response=ConsentAnswer,
        summary="Tell of a consent given, withdrawn or asked for",
    )
    @idempotent
    def put_consent(
        request: HttpRequest,
        reference: str,
        purpose: str,
        channel: str,
        body: NewConsent,
    ) -> dict[str, Any]:
        """Adds a change; nothing is overwritten."""
        at = utc_now()
        told = Told(
            state=ConsentState(body.state),
            source=body.source,
            actor=actor_of(request),
            occurred_at=body.occurred_at or at,
            reason=body.reason,
            language=body.language,
            text_version=body.text_version,
            text=body.text,
        )
        with transaction() as cursor:
            answer = tell_consent(cursor, reference, purpose, channel, told, at=at, secret=settings.SECRET_KEY, region=region())
            detail = {"purpose": answer.change.purpose, "channel": answer.change.channel, "state": body.state}
            record(cursor, actor_of(request), "set consent", f"customer:{answer.customer_id}", detail, at)
        return _answer(request, answer)


def shape_consent(consent: Consent) -> dict[str, Any]:
    """What holds for one purpose and channel."""
    return {
        "purpose": consent.purpose,
        "channel": consent.channel,
        "state": consent.state.value,
        "since": consent.proof.occurred_at,
        "source": consent.proof.source,
        "text_version": consent.proof.text_version,
    }


def _change(change: ConsentChange) -> dict[str, Any]:
    return {name: getattr(change, name) for name in ConsentChangeShape.model_fields} | {"state": change.state.value}


def _answer(request: HttpRequest, answer: Answer) -> dict[str, Any]:
    def link(name: str, token: str) -> str:
        return request.build_absolute_uri(reverse(name, args=[token]))

    return {
        "change": _change(answer.change),
        "confirm_url": link("console:consent_confirm", answer.confirm_token) if answer.confirm_token else None,
        "confirm_until": answer.confirm_until,
        "withdraw_url": link("console:consent_withdraw", answer.withdraw_token),
    }
