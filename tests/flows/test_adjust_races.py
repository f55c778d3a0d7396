"""Two people at one adjustment at once, on connections of their own; and what happens without the locks."""

import threading

import pytest

from stamgast.flows import adjust as adjusting
from stamgast.flows.audit import run as audit
from stamgast.flows.install import install
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.acts import Outcome
from stamgast.ledger.adjusting import Proposal, get_proposal, list_waiting, set_limit
from stamgast.ledger.errors import ProposalDecided
from tests.flows.test_act_races import at_once
from tests.flows.test_merge_races import NOW, coupon, drain, in_thread, score_of, tell, wait_until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)
ANNA, BOB, CHRIS, HANNA = "user_id:anna", "staff:bob", "staff:chris", "staff:hanna"


@pytest.fixture
def shop():
    """Anna has 20, and one person may adjust 100 alone."""
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    tell(*[coupon(n, "anna") for n in range(4)])
    drain()
    with transaction() as cursor:
        set_limit(cursor, "score", 100, at=NOW, actor="test", reason="")


def ask(amount, key):
    return adjusting.adjust(ANNA, currency="score", amount=amount, reason="the parcel was late", key=key, at=NOW, actor=HANNA)


@pytest.fixture
def proposal(shop):
    asked = ask(200, "big")
    assert isinstance(asked, Proposal)
    return asked


def approve(proposal, actor):
    adjusting.approve_adjustment(proposal.id, reason="seen", at=NOW, actor=actor)


def refuse(proposal, actor):
    adjusting.refuse_adjustment(proposal.id, reason="no", at=NOW, actor=actor)


def race(monkeypatch, first, second, *, waits=True):
    """``first`` stops before it writes what it decided, until ``second``, who began after it, waits for it or is done."""
    failures, is_at_it, is_done = [], threading.Event(), threading.Event()
    close_proposal, thread_of_first = adjusting.close_proposal, threading.get_ident()

    def close(*values, **named):
        if threading.get_ident() == thread_of_first:
            is_at_it.set()
            if waits:
                wait_until_somebody_waits()
            else:
                is_done.wait(30)
        return close_proposal(*values, **named)

    monkeypatch.setattr(adjusting, "close_proposal", close)

    def run():
        is_at_it.wait(30)
        try:
            second()
        finally:
            is_done.set()

    thread = in_thread(run, failures)
    first()
    thread.join(30)
    assert not thread.is_alive()
    return failures


def decided():
    with open_cursor() as cursor:
        cursor.execute(
            "SELECT actor, action FROM access_trail WHERE action = ANY(%s) ORDER BY id",
            (["approve adjustment", "refuse adjustment"],),
        )
        return cursor.fetchall()


def test_of_two_who_approve_at_once_one_does(monkeypatch, proposal):
    failures = race(monkeypatch, lambda: approve(proposal, BOB), lambda: approve(proposal, CHRIS))
    assert [type(failure) for failure in failures] == [ProposalDecided]
    assert decided() == [(BOB, "approve adjustment")]
    assert score_of(ANNA) == 220
    with transaction() as cursor:
        assert get_proposal(cursor, proposal.id).decided_by == BOB
        assert audit(lambda check, done: None) == []


def test_who_refuses_while_somebody_approves_is_late(monkeypatch, proposal):
    failures = race(monkeypatch, lambda: approve(proposal, BOB), lambda: refuse(proposal, CHRIS))
    assert [type(failure) for failure in failures] == [ProposalDecided]
    assert decided() == [(BOB, "approve adjustment")]
    assert score_of(ANNA) == 220


def test_control_without_the_proposals_lock_it_is_approved_and_refused(monkeypatch, proposal):
    monkeypatch.setattr(adjusting, "lock_proposal", get_proposal)
    failures = race(monkeypatch, lambda: approve(proposal, BOB), lambda: refuse(proposal, CHRIS), waits=False)
    assert failures == []
    assert decided() == [(CHRIS, "refuse adjustment"), (BOB, "approve adjustment")]
    assert score_of(ANNA) == 220, "given, although Chris was told that he refused it"


def test_two_adjustments_at_once_are_counted_together(shop):
    answers = []
    failures = at_once(*[lambda n=n: answers.append(ask(60, str(n))) for n in range(6)])
    assert failures == []
    assert sorted(isinstance(answer, Outcome) for answer in answers) == [False] * 5 + [True]
    assert score_of(ANNA) == 80
    with open_cursor() as cursor:
        assert len(list_waiting(cursor).rows) == 5


def test_control_without_the_customers_lock_each_stays_below_the_limit(monkeypatch, shop):
    monkeypatch.setattr(adjusting, "lock_owner", lambda cursor, customer: None)
    together, is_above_limit = threading.Barrier(2), adjusting._is_above_limit

    def look_together(*values, **named):
        is_above = is_above_limit(*values, **named)
        together.wait(30)
        return is_above

    monkeypatch.setattr(adjusting, "_is_above_limit", look_together)
    answers = []
    assert at_once(*[lambda n=n: answers.append(ask(60, str(n))) for n in range(2)]) == []
    assert [isinstance(answer, Outcome) for answer in answers] == [True, True]
    assert score_of(ANNA) == 140


def test_one_key_from_many_at_once_is_one_proposal(shop):
    answers = []
    assert at_once(*[lambda: answers.append(ask(200, "one"))] * 8) == []
    assert sorted(answer.is_repeat for answer in answers) == [False] + [True] * 7
    with open_cursor() as cursor:
        assert len(list_waiting(cursor).rows) == 1
