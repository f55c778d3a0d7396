"""A spend beside a merge, on connections of their own; and what happens without the lock."""

import threading
from datetime import timedelta

import pytest

from stamgast.books.operations import add_partner
from stamgast.customers.errors import CustomerNotFound
from stamgast.customers.queries import get_customer
from stamgast.flows import act as acting
from stamgast.flows import merge_customers as merging
from stamgast.flows.audit import run as audit
from stamgast.flows.install import install
from stamgast.flows.partners import act_with_partner
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.acts import Hold, Issue, Spend, Transfer
from stamgast.ledger.errors import InsufficientBalance, InvalidAct
from stamgast.ledger.settlement import Period, Totals, sum_settlements
from tests.flows.test_merge_races import BY, NOW, coupon, drain, in_thread, score_of, tell, wait_until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)


def ask(customer, kind=Spend, key="spend", **values):
    def asked(owner, anchor):
        asked = {"currency": "score", "reason": "asked", "occurred_at": NOW} | values
        return kind(owner_id=owner, anchor_id=anchor, key=key, **asked)

    return acting.act(customer, asked, at=NOW, actor="test")


@pytest.fixture
def pair():
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    tell(*[coupon(n, "anna") for n in range(4)], *[coupon(10 + n, "ben") for n in range(3)])
    drain()
    assert (score_of("user_id:anna"), score_of("user_id:ben")) == (20, 15)


def findings():
    with transaction():
        return audit(lambda check, done: None)


def race(monkeypatch):
    """Anna spends 15 while she becomes part of Ben, who was first; returns what went wrong."""
    failures, is_merged = [], threading.Event()
    decide_locked = merging.decide_locked

    def decide_and_wait(cursor, *values, **named):
        decide_locked(cursor, *values, **named)
        is_merged.set()
        wait_until_somebody_waits()

    monkeypatch.setattr(merging, "decide_locked", decide_and_wait)

    def spend():
        is_merged.wait(10)
        ask("user_id:anna", amount=15)

    thread = in_thread(spend, failures)
    merging.merge_customers("user_id:anna", "user_id:ben", reason="one", **BY)
    thread.join(30)
    return failures


def test_a_spend_that_waits_for_a_merge_is_the_survivors(monkeypatch, pair):
    assert race(monkeypatch) == []
    assert score_of("user_id:anna") == score_of("user_id:ben") == 20
    assert findings() == []


def test_control_without_the_customers_lock_the_spend_meets_an_emptied_balance(monkeypatch, pair):
    monkeypatch.setattr(acting, "lock_unmerged", lambda cursor, customers: dict.fromkeys(customers, False))
    failures = race(monkeypatch)
    assert [type(failure) for failure in failures] == [InsufficientBalance]


def test_spends_and_holds_of_many_beside_merges_end_sound(pair):
    failures = []

    def act_on(name):
        def run():
            for n in range(6):
                ask(f"user_id:{name}", key=f"{name} {n}", amount=1)
                ask(f"user_id:{name}", Hold, key=f"hold {name} {n}", amount=1, lasts=timedelta(days=1))

        return run

    threads = [in_thread(act_on(name), failures) for name in ("anna", "ben")]
    merging.merge_customers("user_id:anna", "user_id:ben", reason="one", **BY)
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert score_of("user_id:anna") == 35 - 24
    assert findings() == []


def at_once(*calls):
    """Calls all from threads of their own; returns what failed."""
    failures = []
    threads = [in_thread(call, failures) for call in calls]
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return failures


def test_one_key_from_twenty_clients_at_once_is_one_spend(pair):
    outcomes = []
    failures = at_once(*[lambda: outcomes.append(ask("user_id:anna", amount=3))] * 20)
    assert failures == []
    assert sorted(outcome.is_repeat for outcome in outcomes) == [False] + [True] * 19
    assert score_of("user_id:anna") == 17
    assert findings() == []


def test_one_key_from_twenty_clients_at_once_is_one_issue(pair):
    with transaction() as cursor:
        add_partner(cursor, code="bakery", kind="partner", name="Bakery", at=NOW, actor="test")

    def issue(owner, anchor):
        said = {"key": "bread", "reason": "bread", "occurred_at": NOW, "currency": "score", "amount": 6, "partner": "bakery"}
        return Issue(owner_id=owner, anchor_id=anchor, **said)

    outcomes = []
    asked = [lambda: outcomes.append(act_with_partner("user_id:anna", issue, at=NOW, actor="test"))] * 20
    assert at_once(*asked) == []
    assert sorted(outcome.is_repeat for outcome in outcomes) == [False] + [True] * 19
    assert score_of("user_id:anna") == 26
    with transaction() as cursor:
        day = Period(NOW.date(), NOW.date(), "UTC")
        assert sum_settlements(cursor, day) == [Totals("bakery", "score", 6, 0, 0)]
    assert findings() == []


def test_many_clients_at_few_customers_share_commits_and_end_sound(monkeypatch, pair):
    groups = []
    do_together = acting.do_together
    monkeypatch.setattr(acting, "do_together", lambda cursor, all_: groups.append(len(all_)) or do_together(cursor, all_))
    refused = []

    def client(number):
        def run():
            for n in range(5):
                name = "anna" if (number + n) % 2 else "ben"
                try:
                    ask(f"user_id:{name}", key=f"{number} {n}", amount=1)
                except InsufficientBalance:
                    refused.append(number)

        return run

    assert at_once(*[client(number) for number in range(16)]) == []
    assert score_of("user_id:anna") == score_of("user_id:ben") == 0
    assert len(refused) == 16 * 5 - 35
    assert sum(groups) == 16 * 5
    assert max(groups) > 1
    assert findings() == []


def test_an_impossible_act_in_a_group_fails_alone(pair):
    good = [lambda n=n: ask("user_id:anna", key=str(n), amount=1) for n in range(8)]
    late = [lambda n=n: ask("user_id:ben", key=f"late {n}", amount=1, occurred_at=NOW + timedelta(days=1)) for n in range(4)]
    failures = at_once(*[call for pair in zip(good, late * 2, strict=True) for call in pair])
    assert [type(failure) for failure in failures] == [InvalidAct] * 8
    assert score_of("user_id:anna") == 12
    assert score_of("user_id:ben") == 15


def test_who_names_nobody_in_a_group_fails_alone(pair):
    calls = [lambda n=n: ask("user_id:anna" if n % 2 else "user_id:nobody", key=str(n), amount=1) for n in range(16)]
    failures = at_once(*calls)
    assert [type(failure) for failure in failures] == [CustomerNotFound] * 8
    assert score_of("user_id:anna") == 12
    assert findings() == []


def test_many_transfers_at_once_go_to_whom_they_name(pair):
    with open_cursor() as cursor:
        ids = {name: get_customer(cursor, f"user_id:{name}").id for name in ("anna", "ben")}
    calls = [
        lambda one=one, other=other, n=n: ask(f"user_id:{one}", Transfer, key=f"{one} {n}", amount=1, receiver_id=ids[other])
        for n in range(5)
        for one, other in (("anna", "ben"), ("ben", "anna"))
    ]
    assert at_once(*calls) == []
    assert (score_of("user_id:anna"), score_of("user_id:ben")) == (20, 15)
    assert findings() == []
