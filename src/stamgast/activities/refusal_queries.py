"""Reads of what was refused and waits to be corrected."""

from typing import Any
from uuid import UUID

from stamgast.activities.errors import RefusalNotFound
from stamgast.activities.queries import position_of
from stamgast.activities.types import Refusal
from stamgast.kit.database import Cursor
from stamgast.kit.paging import DEFAULT_PAGE, LARGEST_PAGE, Page, page_of

_REFUSAL = "r.id, s.name, r.received_at, r.reason, r.detail, r.body, r.settled_at, r.settled_by, r.activity_id"


def list_refusals(
    cursor: Cursor,
    *,
    is_settled: bool = False,
    source: str | None = None,
    reason: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT_PAGE,
) -> Page[Refusal]:
    """What waits with its reason (or, settled, what was mended or dismissed); the latest first."""
    condition, values = [f"r.settled_at IS {'NOT ' if is_settled else ''}NULL"], list[Any]()
    if source is not None:
        condition.append("s.name = %s")
        values.append(source)
    if reason is not None:
        condition.append("r.reason = %s")
        values.append(reason)
    if after is not None:
        condition.append("(r.received_at, r.id) < (%s, %s)")
        values += position_of(after)
    limit = min(limit, LARGEST_PAGE)
    rows = cursor.execute(
        f"SELECT {_REFUSAL} FROM activities_refusal r JOIN activities_source s ON s.id = r.source_id "
        f"WHERE {' AND '.join(condition)} ORDER BY r.received_at DESC, r.id DESC LIMIT %s",
        (*values, limit + 1),
    ).fetchall()
    return page_of([Refusal(*row) for row in rows], limit, lambda refusal: (refusal.received_at.isoformat(), str(refusal.id)))


def get_refusal(cursor: Cursor, refusal_id: UUID) -> Refusal:
    """One refusal; raises RefusalNotFound."""
    row = cursor.execute(
        f"SELECT {_REFUSAL} FROM activities_refusal r JOIN activities_source s ON s.id = r.source_id WHERE r.id = %s",
        (refusal_id,),
    ).fetchone()
    if row is None:
        raise RefusalNotFound("There is no refusal with this id.")
    return Refusal(*row)


def count_refusals(cursor: Cursor) -> dict[str, int]:
    """How many refusals wait, by reason."""
    return dict(
        cursor.execute(
            "SELECT reason, count(*) FROM activities_refusal WHERE settled_at IS NULL GROUP BY reason ORDER BY reason"
        ).fetchall()
    )
