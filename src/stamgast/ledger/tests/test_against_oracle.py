"""Any sequence of postings, corrections, acts, repetitions and the passing of time against the ledger in plain Python."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction as django_transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from stamgast.kit import database
from stamgast.kit.database import FEW, open_cursor
from stamgast.ledger.acts import Act, Adjust, Capture, Donate, Hold, Issue, Redeem, Release, Reverse, Spend, Transfer
from stamgast.ledger.audit import audit
from stamgast.ledger.operations import fold, seal, settle_due
from stamgast.ledger.queries import get_balances, list_available, list_owner_timeline, next_due, sum_available
from stamgast.ledger.rules import derive_lot_id
from stamgast.ledger.tests.examples import ACTOR, ADA, BOB, act, day, do, give, rows_of, timeline_of, wanted
from stamgast.ledger.tests.oracle import Oracle
from stamgast.ledger.types import Wanted

ACTIVITIES = {f"order {n}": day(n) for n in range(3)}
OWNERS = (ADA, BOB)  # few of each, so that the same cause comes back after it expired or was spent
CURRENCIES = ("score", "points")
EXPIRIES = (None, *(day(n) for n in (5, 8, 11)))
MATURITIES = (None, None, *(day(n) for n in (1, 4, 6)))
AMOUNTS = st.integers(1, 12)


def rank_of(owner: UUID, activity: UUID, rule_name: str, currency: str) -> bytes:
    return derive_lot_id(owner.bytes, activity.bytes, rule_name, currency)


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
            available_at=draw(st.sampled_from(MATURITIES)),
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
        self.oracle = Oracle(rank_of)
        self.now = day(0)
        self.earlier: list[tuple[Any, ...]] = []
        self.asked: list[tuple[Act, Any]] = []
        self.names = count()

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

    @rule(hours=st.sampled_from((12, 24, 60)), owners=st.none() | st.sets(st.sampled_from(OWNERS)), is_swept=st.booleans())
    def move_the_clock(self, hours: int, owners: set[UUID] | None, is_swept: bool) -> None:
        self.now = min(self.now + timedelta(hours=hours), day(25))
        if is_swept:
            self.oracle.settle(self.now, lambda key: owners is None or key[0] in owners)
            posted = settle_due(self.cursor, at=self.now, actor=ACTOR, owners=owners)
            assert all(change.effective_at <= self.now for change in posted.changes)
            assert settle_due(self.cursor, at=self.now, actor=ACTOR, owners=owners).movements == 0

    @rule(owner=st.sampled_from(OWNERS), currency=st.sampled_from(CURRENCIES), amount=AMOUNTS)
    def spend(self, owner: UUID, currency: str, amount: int) -> None:
        asked = self._act(Spend, owner, currency=currency, amount=amount)
        self._ask(asked, self.oracle.spend(asked.id, (owner, currency), amount, self.now))

    @rule(owner=st.sampled_from(OWNERS), currency=st.sampled_from(CURRENCIES), amount=AMOUNTS, hours=st.sampled_from((6, 90)))
    def hold(self, owner: UUID, currency: str, amount: int, hours: int) -> None:
        lasts = timedelta(hours=hours)
        asked = self._act(Hold, owner, currency=currency, amount=amount, lasts=lasts)
        self._ask(asked, self.oracle.hold(asked.id, (owner, currency), amount, self.now, self.now + lasts))

    @precondition(lambda self: self.oracle.holds)
    @rule(data=st.data(), amount=st.none() | AMOUNTS)
    def capture(self, data: st.DataObject, amount: int | None) -> None:
        name = data.draw(st.sampled_from(list(self.oracle.holds)))
        asked = self._act(Capture, self.oracle.holds[name].key[0], hold_id=name, amount=amount)
        self._ask(asked, self.oracle.capture(name, amount, self.now))

    @precondition(lambda self: self.oracle.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(list(self.oracle.holds)))
        asked = self._act(Release, self.oracle.holds[name].key[0], hold_id=name)
        self._ask(asked, self.oracle.release(name, self.now))

    @precondition(lambda self: self.oracle.spent)
    @rule(data=st.data(), amount=st.none() | AMOUNTS, grace=st.sampled_from((None, timedelta(days=2))))
    def reverse(self, data: st.DataObject, amount: int | None, grace: timedelta | None) -> None:
        name = data.draw(st.sampled_from(list(self.oracle.spent)))
        owner, currency = self._whose(name)
        asked = self._act(Reverse, owner, spend_id=name, amount=amount, grace=grace)
        rank = derive_lot_id(owner.bytes, asked.id.bytes, "grace", currency)
        self._ask(asked, self.oracle.reverse(asked.id, name, amount, self.now, grace, rank))

    @rule(
        owner=st.sampled_from(OWNERS),
        currency=st.sampled_from(CURRENCIES),
        amount=st.integers(-6, 6).filter(bool),
        days=st.none() | st.sampled_from((1, 4)),
        is_issued=st.booleans(),
    )
    def adjust(self, owner: UUID, currency: str, amount: int, days: int | None, is_issued: bool) -> None:
        expires = None if days is None or amount < 0 else self.now + timedelta(days=days)
        values = {"currency": currency, "amount": amount, "expires_at": expires}
        is_issued = is_issued and amount > 0
        asked = self._act(Issue, owner, partner="bakery", **values) if is_issued else self._act(Adjust, owner, **values)
        rank = derive_lot_id(owner.bytes, asked.id.bytes, "issued" if is_issued else "adjusted", currency)
        self._ask(asked, self.oracle.adjust(asked.id, (owner, currency), amount, self.now, expires, rank))

    @rule(owner=st.sampled_from(OWNERS), currency=st.sampled_from(CURRENCIES), amount=AMOUNTS)
    def transfer(self, owner: UUID, currency: str, amount: int) -> None:
        receiver = BOB if owner == ADA else ADA
        asked = self._act(Transfer, owner, currency=currency, amount=amount, receiver_id=receiver)

        def rank(number: int) -> bytes:
            name = f"received {number + 1}" if number else "received"
            return derive_lot_id(receiver.bytes, asked.id.bytes, name, currency)

        self._ask(asked, self.oracle.transfer(asked.id, (owner, currency), receiver, amount, self.now, rank))

    @rule(owner=st.sampled_from(OWNERS), currency=st.sampled_from(CURRENCIES), amount=AMOUNTS, is_gift=st.booleans())
    def donate_or_redeem(self, owner: UUID, currency: str, amount: int, is_gift: bool) -> None:
        where = {"charity": "forest"} if is_gift else {"partner": "bakery"}
        asked = self._act(Donate if is_gift else Redeem, owner, currency=currency, amount=amount, **where)
        self._ask(asked, self.oracle.spend(asked.id, (owner, currency), amount, self.now))

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        asked, outcome = data.draw(st.sampled_from(self.asked))
        (again,) = do(self.cursor, asked, at=self.now)
        assert again.is_repeat
        assert (again.act_id, again.refusal, again.sentence, again.amount, again.available) == outcome

    @rule()
    def keep_house(self) -> None:
        seal(self.cursor, at=self.now)
        fold(self.cursor)

    def _whose(self, name: UUID) -> tuple[UUID, str]:
        causes = {**self.oracle.spent[name], **self.oracle.held.get(name, {})}
        return next(self.oracle.lots[cause].key for cause in causes)

    def _act(self, kind: type[Any], owner: UUID, **asked: Any) -> Any:
        return act(kind, str(next(self.names)), owner, at=self.now, **asked)

    def _ask(self, asked: Act, refusal: str) -> None:
        (outcome,) = do(self.cursor, asked, at=self.now)
        assert outcome.refusal == refusal
        assert not outcome.is_repeat
        said = (outcome.act_id, outcome.refusal, outcome.sentence, outcome.amount, outcome.available)
        self.asked.append((asked, said))

    @invariant()
    def balances_are_those_of_the_oracle(self) -> None:
        stored = [balance for owner in OWNERS for balance in get_balances(self.cursor, owner)]
        assert {
            (balance.owner_id, balance.currency): amounts
            for balance in stored
            if any(amounts := (balance.available, balance.pending, balance.held, balance.debt))
        } == self.oracle.balances()
        for currency in CURRENCIES:
            held = sum(balance.available for balance in stored if balance.currency == currency)
            assert sum_available(self.cursor, currency) == held

    @invariant()
    def lots_are_those_of_the_oracle(self) -> None:
        self.cursor.execute(
            """SELECT lot_id, given, remaining, held, pending, expired, used, owed, expires_at, available_at FROM ledger_lot"""
        )
        assert {row[0].bytes: row[1:] for row in self.cursor} == {
            lot.rank: (
                lot.given, lot.left + lot.held, lot.held, lot.pending, lot.expired, lot.used, lot.owed, lot.expires,
                lot.matures,
            )
            for lot in self.oracle.lots.values()
        }  # fmt: skip

    @invariant()
    def timeline_is_that_of_the_oracle(self) -> None:
        assert timeline_of(list_owner_timeline(self.cursor, dict.fromkeys(OWNERS, day(0)))) == self.oracle.timeline()

    @invariant()
    def what_is_due_next_is_that_of_the_oracle(self) -> None:
        due: list[datetime] = [lot.expires for lot in self.oracle.lots.values() if lot.left and lot.expires]
        due += [lot.matures for lot in self.oracle.lots.values() if lot.pending and lot.matures]
        due += [hold.ends for hold in self.oracle.holds.values() if hold.is_open]
        assert next_due(self.cursor) == min(due, default=None)

    @invariant()
    def audit_is_clean(self) -> None:
        if next(self.names) % 5 == 0:
            assert audit(self.cursor) == []


@pytest.mark.django_db
@pytest.mark.parametrize("few", [FEW, 0], ids=["as few", "as many"])
def test_any_sequence_agrees_with_the_oracle(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asserted stands in the machine: each rule compares its answer, each invariant the whole. Both ways in which rows
    are found and written: as where they are few, and as where they are many."""
    monkeypatch.setattr(database, "FEW", few)
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            phases=[Phase.generate],
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
