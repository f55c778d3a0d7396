"""Several connections at once: exactly once, no deadlock, no waiting where none is promised. Each race has its control."""

import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from psycopg.errors import CheckViolation, UniqueViolation

from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import derive_id
from stamgast.ledger import sql
from stamgast.ledger.acts import Act, Capture, Hold, Spend
from stamgast.ledger.audit import audit
from stamgast.ledger.operations import expire_due, seal, settle_due
from stamgast.ledger.queries import count_movements, get_balances
from stamgast.ledger.tests.examples import ACTOR, ADA, BOB, act, day, do, give, wanted
from stamgast.ledger.types import Wanted

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(*acts: Callable[[], int]) -> list[int]:
    """Runs each act in a thread with a connection of its own; the first error is raised here."""

    def run(act: Callable[[], int]) -> int:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, act) for act in acts]]


def posting(rows: list[Wanted]) -> Callable[[], int]:
    def act() -> int:
        with transaction() as cursor:
            return give(cursor, *rows).movements

    return act


def test_same_causes_posted_by_four_at_once_are_posted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["stamgast.ledger.operations.post"], "LARGEST_BATCH", 40)
    owners = [derive_id("customer", str(n)) for n in range(60)]
    rows = [wanted(owner, f"order {n}", currency=currency) for owner in owners for n in range(3) for currency in ("a", "b")]
    shuffled = [random.sample(rows, len(rows)) for _ in range(4)]
    assert sum(in_threads(*map(posting, shuffled))) == len(rows)
    with transaction() as cursor:
        assert count_movements(cursor) == len(rows)
        assert audit(cursor) == []


def race_on_one_lot() -> int:
    """A second posting of the same cause begins while the first is not committed; returns what the second wrote."""
    with transaction() as cursor:
        give(cursor, wanted(ADA, "order 0"))
    is_posted, second = threading.Event(), wanted(ADA, "order 1")

    def late() -> int:
        is_posted.wait(10)
        return posting([second])()

    def early() -> int:
        with transaction() as cursor:
            give(cursor, second)
            is_posted.set()
            wait_until_somebody_waits()
        return 1

    return in_threads(early, late)[1]


def wait_until_somebody_waits() -> None:
    with open_cursor() as cursor:
        for _ in range(1000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            if cursor.fetchone() != (0,):
                return
            time.sleep(0.01)
    raise AssertionError("nobody waited, so there was no race")


def test_posting_waits_for_the_balance_and_then_sees_the_lot() -> None:
    assert race_on_one_lot() == 0


def test_control_without_the_lock_the_race_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as cursor:
        give(cursor, wanted(ADA, "order 0"))
    monkeypatch.setattr(sql, "LOCK_BALANCES", UNLOCKED)
    with pytest.raises(UniqueViolation):
        race_on_one_lot()


def test_expiry_passes_over_a_balance_that_is_held_and_takes_the_others() -> None:
    with transaction() as cursor:
        give(cursor, wanted(ADA, expires_at=day(1)), wanted(BOB, expires_at=day(1)))
    with transaction() as cursor:
        give(cursor, wanted(ADA, amount=4, expires_at=day(1)))

        def expire() -> int:
            with transaction() as other:
                return expire_due(other, at=day(2), actor=ACTOR).movements

        assert in_threads(expire) == [1]
        assert expire_due(cursor, at=day(2), actor=ACTOR, owners=[ADA]).movements == 1
    with transaction() as cursor:
        assert [get_balances(cursor, owner)[0].available for owner in (ADA, BOB)] == [0, 0]
        assert audit(cursor) == []


def test_posting_against_expiry_and_sealing_ends_sound() -> None:
    owners = [derive_id("customer", str(n)) for n in range(20)]

    def post_many(seed: int) -> Callable[[], int]:
        def act() -> int:
            chance = random.Random(seed)
            written = 0
            for _ in range(15):
                rows = [
                    wanted(owner, f"order {chance.randrange(3)}", chance.randrange(9), expires_at=day(chance.randrange(4)))
                    for owner in chance.sample(owners, 10)
                ]
                complete = tuple(chance.sample([row.owner_id for row in rows], 3))
                with transaction() as cursor:
                    written += give(cursor, *rows, complete=complete).movements
                    written += expire_due(cursor, at=day(2), actor=ACTOR, owners=[row.owner_id for row in rows]).movements
            return written

        return act

    def expire_and_seal() -> int:
        written = 0
        for _ in range(15):
            with transaction() as cursor:
                written += expire_due(cursor, at=day(2), actor=ACTOR).movements
                seal(cursor, at=day(2))
        return written

    written = in_threads(post_many(1), post_many(2), expire_and_seal, expire_and_seal)
    with transaction() as cursor:
        assert count_movements(cursor) == sum(written)
        assert audit(cursor) == []


def asking(*acts: Act) -> Callable[[], int]:
    """One client: each act in a transaction of its own; returns how many were done, and not merely answered again."""

    def ask() -> int:
        return sum(asked_once(one) for one in acts)

    return ask


def asked_once(one: Act) -> int:
    with transaction() as cursor:
        (outcome,) = do(cursor, one)
    return int(not outcome.refusal and not outcome.is_repeat)


def fill_and_hold(amount: int = 10) -> UUID:
    with transaction() as cursor:
        give(cursor, wanted(ADA, amount=amount, expires_at=None))
        held = act(Hold, "hold", currency="score", amount=4, lasts=timedelta(days=1))
        do(cursor, held)
        return held.id


def is_sound() -> bool:
    with transaction() as cursor:
        return audit(cursor) == []


UNLOCKED = """SELECT b.owner_id, b.currency, b.debt, b.held FROM ledger_balance b
JOIN unnest(%s::smallint[], %s::uuid[], %s::text[]) AS k(bucket, owner_id, currency) USING (bucket, owner_id, currency)"""


def race_between(first: Act, second: Act) -> int:
    """The second begins while the first is done and not committed; returns how many were done."""
    is_done = threading.Event()

    def early() -> int:
        with transaction() as cursor:
            (outcome,) = do(cursor, first)
            is_done.set()
            wait_until_somebody_waits()
        return int(not outcome.refusal)

    def late() -> int:
        is_done.wait(10)
        return asked_once(second)

    return sum(in_threads(early, late))


def spend_of(amount: int, key: str) -> Spend:
    return act(Spend, key, currency="score", amount=amount)


def test_of_two_spends_of_the_same_points_one_is_done() -> None:
    with transaction() as cursor:
        give(cursor, wanted(ADA))
    assert race_between(spend_of(6, "one"), spend_of(6, "other")) == 1
    assert is_sound()


def test_control_without_the_lock_only_the_database_stops_the_second_spend(monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as cursor:
        give(cursor, wanted(ADA))
    monkeypatch.setattr(sql, "LOCK_BALANCES", UNLOCKED)
    with pytest.raises(CheckViolation, match="balance_not_below_zero"):
        race_between(spend_of(6, "one"), spend_of(6, "other"))


def test_of_two_captures_of_one_hold_one_is_done() -> None:
    hold_id = fill_and_hold()
    assert race_between(act(Capture, "one", hold_id=hold_id), act(Capture, "other", hold_id=hold_id)) == 1
    assert is_sound()


def test_control_without_the_lock_the_second_capture_is_decided_on_an_open_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    hold_id = fill_and_hold()
    monkeypatch.setattr(sql, "LOCK_BALANCES", UNLOCKED)
    with pytest.raises(CheckViolation):
        race_between(act(Capture, "one", hold_id=hold_id), act(Capture, "other", hold_id=hold_id))


def race_of_a_spend_with_an_expiry() -> list[int]:
    """How much expired, and whether the spend, which began meanwhile, was told what is left."""
    is_expired = threading.Event()

    def expire() -> int:
        with transaction() as cursor:
            expired = settle_due(cursor, at=day(2), actor=ACTOR).movements
            is_expired.set()
            wait_until_somebody_waits()
        return expired

    def spend() -> int:
        is_expired.wait(10)
        with transaction() as cursor:
            (outcome,) = do(cursor, act(Spend, "spend", currency="score", amount=15), at=day(2))
        return int(outcome.refusal == "insufficient_balance" and outcome.available == 10)

    return in_threads(expire, spend)


def give_some_that_expires() -> None:
    with transaction() as cursor:
        give(cursor, wanted(ADA, expires_at=day(1)), wanted(ADA, "order 2", expires_at=None))


def test_spend_that_waits_for_an_expiry_finds_less() -> None:
    give_some_that_expires()
    assert race_of_a_spend_with_an_expiry() == [1, 1]
    assert is_sound()


def test_control_without_the_lock_the_spend_expires_once_more_what_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    give_some_that_expires()
    monkeypatch.setattr(sql, "LOCK_BALANCES", UNLOCKED)
    with pytest.raises((UniqueViolation, CheckViolation)):
        race_of_a_spend_with_an_expiry()


def test_sweeper_passes_over_a_balance_that_is_being_spent_from() -> None:
    with transaction() as cursor:
        give(cursor, wanted(ADA, expires_at=day(1)))
    with transaction() as cursor:
        do(cursor, act(Spend, "spend", currency="score", amount=5))

        def sweep() -> int:
            with transaction() as other:
                return settle_due(other, at=day(2), actor=ACTOR).movements

        assert in_threads(sweep) == [0]
    with transaction() as cursor:
        settle_due(cursor, at=day(2), actor=ACTOR)
        assert get_balances(cursor, ADA)[0].available == 0
    assert is_sound()


def test_one_key_from_twenty_clients_is_done_once() -> None:
    with transaction() as cursor:
        give(cursor, wanted(ADA, amount=1_000))
    assert sum(in_threads(*[asking(spend_of(6, "one"))] * 20)) == 1
    with transaction() as cursor:
        assert get_balances(cursor, ADA)[0].available == 994


def test_control_without_the_lock_one_key_is_decided_twice_and_only_its_row_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as cursor:
        give(cursor, wanted(ADA, amount=1_000))
    monkeypatch.setattr(sql, "LOCK_BALANCES", UNLOCKED)
    with pytest.raises(UniqueViolation, match=r"ledger_act_pkey|ledger_movement_pkey"):
        race_between(spend_of(6, "one"), spend_of(6, "one"))


def test_one_key_for_two_currencies_at_once_meets_at_the_act_and_a_retry_finds_the_answer() -> None:
    with transaction() as cursor:
        give(cursor, wanted(ADA), wanted(ADA, currency="points"))
    other = act(Spend, "one", currency="points", amount=6)
    with pytest.raises(UniqueViolation):
        race_between(spend_of(6, "one"), other)
    with transaction() as cursor:
        assert do(cursor, other)[0].refusal == "act_key_reused"
    assert is_sound()


def test_hundred_customers_hammered_by_many_clients_end_sound_and_nobody_deadlocks() -> None:
    owners = [derive_id("customer", str(n)) for n in range(100)]
    with transaction() as cursor:
        give(cursor, *(wanted(owner, amount=200, expires_at=day(3)) for owner in owners))

    def hammer(seed: int) -> Callable[[], int]:
        chance = random.Random(seed)

        def client() -> int:
            done = 0
            for n in range(4):
                acts: list[Act] = []
                for owner in chance.sample(owners, 12):
                    held = act(Hold, f"hold {seed} {n}", owner, currency="score", amount=5, lasts=timedelta(hours=1))
                    acts += [held, act(Spend, f"spend {seed} {n}", owner, currency="score", amount=chance.randrange(1, 9))]
                    acts.append(act(Capture, f"capture {seed} {n}", owner, hold_id=held.id, amount=3))
                with transaction() as cursor:
                    done += sum(not outcome.refusal for outcome in do(cursor, *acts))
                with transaction() as cursor:
                    give(cursor, *(wanted(owner, f"order {seed} {n}", 2) for owner in chance.sample(owners, 12)))
                with transaction() as cursor:
                    settle_due(cursor, at=day(chance.choice((1, 4))), actor=ACTOR, limit=10)
            return done

        return client

    assert sum(in_threads(*(hammer(seed) for seed in range(32)))) > 0
    assert is_sound()
