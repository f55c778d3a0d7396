"""The route of ``/v1`` about customers who are likely one person."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import NinjaAPI, Query, Schema

from stamgast.api.shapes import Paging
from stamgast.duplicates.queries import list_proposals
from stamgast.kit.database import open_cursor


class DuplicateShape(Schema):
    """Two customers who are likely one person. ``reasons`` are codes, ``field:level``, of what was compared."""

    id: UUID
    customer_ids: list[UUID]
    probability: float
    reasons: list[str]
    found_at: datetime


class DuplicatePage(Schema):
    """A page of proposals that wait for a decision, the likeliest first."""

    data: list[DuplicateShape]
    next_cursor: str | None


def register(api: NinjaAPI) -> None:
    """Adds the route."""
    api.get("/duplicates", response=DuplicatePage, summary="Who is likely one person")(list_duplicates)


def list_duplicates(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Pairs of customers that wait for a decision. What was merged meanwhile leaves the list at the next search."""
    with open_cursor() as cursor:
        page = list_proposals(cursor, after=paging.cursor, limit=paging.limit)
    rows = [
        {
            "id": row.id,
            "customer_ids": [row.one_id, row.other_id],
            "probability": row.probability,
            "reasons": row.reasons,
            "found_at": row.found_at,
        }
        for row in page.rows
    ]
    return {"data": rows, "next_cursor": page.next_cursor}
