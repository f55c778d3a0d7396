"""Any sequence of activities, merges, separations, withdrawals and limits ends in the state that the plain oracle gives."""

from datetime import timedelta

import pytest
from django.db import transaction as django_transaction
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from stamgast.activities.operations import store
from stamgast.customers.errors import (
    AlreadyOneCustomer,
    CustomerNotFound,
    JudgementWithdrawn,
    NothingToSeparate,
    SaidToBeDifferent,
)
from stamgast.customers.identity import get_identity_rules
from stamgast.customers.partition import weigh
from stamgast.flows.apply_identity_rules import apply_identity_rules, put_in_force
from stamgast.flows.audit import run as audit
from stamgast.flows.install import BEGINNING
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.unmerge_customers import separate_identifier, withdraw_judgement
from stamgast.kit.database import open_cursor, transaction
from stamgast.programmes.operations import publish
from stamgast.segments.operations import define_segment

from . import oracle
from .test_any_order import DOCUMENT, NOW, OVER, drain, expected, found, moments, read, told

TEXTS = ("user_id:u1", "user_id:u2", "user_id:u3", "anonymous_id:a1", "anonymous_id:a2")
REFUSALS = (AlreadyOneCustomer, CustomerNotFound, JudgementWithdrawn, NothingToSeparate, SaidToBeDifferent)

users = st.sampled_from(["u1", "u2", "u3"])
aliases = st.builds(
    lambda pair, at: (
        (f"user_id:{pair[0]}", f"user_id:{pair[1]}", f"anonymous_id:{pair[1]}"),
        at,
        oracle.ALIAS,
        None,
        None,
    ),
    st.tuples(users, st.sampled_from(["u1", "u2", "u3", "a1", "a2"])).filter(lambda pair: pair[0] != pair[1]),
    moments,
)
texts = st.sampled_from(TEXTS)
acts = st.one_of(
    st.tuples(st.just("merge"), texts, texts),
    st.tuples(st.just("merge"), texts, texts),
    st.tuples(st.just("separate"), texts, texts),
    st.tuples(st.just("withdraw"), st.integers(0, 9), st.just(None)),
    st.tuples(st.just("limit"), st.integers(1, 3), st.just(None)),
    st.tuples(st.just("decide"), st.sampled_from([1, 3, 100]), st.just(None)),
)


class Staff:
    """Does what a person asks for, and keeps what was judged as the oracle is told of it."""

    def __init__(self):
        self.made = []
        self.withdrawn = set()
        self.limits = {"user_id": 1}
        self.acts = 0

    @property
    def said(self):
        return [said for judgement, said in self.made if judgement.id not in self.withdrawn]

    def do(self, what, one, other, *, is_trial=False):
        self.acts += 1
        named = {"reason": "a person said so", "at": NOW + timedelta(microseconds=self.acts), "actor": "staff:x@example.org"}
        if what == "limit":
            self._set_limit(one, named)
            return True
        try:
            if what == "merge":
                effect = merge_customers(one, other, is_trial=is_trial, **named)
            elif what == "separate":
                effect = separate_identifier(one, other, is_trial=is_trial, **named)
            else:
                if not self.made:
                    return False
                judgement = self.made[one % len(self.made)][0]
                effect = withdraw_judgement(judgement.id, is_trial=is_trial, **named)
        except REFUSALS as error:
            event(f"{what}: {error.code}")
            return False
        if not is_trial:
            event(what)
            self._keep(effect.judgement)
        return True

    def _set_limit(self, limit, named):
        self.limits = {"user_id": limit, "anonymous_id": 2}
        put_in_force({"limits": self.limits}, **named)
        apply_identity_rules(at=named["at"], actor="worker")
        event(f"limit {limit}")

    def _keep(self, judgement):
        if judgement.withdrawn_at is not None:
            self.withdrawn.add(judgement.id)
            return
        with open_cursor() as cursor:
            cursor.execute(
                "SELECT kind || ':' || value FROM customers_identifier WHERE id IN (%s, %s)",
                (judgement.one_id, judgement.other_id),
            )
            one, other = (row[0] for row in cursor)
        self.made.append((judgement, oracle.Said(one, other, judgement.is_same)))


@pytest.mark.django_db
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(told, told, told, aliases), min_size=2, max_size=14), st.lists(acts, max_size=12), st.data())
def test_any_sequence_of_activities_and_judgements_ends_as_the_oracle_says(rows, asked, data):
    with django_transaction.atomic():
        with transaction() as cursor:
            publish(cursor, DOCUMENT, effective_from=BEGINNING, at=NOW, actor="test", reason="test")
            define_segment(cursor, name="Few", condition={"balance": "score", "over": OVER}, at=NOW, actor="test")
            activities, messages = read(cursor, rows)
        staff = Staff()
        arrivals = data.draw(st.permutations(activities))
        first = data.draw(st.integers(0, len(arrivals)))
        with transaction() as cursor:
            store(cursor, arrivals[:first], [])
        arrivals = arrivals[first:]
        drain(100)
        for act in asked:
            if act[0] == "decide":
                with transaction() as cursor:
                    store(cursor, arrivals[: act[1]], [])
                arrivals = arrivals[act[1] :]
                drain(act[1])
            else:
                staff.do(*act)
        with transaction() as cursor:
            store(cursor, arrivals, [])
        drain(100)
        with open_cursor() as cursor:
            state = found(cursor)
            assert weigh(cursor, get_identity_rules(cursor)).groups == [], "the links are what one look at everything gives"
        assert state == expected(messages, staff.said, staff.limits)
        assert audit(lambda check, rows: None) == []
        for number in range(len(staff.made)):
            staff.do("withdraw", number, None, is_trial=True)
        with open_cursor() as cursor:
            assert found(cursor) == state
        for number in range(len(staff.made)):
            staff.do("withdraw", number, None)
        with open_cursor() as cursor:
            assert found(cursor) == expected(messages, (), staff.limits)
        assert audit(lambda check, rows: None) == []
        django_transaction.set_rollback(True)
