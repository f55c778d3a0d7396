"""The routes of what a person may ask: everything that is known of them, and to be forgotten."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language_from_request
from ninja import Field, NinjaAPI, Schema

from stamgast.api.idempotency import idempotent
from stamgast.api.keys import actor_of, region
from stamgast.customers.erasure.operations import LONGEST_REASON
from stamgast.customers.erasure.queries import get_erasure
from stamgast.customers.erasure.types import Erasure
from stamgast.flows.erase import erase_within, hold_archive
from stamgast.flows.export_person import TITLES, export_person
from stamgast.flows.lift_erasure import lift_within
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction


class ErasureBody(Schema):
    """Why. Nothing personal: it stays on the receipt."""

    reason: str = Field("", max_length=LONGEST_REASON)


class LiftBody(Schema):
    """Why somebody may come back. Nothing personal: it stays on the receipt."""

    reason: str = Field(min_length=1, max_length=LONGEST_REASON)


class ErasureShape(Schema):
    """The receipt: when, by whom, and how much of what was removed. ``lake_cleaned_at`` follows within minutes.

    ``lifted_at`` says since when the person may come back.
    """

    id: UUID
    customer_id: UUID
    at: datetime
    actor: str
    reason: str
    removed: dict[str, int]
    lake_cleaned_at: datetime | None
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None


def register(api: NinjaAPI) -> None:
    """Adds the routes; before the one that takes any reference."""
    api.get("/customers/{path:reference}/export", summary="Everything that is known of one customer")(export_customer)
    api.post("/customers/{path:reference}/erasure", response=ErasureShape, summary="Erase a customer")(erase_customer)
    api.post("/erasures/{erasure_id}/lift", response=ErasureShape, summary="Let somebody come back who was erased")(lift_one)
    api.get("/erasures/{erasure_id}", response=ErasureShape, summary="The receipt of an erasure")(read_erasure)


def export_customer(request: HttpRequest, reference: str) -> HttpResponse:
    """A zip with ``data.json`` and ``index.html``, in the language of Accept-Language. Stands in the trail."""
    language = get_language_from_request(request)[:2]
    with transaction() as cursor:
        customer, content = export_person(
            cursor,
            reference,
            at=utc_now(),
            actor=actor_of(request),
            language=language if language in TITLES else "en",
            region=region(),
        )
    return zip_answer(customer, content)


def zip_answer(customer: UUID, content: bytes) -> HttpResponse:
    """The zip as a file to keep."""
    answer = HttpResponse(content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="customer-{customer}.zip"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def erase_customer(request: HttpRequest, reference: str, body: ErasureBody) -> Any:
    """Takes the customer of our id or of any identifier out of everything. It cannot be undone."""
    with hold_archive():
        return _erase_once(request, reference, body)


erase_customer.is_idempotent = True  # type: ignore[attr-defined]  # what it calls is


@idempotent
def _erase_once(request: HttpRequest, reference: str, body: ErasureBody) -> dict[str, Any]:
    with transaction() as cursor:
        return _erasure(
            erase_within(cursor, reference, reason=body.reason, at=utc_now(), actor=actor_of(request), region=region())
        )


@idempotent
def lift_one(request: HttpRequest, erasure_id: UUID, body: LiftBody) -> dict[str, Any]:
    """Who comes in with the same identifiers is a new customer from now on. What was erased, or kept out since, stays so."""
    with transaction() as cursor:
        return _erasure(lift_within(cursor, erasure_id, reason=body.reason, at=utc_now(), actor=actor_of(request)))


def read_erasure(request: HttpRequest, erasure_id: UUID) -> dict[str, Any]:
    """When, by whom and what was removed."""
    with open_cursor() as cursor:
        return _erasure(get_erasure(cursor, erasure_id))


def _erasure(erasure: Erasure) -> dict[str, Any]:
    return {name: getattr(erasure, name) for name in ErasureShape.model_fields} | {"removed": dict(erasure.removed)}
