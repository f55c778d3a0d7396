"""Whoever edits a row behind the ledger's back is found, and the row is named."""

from datetime import timedelta
from uuid import UUID

import pytest

from stamgast.kit.database import Cursor, transaction
from stamgast.ledger.acts import Adjust, Capture, Hold, Redeem, Reverse, Spend, Transfer
from stamgast.ledger.audit import audit
from stamgast.ledger.operations import expire_due, fold, seal
from stamgast.ledger.queries import list_lots, list_movements
from stamgast.ledger.tests.examples import ACTOR, ADA, BOB, CEM, act, day, do, give, wanted

pytestmark = pytest.mark.django_db


def fill(cursor: Cursor) -> None:
    """Three batches of three owners, the first two sealed and folded."""
    give(cursor, wanted(ADA), wanted(BOB), wanted(CEM, expires_at=day(3)), at=day(0))
    expire_due(cursor, at=day(4), actor=ACTOR)
    seal(cursor, at=day(4))
    fold(cursor)
    give(cursor, wanted(ADA, amount=4), wanted(BOB, "order 2", currency="points"), at=day(5))


def movement_of(cursor: Cursor, owner: UUID) -> UUID:
    return list_movements(cursor, owner).rows[-1].id


def test_sound_ledger_has_no_findings_and_reports_progress() -> None:
    with transaction() as cursor:
        assert audit(cursor) == []
        fill(cursor)
        told: list[tuple[int, int]] = []
        assert audit(cursor, lambda done, total: told.append((done, total))) == []
        assert told[-1] == (6, 6)


@pytest.mark.parametrize(
    ("change", "checks"),
    [
        ("amount = amount + 1", {"fingerprint", "batch", "balance_movements", "lot_movements", "contra_movements"}),
        ("effective_at = effective_at + interval '1 microsecond'", {"fingerprint"}),
        ("posted_at = posted_at - interval '1 day'", {"fingerprint", "batch"}),
        ("reason = 'gift'", {"fingerprint"}),
        ("actor = 'somebody else'", {"fingerprint", "batch"}),
        ("rule = 'another'", {"fingerprint"}),
        ("programme_version = NULL", {"fingerprint"}),
        ("activity_id = NULL", {"fingerprint"}),
        ("fingerprint = sha256('')", {"fingerprint", "batch"}),
    ],
)
def test_edited_movement_is_named(change: str, checks: set[str]) -> None:
    with transaction() as cursor:
        fill(cursor)
        movement_id = movement_of(cursor, BOB)
        cursor.execute(f"UPDATE ledger_movement SET {change} WHERE movement_id = %s", (movement_id,))
        findings = audit(cursor)
        assert {finding.check for finding in findings} == checks
        (named,) = (finding for finding in findings if finding.check == "fingerprint")
        assert named.subject == str(movement_id)
        assert named.sentence.startswith(f"Movement {movement_id} of owner {BOB} is not what was written")


def test_movement_moved_to_another_bucket_is_named() -> None:
    with transaction() as cursor:
        fill(cursor)
        movement_id = movement_of(cursor, ADA)
        cursor.execute("UPDATE ledger_movement SET bucket = (bucket + 1) %% 1024 WHERE movement_id = %s", (movement_id,))
        assert ("bucket", str(movement_id)) in {(finding.check, finding.subject) for finding in audit(cursor)}


def test_removed_movement_is_found_by_its_batch_and_its_lot() -> None:
    with transaction() as cursor:
        fill(cursor)
        (lot,) = (lot for lot in list_lots(cursor, BOB) if lot.currency == "points")
        cursor.execute("DELETE FROM ledger_movement WHERE owner_id = %s AND currency = 'points' RETURNING batch_id", (BOB,))
        (batch_id,) = cursor.fetchone() or ()
        found = {finding.check: finding.subject for finding in audit(cursor)}
        assert found["batch"] == str(batch_id)
        assert found["lot_movements"] == str(lot.id)
        assert found["balance_movements"] == str(BOB)


def test_removed_batch_is_found_whole() -> None:
    with transaction() as cursor:
        fill(cursor)
        cursor.execute("SELECT batch_id FROM ledger_seal WHERE sequence = 2")
        (batch_id,) = cursor.fetchone() or ()
        cursor.execute("DELETE FROM ledger_movement WHERE batch_id = %s", (batch_id,))
        assert {finding.check: finding.subject for finding in audit(cursor)}["batch"] == str(batch_id)
        cursor.execute("DELETE FROM ledger_batch WHERE id = %s", (batch_id,))
        assert {finding.check: finding.subject for finding in audit(cursor)}["chain"] == str(batch_id)


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        (
            "UPDATE ledger_batch SET root = sha256('x') WHERE id = (SELECT batch_id FROM ledger_seal WHERE sequence = 1)",
            "chain",
        ),
        ("UPDATE ledger_batch SET total = total + 1 WHERE id = (SELECT batch_id FROM ledger_seal WHERE sequence = 1)", "batch"),
        ("UPDATE ledger_seal SET chain = sha256('x') WHERE sequence = 2", "chain"),
        ("DELETE FROM ledger_seal WHERE sequence = 1", "chain"),
        ("DELETE FROM ledger_seal WHERE sequence = 2", "chain"),
        ("UPDATE ledger_batch SET posted_at = posted_at - interval '1 day'", "batch"),
        ("UPDATE ledger_batch SET actor = 'somebody else'", "batch"),
        ("DELETE FROM ledger_unsealed", "chain"),
        ("INSERT INTO ledger_unsealed (batch_id, posted_at) VALUES (gen_random_uuid(), now())", "chain"),
        ("UPDATE ledger_contra_daily SET debit = debit + 1 WHERE account = 1", "contra_movements"),
        ("DELETE FROM ledger_contra_delta", "contra_balances"),
        ("UPDATE ledger_lot SET given = given + 1, remaining = remaining + 1 WHERE remaining > 0", "balance_lots"),
        ("UPDATE ledger_lot SET given = given + 1, remaining = remaining + 1 WHERE remaining > 0", "lot_movements"),
        ("UPDATE ledger_lot SET given = given + 1, used = used + 1 WHERE remaining > 0", "lot_movements"),
        ("UPDATE ledger_balance SET available = available + 1, lot_total = lot_total + 1", "balance_lots"),
        ("UPDATE ledger_balance SET available = available + 1, lot_total = lot_total + 1", "contra_balances"),
        ("UPDATE ledger_balance SET debt = debt + 1", "balance_movements"),
        ("DELETE FROM ledger_balance WHERE available > 0", "balance_lots"),
    ],
)
def test_edited_store_is_found(statement: str, check: str) -> None:
    with transaction() as cursor:
        fill(cursor)
        cursor.execute(statement)
        assert cursor.rowcount > 0
        findings = audit(cursor)
        assert check in {finding.check for finding in findings}
        assert len({finding.check for finding in findings}) == len(findings), "one finding a check"
        assert all(finding.subject and finding.sentence.endswith(".") for finding in findings)


def test_edit_that_recomputes_fingerprint_and_root_is_found_by_the_chain() -> None:
    """What somebody with the code and the superuser's password would do."""
    with transaction() as cursor:
        fill(cursor)
        cursor.execute("SELECT batch_id FROM ledger_seal WHERE sequence = 2")
        (batch_id,) = cursor.fetchone() or ()
        cursor.execute("UPDATE ledger_movement SET fingerprint = sha256('new') WHERE batch_id = %s", (batch_id,))
        cursor.execute(
            """UPDATE ledger_batch SET root = (SELECT sha256('\\x01'::bytea || string_agg(fingerprint, '' ORDER BY fingerprint))
            FROM ledger_movement WHERE batch_id = id) WHERE id = %s""",
            (batch_id,),
        )
        found = {finding.check: finding.subject for finding in audit(cursor)}
        assert "batch" not in found
        assert found["chain"] == str(batch_id)


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("UPDATE ledger_act SET amount = amount + 1 WHERE refusal = ''", "act_movements"),
        ("UPDATE ledger_act SET amount = 7 WHERE refusal <> ''", "act_movements"),
        ("UPDATE ledger_act SET reason = 'gift' WHERE kind = 1 AND refusal = ''", "act_movements"),
        ("UPDATE ledger_act SET actor = 'somebody else'", "act_movements"),
        ("DELETE FROM ledger_act WHERE kind = 2", "act_movements"),
        ("UPDATE ledger_use SET used = used + 1", "use_movements"),
        ("DELETE FROM ledger_use", "use_movements"),
        ("UPDATE ledger_use SET held = held - 1 WHERE held > 0", "hold_uses"),
        ("UPDATE ledger_hold SET amount = amount + 1", "hold_uses"),
        ("UPDATE ledger_hold SET ended_at = ends_at, state = 3", "hold_uses"),
        ("UPDATE ledger_movement SET act_id = gen_random_uuid() WHERE kind = 7", "fingerprint"),
        ("UPDATE ledger_movement SET reference = 'bakery' WHERE kind = 7", "fingerprint"),
        ("UPDATE ledger_movement SET act_id = NULL WHERE kind = 7", "fingerprint"),
        ("UPDATE ledger_act SET currency = 'points' WHERE kind = 1", "act_movements"),
        ("UPDATE ledger_act SET reference = 'florist' WHERE kind = 9", "act_movements"),
        ("UPDATE ledger_act SET bucket = (bucket + 1) % 1024", "acts"),
        ("UPDATE ledger_act SET owner_id = gen_random_uuid()", "acts"),
        ("UPDATE ledger_act SET key = 'another' WHERE refusal <> ''", "acts"),
        ("UPDATE ledger_act SET asked = 3 WHERE refusal <> ''", "acts"),
        ("UPDATE ledger_act SET reason = 'gift' WHERE refusal <> ''", "acts"),
        ("UPDATE ledger_act SET refusal = '' WHERE refusal <> ''", "acts"),
        ("UPDATE ledger_act SET refusal = 'hold_ended' WHERE kind = 1", "acts"),
        ("UPDATE ledger_act SET other_id = gen_random_uuid() WHERE kind = 7", "acts"),
        ("UPDATE ledger_act SET content = sha256('')", "acts"),
        ("UPDATE ledger_lot SET expires_at = expires_at + interval '1 year' WHERE rule = 'adjusted'", "acts"),
        ("UPDATE ledger_lot SET expires_at = NULL WHERE rule = 'adjusted'", "acts"),
        ("UPDATE ledger_lot SET expires_at = expires_at + interval '1 year' WHERE rule = 'grace'", "acts"),
        ("UPDATE ledger_lot SET effective_at = effective_at - interval '1 day' WHERE rule = 'received'", "acts"),
        ("UPDATE ledger_lot SET rule = 'issued' WHERE rule = 'received'", "acts"),
        ("UPDATE ledger_use SET bucket = (bucket + 1) % 1024", "use_movements"),
        ("UPDATE ledger_hold SET bucket = (bucket + 1) % 1024", "acts"),
        ("UPDATE ledger_hold SET ends_at = ends_at + interval '1 day' WHERE state = 1", "acts"),
        ("UPDATE ledger_hold SET ends_at = ends_at + interval '1 day' WHERE state = 2", "acts"),
        ("UPDATE ledger_hold SET state = 4 WHERE state = 2", "holds"),
        ("UPDATE ledger_hold SET captured = captured + 1 WHERE state = 2", "holds"),
        ("UPDATE ledger_hold SET ended_at = ended_at + interval '1 day' WHERE state = 2", "holds"),
        ("DELETE FROM ledger_hold WHERE state = 1", "holds"),
        ("DELETE FROM ledger_hold WHERE state = 2", "holds"),
        ("UPDATE ledger_hold SET hold_id = gen_random_uuid() WHERE state = 2", "holds"),
    ],
)
def test_edited_act_is_found(statement: str, check: str) -> None:
    with transaction() as cursor:
        give(cursor, wanted(ADA), wanted(ADA, "order 2", expires_at=day(2)))
        spent = act(Spend, "spend", currency="score", amount=3)
        held = act(Hold, "paid", currency="score", amount=2, lasts=timedelta(days=1))
        acts = (
            spent,
            act(Hold, "hold", currency="score", amount=4, lasts=timedelta(days=9)),
            act(Spend, "too much", currency="score", amount=30),
            act(Redeem, "roll", currency="score", amount=1, partner="bakery"),
            act(Transfer, "gift", currency="score", amount=1, receiver_id=BOB),
            act(Adjust, "sorry", currency="score", amount=2, expires_at=day(9)),
            act(Adjust, "wrong", currency="score", amount=-1),
            held,
            act(Capture, "capture", hold_id=held.id, amount=1),
        )
        do(cursor, *acts)
        late = act(Reverse, "late", at=day(3), spend_id=spent.id, amount=2, grace=timedelta(days=5))
        do(cursor, late, act(Reverse, "more", at=day(3), spend_id=spent.id), at=day(3))
        assert audit(cursor) == []
        cursor.execute(statement)
        assert cursor.rowcount > 0
        assert check in {finding.check for finding in audit(cursor)}
