"""Adjustments: done at once up to a limit, above it proposed, and then approved or refused by somebody else."""

from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest

from stamgast.access.errors import InvalidStaff
from stamgast.access.operations import create_key, create_staff, get_actor
from stamgast.customers.erasure.errors import CustomerErased
from stamgast.customers.errors import ReasonMissing
from stamgast.customers.queries import get_customer, list_identifiers
from stamgast.flows.adjust import adjust, approve_adjustment, refuse_adjustment
from stamgast.flows.audit import run as audit
from stamgast.flows.erase import erase
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.read_customer import read_customer
from stamgast.flows.unmerge_customers import withdraw_judgement
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.acts import Outcome
from stamgast.ledger.adjusting import (
    Proposal,
    ProposalState,
    get_proposal,
    list_decided,
    list_limits,
    list_proposals_of,
    list_waiting,
)
from stamgast.ledger.errors import (
    ActKeyReused,
    AdjustmentRefused,
    AdjustmentShort,
    InsufficientBalance,
    InvalidAct,
    InvalidLimit,
    OwnProposal,
    ProposalDecided,
    ProposalNotFound,
    UnknownCurrency,
)

from .conftest import NOW, limit

HANNA, BOB, CARD = "staff:hanna@example.org", "staff:bob@example.org", "card_number:7001"
ANNA, HER_CARD = 61, 52
"""What they have before anybody adjusts anything."""
SOME_ID = UUID("00000000-0000-0000-0000-000000000009")


def ask(amount, key="k", customer="user_id:anna", actor=HANNA, at=NOW, **values):
    said = {"currency": "score", "reason": "the parcel was late", **values}
    return adjust(customer, amount=amount, key=key, at=at, actor=actor, **said)


def approve(proposal, actor=BOB, at=NOW):
    return approve_adjustment(proposal.id, reason="seen the photo", at=at, actor=actor)


def refuse(proposal, actor=BOB):
    return refuse_adjustment(proposal.id, reason="no photo", at=NOW, actor=actor)


def score(customer="user_id:anna"):
    with open_cursor() as cursor:
        return next((one.available for one in read_customer(cursor, customer).balances if one.currency == "score"), 0)


def waiting():
    with open_cursor() as cursor:
        return list_waiting(cursor).rows


def trail():
    with open_cursor() as cursor:
        cursor.execute(
            "SELECT actor, action FROM access_trail WHERE action LIKE %s AND action NOT LIKE %s ORDER BY at, id",
            ("%adjust%", "set%"),
        )
        return cursor.fetchall()


def test_without_a_limit_nobody_else_is_needed(db, shop):
    assert isinstance(ask(1_000_000), Outcome)
    assert score() == ANNA + 1_000_000
    assert trail() == [(HANNA, "adjust")]
    with open_cursor() as cursor:
        [detail] = cursor.execute("SELECT detail FROM access_trail WHERE action = 'adjust'").fetchone()
    assert "the parcel was late" not in str(detail), "why stands with the act"


def test_up_to_the_limit_it_is_done_and_above_it_waits(limited):
    assert isinstance(ask(100), Outcome)
    proposal = ask(101, "more", customer=CARD)
    assert isinstance(proposal, Proposal)
    assert (proposal.state, proposal.amount, proposal.asked_by) == (ProposalState.WAITING, 101, HANNA)
    assert (score(), score(CARD)) == (ANNA + 100, HER_CARD)
    assert waiting() == [proposal]
    assert trail() == [(HANNA, "adjust"), (HANNA, "propose adjustment")]
    outcome = approve(proposal)
    assert (score(CARD), outcome.amount) == (HER_CARD + 101, 101)
    assert trail()[2:] == [(BOB, "approve adjustment")]
    assert waiting() == []
    with open_cursor() as cursor:
        [decided] = list_decided(cursor).rows
        cursor.execute("SELECT actor, reason FROM ledger_movement WHERE act_id = %s", (outcome.act_id,))
        assert cursor.fetchall() == [(HANNA, "the parcel was late")]
    assert (decided.state, decided.decided_by, decided.decided_reason) == (ProposalState.APPROVED, BOB, "seen the photo")
    assert decided.act_id == outcome.act_id
    with transaction():
        assert audit(lambda check, done: None) == []


def test_one_person_cannot_split_it_over_a_day(limited):
    assert isinstance(ask(60, "a"), Outcome)
    assert isinstance(ask(-40, "b"), Outcome), "up and down count together, and 100 is not above 100"
    assert isinstance(ask(1, "c"), Proposal)
    assert isinstance(ask(1, "d", actor=BOB), Outcome), "another person has not adjusted anything"
    assert isinstance(ask(1, "e", customer=CARD), Outcome), "nor she this customer"
    still = NOW.replace(hour=21, minute=59)
    assert isinstance(ask(1, "f", at=still), Proposal), "Amsterdam has this day until 22:00 in UTC"
    assert isinstance(ask(1, "g", at=still + timedelta(minutes=1)), Outcome)


@pytest.mark.parametrize("pair", [("user_id:anna", CARD), (CARD, "user_id:anna")])
def test_merging_and_separating_begin_no_new_day(limited, pair):
    ask(60, "anna")
    ask(40, "card", customer=CARD)
    effect = merge_customers(*pair, reason="her card", at=NOW, actor=HANNA)
    assert isinstance(ask(1, "together"), Proposal)
    assert isinstance(ask(1, "together", actor=BOB), Outcome), "another person has not adjusted anything"
    withdraw_judgement(effect.judgement.id, reason="a mistake", at=NOW, actor=HANNA)
    for customer in pair:
        assert isinstance(ask(61, "apart", customer=customer), Proposal)


def test_an_api_key_and_who_made_it_are_one_person(limited):
    with transaction() as cursor:
        for name, maker in (("till", HANNA), ("import", HANNA), ("other", BOB), ("system", "cli")):
            create_key(cursor, name, ["points:adjust"], at=NOW, actor=maker)
    assert isinstance(ask(100, "a", actor="key:till"), Outcome)
    for actor in (HANNA, "key:till", "key:import"):
        assert isinstance(ask(1, f"b {actor}", actor=actor), Proposal)
    for actor in (BOB, "key:system"):
        assert isinstance(ask(1, f"b {actor}", actor=actor), Outcome)
    proposal = ask(200, "c", actor="key:till")
    with pytest.raises(OwnProposal):
        approve(proposal, actor=HANNA)
    assert approve(ask(200, "d", actor="key:system"), actor=HANNA).amount == 200
    assert approve(proposal, actor=BOB).amount == 200


def test_one_key_is_another_adjustment_for_another_customer(limited):
    hers, cards = ask(200, "k"), ask(300, "k", customer=CARD)
    assert [ask(200, "k").id, ask(300, "k", customer=CARD).id] == [hers.id, cards.id]
    merge_customers("user_id:anna", CARD, reason="her card", at=NOW, actor=BOB)
    assert [ask(200, "k").id, ask(300, "k", customer=CARD).id] == [hers.id, cards.id]


def test_what_was_adjusted_is_answered_again_after_a_merge(limited):
    done = [ask(10, "k"), ask(20, "k", customer=CARD)]
    merge_customers("user_id:anna", CARD, reason="her card", at=NOW, actor=BOB)
    again = [ask(10, "k"), ask(20, "k", customer=CARD)]
    assert [one.act_id for one in again] == [one.act_id for one in done]
    assert all(one.is_repeat for one in again)
    assert score() == ANNA + HER_CARD + 30


@pytest.mark.parametrize("zone", [-12, 0, 14])
@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59", "9998-01-01T00:00:00", "0001-01-01T00:00:00"])
def test_an_expiry_that_no_clock_of_the_shop_knows_is_refused(limited, moment, zone):
    with pytest.raises(InvalidAct):
        ask(1, expires_at=datetime.fromisoformat(moment).replace(tzinfo=timezone(timedelta(hours=zone))))
    assert score() == ANNA


def test_what_a_second_person_approved_does_not_count(limited):
    approve(ask(500, "big"))
    assert isinstance(ask(100, "small"), Outcome)


def test_a_refused_act_does_not_count(limited):
    with pytest.raises(InsufficientBalance):
        ask(-90, "too much")
    assert isinstance(ask(100, "small"), Outcome)
    with pytest.raises(InsufficientBalance):
        ask(-90, "too much")  # the answer that was kept, also now that there is enough and the limit reached


def test_the_same_key_is_the_same_adjustment(limited):
    done = ask(90, "done")
    assert ask(90, "done").is_repeat, "asked again it is that one, and not above the limit with itself"
    assert ask(90, "done").act_id == done.act_id
    proposal = ask(20, "waits")
    limit(None)
    again = ask(20, "waits", at=NOW + timedelta(hours=1))
    assert (again.id, again.is_repeat) == (proposal.id, True), "looked up before the limit is asked"
    for wrong in ({"amount": 21}, {"amount": 20, "reason": "another"}):
        with pytest.raises(ActKeyReused):
            ask(key="waits", **wrong)
    assert score() == ANNA + 90
    outcome = approve(proposal)
    told = ask(20, "waits")
    assert (told.act_id, told.amount, told.is_repeat) == (outcome.act_id, 20, True)
    assert score() == ANNA + 110


def test_never_the_one_who_proposed(limited):
    proposal = ask(200)
    with pytest.raises(OwnProposal):
        approve(proposal, actor=HANNA)
    assert (score(), waiting()) == (ANNA, [proposal])
    assert refuse(proposal, actor=HANNA).state is ProposalState.REFUSED, "but it can be taken back"


def test_what_was_decided_stays_so(limited):
    proposal = ask(200)
    approve(proposal)
    for decide in (approve, refuse):
        with pytest.raises(ProposalDecided):
            decide(proposal)
    assert score() == ANNA + 200
    other = ask(300, "other")
    refuse(other)
    for decide in (approve, refuse):
        with pytest.raises(ProposalDecided):
            decide(other)
    with pytest.raises(AdjustmentRefused):
        ask(300, "other")
    assert score() == ANNA + 200
    assert [action for _, action in trail()] == [
        "propose adjustment", "approve adjustment", "propose adjustment", "refuse adjustment",
    ]  # fmt: skip


def test_what_the_ledger_refuses_waits_on(limited):
    proposal = ask(-200)
    with pytest.raises(AdjustmentShort, match=f"There are {ANNA} score available, and this takes 200. It waits on"):
        approve(proposal)
    assert waiting() == [proposal]
    assert trail() == [(HANNA, "propose adjustment")]
    limit(None)
    ask(200 - ANNA, "first")
    assert approve(proposal).amount == 200
    assert score() == 0


def test_what_expired_meanwhile_is_not_given(limited):
    proposal = ask(200, expires_at=NOW + timedelta(days=2))
    with pytest.raises(InvalidAct):
        approve(proposal, at=NOW + timedelta(days=3))
    assert approve(proposal, at=NOW + timedelta(days=1)).amount == 200


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"amount": 0}, InvalidAct),
        ({"amount": 10**16}, InvalidAct),
        ({"amount": 200, "currency": "miles"}, UnknownCurrency),
        ({"amount": 200, "reason": " "}, ReasonMissing),
        ({"amount": 200, "expires_at": NOW - timedelta(days=1)}, InvalidAct),
    ],
)
def test_what_cannot_be_is_not_proposed(limited, wrong, error):
    with pytest.raises(error):
        ask(**wrong)
    assert (waiting(), score()) == ([], ANNA)


def test_a_proposal_follows_its_customer_when_merged_and_apart_again(limited):
    proposal = ask(200, customer=CARD)
    effect = merge_customers("user_id:anna", CARD, reason="her card", at=NOW, actor=BOB)
    with open_cursor() as cursor:
        survivor = get_customer(cursor, CARD).id
        assert survivor != proposal.owner_id, "Anna was there first"
        anchors = [one.id for one in list_identifiers(cursor, survivor)]
        assert [one.id for one in list_proposals_of(cursor, survivor, anchors).rows] == [proposal.id]
    assert ask(200, customer=CARD).id == proposal.id, "asked again it is the same one"
    approve(proposal)
    assert score(CARD) == score() == ANNA + HER_CARD + 200
    assert ask(200, customer=CARD).is_repeat
    withdraw_judgement(effect.judgement.id, reason="a mistake", at=NOW, actor=BOB)
    assert (score(), score(CARD)) == (ANNA, HER_CARD + 200)


def test_an_erasure_reaches_what_was_written(limited):
    waits, done = ask(200, "waits", reason="Anna fell ill"), ask(300, "done", reason="Anna called")
    approve(done)
    receipt = erase("user_id:anna", reason="asked", at=NOW, actor="test")
    assert receipt.removed["adjustments"] == 2
    with open_cursor() as cursor:
        found = [get_proposal(cursor, one.id) for one in (waits, done)]
    assert [(one.reason, one.decided_reason, one.state) for one in found] == [
        ("", "", ProposalState.REFUSED), ("", "", ProposalState.APPROVED),
    ]  # fmt: skip
    assert found[0].decided_by == "erasure"
    with pytest.raises(ProposalDecided):
        approve(waits)


def test_nothing_is_written_about_who_was_erased(limited):
    with open_cursor() as cursor:
        anna = str(get_customer(cursor, "user_id:anna").id)
    before = ask(10, "before", customer=anna)
    erase(anna, reason="asked", at=NOW, actor="test")
    for amount in (10, -10, 200):
        with pytest.raises(CustomerErased):
            ask(amount, f"after {amount}", customer=anna, reason="Anna called")
    assert (waiting(), score(anna)) == ([], ANNA + 10)
    assert trail() == [(HANNA, "adjust")]
    assert ask(10, "before", customer=anna).act_id == before.act_id, "what was answered is answered again"


def test_lists_page(limited):
    ids = [ask(200, str(n), at=NOW + timedelta(minutes=n)).id for n in range(5)]
    refused = [refuse(ask(200, str(n), at=NOW + timedelta(hours=1))).id for n in range(5, 8)]

    def pages(read):
        found, after = [], None
        while True:
            with open_cursor() as cursor:
                page = read(cursor, after=after, limit=2)
            found += [one.id for one in page.rows]
            after = page.next_cursor
            if after is None:
                return found

    def of_anna(cursor, **paging):
        anna = get_customer(cursor, "user_id:anna").id
        return list_proposals_of(cursor, anna, [one.id for one in list_identifiers(cursor, anna)], **paging)

    assert pages(list_waiting) == ids
    assert sorted(pages(list_decided)) == sorted(refused)
    assert sorted(pages(of_anna)) == sorted(ids + refused)
    assert pages(lambda cursor, **paging: of_anna(cursor, are_waiting=True, **paging)) == ids[::-1]


def test_limits_are_amounts(db, shop):
    for wrong in (-1, 10**15 + 1):
        with pytest.raises(InvalidLimit):
            limit(wrong)
    limit(0)
    assert isinstance(ask(1), Proposal)
    limit(5)
    with open_cursor() as cursor:
        assert list_limits(cursor) == {"score": 5}
    limit(None)
    with open_cursor() as cursor:
        assert list_limits(cursor) == {}
    with pytest.raises(ProposalNotFound):
        refuse_adjustment(SOME_ID, reason="r", at=NOW, actor=BOB)


def test_a_key_from_the_command_line_is_the_person_whose_it_is_said_to_be(limited):
    with transaction() as cursor:
        create_staff(cursor, email="hanna@example.org", name="Hanna", password="long enough to be one", at=NOW, actor="cli")
        maker = get_actor(cursor, " Hanna@Example.org")
        create_key(cursor, "nightly", ["points:adjust"], at=NOW, actor="cli", maker=maker)
        with pytest.raises(InvalidStaff):
            get_actor(cursor, "nobody@example.org")
    with pytest.raises(OwnProposal):
        approve(ask(200, "a", actor="key:nightly"), actor=HANNA)
