"""Reads of consent."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from stamgast.customers.consent.errors import UnknownConsent
from stamgast.customers.consent.rules import allows, derive
from stamgast.customers.consent.types import Consent, ConsentChange, ConsentState, ConsentText
from stamgast.kit.database import Cursor

COLUMNS = (
    "change.id, change.anchor_id, change.purpose, change.channel, change.state, change.occurred_at, change.recorded_at, "
    "change.source, change.actor, change.reason, change.activity_id, change.language, change.text_version, change.text"
)

_TEXT = "purpose, channel, version, texts::text, created_at, created_by"


def change_of(row: Sequence[object]) -> ConsentChange:
    """A change from its row."""
    id_, anchor, purpose, channel, state, *rest = row
    return ConsentChange(id_, anchor, purpose, channel, ConsentState(str(state)), *rest)  # type: ignore[arg-type]


def list_changes(cursor: Cursor, customer: UUID) -> list[ConsentChange]:
    """Every change of a customer over all its identifiers, the latest to happen first."""
    cursor.execute(
        f"""
        SELECT {COLUMNS} FROM customers_link AS link
        JOIN customers_consentchange AS change ON change.anchor_id = link.identifier_id
        WHERE link.customer_id = %s AND link.ended_at IS NULL
        ORDER BY change.occurred_at DESC, change.id DESC
        """,
        (customer,),
    )
    return [change_of(row) for row in cursor]


def list_consents(cursor: Cursor, customer: UUID, *, at: datetime | None = None) -> list[Consent]:
    """What holds for a customer for each purpose and channel that something was ever said about; at a past moment if given."""
    return derive(list_changes(cursor, customer), at=at)


def may_contact(cursor: Cursor, customer: UUID, purpose: str, channel: str, *, at: datetime) -> bool:
    """Whether a customer may be contacted for a purpose over a channel, at any moment: by what had happened by then."""
    return allows(list_changes(cursor, customer), purpose, channel, at=at)


def list_contactable(cursor: Cursor, customers: Collection[UUID], purpose: str, channel: str, *, at: datetime) -> set[UUID]:
    """Those of the customers who may be contacted, in one query."""
    cursor.execute(
        f"""
        SELECT link.customer_id, {COLUMNS} FROM unnest(%s::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.customer_id = wanted.id AND link.ended_at IS NULL
        JOIN customers_consentchange AS change ON change.anchor_id = link.identifier_id
        """,
        (list(customers),),
    )
    changes: dict[UUID, list[ConsentChange]] = {}
    for customer, *row in cursor:
        changes.setdefault(customer, []).append(change_of(row))
    return {customer for customer, rows in changes.items() if allows(rows, purpose, channel, at=at)}


def list_texts(cursor: Cursor) -> list[ConsentText]:
    """Every version of every text, by purpose and channel, the newest first: the catalogue."""
    cursor.execute(f"SELECT {_TEXT} FROM customers_consenttext ORDER BY purpose, channel, version DESC")
    return [_text_of(row) for row in cursor]


def find_text(cursor: Cursor, purpose: str, channel: str, version: int | None = None) -> ConsentText | None:
    """The newest text of a purpose and channel, or the version asked for."""
    row = cursor.execute(
        f"SELECT {_TEXT} FROM customers_consenttext "
        "WHERE purpose = %s AND channel = %s AND (%s::integer IS NULL OR version = %s) ORDER BY version DESC LIMIT 1",
        (purpose, channel, version, version),
    ).fetchone()
    return _text_of(row) if row else None


def get_text(cursor: Cursor, purpose: str, channel: str, version: int | None = None) -> ConsentText:
    """Like ``find_text``; raises UnknownConsent."""
    text = find_text(cursor, purpose, channel, version)
    if text is None:
        named = f"{purpose[:40]!r} over {channel[:40]!r}" + (f" in version {version}" if version is not None else "")
        raise UnknownConsent(f"The catalogue has no consent for {named}. Add it in the console, or check the names.")
    return text


def _text_of(row: Sequence[Any]) -> ConsentText:
    purpose, channel, version, texts, *rest = row
    return ConsentText(purpose, channel, version, msgspec.json.decode(texts, type=dict[str, str]), *rest)
