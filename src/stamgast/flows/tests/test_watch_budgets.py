"""A budget counts what the ledger holds, stops nothing, and ends its rule by a version with a last day."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.activities.types import NewActivity
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.install import BEGINNING, install
from stamgast.flows.publish import put_in_force
from stamgast.flows.watch_budgets import close_rule, watch_budgets
from stamgast.kit.database import open_cursor, transaction
from stamgast.programmes.documents import default_document
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.operations import publish
from stamgast.programmes.queries import get_programme

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ZONE = "Europe/Amsterdam"
TEXT = default_document(ZONE).replace("give: {score: 5}", "give: {score: 5}\n    budget: {score: 20}")


def redeem(number: int, at: datetime) -> None:
    message = {"type": "track", "event": "Coupon Redeemed", "messageId": f"m{number}", "userId": f"u{number % 3}"}
    with transaction() as cursor:
        source = ensure_source(cursor, "Shop", at=NOW, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        body = msgspec.json.encode(message | {"timestamp": at.isoformat()})
        read = reader.read_message(body, source=source, received_at=at, fallback_id="")
        assert isinstance(read, NewActivity)
        store(cursor, [read], [])
    decide_pending(at=at, actor="test", limit=100)


def test_a_budget_warns_and_stops_nothing_until_its_rule_has_a_last_day() -> None:
    install(timezone=ZONE, at=NOW, actor="test")
    put_in_force(TEXT, effective_from=BEGINNING, at=NOW, actor="test", reason="test")
    for number in range(3):
        redeem(number, NOW - timedelta(days=3 - number))
    with open_cursor() as cursor:
        [found] = watch_budgets(cursor, at=NOW)
    assert (found.given, found.left, found.per_day, found.day) == (15, 5, 5.0, date(2026, 3, 10))
    for number in range(3, 6):
        redeem(number, NOW)
    with open_cursor() as cursor:
        [found] = watch_budgets(cursor, at=NOW)
    assert (found.given, found.left, found.day) == (30, 0, date(2026, 3, 10))  # who came after got theirs all the same
    version = close_rule("coupon", last_day=date(2026, 3, 10), at=NOW, actor="staff:a", reason="the budget is spent")
    assert version.effective_from == NOW
    redeem(6, NOW + timedelta(hours=10))  # 23:00 in Amsterdam
    redeem(7, NOW + timedelta(hours=12))  # the next day there
    with open_cursor() as cursor:
        [found] = watch_budgets(cursor, at=NOW + timedelta(days=1))
        assert found.given == 35
        assert get_programme(cursor).latest == version.version


def test_a_rule_ends_today_or_later_and_has_to_be_there() -> None:
    install(timezone=ZONE, at=NOW, actor="test")
    with pytest.raises(InvalidProgramme, match="ends today or later"):
        close_rule("coupon", last_day=date(2026, 3, 9), at=NOW, actor="staff:a", reason="x")
    with pytest.raises(InvalidProgramme, match="No rule is called 'x'"):
        close_rule("x", last_day=date(2026, 3, 12), at=NOW, actor="staff:a", reason="x")
    with open_cursor() as cursor:
        assert watch_budgets(cursor, at=NOW) == []
        assert get_programme(cursor).latest == 1


def test_a_rule_ends_though_the_linter_would_not_have_its_version() -> None:
    install(timezone=ZONE, at=NOW, actor="test")
    with transaction() as cursor:
        text = default_document(ZONE).replace("{field: amount, over: 0}", "{field: amount, over: 0, under: 0}")
        publish(cursor, text, effective_from=NOW, at=NOW, actor="staff:a", reason="from before errors were refused")
    assert close_rule("coupon", last_day=date(2026, 3, 12), at=NOW, actor="staff:a", reason="x").version == 3
