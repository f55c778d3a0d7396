"""Other rules of identity are weighed before, applied after, stopped and gone on with, and taken back."""

import pytest

from stamgast.cli.doctor import _work
from stamgast.customers.errors import InvalidIdentityRules
from stamgast.customers.identity import (
    count_swallowers,
    find_unapplied,
    get_swallowers,
    list_swallowers,
    list_versions,
    set_identity_rules,
)
from stamgast.customers.partition import weigh
from stamgast.customers.queries import get_customer
from stamgast.customers.ruleset import read_rules
from stamgast.customers.types import Swallowing
from stamgast.flows import apply_identity_rules as applying
from stamgast.flows.apply_identity_rules import apply_identity_rules, weigh_rules
from stamgast.flows.audit import run as audit
from stamgast.flows.metrics import _read_swallowers
from stamgast.kit.database import open_cursor, transaction

from .conftest import NOW, coupon, order, tell
from .test_merge_customers import state_of

BY = {"actor": "staff:hanna@example.org", "at": NOW, "reason": "the till"}
pytestmark = pytest.mark.django_db


def set_rules(document):
    with transaction() as cursor:
        return set_identity_rules(cursor, document, **BY)


def cost_of(document):
    with open_cursor() as cursor:
        cost = weigh_rules(cursor, read_rules(document))
    return cost.customers_before, cost.customers_after, cost.merging, cost.coming_apart


def scores(*references):
    return [(state[2].get("score", 0), state[3].count) for state in state_of(*references)]


def apply(**named):
    return apply_identity_rules(at=NOW, actor="worker", **named)


@pytest.fixture
def till(shop):
    """Three people on one address: it went to the first, and the others stayed apart by the limit of one user id."""
    for number, user in enumerate(("u1", "u2", "u3")):
        tell(order(100 + number, 5 - number, f"T{number}", userId=user, traits={"email": "x"}, anonymousId="till"))
    tell(coupon(200, 1, anonymousId="till"))


def test_a_limit_is_weighed_applied_and_taken_back(till):
    before = state_of("user_id:u1", "user_id:u2", "user_id:u3")
    wide = {"limits": {"user_id": 3}}
    assert cost_of(wide) == (5, 3, 3, 0)
    rules = set_rules(wide)
    assert scores("user_id:u1", "user_id:u2") == [(6, 1), (1, 1)], "nothing moves before it is applied"
    done = apply()
    assert (done.moved, done.is_done) == (3, True)
    assert scores("user_id:u1", "user_id:u2", "user_id:u3") == [(8, 3)] * 3
    assert cost_of(wide) == (3, 3, 0, 0)
    with open_cursor() as cursor:
        assert find_unapplied(cursor) is None
        assert [version.rules.version for version in list_versions(cursor)] == [rules.version]
    set_rules({"limits": {"user_id": 1}})
    apply()
    assert state_of("user_id:u1", "user_id:u2", "user_id:u3") == before
    assert audit(lambda check, rows: None) == []


def test_a_blocked_value_links_nobody_and_its_activities_stand_alone(shop):
    tell(order(100, 5, "T1", userId="u1", anonymousId="0000-1"), coupon(101, 4, anonymousId="0000-1"))
    document = {"limits": {"user_id": 1}, "blocked": {"anonymous_id": ["0000*"]}}
    assert cost_of(document) == (3, 4, 0, 1)
    set_rules(document)
    assert apply().moved == 2
    assert scores("user_id:u1", "anonymous_id:0000-1") == [(1, 1), (5, 0)]
    tell(coupon(102, 3, userId="u1", anonymousId="0000-1"))
    assert scores("user_id:u1", "anonymous_id:0000-1") == [(6, 1), (5, 0)]
    set_rules({"limits": {"user_id": 1}})
    apply()
    assert scores("user_id:u1") == [(11, 1)]
    assert audit(lambda check, rows: None) == []


def test_a_shared_source_never_links_and_its_evidence_is_read_again(till):
    document = {"limits": {"user_id": 1}, "shared_sources": ["Web shop"]}
    assert cost_of(document) == (5, 7, 0, 2)
    set_rules(document)
    tell(coupon(300, 1, userId="u9", anonymousId="new"), coupon(301, 2, anonymousId="new"))
    assert len({state[0] for state in state_of("user_id:u9", "anonymous_id:new")}) == 2
    apply()
    assert scores("user_id:u1", "anonymous_id:till") == [(1, 1), (5, 0)]
    set_rules({"limits": {"user_id": 1}})
    assert apply().is_done
    assert scores("user_id:u1") == [(6, 1)]
    assert len({state[0] for state in state_of("user_id:u9", "anonymous_id:new")}) == 1
    assert audit(lambda check, rows: None) == []


def test_stopped_anywhere_it_goes_on(till, monkeypatch):
    monkeypatch.setattr(applying, "ANCHORS", 1)
    monkeypatch.setattr(applying, "CUSTOMERS", 1)
    rules = set_rules({"limits": {"user_id": 3, "anonymous_id": 2}, "shared_sources": ["Till"]})
    set_rules({"limits": {"user_id": 1}, "shared_sources": ["Web shop"]})
    turns = 0
    while True:
        left = iter([False, True])
        turns += 1
        if apply(should_stop=lambda left=left: next(left, True)).is_done:
            break
        assert turns < 100
    assert turns > 3
    with open_cursor() as cursor:
        assert weigh(cursor, read_rules({"limits": {"user_id": 1}, "shared_sources": ["Web shop"]})).groups == []
    assert scores("user_id:u1", "anonymous_id:till") == [(1, 1), (5, 0)]
    assert rules.version > 0


def test_customers_that_swallow_many_are_named_and_counted(till):
    with open_cursor() as cursor:
        assert list_swallowers(cursor) == (0, [])
    set_rules({"limits": {"user_id": 3}, "alarm_above": 3})
    apply()
    with open_cursor() as cursor:
        count, largest = list_swallowers(cursor)
        customer = get_customer(cursor, "user_id:u1").id
    assert (count, largest) == (1, [(customer, 4)])
    assert _read_swallowers() == []
    with transaction() as cursor:
        count_swallowers(cursor, at=NOW)
        kept = get_swallowers(cursor)
    assert kept == Swallowing(NOW, 3, 1, [(customer, 4)])
    assert _read_swallowers() == [((), 1.0)]
    assert [(finding.state, finding.found) for finding in _work() if finding.name == "identity"] == [
        ("notice", "customers that hold suspiciously many identifiers: 1")
    ]
    set_rules({"limits": {"user_id": 3}, "alarm_above": 4})
    with transaction() as cursor:
        assert get_swallowers(cursor) is None  # what was counted above 3 says nothing of 4
        count_swallowers(cursor, at=NOW)
        assert get_swallowers(cursor) == Swallowing(NOW, 4, 0, [])


def test_what_cannot_be_is_refused(shop):
    for document in (
        {"limits": {"user_id": 0}},
        {"limits": {"a b": 1}},
        {"limits": {"user_id": True}},
        {"blocked": {"email": ["*"]}},
        {"blocked": {"email": "x"}},
        {"colour": 1},
    ):
        with pytest.raises(InvalidIdentityRules):
            set_rules(document)
    with open_cursor() as cursor:
        assert list_versions(cursor) == []


def test_the_same_rules_again_make_no_version(shop):
    assert set_rules({"limits": {"user_id": 1}}).version == 0
