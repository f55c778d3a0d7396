"""An audit that a page asks for: its end, its findings, a wish to stop, and a worker that ends in the middle."""

from datetime import UTC, datetime, timedelta
from itertools import count

import psycopg
import pytest

from stamgast.books.errors import AuditRunning
from stamgast.books.operations import beat_audit, claim_audit, stop_audit, want_audit
from stamgast.books.queries import list_audits
from stamgast.books.types import AuditRun
from stamgast.flows import run_audit
from stamgast.flows.install import install
from stamgast.flows.run_audit import run_wanted_audit
from stamgast.kit.database import connection_parameters, open_cursor, transaction
from stamgast.kit.ids import derive_id
from stamgast.ledger.operations import post
from stamgast.ledger.types import Finding, Wanted

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)


def ask() -> bool:
    with transaction() as cursor:
        return want_audit(cursor, at=NOW, actor="staff:a@example.org")


def last() -> AuditRun:
    with open_cursor() as cursor:
        return list_audits(cursor, limit=1)[0]


@pytest.fixture(autouse=True)
def shop(transactional_db: None) -> None:
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")


def test_a_sound_ledger_ends_without_findings_and_an_edited_one_with_them() -> None:
    assert run_wanted_audit(clock=lambda: NOW) is False, "nobody asked"
    assert ask() is True
    assert ask() is False, "one is open"
    assert run_wanted_audit(clock=lambda: NOW) is True
    assert (last().is_open, last().findings, last().ended_at) == (False, [], NOW)
    row = Wanted(derive_id("c"), derive_id("a"), "purchase", "points", 5, NOW, None, 1)
    with transaction() as cursor:
        post(cursor, [row], at=NOW, actor="test", reason="decided")
        cursor.execute("UPDATE ledger_movement SET reason = 'gift'")
    ask()
    run_wanted_audit(clock=lambda: NOW)
    found = last().findings
    assert found is not None
    assert [one[0] for one in found] == ["fingerprint"]
    assert last().movements == 1


def test_a_wish_to_stop_is_followed_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ask()
    moments = count()

    def slow(progress: object) -> list[Finding]:
        progress("ledger", 10)  # type: ignore[operator]
        stop_from_elsewhere()
        progress("parity", 20)  # type: ignore[operator]
        raise AssertionError("it went on")

    def stop_from_elsewhere() -> None:
        with psycopg.connect(**connection_parameters()) as other, other.cursor() as cursor:
            assert stop_audit(cursor, at=NOW, actor="staff:a@example.org") is True

    monkeypatch.setattr(run_audit.audit, "run", slow)
    assert run_wanted_audit(clock=lambda: NOW + timedelta(seconds=2 * next(moments))) is True
    run = last()
    assert (run.is_open, run.is_stopping, run.findings, run.done) == (False, True, None, 20)


def test_what_nobody_works_on_is_stopped_at_once_and_what_somebody_does_is_theirs() -> None:
    ask()
    with transaction() as cursor:
        assert stop_audit(cursor, at=NOW, actor="staff:a@example.org") is True
        assert stop_audit(cursor, at=NOW, actor="staff:a@example.org") is False
    assert (last().is_open, last().ended_at) == (False, NOW)
    ask()
    with transaction() as cursor:
        run = claim_audit(cursor, at=NOW)
        assert run is not None
        assert beat_audit(cursor, run.id, phase="ledger", done=1, movements=2, at=NOW) is False
    with pytest.raises(AuditRunning):
        run_wanted_audit(clock=lambda: NOW + timedelta(minutes=9))
    assert run_wanted_audit(clock=lambda: NOW + timedelta(minutes=11)) is True, "whoever began it died"
    assert last().findings == []


def test_a_worker_that_ends_leaves_the_run_to_the_next() -> None:
    row = Wanted(derive_id("c"), derive_id("a"), "purchase", "points", 5, NOW, None, 1)
    with transaction() as cursor:
        post(cursor, [row], at=NOW, actor="test", reason="decided")
    ask()
    assert run_wanted_audit(clock=lambda: NOW, should_stop=lambda: True) is True
    assert (last().is_open, last().beat_at) == (True, None)
    assert run_wanted_audit(clock=lambda: NOW) is True
    assert last().is_open is False
