"""Any sequence of postings, corrections, expiries, spendings and repetitions against the ledger in plain Python."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction as django_transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from stamgast.kit.database import open_cursor
from stamgast.ledger.audit import audit
from stamgast.ledger.entries import derive_lot_id
from stamgast.ledger.operations import expire_due, fold, seal
from stamgast.ledger.queries import get_balances, list_available, list_owner_timeline, next_expiry, sum_available
from stamgast.ledger.tests.examples import ACTOR, ADA, BOB, day, give, rows_of, spend, timeline_of, wanted
from stamgast.ledger.tests.oracle import Oracle
from stamgast.ledger.types import Wanted

ACTIVITIES = {f"order {n}": day(n) for n in range(3)}
OWNERS = (ADA, BOB)  # few of each, so that the same cause comes back after it expired or was spent
CURRENCIES = ("score", "points")
EXPIRIES = (None, *(day(n) for n in (5, 8, 11)))


@st.composite
def wanted_rows(draw: st.DrawFn) -> tuple[Wanted, ...]:
    causes = draw(
        st.lists(
            st.tuples(st.sampled_from(OWNERS), st.sampled_from(list(ACTIVITIES)), st.sampled_from(CURRENCIES)),
            max_size=6,
            unique=True,
        )
    )
    return tuple(
        wanted(
            owner,
            activity,
            draw(st.integers(0, 9)),
            currency=currency,
            occurred_at=ACTIVITIES[activity],
            expires_at=draw(st.sampled_from(EXPIRIES)),
        )
        for owner, activity, currency in causes
    )


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.atomic = django_transaction.atomic()
        self.atomic.__enter__()
        self.opened = open_cursor()
        self.cursor = self.opened.__enter__()
        self.oracle = Oracle()
        self.now = day(0)
        self.earlier: list[tuple[Any, ...]] = []

    def teardown(self) -> None:
        assert audit(self.cursor) == []
        seal(self.cursor, at=self.now)
        fold(self.cursor)
        assert audit(self.cursor) == []
        self.opened.__exit__(None, None, None)
        django_transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def available(self) -> dict[tuple[UUID, str], int]:
        held = list_available(self.cursor, OWNERS)
        return {(owner, currency): held.get(owner, {}).get(currency, 0) for owner in OWNERS for currency in CURRENCIES}

    @rule(rows=wanted_rows(), complete=st.sets(st.sampled_from(OWNERS)))
    def post(self, rows: tuple[Wanted, ...], complete: set[UUID]) -> None:
        self.earlier.append((rows, complete))
        before = self.available()
        posted = give(self.cursor, *rows, complete=tuple(complete), at=self.now)
        self.oracle.post(rows, complete)
        after = self.available()
        moved = dict.fromkeys(before, 0)
        for change in posted.changes:
            moved[change.owner_id, change.currency] += change.delta
        assert {key: after[key] - before[key] for key in before} == moved
        stored = rows_of(self.cursor)
        assert give(self.cursor, *reversed(rows), complete=tuple(complete), at=self.now).movements == 0
        assert rows_of(self.cursor) == stored, "posting twice is posting once"

    @rule(data=st.data())
    def post_an_earlier_call_again(self, data: st.DataObject) -> None:
        if self.earlier:
            self.post(*data.draw(st.sampled_from(self.earlier)))

    @rule(days=st.sampled_from((1, 3)), owners=st.none() | st.sets(st.sampled_from(OWNERS)))
    def move_the_clock_and_expire(self, days: int, owners: set[UUID] | None) -> None:
        self.now = self.now.replace(day=min(self.now.day + days, 28))
        expected = self.oracle.expire(self.now, owners)
        posted = expire_due(self.cursor, at=self.now, actor=ACTOR, owners=owners)
        assert posted.movements == expected
        assert all(change.delta < 0 and change.effective_at <= self.now for change in posted.changes)
        assert expire_due(self.cursor, at=self.now, actor=ACTOR, owners=owners).movements == 0

    @rule(data=st.data(), amount=st.integers(1, 6))
    def spend(self, data: st.DataObject, amount: int) -> None:
        causes = [cause for cause, lot in self.oracle.lots.items() if lot.left]
        if causes:
            owner, activity, name, currency = cause = data.draw(st.sampled_from(causes))
            amount = self.oracle.spend(cause, amount, self.now)
            spend(self.cursor, derive_lot_id(owner.bytes, activity.bytes, name, currency), owner, amount, at=self.now)

    @rule()
    def keep_house(self) -> None:
        seal(self.cursor, at=self.now)
        fold(self.cursor)

    @invariant()
    def balances_are_those_of_the_oracle(self) -> None:
        stored = [balance for owner in OWNERS for balance in get_balances(self.cursor, owner)]
        assert {
            (balance.owner_id, balance.currency): (balance.available, balance.debt)
            for balance in stored
            if balance.available or balance.debt
        } == self.oracle.balances()
        for currency in CURRENCIES:
            held = sum(balance.available for balance in stored if balance.currency == currency)
            assert sum_available(self.cursor, currency) == held

    @invariant()
    def lots_are_those_of_the_oracle(self) -> None:
        self.cursor.execute(
            """SELECT owner_id, activity_id, rule, currency, given, remaining, expired, used, owed, expires_at
            FROM ledger_lot"""
        )
        assert {row[:4]: row[4:] for row in self.cursor} == {
            cause: (lot.given, lot.left, lot.expired, lot.spent + lot.repaid, lot.owed, lot.expires)
            for cause, lot in self.oracle.lots.items()
        }

    @invariant()
    def timeline_is_that_of_the_oracle(self) -> None:
        assert timeline_of(list_owner_timeline(self.cursor, OWNERS)) == self.oracle.timeline()

    @invariant()
    def next_expiry_is_that_of_the_oracle(self) -> None:
        expiries: list[datetime] = [lot.expires for lot in self.oracle.lots.values() if lot.left and lot.expires]
        assert next_expiry(self.cursor) == min(expiries, default=None)


@pytest.mark.django_db
def test_any_sequence_agrees_with_the_oracle() -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            phases=[Phase.generate],
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
