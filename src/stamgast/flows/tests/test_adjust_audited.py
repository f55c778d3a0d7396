"""What the audit and a checkpoint find of adjustments that somebody altered, and of limits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stamgast.flows.audit import run as audit
from stamgast.kit.database import transaction
from stamgast.ledger.adjusting import set_limit
from stamgast.ledger.checkpoints import compare_with_checkpoint, take_checkpoint

from .conftest import NOW
from .test_adjust import approve, ask, refuse


@pytest.mark.parametrize(
    ("change", "checks"),
    [
        ("decided_by = 'staff:eve@example.org'", {"adjustments"}),
        ("decided_by = asked_by", {"adjustments"}),
        ("amount = amount + 1", {"adjustments", "proposal_acts"}),
        ("asked_by = 'staff:eve@example.org'", {"adjustments", "proposal_acts"}),
        ("reason = 'a gift'", {"adjustments"}),
        ("act_id = gen_random_uuid()", {"proposal_acts"}),
        ("state = 'refused', act_id = NULL", {"adjustments"}),
        ("decided_at = decided_at + interval '1 day'", {"adjustments", "proposal_acts"}),
    ],
)
def test_the_audit_finds_an_approval_that_somebody_altered(limited, change, checks):
    proposal = ask(500, "big", expires_at=NOW + timedelta(days=30))
    approve(proposal)
    refuse(ask(600, "bigger"))
    ask(700, "waits")
    assert audit(lambda check, done: None) == []
    with transaction() as cursor:
        checkpoint = take_checkpoint(cursor, at=NOW + timedelta(days=2))
        cursor.execute(f"UPDATE ledger_adjustmentproposal SET {change} WHERE id = %s", (proposal.id,))
    found = audit(lambda check, done: None)
    assert {one.check for one in found} == checks
    assert {one.subject for one in found} == {str(proposal.id)}
    with transaction() as cursor:
        told = [one.sentence for one in compare_with_checkpoint(cursor, checkpoint)]
    if "reason" not in change:  # an erasure takes it out
        assert told[0].startswith("The approvals of 2026-06-01 are not what they were when the checkpoint was made: ")


def test_the_audit_finds_what_is_gone_and_a_limit_that_nobody_set(limited):
    proposal = ask(500, "big")
    with transaction() as cursor:
        cursor.execute("UPDATE ledger_adjustmentlimit SET amount = 9000")
        cursor.execute("DELETE FROM ledger_adjustmentproposal")
    found = {one.check: one.sentence for one in audit(lambda check, done: None)}
    assert found == {
        "adjustments": f"The trail says what became of proposal {proposal.id}, which is not there.",
        "adjustment_limits": "The limit of score is 9000, and was set to 100.",
    }


def test_a_checkpoint_holds_the_limits_that_were_set(limited):
    """Who raises one and writes the trail anew as well makes the audit find nothing; one from before shows the day."""
    with transaction() as cursor:
        checkpoint = take_checkpoint(cursor, at=NOW + timedelta(days=2))
        assert [(day, count) for day, count, _ in checkpoint.limits if count] == [("2026-06-01", 1)]
        assert compare_with_checkpoint(cursor, checkpoint) == []
        set_limit(cursor, "score", 200, at=NOW + timedelta(days=2), actor="staff:owner@example.org", reason="more")
        assert compare_with_checkpoint(cursor, checkpoint) == [], "what is set later is no matter of this one"
        set_limit(cursor, "score", 100, at=NOW + timedelta(days=2), actor="staff:owner@example.org", reason="less")
        cursor.execute("UPDATE ledger_adjustmentlimit SET amount = 9000")
        cursor.execute(
            "UPDATE access_trail SET detail = jsonb_set(detail, '{limit}', '9000') WHERE action = 'set adjustment limit'"
        )
    assert audit(lambda check, done: None) == []
    with transaction() as cursor:
        (found,) = compare_with_checkpoint(cursor, checkpoint)
        before = replace(checkpoint, limits=())
        assert compare_with_checkpoint(cursor, before) == [], "a file of before says nothing of limits"
    assert found.sentence == (
        "The limits of 2026-06-01 are not what they were when the checkpoint was made: one of them says something else."
    )
