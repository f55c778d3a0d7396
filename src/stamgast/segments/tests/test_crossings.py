"""Entries and exits over time, held against a count in plain Python over days of the shop, across a change of clocks."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from stamgast.kit.database import Cursor, transaction
from stamgast.segments.crossings import count_crossings
from stamgast.segments.operations import define_segment
from stamgast.segments.types import Segment

ZONE = "Europe/Amsterdam"
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)  # the clocks change on 29 March


def fill(cursor: Cursor, segment: Segment) -> list[tuple[datetime, datetime | None]]:
    chance = random.Random(3)
    stays = []
    for number in range(300):
        entered = BEGIN + timedelta(hours=chance.randrange(24 * 60))
        left = entered + timedelta(hours=chance.randrange(1, 24 * 30)) if chance.random() < 0.6 else None
        stays.append((entered, left))
        cursor.execute(
            "INSERT INTO segments_stay (segment_id, customer_id, entered_at, left_at) VALUES (%s, %s, %s, %s)",
            (segment.slug, UUID(int=number), entered, left),
        )
    return stays


@pytest.mark.django_db
def test_what_is_counted_is_what_plain_python_counts() -> None:
    zone = ZoneInfo(ZONE)
    moments = [datetime(2026, 3, 10, tzinfo=zone) + timedelta(days=days) for days in range(0, 42, 3)]
    with transaction() as cursor:
        one = define_segment(cursor, name="One", condition={"balance": "score", "over": 6}, at=BEGIN, actor="test")
        other = define_segment(cursor, name="Other", condition={"balance": "score", "over": 9}, at=BEGIN, actor="test")
        stays = fill(cursor, one)
        fill(cursor, other)
        found = count_crossings(cursor, one, moments)
    ends = [*moments[1:], datetime.max.replace(tzinfo=UTC)]
    assert [(row.entries, row.exits) for row in found] == [
        (
            sum(since <= entered < until for entered, _left in stays),
            sum(left is not None and since <= left < until for _entered, left in stays),
        )
        for since, until in zip(moments, ends, strict=True)
    ]
    assert sum(row.entries for row in found) > 100
    assert sum(row.exits for row in found) > 50


@pytest.mark.django_db
def test_both_are_read_from_an_index_alone() -> None:
    with transaction() as cursor:
        segment = define_segment(cursor, name="One", condition={"balance": "score", "over": 6}, at=BEGIN, actor="test")
        fill(cursor, segment)
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        for index, column in (("stay_entered", "entered_at"), ("stay_left", "left_at")):
            plan = cursor.execute(
                f"EXPLAIN SELECT {column} FROM segments_stay WHERE segment_id = %s AND {column} IS NOT NULL AND {column} >= %s",
                (segment.slug, BEGIN),
            ).fetchall()
            assert f"Index Only Scan using {index}" in str(plan)
