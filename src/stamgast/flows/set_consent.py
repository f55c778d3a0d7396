"""A change of consent that a person or a system tells us of: whose it is, what they are asked, the links they answer by."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stamgast.customers import rules
from stamgast.customers.consent import tokens
from stamgast.customers.consent.operations import set_consent
from stamgast.customers.consent.rules import LINK_LASTS, normalise_name
from stamgast.customers.consent.types import ConsentChange, ConsentState
from stamgast.customers.errors import CustomerNotFound
from stamgast.customers.queries import get_customer, list_identifiers
from stamgast.kit.database import Cursor

_KIND_OF_CHANNEL = {"email": rules.EMAIL, "sms": rules.PHONE, "whatsapp": rules.PHONE, "telephone": rules.PHONE}


@dataclass(frozen=True, slots=True)
class Told:
    """What is told: by whom, when it happened, and what was shown. ``text_version`` None is the newest of the catalogue."""

    state: ConsentState
    source: str
    actor: str
    occurred_at: datetime
    reason: str = ""
    language: str = ""
    text_version: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The change, the token of the link that confirms a request and until when it holds, and of the link that withdraws."""

    customer_id: UUID
    change: ConsentChange
    confirm_token: str | None
    confirm_until: datetime | None
    withdraw_token: str


def tell_consent(
    cursor: Cursor,
    reference: str,
    purpose: str,
    channel: str,
    told: Told,
    *,
    at: datetime,
    secret: str,
    region: str | None = None,
) -> Answer:
    """Adds the change on the identifier that was named, or on the one that the channel reaches, else on the strongest.

    Raises CustomerNotFound, UnknownConsent, InvalidConsent.
    """
    customer = get_customer(cursor, reference, region=region)
    anchor = _anchor_for(cursor, customer.id, reference, channel, region)
    change = set_consent(
        cursor,
        anchor=anchor,
        purpose=normalise_name(purpose) or purpose,
        channel=normalise_name(channel) or channel,
        state=told.state,
        occurred_at=told.occurred_at,
        at=at,
        source=told.source,
        actor=told.actor,
        reason=told.reason,
        language=told.language,
        text_version=told.text_version,
        text=told.text,
    )
    is_asked = change.state is ConsentState.REQUESTED
    return Answer(
        customer.id,
        change,
        tokens.sign_request(change.id, secret) if is_asked else None,
        change.recorded_at + LINK_LASTS if is_asked else None,
        tokens.sign_withdrawal(anchor, change.purpose, change.channel, secret),
    )


def _anchor_for(cursor: Cursor, customer: UUID, reference: str, channel: str, region: str | None) -> UUID:
    kind, value = rules.split_identifier(reference)
    normal = rules.normalise_identifier(kind, value, region=region) if value else None
    if normal is not None:
        return rules.identifier_id(kind, normal)
    known = list_identifiers(cursor, customer)
    if not known:
        raise CustomerNotFound("This customer has no identifier that consent could hang on.")
    wanted = _KIND_OF_CHANNEL.get(normalise_name(channel) or "")
    return next((one.id for one in known if one.kind == wanted), known[0].id)
