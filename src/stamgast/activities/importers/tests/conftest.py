"""What the tests of importers share: an import of a text, and what it stored."""

import json
from datetime import UTC, datetime

import pytest

from stamgast.activities.catalogue import builtin_catalogue
from stamgast.activities.importers.mapping import read_mapping
from stamgast.activities.importers.running import Edges, import_file
from stamgast.activities.messages import Reader
from stamgast.kit.database import open_cursor, transaction

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def imported(tmp_path):
    """Imports a file (a path, or the text or bytes of a CSV file) by the text of a mapping."""

    def run(file, mapping, *, at=AT, source=None, **edges):
        path = file
        if isinstance(file, str | bytes):
            path = tmp_path / "rows.csv"
            path.write_bytes(file if isinstance(file, bytes) else file.encode())
        return import_file(
            path,
            read_mapping(mapping),
            source_name=source,
            reader=Reader(builtin_catalogue(), currency="EUR", region="NL"),
            edges=Edges(**{"open_transaction": transaction, "now": lambda: at, "actor": "test", "folder": tmp_path} | edges),
        )

    return run


@pytest.fixture
def bodies():
    """The messages stored, without their ids, in the order in which they happened."""

    def read():
        with open_cursor() as cursor:
            rows = cursor.execute("SELECT body FROM activities_activity ORDER BY occurred_at, body").fetchall()
        messages = [json.loads(body, parse_float=str) for (body,) in rows]
        for message in messages:
            assert len(message.pop("messageId")) == 32
        return messages

    return read
