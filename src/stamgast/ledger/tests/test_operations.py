"""Posting, expiring and sealing by example, with what each writes."""

from uuid import UUID

import pytest

from stamgast.kit.database import FEW, Cursor, transaction
from stamgast.kit.ids import bucket_of, derive_id
from stamgast.ledger.acts import Spend
from stamgast.ledger.audit import audit
from stamgast.ledger.errors import InvalidWanted
from stamgast.ledger.operations import expire_due, fold, post, seal
from stamgast.ledger.queries import count_movements, get_balances, get_movement, list_lots, list_movements, next_due
from stamgast.ledger.tests.examples import ACTOR, ADA, BOB, CEM, START, act, day, do, give, rows_of, wanted
from stamgast.ledger.types import Account, Balance, MovementKind, Wanted

pytestmark = pytest.mark.django_db


def kinds(cursor: Cursor, owner: UUID = ADA) -> list[tuple[MovementKind, int, float]]:
    """An owner's movements, first written first: kind, amount and the day they count from."""
    rows = sorted(list_movements(cursor, owner).rows, key=lambda row: (row.posted_at, row.kind != MovementKind.RESTORE))
    return [(row.kind, row.amount, (row.effective_at - START).days) for row in rows]


def test_earning_writes_one_movement_with_its_cause() -> None:
    with transaction() as cursor:
        posted = give(cursor, wanted(), at=day(2))
        (change,) = posted.changes
        movement = get_movement(cursor, change.movement_id)
        (lot,) = list_lots(cursor, ADA)
        assert posted.movements == 1 == count_movements(cursor)
        assert (change.owner_id, change.currency, change.effective_at, change.delta) == (ADA, "score", day(0), 10)
        assert (movement.debit, movement.credit, movement.amount) == (Account.PROGRAMME, Account.AVAILABLE, 10)
        assert (movement.effective_at, movement.posted_at) == (day(0), day(2))
        assert (movement.activity_id, movement.rule, movement.programme_version) == (
            derive_id("activity", "order 1"), "purchase", 1,
        )  # fmt: skip
        assert (movement.reason, movement.actor, movement.lot_id) == ("decided", ACTOR, lot.id)
        assert (lot.given, lot.remaining, lot.effective_at, lot.expires_at) == (10, 10, day(0), day(30))
        assert bucket_of(movement.id) == bucket_of(lot.id) == bucket_of(ADA)
        assert get_balances(cursor, ADA) == [Balance(ADA, "score", 10, 0, 0, 0)]
        assert get_balances(cursor, BOB) == []


def test_correction_posts_the_difference_and_nothing_when_there_is_none() -> None:
    with transaction() as cursor:
        give(cursor, wanted(amount=10), at=day(0))
        give(cursor, wanted(amount=14), at=day(1))
        give(cursor, wanted(amount=5), at=day(2))
        stored = rows_of(cursor)
        assert give(cursor, wanted(amount=5), at=day(3)).movements == 0
        assert rows_of(cursor) == stored
        assert kinds(cursor) == [(MovementKind.EARN, 10, 0), (MovementKind.EARN, 4, 0), (MovementKind.REVERSE, 9, 0)]


def test_owners_that_are_complete_lose_what_is_not_wanted_any_more() -> None:
    with transaction() as cursor:
        give(cursor, wanted(), wanted(activity="order 2"), wanted(currency="points"), wanted(BOB))
        give(cursor, wanted(), complete=(ADA,))
        assert [(balance.currency, balance.available) for balance in get_balances(cursor, ADA)] == [
            ("points", 0),
            ("score", 10),
        ]
        assert get_balances(cursor, BOB)[0].available == 10
        give(cursor, complete=(ADA, BOB))
        assert [balance.available for owner in (ADA, BOB) for balance in get_balances(cursor, owner)] == [0, 0, 0]


def test_expiry_counts_from_its_own_moment_however_late_it_is_written() -> None:
    with transaction() as cursor:
        give(cursor, wanted(expires_at=day(30)), wanted(activity="order 2", expires_at=None))
        assert next_due(cursor) == day(30)
        assert expire_due(cursor, at=day(29.9), actor=ACTOR).movements == 0
        posted = expire_due(cursor, at=day(45), actor=ACTOR)
        assert [(change.delta, change.effective_at) for change in posted.changes] == [(-10, day(30))]
        assert next_due(cursor) is None
        assert get_balances(cursor, ADA)[0].available == 10


def test_reversal_after_expiry_takes_back_what_had_expired() -> None:
    with transaction() as cursor:
        give(cursor, wanted(amount=10, expires_at=day(30)))
        expire_due(cursor, at=day(31), actor=ACTOR)
        give(cursor, wanted(amount=6, expires_at=day(30)), at=day(32))
        assert kinds(cursor)[2:] == [(MovementKind.RESTORE, 4, 30), (MovementKind.REVERSE, 4, 0)]
        assert get_balances(cursor, ADA) == [Balance(ADA, "score", 0, 0, 0, 0)]


def test_expiry_that_moves_gives_back_and_takes_again() -> None:
    with transaction() as cursor:
        give(cursor, wanted(expires_at=day(30)))
        expire_due(cursor, at=day(31), actor=ACTOR)
        give(cursor, wanted(expires_at=day(60)), at=day(32))
        assert get_balances(cursor, ADA)[0].available == 10
        assert next_due(cursor) == day(60)
        give(cursor, wanted(expires_at=day(20)), at=day(33))
        assert expire_due(cursor, at=day(33), actor=ACTOR, owners=[ADA]).changes[0].effective_at == day(20)


def test_expiry_takes_what_is_due_longest_first_and_no_more_than_its_limit() -> None:
    with transaction() as cursor:
        give(cursor, *(wanted(activity=f"order {n}", expires_at=day(n)) for n in range(1, 6)))
        first = expire_due(cursor, at=day(9), actor=ACTOR, limit=2)
        assert [change.effective_at for change in first.changes] == [day(1), day(2)]
        assert expire_due(cursor, at=day(9), actor=ACTOR, owners=[BOB]).movements == 0
        assert expire_due(cursor, at=day(9), actor=ACTOR, owners=[]).movements == 0
        assert expire_due(cursor, at=day(9), actor=ACTOR, owners=[ADA], limit=2).movements == 3, "owners have no limit"


@pytest.mark.parametrize("rows", [[wanted(amount=-1)], [wanted(amount=10**15 + 1)], [wanted(), wanted()]])
def test_what_no_ledger_can_hold_is_refused_and_changes_nothing(rows: list[object]) -> None:
    with transaction() as cursor:
        give(cursor, wanted(BOB))
        stored = rows_of(cursor)
        with pytest.raises(InvalidWanted):
            give(cursor, *rows)
        assert rows_of(cursor) == stored


def test_many_given_at_once_are_the_rows_that_single_postings_write() -> None:
    """Among them who owes, what becomes available later, what was given before and what is nothing."""
    owners = [CEM, ADA, BOB, *(UUID(int=number << 100) for number in range(1, 90))]

    def many() -> list[Wanted]:
        return [
            wanted(
                owner,
                f"order {number}",
                3 * (number + 1) % 7,
                currency=currency,
                expires_at=day(40) if number % 3 else None,
                available_at=day(9) if number % 5 == 0 else None,
            )
            for number, owner in enumerate(owners)
            for currency in ("score", "points")
        ]

    written = []
    for is_batch in (True, False):
        with transaction() as cursor:
            give(cursor, wanted(ADA, "earlier", 5), wanted(BOB, "order 2", 9))
            do(cursor, act(Spend, "spend", currency="score", amount=4))
            give(cursor, wanted(ADA, "earlier", 0))
            assert get_balances(cursor, ADA)[0].debt == 4, "or nothing would be paid"
            posted = [give(cursor, *many())] if is_batch else [give(cursor, one) for one in many()]
            assert audit(cursor) == []
            rows = rows_of(cursor)
            cursor.execute("SELECT (to_jsonb(m) - 'batch_id')::text FROM ledger_movement m ORDER BY movement_id")
            changes = sorted(change for one in posted for change in one.changes)
            written.append((changes, cursor.fetchall(), rows["lot"], get_balances(cursor, ADA), get_balances(cursor, BOB)))
            for name in ("movement", "lot", "use", "hold", "act", "balance", "batch", "unsealed", "contra_delta"):
                cursor.execute(f"DELETE FROM ledger_{name}")
    assert len(written[0][1]) > 2 * FEW
    assert written[0] == written[1]


def test_batches_are_cut_where_the_owner_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys.modules["stamgast.ledger.operations.post"], "LARGEST_BATCH", 3)
    owners = [derive_id("customer", str(n)) for n in range(5)]
    rows = [wanted(owner, f"order {n}") for n in range(2) for owner in owners]
    with transaction() as cursor:
        assert give(cursor, *rows).movements == 10
        cursor.execute("SELECT rows FROM ledger_batch")
        assert [row[0] for row in cursor] == [2] * 5
        assert give(cursor, *rows).movements == 0


def test_columns_and_tables_post_what_rows_post() -> None:
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    row = wanted()
    values = {
        "customer_id": pa.array([row.owner_id.bytes], pa.binary(16)),
        "activity_id": pa.array([row.activity_id.bytes], pa.binary(16)),
        "rule": [row.rule],
        "currency": [row.currency],
        "amount": [row.amount],
        "occurred_at": pa.array([row.occurred_at], moment),
        "expires_at": pa.array([row.expires_at], moment),
        "version": [1],
    }
    with transaction() as cursor:
        assert post(cursor, pa.table(values), at=START, actor=ACTOR, reason="decided").movements == 1
        assert give(cursor, row).movements == 0


def test_texts_with_every_awkward_character_survive() -> None:
    name = 'a "b" \\c, {d} é\tNULL\n'
    with transaction() as cursor:
        give(cursor, wanted(rule=name, currency=name))
        give(cursor, wanted(rule=name, currency=name, amount=12))
        assert [(row.rule, row.currency) for row in list_movements(cursor, ADA).rows] == [(name, name)] * 2
        assert [(balance.currency, balance.available) for balance in get_balances(cursor, ADA)] == [(name, 12)]


def test_seal_chains_each_batch_once_and_fold_keeps_the_sums() -> None:
    with transaction() as cursor:
        for n in range(3):
            give(cursor, wanted(activity=f"order {n}", occurred_at=day(n)))
        assert (seal(cursor, at=day(4), limit=2), seal(cursor, at=day(4)), seal(cursor, at=day(4))) == (2, 1, 0)
        cursor.execute("SELECT sequence FROM ledger_seal ORDER BY sequence")
        assert [row[0] for row in cursor] == [1, 2, 3]
        assert (fold(cursor), fold(cursor)) == (3, 0)
        give(cursor, wanted(activity="order 9", occurred_at=day(0)))
        fold(cursor)
        cursor.execute("SELECT account, day, debit, credit FROM ledger_contra_daily ORDER BY day")
        expected = [(1, day(0).date(), 20, 0), (1, day(1).date(), 10, 0), (1, day(2).date(), 10, 0)]
        assert cursor.fetchall() == expected


def test_posting_takes_the_same_number_of_statements_for_one_and_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    from psycopg import Cursor as PsycopgCursor

    count = 0
    execute, copy = PsycopgCursor.execute, PsycopgCursor.copy

    def counted(original: object) -> object:
        def call(*values: object, **options: object) -> object:
            nonlocal count
            count += 1
            return original(*values, **options)  # type: ignore[operator]

        return call

    with transaction() as cursor:
        monkeypatch.setattr(PsycopgCursor, "execute", counted(execute))
        monkeypatch.setattr(PsycopgCursor, "copy", counted(copy))
        counts = []
        for number in (1, 300):
            count = 0
            give(cursor, *(wanted(activity=f"order {number} {n}") for n in range(number)))
            counts.append(count)
        assert counts == [6, 8], "two more say that the many are found by their keys"
