"""Entries and exits over time, held against a count in plain Python over days of the shop, across a change of clocks."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
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


def first_day(moment: datetime, step: str) -> date:
    day = moment.astimezone(ZoneInfo(ZONE)).date()
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[step]


@pytest.mark.django_db
@pytest.mark.parametrize("step", ["day", "week", "month"])
def test_what_is_counted_is_what_plain_python_counts(step: str) -> None:
    zone = ZoneInfo(ZONE)
    since, until = datetime(2026, 3, 10, tzinfo=zone), datetime(2026, 4, 20, tzinfo=zone)
    with transaction() as cursor:
        one = define_segment(cursor, name="One", condition={"balance": "score", "over": 6}, at=BEGIN, actor="test")
        other = define_segment(cursor, name="Other", condition={"balance": "score", "over": 9}, at=BEGIN, actor="test")
        stays = fill(cursor, one)
        fill(cursor, other)
        found, later = count_crossings(cursor, one, since=since, until=until, step=step, zone=ZONE)
    entries = Counter(first_day(entered, step) for entered, _left in stays if since <= entered < until)
    exits = Counter(first_day(left, step) for _entered, left in stays if left and since <= left < until)
    assert {day: row.entries for day, row in found.items() if row.entries} == entries
    assert {day: row.exits for day, row in found.items() if row.exits} == exits
    assert later.entries == sum(entered >= until for entered, _left in stays)
    assert later.exits == sum(left is not None and left >= until for _entered, left in stays)


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
