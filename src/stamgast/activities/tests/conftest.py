"""What the room's tests share: a reader, a source, and activities made by reading messages, as everywhere."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from django.db import connection

from stamgast.activities.catalogue import builtin_catalogue
from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source
from stamgast.activities.types import NewActivity, Refused, Source
from stamgast.kit.database import Cursor, transaction

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader(builtin_catalogue(), currency="EUR", region="NL")


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """For tests whose writes are seen by other connections. Removes what this room stored: a flush of everything takes long."""
    with django_db_blocker.unblock():
        yield
        with transaction() as cursor:
            for table in ("activity", "pending", "refusal", "kind", "sourcekey", "source"):
                cursor.execute(f"DELETE FROM activities_{table}")
        connection.close()


@pytest.fixture
def cursor(db: None) -> Iterator[Cursor]:
    with transaction() as cursor:
        yield cursor


@pytest.fixture
def shop(cursor: Cursor) -> Source:
    return ensure_source(cursor, "shop", at=NOON, actor="test")


@pytest.fixture
def read(reader: Reader, shop: Source) -> Callable[..., Any]:
    def read(received_at: datetime = NOON, **message: Any) -> NewActivity | Refused:
        raw = msgspec.json.encode(message)
        return reader.read_message(raw, source=shop, received_at=received_at, fallback_id="none")

    return read
