"""A timeline of ten thousand activities: its last page reads no more rows than its first."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from stamgast.activities import timeline
from stamgast.activities.types import Source
from stamgast.kit.database import Cursor

BEGAN = datetime(2020, 1, 1, tzinfo=UTC)
MANY, PAGE = 10_000, 25


@pytest.fixture
def anchors(cursor: Cursor, shop: Source) -> list[UUID]:
    """Ten thousand activities an hour apart on one identifier, a few on another, and many of somebody else."""
    mine, beside, other = sorted((uuid4(), uuid4(), uuid4()))
    cursor.execute(
        """
        INSERT INTO activities_activity
            (id, source_id, type, kind, anchor_id, identifiers, occurred_at, received_at, line_count, body)
        SELECT gen_random_uuid(), %(source)s, 'track', 'Page ' || n %% 7, anchor, '["user_id:1"]',
            %(began)s + n * interval '1 hour', %(began)s, 0, '{}'
        FROM (
            SELECT n, %(mine)s::uuid AS anchor FROM generate_series(1, %(many)s) AS n
            UNION ALL SELECT n * 1000, %(beside)s::uuid FROM generate_series(1, 5) AS n
            UNION ALL SELECT n, %(other)s::uuid FROM generate_series(1, %(many)s) AS n
        ) AS rows
        """,
        {"source": shop.id, "began": BEGAN, "mine": mine, "beside": beside, "other": other, "many": MANY},
    )
    cursor.execute("ANALYZE activities_activity")
    return [mine, beside]


def rows_read(cursor: Cursor, monkeypatch: pytest.MonkeyPatch, **asked: Any) -> int:
    """How many rows of activities the page's query looks at, by the database's own count."""
    monkeypatch.setattr(timeline, "_PAGE", "EXPLAIN (ANALYZE, FORMAT JSON) " + EXPLAINED)
    monkeypatch.setattr(timeline, "fill_bodies", lambda cursor, rows: rows)
    monkeypatch.setattr(timeline, "activity_of", lambda row: row)
    plans: list[Any] = []
    monkeypatch.setattr(timeline, "page_of", lambda rows, *_: plans.extend(rows))
    timeline.list_activities(cursor, **asked)
    plan = plans[0][0]
    return _rows((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


EXPLAINED = timeline._PAGE


def _rows(plan: dict[str, Any]) -> int:
    mine = plan.get("Relation Name") == "activities_activity"
    looked = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"] if mine else 0
    return round(looked) + sum(_rows(below) for below in plan.get("Plans", []))


def test_the_last_page_reads_no_more_than_the_first(
    cursor: Cursor, anchors: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    page = timeline.list_activities(cursor, anchors, limit=PAGE)
    near_the_end = timeline.list_activities(cursor, anchors, until=BEGAN + timedelta(hours=100), limit=PAGE)
    with monkeypatch.context() as patch:
        for before in (None, page.next_cursor, near_the_end.next_cursor):
            found.append(rows_read(cursor, patch, anchor_ids=anchors, before=before, limit=PAGE))
    assert max(found) <= 4 * (PAGE + 1), found


def test_pages_join_to_everything_once(cursor: Cursor, anchors: list[UUID]) -> None:
    ids: list[UUID] = []
    before, pages = None, 0
    while True:
        page = timeline.list_activities(cursor, anchors, before=before, limit=500)
        ids += [row.id for row in page.rows]
        pages += 1
        if page.next_cursor is None:
            break
        before = page.next_cursor
    assert (len(ids), len(set(ids)), pages) == (MANY + 5, MANY + 5, 21)
    assert len(timeline.list_activities(cursor, anchors, kind="Page 3", limit=500).rows) == 500
