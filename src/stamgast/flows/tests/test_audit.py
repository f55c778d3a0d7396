"""What was decided is what was posted: whoever edits either is found, and what is wrong is named."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
import pytest

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.activities.types import NewActivity
from stamgast.customers.queries import get_customer
from stamgast.flows.audit import run as audit
from stamgast.flows.decide_pending import decide_pending, review_now
from stamgast.flows.install import install
from stamgast.flows.publish import publish_programme
from stamgast.kit.database import Cursor, transaction
from stamgast.programmes.queries import list_versions

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIERS = """
tiers:
  qualify_on: score
  period: {calendar: year}
  levels: [{name: Blue, from: 0}, {name: Gold, from: 100}]
"""


def redeem(cursor: Cursor, day: int) -> None:
    """Somebody redeems a coupon on this day of February: 5 for each, so that the 21st makes a loyal customer."""
    message = {
        "type": "track",
        "event": "Coupon Redeemed",
        "messageId": f"m{day}",
        "timestamp": f"2026-02-{day:02}T12:00:00Z",
        "userId": "u",
    }
    source = ensure_source(cursor, "Shop", at=NOW, actor="test")
    reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
    read = reader.read_message(msgspec.json.encode(message), source=source, received_at=NOW, fallback_id="")
    assert isinstance(read, NewActivity)
    store(cursor, [read], [])


def fill(currency: str = "score:\n", more: str = "") -> None:
    """A shop whose programme has this in place of the beginning of its currency, and more at its end."""
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    with transaction() as cursor:
        [version] = list_versions(cursor, "default")
        text = version.document.replace("score:\n", currency, 1) + more
        cursor.execute("UPDATE programmes_version SET document = %s, sha256 = %s", (text, sha256(text.encode()).hexdigest()))
    with transaction() as cursor:
        for day in range(1, 23):
            redeem(cursor, day)
    assert len(decide_pending(at=NOW, actor="worker", limit=100)) == 22


def test_a_sound_shop_has_no_findings() -> None:
    fill()
    assert audit(lambda check, rows: None) == []


@pytest.mark.parametrize(
    ("statement", "check", "sentence"),
    [
        (
            "UPDATE ledger_lot SET expires_at = expires_at + interval '1 year' WHERE effective_at = '2026-02-07T12:00Z'",
            "parity",
            "the ledger holds 5 score from 2026-02-07T12:00:00+00:00 until 2029-02-07T12:00:00+00:00.",
        ),
        ("UPDATE ledger_lot SET expires_at = NULL", "parity", "the ledger holds 5 score from 2026-02-"),
        ("UPDATE ledger_lot SET effective_at = effective_at - interval '1 day'", "parity", "the ledger holds 5 score from "),
        ("DELETE FROM activities_activity", "parity", "Replay gives 0 score to customer "),
        (
            "UPDATE programmes_version SET document = replace(document, 'score: 5', 'score: 6')",
            "programme",
            "The document of version 1 of 'default' is not the one that was published.",
        ),
        ("UPDATE programmes_version SET document = 'none'", "programme", "The document of version 1 of 'default' is not "),
        ("UPDATE programmes_state SET last_at = last_at - interval '1 day'", "state", ", to decide on from, is not what "),
        ("UPDATE programmes_state SET counters = '{\"coupon/score/day\": [1, 2]}'", "state", "What is kept of customer "),
        (
            "UPDATE segments_stay SET left_at = '2026-02-25T12:00Z'",
            "stays",
            "in 'Loyal customers' are kept as from 2026-02-21T12:00:00+00:00 to 2026-02-25T12:00:00+00:00; "
            "the movements make from 2026-02-21T12:00:00+00:00 on.",
        ),
        ("DELETE FROM segments_stay", "stays", "are kept as none; the movements make from 2026-02-21T12:00:00+00:00 on."),
    ],
)
def test_what_was_edited_is_named(statement: str, check: str, sentence: str) -> None:
    fill()
    with transaction() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount > 0
        customer = get_customer(cursor, "user_id:u")
    findings = {finding.check: finding for finding in audit(lambda check, rows: None)}
    assert sentence in findings[check].sentence
    if check in ("state", "stays"):
        assert findings[check].subject == str(customer.id)


@pytest.mark.parametrize(
    ("statement", "check", "sentence"),
    [
        ("UPDATE programmes_tierstay SET tier = 'Blue' WHERE tier = 'Gold'", "tiers", "are kept as Blue from 2026-02-01"),
        ("UPDATE programmes_tierstay SET since = since + interval '1 hour'", "tiers", "; replay makes Blue from 2026-02-01T"),
        (
            "DELETE FROM programmes_tierstay",
            "tiers",
            "kept as none; replay makes Blue from 2026-02-01T12:00:00+00:00 (reached)",
        ),
        (
            "INSERT INTO programmes_tierstay (bucket, customer_id, programme, since, cause, version) "
            "SELECT bucket, customer_id, programme, '2026-02-28T12:00Z', 'reviewed', 1 FROM programmes_state",
            "tiers",
            "none from 2026-02-28T12:00:00+00:00 (reviewed); replay makes ",
        ),
        (
            "UPDATE ledger_lot SET available_at = available_at - interval '1 day' WHERE effective_at = '2026-02-21T12:00Z'",
            "parity",
            "Replay gives 5 score from 2026-02-21T12:00:00+00:00 (to use from 2026-02-28T12:00:00+00:00) until ",
        ),
    ],
)
def test_what_was_edited_of_levels_and_of_what_waits_is_named(statement: str, check: str, sentence: str) -> None:
    fill("score:\n    pending: 7 days\n", TIERS)
    assert audit(lambda check, rows: None) == []
    with transaction() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount > 0
    findings = {finding.check: finding.sentence for finding in audit(lambda check, rows: None)}
    assert sentence in findings[check]


def test_a_review_that_is_still_to_be_held_is_no_finding() -> None:
    """Gold of February is reviewed a year later: the worker may be behind, and another member may be ahead."""
    fill("score:\n", TIERS)
    assert audit(lambda check, rows: None) == []
    assert review_now(at=NOW + timedelta(days=700), actor="worker")
    assert audit(lambda check, rows: None) == []


def test_tiers_to_come_are_no_finding() -> None:
    fill()
    with transaction() as cursor:
        [version] = list_versions(cursor, "default")
        document = version.document + TIERS
    publish_programme(
        document,
        effective_from=NOW + timedelta(days=1),
        at=NOW,
        actor="test",
        reason="tiers",
        progress=lambda done, total: None,
    )
    assert audit(lambda check, rows: None) == []


@pytest.mark.parametrize(
    ("counters", "is_fault"),
    [
        ("[null, 0, 0, null, null, 0, 20500]", False),  # as releases up to 0.1 kept members of whom there was nothing to keep
        ('["Gold", 20454, 20819, 20819, null, 0, 20500]', True),
    ],
)
def test_a_member_of_whom_nothing_is_kept(counters: str, *, is_fault: bool) -> None:
    fill()
    with transaction() as cursor:
        cursor.execute("UPDATE programmes_state SET counters = jsonb_build_object('/tier', %s::jsonb)", (counters,))
    assert bool(audit(lambda check, rows: None)) is is_fault


def test_a_state_that_is_gone_is_no_fault() -> None:
    fill()
    with transaction() as cursor:
        cursor.execute("DELETE FROM programmes_state")
    assert audit(lambda check, rows: None) == []
