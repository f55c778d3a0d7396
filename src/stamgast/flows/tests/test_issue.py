"""Points of a partner: issued at once up to the limit of adjustments, and above it proposed."""

import pytest

from stamgast.books.errors import PartnerClosed
from stamgast.books.operations import add_partner, close_partner
from stamgast.flows.adjust import issue
from stamgast.flows.audit import run as audit
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.acts import Issue, Outcome
from stamgast.ledger.adjusting import get_proposal
from stamgast.ledger.errors import OwnProposal

from .conftest import NOW
from .test_adjust import CARD, HANNA, HER_CARD, approve, ask, score


@pytest.fixture
def bakery(limited):
    with transaction() as cursor:
        add_partner(cursor, code="bakery", kind="partner", name="Bakery", at=NOW, actor="test")


def give(amount, key="k", actor=HANNA):
    def asked(owner, anchor):
        said = {"currency": "score", "amount": amount, "reason": "two loaves", "key": key, "occurred_at": NOW}
        return Issue(owner_id=owner, anchor_id=anchor, partner="bakery", **said)

    return issue(CARD, asked, at=NOW, actor=actor)


def test_what_is_issued_above_the_limit_waits_and_becomes_the_partners(bakery):
    assert isinstance(give(60), Outcome)
    assert isinstance(ask(40, "up", customer=CARD), Outcome), "adjusted and issued count together"
    proposal = give(1, "more")
    assert (proposal.partner, proposal.amount, score(CARD)) == ("bakery", 1, HER_CARD + 100)
    with pytest.raises(OwnProposal):
        approve(proposal, actor=HANNA)
    with transaction() as cursor:
        close_partner(cursor, "bakery", reason="moved", at=NOW, actor="test")
    with pytest.raises(PartnerClosed):
        approve(proposal)
    with transaction() as cursor:
        add_partner(cursor, code="florist", kind="partner", name="Florist", at=NOW, actor="test")
        cursor.execute("UPDATE books_partner SET closed_at = NULL")
    assert (approve(proposal).kind.name, score(CARD)) == ("ISSUE", HER_CARD + 101)
    assert give(1, "more").is_repeat
    assert audit(lambda check, done: None) == []
    with open_cursor() as cursor:
        cursor.execute("SELECT reference, actor FROM ledger_act WHERE act_id = %s", (get_proposal(cursor, proposal.id).act_id,))
        assert cursor.fetchone() == ("bakery", HANNA)
