"""What lists tell of many identifiers or activities at once, in one query each: orders, what was heard last, kinds."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stamgast.kit.database import Cursor


@dataclass(frozen=True, slots=True)
class Ordered:
    """Orders above zero in one currency: how many, and their amount in minor units, before returns."""

    currency: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Heard:
    """An activity as a list tells of it: when it happened, its kind, the name of its source, and its amount if it has one."""

    occurred_at: datetime
    kind: str
    source: str
    amount_minor: int | None
    currency: str | None


def sum_orders(cursor: Cursor, anchor_ids: Collection[UUID], *, kinds: Collection[str]) -> dict[UUID, list[Ordered]]:
    """The activities of these kinds with an amount above zero, by identifier and currency; identifiers with none are absent.

    Refunds and repeats are not looked at: this is the quick sum for lists.
    """
    rows = cursor.execute(
        "SELECT anchor_id, coalesce(currency, ''), count(*), sum(amount_minor)::bigint FROM activities_activity "
        "WHERE anchor_id = ANY(%s) AND kind = ANY(%s) AND amount_minor > 0 GROUP BY anchor_id, currency ORDER BY currency",
        (list(anchor_ids), list(kinds)),
    ).fetchall()
    found: dict[UUID, list[Ordered]] = {}
    for anchor, *ordered in rows:
        found.setdefault(anchor, []).append(Ordered(*ordered))
    return found


def find_last(cursor: Cursor, anchor_ids: Collection[UUID]) -> dict[UUID, Heard]:
    """The last activity of each identifier, read from the end of its stretch of the index; those with none are absent."""
    rows = cursor.execute(
        """
        SELECT wanted.id, mine.occurred_at, mine.kind, source.name, mine.amount_minor, mine.currency
        FROM unnest(%s::uuid[]) AS wanted (id)
        CROSS JOIN LATERAL (
            SELECT a.occurred_at, a.kind, a.source_id, a.amount_minor, a.currency FROM activities_activity AS a
            WHERE a.anchor_id = wanted.id ORDER BY a.occurred_at DESC, a.id DESC LIMIT 1
        ) AS mine JOIN activities_source AS source ON source.id = mine.source_id
        """,
        (list(anchor_ids),),
    ).fetchall()
    return {anchor: Heard(*heard) for anchor, *heard in rows}


def find_heard(cursor: Cursor, activity_ids: Collection[UUID]) -> dict[UUID, Heard]:
    """Activities by their ids, without their messages; unknown ones are absent."""
    rows = cursor.execute(
        "SELECT a.id, a.occurred_at, a.kind, source.name, a.amount_minor, a.currency FROM activities_activity AS a "
        "JOIN activities_source AS source ON source.id = a.source_id WHERE a.id = ANY(%s)",
        (list(activity_ids),),
    ).fetchall()
    return {activity: Heard(*heard) for activity, *heard in rows}


def list_kinds_of(cursor: Cursor, anchor_ids: Collection[UUID]) -> list[str]:
    """The kinds of what these identifiers did, the most frequent first."""
    rows = cursor.execute(
        "SELECT kind FROM activities_activity WHERE anchor_id = ANY(%s) GROUP BY kind ORDER BY count(*) DESC, kind",
        (list(anchor_ids),),
    ).fetchall()
    return [row[0] for row in rows]
