from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from stamgast.kit.database import transaction
from stamgast.kit.paging import InvalidCursor, Page, encode_cursor
from stamgast.segments.operations import define_segment
from stamgast.segments.queries import list_changes, list_members

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.django_db
def test_members_by_cursor() -> None:
    with transaction() as cursor:
        segment = define_segment(cursor, name="Few", condition={"balance": "score", "over": 6}, at=NOW, actor="test")
        assert list_members(cursor, segment, after=None, limit=5) == Page([], None)
        assert list_members(cursor, segment, after=encode_cursor(NOW.isoformat(), str(UUID(int=1))), limit=5) == Page([], None)
        for key in (("x", "y"), ("2026-01-01", "y"), ("\x00", str(UUID(int=1)))):
            with pytest.raises(InvalidCursor):
                list_members(cursor, segment, after=encode_cursor(*key), limit=5)


@pytest.mark.django_db
def test_changes_come_in_the_order_in_which_they_happened_whatever_the_order_in_which_they_were_noted() -> None:
    days = [3, 1, 4, 1, 5]
    with transaction() as cursor:
        segment = define_segment(cursor, name="Few", condition={"balance": "score", "over": 6}, at=NOW, actor="test")
        cursor.executemany(
            "INSERT INTO segments_change (segment_id, customer_id, is_entry, occurred_at, recorded_at)"
            " VALUES (%s, %s, true, %s, %s)",
            [(segment.slug, uuid4(), NOW + timedelta(days=day), NOW) for day in days],
        )
        seen: list[int] = []
        before = None
        while True:
            page = list_changes(cursor, segment, before=before, limit=2)
            seen += [(change.occurred_at - NOW).days for change in page.rows]
            before = page.next_cursor
            if before is None:
                break
        assert seen == sorted(days, reverse=True)
        for key in (("x", 1), ("\x00", 1)):
            with pytest.raises(InvalidCursor):
                list_changes(cursor, segment, before=encode_cursor(*key), limit=2)
