from datetime import UTC, datetime
from uuid import UUID

import pytest

from stamgast.kit.database import transaction
from stamgast.kit.paging import InvalidCursor, Page, encode_cursor
from stamgast.segments.operations import define_segment
from stamgast.segments.queries import list_members

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
