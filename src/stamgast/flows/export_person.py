"""Everything that is known of one person, for that person: a file for machines and a page for people, in a zip."""

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import Enum
from html import escape
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from stamgast.access.operations import record
from stamgast.activities.contents import list_bodies, list_devices, list_sources_of
from stamgast.activities.erasing import find_refusals
from stamgast.activities.refusal_queries import get_refusal
from stamgast.customers.consent.queries import list_changes
from stamgast.customers.histories import list_judgements, list_links
from stamgast.customers.households import list_stays
from stamgast.customers.queries import anchors_of, get_profile
from stamgast.customers.trait_queries import list_trait_values
from stamgast.kit.database import Cursor
from stamgast.kit.paging import LARGEST_PAGE, Page
from stamgast.ledger.adjusting import Proposal, list_proposals_of
from stamgast.ledger.queries import get_balances, list_movements
from stamgast.segments.queries import list_stays_of

Row = TypeVar("Row")
TITLES = {
    "en": {
        "title": "Everything that is known of you", "identifiers": "Known as", "traits": "What was told", "consents": "Consent",
        "judgements": "What people said about who you are", "links": "How you became one customer",
        "households": "Where you live", "balances": "What you have",
        "movements": "What was given and taken", "adjustments": "Corrections that waited for a second person",
        "segments": "Groups you were in", "devices": "Devices", "sources": "Sources",
        "activities": "What you did", "refusals": "What was refused",
    },
    "nl": {
        "title": "Alles wat er van je bekend is", "identifiers": "Bekend als", "traits": "Wat er verteld is",
        "consents": "Toestemming", "judgements": "Wat mensen zeiden over wie je bent", "links": "Hoe je één klant werd",
        "households": "Waar je woont",
        "balances": "Wat je hebt", "movements": "Wat gegeven en genomen is",
        "adjustments": "Correcties die op een tweede persoon wachtten", "segments": "Groepen waar je in zat",
        "devices": "Apparaten", "sources": "Bronnen", "activities": "Wat je deed", "refusals": "Wat geweigerd is",
    },
}  # fmt: skip
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;font-size:.85rem}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #ccc;overflow-wrap:anywhere}"
)


def export_person(
    cursor: Cursor, reference: str, *, at: datetime, actor: str, language: str = "en", region: str | None = None
) -> tuple[UUID, bytes]:
    """The customer's id and the zip; that it was made stands in the trail. Raises CustomerNotFound.

    What is read is gathered in one transaction of the caller, so it is of one moment.
    """
    data = gather(cursor, reference, at=at, region=region)
    customer = data["customer"]["id"]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        plain = _plain(data)
        archive.writestr("data.json", msgspec.json.format(msgspec.json.encode(plain), indent=2))
        archive.writestr("index.html", _page(plain, language))
    record(cursor, actor, "export customer", f"customer:{customer}", {"bytes": content.tell()}, at)
    return customer, content.getvalue()


def gather(cursor: Cursor, reference: str, *, at: datetime, region: str | None) -> dict[str, Any]:
    """Everything, as it is kept."""
    profile = get_profile(cursor, reference, region=region)
    customer = profile.customer.id
    anchors = anchors_of(cursor, [customer])[customer]
    return {
        "exported_at": at,
        "customer": profile.customer,
        "identifiers": profile.identifiers,
        "traits": list_trait_values(cursor, customer),
        "consents": list_changes(cursor, customer),
        "judgements": list_judgements(cursor, customer),
        "links": list(_all(lambda after: list_links(cursor, customer, after=after, limit=LARGEST_PAGE))),
        "households": list_stays(cursor, [customer]).get(customer, []),
        "balances": get_balances(cursor, customer),
        "movements": list(_all(lambda after: list_movements(cursor, customer, after=after, limit=LARGEST_PAGE))),
        "adjustments": _adjustments(cursor, customer, anchors),
        "segments": list_stays_of(cursor, customer),
        "devices": list_devices(cursor, anchors),
        "sources": list_sources_of(cursor, anchors),
        "activities": list_bodies(cursor, anchors),
        "refusals": _refusals(cursor, [f"{one.kind}:{one.value}" for one in profile.identifiers], region),
    } | {"customer": _plain(profile.customer) | {"id": customer}}


def _all(read: Callable[[str | None], Page[Row]]) -> Iterator[Row]:
    after: str | None = None
    while True:
        page = read(after)
        yield from page.rows
        if page.next_cursor is None:
            return
        after = page.next_cursor


def _adjustments(cursor: Cursor, customer: UUID, anchors: Sequence[UUID]) -> list[dict[str, Any]]:
    def read(after: str | None) -> Page[Proposal]:
        return list_proposals_of(cursor, customer, anchors, after=after, limit=LARGEST_PAGE)

    names = (
        "asked_at", "asked_by", "currency", "amount", "partner", "expires_at", "reason", "state", "decided_at", "decided_by",
        "decided_reason",
    )  # fmt: skip
    return [{name: getattr(one, name) for name in names} for one in _all(read)]


def _refusals(cursor: Cursor, texts: Sequence[str], region: str | None) -> list[dict[str, Any]]:
    found = find_refusals(cursor, values=[text.partition(":")[2] for text in texts], region=region)
    rows = [get_refusal(cursor, id_) for id_, names in found.items() if not names.isdisjoint(texts)]
    return [{"received_at": row.received_at, "source": row.source, "reason": row.reason, "message": row.body} for row in rows]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(one) for name, one in asdict(value).items()}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Enum):
        return value.name.lower()
    return value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value


def _page(data: Mapping[str, Any], language: str) -> str:
    titles = TITLES[language]
    parts = [
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{titles["title"]}</title>'
        f"<style>{STYLE}</style></head><body><h1>{titles['title']}</h1><p>{escape(data['exported_at'])}</p>"
    ]
    for name, rows in data.items():
        if isinstance(rows, list):
            parts.append(f"<h2>{titles[name]} ({len(rows)})</h2>")
            parts.append(_table(rows) if rows else "<p>–</p>")
    return "".join(parts) + "</body></html>"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(rows[0])
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{_cell(row.get(name))}</td>" for name in names) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return escape(value if isinstance(value, str) else msgspec.json.encode(value).decode())
