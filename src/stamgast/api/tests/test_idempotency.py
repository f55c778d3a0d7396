"""Writes that are sent again, through a small API of their own: its one write is a line in the trail."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.urls import path
from ninja import NinjaAPI, Schema
from ninja.responses import Status

from stamgast.access.operations import create_key, record
from stamgast.access.types import Scope
from stamgast.api import problems
from stamgast.api.idempotency import idempotent
from stamgast.api.keys import Keyed
from stamgast.api.permissions import RULES
from stamgast.api.problems import Forbidden
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction

from .conftest import NOW

pytestmark = pytest.mark.urls(__name__)
AT = datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)


class Note(Schema):
    text: str


class Kept(Schema):
    id: UUID
    at: datetime
    amount: Decimal
    text: str


api = NinjaAPI(urls_namespace="writes", auth=Keyed())
problems.register(api)


@api.post("/notes", response={201: Kept})
@idempotent
def write_note(request, body: Note):
    with transaction() as cursor:
        record(cursor, f"key:{request.auth.id}", "write", body.text, {}, NOW)
        if body.text == "forbidden":
            raise Forbidden("Not this one.")
        cursor.execute("SELECT pg_sleep(0.05)")
    return Status(201, {"id": UUID(int=7), "at": AT, "amount": Decimal("12.30"), "text": body.text})


urlpatterns = [path("v1/", api.urls)]


@pytest.fixture(autouse=True)
def _allowed(monkeypatch):
    monkeypatch.setitem(RULES, "write_note", {"POST": Scope.CUSTOMERS_WRITE})


@pytest.fixture
def send(db):
    def key() -> str:
        with transaction() as cursor:
            return create_key(cursor, "test", ["customers:write"], at=NOW, actor="test")[1]

    keys = {"": key()}

    def post(text, name=None, who=""):
        keys.setdefault(who, "") or keys.update({who: key()})
        headers = {"authorization": f"Bearer {keys[who]}"} | ({"idempotency-key": name} if name is not None else {})
        return Client().post("/v1/notes", json.dumps({"text": text}), content_type="application/json", headers=headers)

    return post


def written() -> list[str]:
    with open_cursor() as cursor:
        rows = cursor.execute("SELECT subject FROM access_trail WHERE action = 'write' ORDER BY id").fetchall()
    return [subject for (subject,) in rows]


def test_a_write_that_is_sent_again_is_done_once_and_answered_the_same(send) -> None:
    first, again = send("a", "one"), send("a", "one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.json() == {
        "id": str(UUID(int=7)),
        "at": "2026-06-01T12:00:00.123Z",
        "amount": "12.30",
        "text": "a",
    }
    assert ("Idempotent-Replayed" in first, again["Idempotent-Replayed"]) == (False, "true")
    assert written() == ["a"]


def test_another_body_under_the_same_key_is_refused_and_nothing_is_done(send) -> None:
    send("a", "one")
    answer = send("b", "one")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert written() == ["a"]


def test_without_a_key_and_with_another_each_write_counts(send) -> None:
    for name in (None, None, "one", "two"):
        assert send("a", name).status_code == 201
    assert send("b", "one", who="somebody else").status_code == 201
    assert written() == ["a", "a", "a", "a", "b"]


def test_what_was_refused_was_not_done_and_may_be_sent_again(send) -> None:
    for _ in range(2):
        answer = send("forbidden", "one")
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert written() == []
    assert send("a", "one").status_code == 201


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_a_key_has_a_decent_length(send, name) -> None:
    answer = send("a", name)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_idempotency_key")
    assert written() == []


def test_answers_are_swept_after_a_week(send) -> None:
    send("a", "old")
    with transaction() as cursor:
        cursor.execute("UPDATE access_answer SET at = %s", (utc_now() - timedelta(days=8),))
    send("a", "new")
    with open_cursor() as cursor:
        assert cursor.execute("SELECT name FROM access_answer").fetchall() == [("new",)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["one", None], ids=["the same key", "control: no key"])
def test_the_same_write_many_times_at_once(transactional_db, send, name) -> None:
    def one(_number: int) -> tuple[int, bytes]:
        try:
            answer = send("a", name)
            return answer.status_code, answer.content
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(one, range(6)))
    assert {status for status, _body in answers} == {201}
    assert len(written()) == (1 if name else 6)
