"""Balances and statements at any moment, against a plain-Python reading of generated movements of every kind and account."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stamgast.kit.database import Cursor, transaction, trial
from stamgast.kit.ids import bucket_of, derive_id, derive_id_in_bucket_of
from stamgast.kit.paging import InvalidCursor
from stamgast.ledger import history
from stamgast.ledger.history import Amounts, Clock, Line, list_balances_at, read_statement
from stamgast.ledger.operations import expire_due
from stamgast.ledger.queries import get_balances
from stamgast.ledger.tests.examples import ACTOR, ADA, BOB, day, give, wanted
from stamgast.ledger.types import Account, MovementKind

pytestmark = pytest.mark.django_db
OF_OWNER = {"available": Account.AVAILABLE, "pending": Account.PENDING, "held": Account.HELD, "debt": Account.DEBT}
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Row:
    owner: UUID
    kind: int
    debit: int
    credit: int
    amount: int
    currency: str
    effective_at: datetime
    posted_at: datetime
    lot: UUID | None
    id: UUID

    def change(self) -> Amounts:
        of = {name: self.amount * ((self.credit == account) - (self.debit == account)) for name, account in OF_OWNER.items()}
        return Amounts(of["available"], of["pending"], of["held"], -of["debt"])


@st.composite
def movements(draw: st.DrawFn) -> list[Row]:
    moments = st.integers(0, 6).map(day)
    rows = []
    for number in range(draw(st.integers(0, 25))):
        owner = draw(st.sampled_from((ADA, BOB)))
        debit, credit = draw(st.lists(st.sampled_from(list(Account)), min_size=2, max_size=2, unique=True))
        lot = draw(st.sampled_from((None, *(derive_id_in_bucket_of(owner, "lot", str(n)) for n in range(3)))))
        rows.append(
            Row(
                owner, draw(st.sampled_from(list(MovementKind))), debit, credit, draw(st.integers(1, 50)),
                draw(st.sampled_from(("points", "score"))), draw(moments), draw(moments), lot,
                derive_id_in_bucket_of(owner, "movement", str(number)),
            )
        )  # fmt: skip
    return rows


def insert(cursor: Cursor, rows: list[Row]) -> None:
    for row in rows:
        cursor.execute(
            """INSERT INTO ledger_movement (bucket, kind, debit, credit, amount, effective_at, posted_at, movement_id, owner_id,
              batch_id, lot_id, fingerprint, currency, rule, reason, actor)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', %s, 'purchase', 'decided', 'test')""",
            (bucket_of(row.owner), row.kind, row.debit, row.credit, row.amount, row.effective_at, row.posted_at, row.id,
             row.owner, derive_id("batch"), row.lot, row.currency),
        )  # fmt: skip


def add_up(rows: list[Row]) -> dict[str, Amounts]:
    sums: dict[str, Amounts] = {}
    for row in rows:
        sums[row.currency] = add(sums.get(row.currency, Amounts(0, 0, 0, 0)), row.change())
    return sums


def add(one: Amounts, other: Amounts) -> Amounts:
    return Amounts(*map(sum, zip(one, other, strict=True)))


def told(cursor: Cursor, owner: UUID, **moments: Any) -> dict[str, Amounts]:
    rows = list_balances_at(cursor, owner, **moments)
    assert {row.owner_id for row in rows} <= {owner}
    return {row.currency: Amounts(row.available, row.pending, row.held, row.debt) for row in rows}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate))
@given(rows=movements(), at=st.one_of(st.none(), st.integers(-1, 7)), known_at=st.one_of(st.none(), st.integers(-1, 7)))
def test_balances_at_any_moment_are_what_the_movements_add_up_to(rows: list[Row], at: int | None, known_at: int | None) -> None:
    with trial() as cursor:
        insert(cursor, rows)
        for owner in (ADA, BOB):
            seen = [
                row
                for row in rows
                if row.owner == owner
                and (at is None or row.effective_at <= day(at))
                and (known_at is None or row.posted_at <= day(known_at))
            ]
            moments = {"at": None if at is None else day(at), "known_at": None if known_at is None else day(known_at)}
            assert told(cursor, owner, **moments) == add_up(seen)


def all_lines(cursor: Cursor, owner: UUID, **asked: Any) -> list[Line]:
    lines: list[Line] = []
    after = None
    while True:
        page = read_statement(cursor, owner, after=after, **asked).lines
        lines += page.rows
        after = page.next_cursor
        if after is None:
            return lines


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate))
@given(
    rows=movements(),
    first=st.integers(-1, 6),
    days=st.integers(1, 7),
    clock=st.sampled_from(list(Clock)),
    limit=st.integers(1, 4),
)
def test_statement_leads_from_its_opening_to_its_closing(
    rows: list[Row], first: int, days: int, clock: Clock, limit: int
) -> None:
    since, until = day(first), day(first + days)

    def moment(row: Row) -> datetime:
        return row.posted_at if clock is Clock.KNOWN else row.effective_at

    def other(row: Row) -> datetime:
        return row.effective_at if clock is Clock.KNOWN else row.posted_at

    with trial() as cursor:
        insert(cursor, rows)
        mine = [row for row in rows if row.owner == ADA]
        statement = read_statement(cursor, ADA, since=since, until=until, clock=clock)
        lines = all_lines(cursor, ADA, since=since, until=until, clock=clock, limit=limit)
    assert statement.closing == add_up([row for row in mine if moment(row) < until])
    before = add_up([row for row in mine if moment(row) < since])
    assert statement.opening == {currency: before.get(currency, Amounts(0, 0, 0, 0)) for currency in statement.closing}
    within = [row for row in mine if since <= moment(row) < until]
    assert [line.movement.id for line in lines] == [
        row.id for row in sorted(within, key=lambda row: (moment(row), row.change().available < 0, other(row), row.id))
    ]
    running = dict(statement.opening)
    for line in lines:
        row = next(row for row in within if row.id == line.movement.id)
        running[row.currency] = add(running[row.currency], row.change())
        assert (line.change, line.after) == (row.change(), running[row.currency])
        earlier = [
            one
            for one in mine
            if row.lot and one.lot == row.lot and one.effective_at == row.effective_at and one.posted_at < row.posted_at
        ]
        if not earlier or row.credit == Account.DEBT:
            assert line.corrects is None
        else:
            latest = max(one.posted_at for one in earlier)
            assert line.corrects == min(one.id for one in earlier if one.posted_at == latest)
            assert line.corrects_at == latest
    assert running == statement.closing


def test_a_balance_as_it_was_known_is_the_row_that_was_there() -> None:
    with transaction() as cursor:
        kept = []
        for number, rows in enumerate([(wanted(amount=10, expires_at=day(3)),), (wanted(amount=4, expires_at=day(3)),), ()]):
            give(cursor, *rows, complete=(ADA,), at=day(number))
            kept.append((day(number), get_balances(cursor, ADA)))
        for moment, balances in kept:
            assert list_balances_at(cursor, ADA, known_at=moment) == balances
        assert [row.available for _, balances in kept for row in balances] == [10, 4, 0]
        assert told(cursor, ADA, at=day(0), known_at=day(0))["score"].available == 10, "what was known then of then"
        assert told(cursor, ADA, at=day(0))["score"].available == 0, "what is known now of then"


def test_a_correction_stands_where_it_became_known_and_names_what_it_corrects() -> None:
    with transaction() as cursor:
        give(cursor, wanted(amount=10, occurred_at=day(0)), at=day(0))
        give(cursor, wanted(amount=4, occurred_at=day(0)), at=day(40))
        (given,) = all_lines(cursor, ADA, since=day(0), until=day(30))
        (taken,) = all_lines(cursor, ADA, since=day(30), until=day(60))
        assert (given.corrects, taken.corrects, taken.corrects_at) == (None, given.movement.id, day(0))
        assert (taken.change.available, taken.after.available) == (-6, 4)
        happened = all_lines(cursor, ADA, since=day(0), until=day(30), clock=Clock.HAPPENED)
        assert [line.change.available for line in happened] == [10, -6]
        expire_due(cursor, at=day(41), actor=ACTOR)
        lines = all_lines(cursor, ADA, since=day(0), until=day(60))
        assert [line.corrects is not None for line in lines] == [False, True, False], "expiry corrects nothing"


def test_a_statement_of_one_who_has_nothing_is_empty_and_a_foreign_cursor_is_refused() -> None:
    with transaction() as cursor:
        statement = read_statement(cursor, BOB, since=day(0), until=day(1))
        assert (statement.opening, list(statement.lines.rows), statement.closing) == ({}, [], {})
        with pytest.raises(InvalidCursor):
            read_statement(cursor, BOB, since=day(0), until=day(1), after="WzEsMl0")


def test_what_comes_in_while_pages_are_turned_is_of_the_next_statement() -> None:
    """The API's statement is until now, and a later page is asked for later."""
    with transaction() as cursor:
        for number in range(4):
            give(cursor, wanted(ADA, f"order {number}"), at=day(number))
        first = read_statement(cursor, ADA, since=day(0), until=day(5), limit=3)
        give(cursor, wanted(ADA, "order 6"), at=day(6))
        second = read_statement(cursor, ADA, since=day(0), until=day(7), limit=3, after=first.lines.next_cursor)
        assert (second.until, second.opening, second.closing) == (first.until, first.opening, first.closing)
        assert [line.movement.posted_at for line in second.lines.rows] == [day(3)]
        assert second.lines.next_cursor is None


def test_a_past_balance_reads_one_owner_by_the_index() -> None:
    with transaction() as cursor:
        # Beside others of the same bucket, or the key of the table would do as well.
        owners = [ADA, *(derive_id_in_bucket_of(ADA, "another", str(n)) for n in range(49))]
        give(cursor, *(wanted(owner=owner, amount=n + 1, activity=f"order {n}") for n in range(20) for owner in owners))
        cursor.execute("ANALYZE ledger_movement")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        values = history._values(ADA, day(1), day(2), None)
        plan = str(cursor.execute(f"EXPLAIN {history._BALANCES}", values).fetchall())
    assert "movement_owner" in plan
    assert "Index Cond: ((bucket = " in plan
