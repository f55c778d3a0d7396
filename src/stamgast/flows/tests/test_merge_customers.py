"""Merging, separating and withdrawing on a real shop: what each customer has is as if it had always or never been so."""

from datetime import timedelta

import pytest

from stamgast.customers.errors import (
    AlreadyOneCustomer,
    JudgementNotFound,
    JudgementWithdrawn,
    NothingToSeparate,
    ReasonMissing,
    SaidToBeDifferent,
)
from stamgast.customers.histories import list_judgements, list_links, list_sharers
from stamgast.customers.households import get_household, list_stays
from stamgast.customers.queries import get_customer
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.read_customer import read_customer
from stamgast.flows.tests.conftest import BY, NOW, order, tell
from stamgast.flows.unmerge_customers import separate_identifier, withdraw_judgement
from stamgast.kit.database import open_cursor
from stamgast.kit.ids import new_id

pytestmark = pytest.mark.django_db


def state_of(*references):
    with open_cursor() as cursor:
        views = [read_customer(cursor, reference) for reference in references]
    return [
        (
            view.profile.customer.id,
            {(one.kind, one.value) for one in view.profile.identifiers},
            {balance.currency: balance.available for balance in view.balances},
            view.orders,
            [(one.slug, one.entered_at) for one in view.memberships],
            view.first_seen,
            view.last_seen,
        )
        for view in views
    ]


def test_a_merge_makes_them_loyal_and_its_withdrawal_makes_it_never_have_been(shop):
    anna, card = state_of("user_id:anna", "card_number:7001")
    assert (anna[2]["score"], card[2]["score"], anna[4], card[4]) == (61, 52, [], [])
    effect = merge_customers("user_id:anna", "card_number:7001", reason="showed her card", **BY)
    (merged,) = effect.customers
    assert (merged.profile.customer.id, merged.orders.count) == (anna[0], 3)
    assert {balance.currency: balance.available for balance in merged.balances}["score"] == 113
    entered = NOW - timedelta(days=3)  # her nineteenth coupon made it 102
    assert [(one.slug, one.entered_at) for one in merged.memberships] == [("loyal-customers", entered)]
    assert state_of("card_number:7001") == state_of("user_id:anna")
    with open_cursor() as cursor:
        assert get_customer(cursor, str(card[0])).id == anna[0]
    withdraw_judgement(effect.judgement.id, reason="her sister's card", **BY)
    assert state_of("user_id:anna", "card_number:7001") == [anna, card]


def test_what_came_in_since_goes_where_it_belongs_when_a_merge_is_withdrawn(shop):
    effect = merge_customers("user_id:anna", "card_number:7001", reason="showed her card", **BY)
    tell(order(9, 1, "A9", userId="anna"))
    withdraw_judgement(effect.judgement.id, reason="her sister's card", **BY)
    anna, card = state_of("user_id:anna", "card_number:7001")
    assert (anna[2]["score"], anna[3].count, card[2]["score"], card[3].count) == (62, 2, 52, 2)


def test_a_trial_tells_what_would_be_and_keeps_nothing(shop):
    before = state_of("user_id:anna", "card_number:7001")
    effect = merge_customers("user_id:anna", "card_number:7001", reason="to see", is_trial=True, **BY)
    assert [view.orders.count for view in effect.customers] == [3]
    assert state_of("user_id:anna", "card_number:7001") == before
    with open_cursor() as cursor:
        assert list_judgements(cursor, before[0][0]) == []


def test_an_alias_can_be_separated_and_stays_separated_whatever_comes_in(shop):
    before = state_of("user_id:anna", "card_number:7001")
    tell({"type": "alias", "userId": "anna", "previousId": "d1", "messageId": "a1", "timestamp": NOW.isoformat()})
    assert state_of("user_id:anna")[0][3].count == 3
    effect = separate_identifier("user_id:anna", "anonymous_id:d1", reason="a till in the shop", **BY)
    assert effect.judgement.is_same is False
    anna, device = state_of("user_id:anna", "anonymous_id:d1")
    assert anna[0] != device[0]
    tell({"type": "alias", "userId": "anna", "previousId": "d1", "messageId": "a2", "timestamp": NOW.isoformat()})
    assert state_of("user_id:anna", "anonymous_id:d1")[0][3].count == 1
    assert state_of("card_number:7001")[0][0] == before[1][0], "the card came back to the customer that it was"


def test_a_merge_after_a_separation_of_the_same_two_counts_and_its_withdrawal_separates_again(shop):
    tell(order(5, 3, "A5", userId="anna", anonymousId="d2"))
    apart = separate_identifier("user_id:anna", "anonymous_id:d2", reason="no", **BY)
    again = merge_customers("user_id:anna", "anonymous_id:d2", reason="yes", at=NOW + timedelta(seconds=1), actor=BY["actor"])
    assert len(again.customers) == 1
    with open_cursor() as cursor:
        records = list_judgements(cursor, again.customers[0].profile.customer.id)
    assert [(one.judgement.id, one.is_in_force) for one in records] == [
        (again.judgement.id, True),
        (apart.judgement.id, False),
    ]
    effect = withdraw_judgement(again.judgement.id, reason="no after all", **BY)
    assert len(effect.customers) == 2


def test_the_history_says_who_when_and_why(shop):
    merge_customers("user_id:anna", "card_number:7001", reason="showed her card", **BY)
    with open_cursor() as cursor:
        anna = get_customer(cursor, "user_id:anna")
        links = list_links(cursor, anna.id).rows
        cursor.execute("SELECT actor, action, subject, detail ->> 'reason' FROM access_trail WHERE action LIKE 'merge%%'")
        trail = cursor.fetchall()
    told = {(row.kind, row.reason, row.actor, row.judgement.reason if row.judgement else None) for row in links}
    assert told == {
        ("user_id", "first_seen", "worker", None),
        ("card_number", "joined", BY["actor"], "showed her card"),
        ("anonymous_id", "joined", BY["actor"], "showed her card"),
    }
    assert trail == [(BY["actor"], "merge customers", f"customer:{anna.id}", "showed her card")]


def test_refusals_change_nothing(shop):
    tell({"type": "track", "event": "X", "userId": "bob", "anonymousId": "b1", "messageId": "x", "timestamp": NOW.isoformat()})
    before = state_of("user_id:anna", "card_number:7001", "user_id:bob")
    separate_identifier("card_number:7001", "anonymous_id:d1", reason="no", **BY)
    merged = merge_customers("user_id:anna", "anonymous_id:d1", reason="yes", **BY)
    after = state_of("user_id:anna", "card_number:7001", "user_id:bob")
    for refused, act in (
        (SaidToBeDifferent, lambda: merge_customers("user_id:anna", "card_number:7001", reason="r", **BY)),
        (AlreadyOneCustomer, lambda: merge_customers("user_id:anna", "anonymous_id:d1", reason="r", **BY)),
        (NothingToSeparate, lambda: separate_identifier("user_id:anna", "card_number:7001", reason="r", **BY)),
        (NothingToSeparate, lambda: separate_identifier("card_number:7001", "card_number:7001", reason="r", **BY)),
        (ReasonMissing, lambda: merge_customers("user_id:anna", "user_id:bob", reason="  ", **BY)),
        (JudgementNotFound, lambda: withdraw_judgement(new_id(), reason="r", **BY)),
    ):
        with pytest.raises(refused):
            act()
        assert state_of("user_id:anna", "card_number:7001", "user_id:bob") == after
    withdraw_judgement(merged.judgement.id, reason="no", **BY)
    with pytest.raises(JudgementWithdrawn):
        withdraw_judgement(merged.judgement.id, reason="no", **BY)
    assert state_of("user_id:bob") == before[2:]


def test_a_reissued_card_takes_its_purchases_along(shop):
    body = {"type": "track", "event": "Card Reissued", "messageId": "r1", "timestamp": NOW.isoformat(), "anonymousId": "desk"}
    tell({**body, "properties": {"old_card_number": "7001", "card_number": "7002"}})
    old, new = state_of("card_number:7001", "card_number:7002")
    assert old == new
    assert (new[2]["score"], new[3].count) == (52, 2)


def test_a_group_call_for_a_household_is_one(shop):
    group = {"type": "group", "userId": "anna", "groupId": "h1", "messageId": "g1", "timestamp": NOW.isoformat()}
    tell({**group, "traits": {"group_type": "household", "name": "The Vermeers"}})
    tell({**group, "messageId": "g2", "groupId": "club", "traits": {"name": "The chess club"}})
    with open_cursor() as cursor:
        customer = get_customer(cursor, "user_id:anna").id
        assert [one.customer_id for one in get_household(cursor, "h1")] == [customer]
        assert [one.household for one in list_stays(cursor, [customer])[customer]] == ["h1"]


def test_who_shares_an_address_is_named_on_both_sides(shop):
    home = {"traits": {"email": "home@example.org"}}
    for number, user in enumerate(("anna", "bob")):
        moment = (NOW - timedelta(days=3 - number)).isoformat()
        tell({"type": "identify", "userId": user, "messageId": f"i{number}", "timestamp": moment, **home})
    with open_cursor() as cursor:
        anna, bob = (get_customer(cursor, f"user_id:{user}").id for user in ("anna", "bob"))
        assert [(one.value, other) for one, other in list_sharers(cursor, anna)] == [("home@example.org", bob)]
        assert [(one.value, other) for one, other in list_sharers(cursor, bob)] == [("home@example.org", anna)]
