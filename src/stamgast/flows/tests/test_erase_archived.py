"""Somebody whose messages are in the archive: all of them are in the export, and none is left in a file after the erasure."""

import io
import json
import threading
import zipfile
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.test import Client

from stamgast.access.operations import create_key
from stamgast.activities.archive import archive_folder, remove_leftovers
from stamgast.api import idempotency
from stamgast.flows.erase import erase
from stamgast.flows.export_person import export_person
from stamgast.kit.database import open_cursor, transaction
from stamgast.lake.export import alone

from .test_archive_months import NOW, archive, findings, shop

__all__ = ["shop"]


def archived() -> list[str]:
    return [body for file in archive_folder().glob("*.parquet") for body in pq.read_table(file)["body"].to_pylist()]


def test_archived_messages_are_in_the_export(shop: None) -> None:
    archive()
    assert [body for body in archived() if "anna" in body] != []
    with transaction() as cursor:
        _customer, content = export_person(cursor, "user_id:anna", at=NOW, actor="test")
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        told = json.loads(file.read("data.json"))["activities"]
    assert [json.loads(one["message"])["userId"] for one in told] == ["anna"] * 7


def test_no_file_of_before_is_left_when_the_erasure_returns(shop: None) -> None:
    archive()
    erase("user_id:anna", reason="", at=NOW, actor="test")
    assert [body for body in archived() if "anna" in body] == []
    assert findings() == []


def test_by_the_api_too(shop: None) -> None:
    archive()
    with transaction() as cursor:
        key = create_key(cursor, "test", ["*"], at=NOW, actor="test")[1]
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "k"}
    answer = Client().post("/v1/customers/user_id:anna/erasure", {}, "application/json", headers=headers)
    assert (answer.status_code, answer.json()["removed"]["activities"]) == (200, 7)
    assert [body for body in archived() if "anna" in body] == []
    assert findings() == []


def test_by_the_api_the_archive_is_held_until_all_of_it_is_committed(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who tidied the archive before the commit would take the new file, which nothing names yet, for a leftover."""
    archive()
    with transaction() as cursor:
        key = create_key(cursor, "test", ["*"], at=NOW, actor="test")[1]
    kept, tidied = idempotency.keep_answer, threading.Event()

    def tidy() -> None:
        with alone(archive_folder(), waits=True), open_cursor() as cursor:
            remove_leftovers(cursor)
        connection.close()
        tidied.set()

    def keep(*arguments: Any, **named: Any) -> None:
        """The last before the commit: somebody else wants to tidy up at this moment, and has to wait."""
        threading.Thread(target=tidy).start()
        assert not tidied.wait(0.5)
        kept(*arguments, **named)

    monkeypatch.setattr(idempotency, "keep_answer", keep)
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "k"}
    answer = Client().post("/v1/customers/user_id:anna/erasure", {}, "application/json", headers=headers)
    assert answer.status_code == 200
    assert tidied.wait(10)
    assert [body for body in archived() if "anna" in body] == []
    assert findings() == []
