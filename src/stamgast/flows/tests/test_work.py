"""What the worker does with what breaks: it is set aside, and everything else is decided."""

from datetime import UTC, datetime
from types import SimpleNamespace

import django.db
import msgspec
import psycopg
import pytest

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, retry_set_aside, store
from stamgast.activities.queries import count_pending, count_set_aside, load_catalogue
from stamgast.activities.types import NewActivity
from stamgast.customers.queries import get_customer
from stamgast.flows import work
from stamgast.flows.install import install
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.queries import list_available

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def come_in(*numbers: int) -> None:
    with transaction() as cursor:
        source = ensure_source(cursor, "Shop", at=NOW, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        for number in numbers:
            message = {
                "type": "track",
                "event": "Coupon Redeemed",
                "messageId": f"m{number}",
                "userId": f"u{number}",
                "traits": {"age": 40},
                "timestamp": f"2026-02-01T12:{number:02}:00Z",
            }
            read = reader.read_message(msgspec.json.encode(message), source=source, received_at=NOW, fallback_id="")
            assert isinstance(read, NewActivity)
            store(cursor, [read], [])


def score_of(number: int) -> int:
    with open_cursor() as cursor:
        customer = get_customer(cursor, f"user_id:u{number}")
        return list_available(cursor, [customer.id])[customer.id]["score"]


@pytest.mark.django_db
def test_what_breaks_deciding_is_set_aside_and_nothing_else_is() -> None:
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    come_in(1, 2, 3, 4, 5)
    with transaction() as cursor:
        cursor.execute("UPDATE activities_activity SET body = 'broken ' || body WHERE body LIKE '%u2%' OR body LIKE '%u4%'")
    told = []
    assert work.drain(lambda done, total: told.append(done)) == 5
    with open_cursor() as cursor:
        assert (count_pending(cursor), count_set_aside(cursor)) == (0, 2)
    assert [score_of(number) for number in (1, 3, 5)] == [5, 5, 5]
    with transaction() as cursor:
        cursor.execute("UPDATE activities_activity SET body = substr(body, 8) WHERE body LIKE 'broken %'")
        assert retry_set_aside(cursor) == 2
    assert work.drain(lambda done, total: None) == 2
    assert [score_of(number) for number in (2, 4)] == [5, 5]


def test_what_was_sent_and_breaks_a_limit_is_no_lost_database() -> None:
    told = django.db.OperationalError()
    told.__cause__ = psycopg.errors.ProgramLimitExceeded()
    assert not work._is_lost(told)
    assert not work._is_lost(psycopg.errors.ProgramLimitExceeded())
    assert not work._is_lost(psycopg.errors.StatementTooComplex())
    assert work._is_lost(psycopg.OperationalError())
    assert work._is_lost(psycopg.errors.DeadlockDetected())
    assert work._is_lost(psycopg.errors.DiskFull())
    assert work._is_lost(django.db.InterfaceError())


def test_answering_what_is_usual_takes_a_twentieth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter((100.0, 106.0))
    monkeypatch.setattr(work, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    monkeypatch.setattr(work, "answer_usual", lambda at: None)
    assert work._answer_usual() == 106.0 + 20 * 6.0
