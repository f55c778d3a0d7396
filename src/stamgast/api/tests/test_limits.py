"""The pace of a key: told in the headers, kept by the database whoever asks, and given back with time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from stamgast.access.errors import InvalidLimit
from stamgast.access.operations import create_key, set_limit, take_token
from stamgast.access.queries import list_keys
from stamgast.access.rules import describe_rate
from stamgast.kit.database import open_cursor, transaction

from .conftest import NOW


def make(limit: int):
    with transaction() as cursor:
        return create_key(cursor, "test", ["*"], at=NOW, actor="test", limit_per_minute=limit)


def take(key, seconds: float):
    with open_cursor() as cursor:
        return take_token(cursor, key, at=NOW + timedelta(seconds=seconds))


def test_a_request_too_many_is_refused_with_the_moment_to_come_back(shop, client) -> None:
    _key, text = make(2)
    answers = [client.get("/v1/segments", headers={"authorization": f"Bearer {text}"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer["RateLimit-Limit"] for answer in answers] == ["2"] * 3
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert 55 <= int(answers[1]["RateLimit-Reset"]) <= 60
    assert ("Retry-After" in answers[1], answers[2].json()["code"]) == (False, "rate_limited")
    assert 25 <= int(answers[2]["Retry-After"]) <= 30
    assert answers[2]["content-type"] == "application/problem+json"


def test_who_has_no_key_has_no_pace(client, db) -> None:
    assert "RateLimit-Limit" not in client.get("/v1/segments")


@pytest.mark.django_db
def test_tokens_come_back_evenly_and_no_more_than_a_minutes() -> None:
    key, _text = make(6)
    assert [take(key, 0).remaining for _ in range(6)] == [5, 4, 3, 2, 1, 0]
    assert take(key, 5).retry_after_seconds == 5
    assert take(key, 9.9).retry_after_seconds == 1
    assert take(key, 10.1).retry_after_seconds is None
    assert take(key, 10_000).remaining == 5
    assert take(key, 9_000).remaining == 4, "a clock that is behind takes nothing away and gives nothing"


@pytest.mark.django_db
def test_another_limit_holds_from_the_next_request() -> None:
    key, _text = make(1)
    take(key, 0)
    assert take(key, 1).retry_after_seconds == 59
    with transaction() as cursor:
        with pytest.raises(InvalidLimit):
            set_limit(cursor, key.hint, 0, at=NOW, actor="test")
        faster = set_limit(cursor, key.hint, 600, at=NOW, actor="test")
    assert take(faster, 2).retry_after_seconds is None
    with open_cursor() as cursor:
        (listed,) = list_keys(cursor)
        last = cursor.execute(
            "SELECT action, detail->>'before', detail->>'after' FROM access_trail ORDER BY id DESC LIMIT 1"
        ).fetchone()
    assert (listed.limit_per_minute, listed.last_used_at) == (600, NOW + timedelta(seconds=2))
    assert last == ("set limit of key", "1", "600")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_kept", [True, False], ids=["one statement", "control: read, then write"])
def test_many_at_once_take_no_more_than_there_is(transactional_db, is_kept: bool) -> None:
    key, _text = make(10)
    take(key, 0)

    def read_then_write() -> bool:
        with open_cursor() as cursor:
            (tokens,) = cursor.execute("SELECT tokens FROM access_keyuse").fetchone()
            cursor.execute("SELECT pg_sleep(0.02)")
            cursor.execute("UPDATE access_keyuse SET tokens = %s", (tokens - 1,))
        return tokens >= 1

    def ask(_number: int) -> bool:
        try:
            return take(key, 0).retry_after_seconds is None if is_kept else read_then_write()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        allowed = sum(threads.map(ask, range(30)))
    assert allowed == 9 if is_kept else allowed > 9


@given(limit=st.integers(1, 10_000_000), tokens=st.floats(0, 1), is_refused=st.booleans())
def test_what_is_told_is_never_too_soon(limit: int, tokens: float, is_refused: bool) -> None:
    rate = describe_rate(limit, tokens * limit, is_refused=is_refused)
    assert 0 <= rate.remaining <= limit
    assert tokens * limit + rate.reset_seconds * limit / 60 >= limit * 0.999999
    if rate.retry_after_seconds is not None:
        assert rate.retry_after_seconds >= 1
        assert tokens * limit + rate.retry_after_seconds * limit / 60 >= 0.999999
