"""Properties of ``decide``, for generated programmes, versions, zones and activities, against the oracle."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.programmes.accrual import accrue
from stamgast.programmes.deciding import AT_ONCE, decide, decide_parts, review_tiers, warm
from stamgast.programmes.documents import default_document
from stamgast.programmes.errors import UnorderedActivities
from stamgast.programmes.matching import match_few, match_many
from stamgast.programmes.programme import compile_programme
from stamgast.programmes.tests import oracle
from stamgast.programmes.tests.generated import MOMENTS, VERSIONS, Versions, activities, programme_of, table_of
from stamgast.programmes.types import ACTIVITIES, DECISIONS, STATES, TIERS, Version

Rows = list[dict[str, Any]]
START = datetime(2000, 1, 1, tzinfo=UTC)
DEFAULT = compile_programme([Version("default", 1, default_document("Europe/Amsterdam"), "", START, START, "test", "")])


def activity(number: int, kind: str, minor: int | None, **more: Any) -> dict[str, Any]:
    row = dict.fromkeys(ACTIVITIES.names) | {"kind": kind, "amount_minor": minor, "currency": "EUR"}
    at = START + timedelta(days=number)
    return row | {"activity_id": number.to_bytes(16, "big"), "customer_id": bytes(16), "occurred_at": at} | more


@settings(max_examples=100, deadline=None)
@given(VERSIONS, activities())
def test_the_oracle_agrees(versions: Versions, rows: Rows) -> None:
    found = decide(programme_of(versions), None, table_of(rows)).table
    assert found.schema == DECISIONS
    expected = [
        (one.activity, one.rule, one.currency, one.amount, one.available_at, one.expires_at, one.version)
        for one in oracle.decide_all(versions, rows)
    ]
    names = ["activity_id", "rule", "currency", "amount", "available_at", "expires_at", "version"]
    assert [tuple(row[name] for name in names) for row in found.to_pylist()] == expected


@settings(max_examples=100, deadline=None)
@given(VERSIONS, activities(), MOMENTS)
def test_the_oracle_agrees_on_tiers(versions: Versions, rows: Rows, until: datetime) -> None:
    programme = programme_of(versions)
    in_force = max((one for one in versions if one[1] <= until), default=versions[0], key=lambda one: (one[1], one[0]))
    day = until.astimezone(ZoneInfo(in_force[2]["timezone"])).date()
    found = decide(programme, None, table_of(rows), until=until).tiers
    assert found.schema == TIERS
    told = [(row["customer_id"], row["since"], row["tier"], row["cause"]) for row in found.to_pylist()]
    assert told == oracle.changes_of(versions, rows, day)


@settings(max_examples=60, deadline=None)
@given(VERSIONS, activities(), MOMENTS)
def test_an_order_that_came_back_whole_might_never_have_been(versions: Versions, rows: Rows, until: datetime) -> None:
    programme, left = programme_of(versions), table_of([row for row in rows if not row["is_returned"]])
    marked, absent = (decide(programme, None, table, until=until) for table in (table_of(rows), left))
    assert marked.table.to_pylist() == absent.table.to_pylist()
    assert marked.tiers.to_pylist() == absent.tiers.to_pylist()
    counted = [{row["customer_id"]: row["counters"] for row in one.states.to_pylist()} for one in (marked, absent)]
    assert {customer: counted[0][customer] for customer in counted[1]} == counted[1]


@settings(max_examples=60, deadline=None)
@given(VERSIONS, activities(), MOMENTS)
def test_reviewing_from_states_is_deciding_until_then(versions: Versions, rows: Rows, until: datetime) -> None:
    programme, table = programme_of(versions), table_of(rows)
    known, whole = decide(programme, None, table), decide(programme, None, table, until=until)
    reviewed = review_tiers(programme, known.states, until=until)
    assert reviewed.states.to_pylist() == whole.states.to_pylist()
    both = pa.concat_tables([known.tiers, reviewed.tiers]).to_pylist()
    assert sorted(both, key=lambda row: row["customer_id"]) == whole.tiers.to_pylist()


@settings(max_examples=35, deadline=None)
@given(VERSIONS, activities())
def test_closures_and_duckdb_find_the_same(versions: Versions, rows: Rows) -> None:
    programme, table = programme_of(versions), table_of(rows)
    for few, many in zip(match_few(programme, table), match_many(programme, table), strict=True):
        np.testing.assert_array_equal(few, many)


@settings(max_examples=60, deadline=None)
@given(VERSIONS, activities(), MOMENTS)
def test_deciding_on_from_a_state_is_deciding_at_once(versions: Versions, rows: Rows, split: datetime) -> None:
    programme = programme_of(versions)
    before = [row for row in rows if row["occurred_at"] < split]
    after = [row for row in rows if row["occurred_at"] >= split]
    whole, first = decide(programme, None, table_of(rows)), decide(programme, None, table_of(before))
    second = decide(programme, first.states, table_of(after))
    parts = pa.concat_tables([first.table, second.table]).to_pylist()
    order = {row["activity_id"]: place for place, row in enumerate(rows)}
    assert sorted(parts, key=lambda row: order[row["activity_id"]]) == whole.table.to_pylist()
    states = {row["customer_id"]: row for row in first.states.to_pylist()} | {
        row["customer_id"]: row for row in second.states.to_pylist()
    }
    assert [states[customer] for customer in sorted(states)] == whole.states.to_pylist()
    tiers = pa.concat_tables([first.tiers, second.tiers]).to_pylist()
    assert sorted(tiers, key=lambda row: row["customer_id"]) == whole.tiers.to_pylist()
    assert whole.states.schema == STATES


@settings(max_examples=60, deadline=None)
@given(VERSIONS, activities(), st.data())
def test_any_batches_of_any_customers_decide_as_the_whole(versions: Versions, rows: Rows, data: st.DataObject) -> None:
    """A batch has a few of the next activities of some customers; it goes on from the states that all before it left."""
    programme, whole = programme_of(versions), decide(programme_of(versions), None, table_of(rows))
    waiting = {
        customer: [row for row in rows if row["customer_id"] == customer] for customer in {r["customer_id"] for r in rows}
    }
    states: dict[bytes, dict[str, Any]] = {}
    parts, tiers = DECISIONS.empty_table(), TIERS.empty_table()
    while any(waiting.values()):
        batch: Rows = []
        for customer in sorted(waiting):
            size = data.draw(st.integers(0, len(waiting[customer])))
            batch += waiting[customer][:size]
            waiting[customer] = waiting[customer][size:]
        held = pa.Table.from_pylist([states[customer] for customer in sorted(states)], schema=STATES)
        decided = decide(programme, held, table_of(batch))
        states |= {row["customer_id"]: row for row in decided.states.to_pylist()}
        parts, tiers = pa.concat_tables([parts, decided.table]), pa.concat_tables([tiers, decided.tiers])
    place = {row["activity_id"]: number for number, row in enumerate(rows)}
    assert sorted(parts.to_pylist(), key=lambda row: place[row["activity_id"]]) == whole.table.to_pylist()
    assert sorted(tiers.to_pylist(), key=lambda row: row["customer_id"]) == whole.tiers.to_pylist()
    assert [states[customer] for customer in sorted(states)] == whole.states.to_pylist()


@settings(max_examples=35, deadline=None)
@given(VERSIONS, activities(), st.data())
def test_any_buckets_of_customers_decide_as_all_together(versions: Versions, rows: Rows, data: st.DataObject) -> None:
    programme = programme_of(versions)
    customers = sorted({row["customer_id"] for row in rows})
    bucket = {customer: data.draw(st.integers(0, 2)) for customer in customers}
    tables = [table_of([row for row in rows if bucket[row["customer_id"]] == number]) for number in range(3)]
    whole = decide(programme, None, table_of(rows))
    decided = list(decide_parts(programme, iter(tables)))
    for part, all_ in (("table", whole.table), ("tiers", whole.tiers), ("states", whole.states)):
        rows_of_parts = [row for decisions in decided for row in getattr(decisions, part).to_pylist()]
        assert sorted(rows_of_parts, key=lambda row: row["customer_id"]) == all_.to_pylist()


@settings(max_examples=35, deadline=None)
@given(VERSIONS, activities())
def test_other_customers_change_nothing(versions: Versions, rows: Rows) -> None:
    programme = programme_of(versions)
    whole = decide(programme, None, table_of(rows)).table.to_pylist()
    apart: Rows = []
    for customer in sorted({row["customer_id"] for row in rows}):
        own = table_of([row for row in rows if row["customer_id"] == customer])
        apart += decide(programme, None, own).table.to_pylist()
    assert apart == whole


@settings(max_examples=35, deadline=None)
@given(VERSIONS, activities(), VERSIONS)
def test_a_later_version_changes_nothing_before_it(versions: Versions, rows: Rows, more: Versions) -> None:
    start, document = max(version[1] for version in [*versions, *more]), more[0][2]
    later = programme_of([*versions, (len(versions) + 1, start, document)])
    before = [row for row in rows if row["occurred_at"] < start]
    old, new = decide(programme_of(versions), None, table_of(before)), decide(later, None, table_of(before))
    assert new.table.to_pylist() == old.table.to_pylist()


def test_the_default_programme_by_hand() -> None:
    rows = [
        activity(1, "Order Completed", 1),
        activity(2, "Order Completed", 0),
        activity(3, "Order Completed", None),
        activity(4, "Till Sale", 990),
        activity(5, "Coupon Redeemed", None),
        activity(6, "Order Completed", -5),
        activity(7, "page", 100),
    ]
    found = decide(DEFAULT, None, table_of(rows)).table.to_pylist()
    assert [(row["activity_id"][-1], row["rule"], row["amount"]) for row in found] == [
        (1, "purchase", 1),
        (4, "purchase", 1),
        (5, "coupon", 5),
    ]
    assert found[0]["expires_at"] == datetime(2002, 1, 2, 0, 0, tzinfo=UTC)


def test_nothing_gives_nothing() -> None:
    decisions = decide(DEFAULT, None, ACTIVITIES.empty_table())
    assert (decisions.table.num_rows, decisions.states.num_rows) == (0, 0)


@pytest.mark.parametrize("numbers", [[2, 1], [1, 1]])
def test_unsorted_or_repeated_activities_are_refused(numbers: list[int]) -> None:
    with pytest.raises(UnorderedActivities, match="sorted"):
        decide(DEFAULT, None, table_of([activity(number, "page", None) for number in numbers]))


@pytest.mark.parametrize("number", [1, 2])
def test_an_activity_that_the_state_has_passed_is_refused(number: int) -> None:
    states = decide(DEFAULT, None, table_of([activity(2, "page", None)])).states
    with pytest.raises(UnorderedActivities, match="whole history"):
        decide(DEFAULT, states, table_of([activity(number, "page", None)]))
    assert decide(DEFAULT, states, table_of([activity(3, "Till Sale", 5)])).table.num_rows == 1


def test_before_the_first_version_nothing_is_given() -> None:
    late = compile_programme([Version("default", 1, default_document("UTC"), "", START + timedelta(days=5), START, "test", "")])
    rows = [activity(4, "Till Sale", 5), activity(5, "Till Sale", 5)]
    assert [row["activity_id"][-1] for row in decide(late, None, table_of(rows)).table.to_pylist()] == [5]


def test_slices_and_chunks_of_tables_decide_the_same() -> None:
    rows = [activity(number, "Till Sale", number * 7 - 30) for number in range(1, 40)]
    whole = table_of(rows)
    chunked = pa.concat_tables([whole.slice(0, 7), whole.slice(7)])
    assert decide(DEFAULT, None, chunked).table.to_pylist() == decide(DEFAULT, None, whole).table.to_pylist()
    expected = [row for row in decide(DEFAULT, None, whole).table.to_pylist() if row["activity_id"][-1] > 10]
    assert decide(DEFAULT, None, whole.slice(10)).table.to_pylist() == expected


def test_many_activities_decide_as_few_do() -> None:
    """One table beyond the number from which DuckDB does stage 1."""
    rows = [activity(number, "Till Sale" if number % 3 else "Coupon Redeemed", number % 5) for number in range(1, 2001)]
    many = decide(DEFAULT, None, table_of(rows)).table.to_pylist()
    assert sum(row["amount"] for row in many) == sum((1 if number % 5 else 0) if number % 3 else 5 for number in range(1, 2001))


def test_parts_beside_each_other_decide_as_one_after_another() -> None:
    rows = [
        activity(number, "Order Completed", 100 * number, customer_id=number.to_bytes(16, "big")) for number in range(3_000)
    ]
    whole = table_of(rows)
    read: list[int] = []

    def parts() -> Iterator[pa.Table]:
        for start in (0, 3, 1_500, 1_501, 2_900):  # some by the closures and some by DuckDB
            read.append(start)
            yield whole.slice(start, {0: 3, 3: 1_497, 1_500: 1, 1_501: 1_399, 2_900: 100}[start])

    decided = []
    for decisions in decide_parts(DEFAULT, parts()):
        assert len(read) < len(decided) + 1 + AT_ONCE
        decided.append(decisions.table)
    assert pa.concat_tables(decided).equals(decide(DEFAULT, None, whole).table)


def test_what_fails_in_a_part_is_told_where_it_is_asked_for() -> None:
    good = table_of([activity(1, "Order Completed", 100)])
    bad = table_of([activity(1, "Order Completed", 100), activity(2, "Order Completed", 100)]).take([1, 0])
    decided = decide_parts(DEFAULT, iter([good, bad, good]))
    assert next(decided).table.num_rows
    with pytest.raises(UnorderedActivities):
        next(decided)


def test_the_pass_is_compiled_once() -> None:
    """Every way in must give the compiler the same types, or the first batch of another kind waits for seconds."""
    warm()
    decide(DEFAULT, None, table_of([activity(1, "Till Sale", 5, currency=None)]))
    decide(DEFAULT, None, table_of([activity(number, "Till Sale", 5) for number in range(1, 1500)]))
    rule = {"name": "a", "when": {"activity": "Till Sale"}, "give": {"points": 1}, "cap": {"points": 3, "per": "day"}}
    document = {"programme": "club", "timezone": "UTC", "currencies": {"points": {}}, "earn": [rule]}
    capped = programme_of([(1, START, document)])
    first = decide(capped, None, table_of([activity(1, "Till Sale", 5)]))
    decide(capped, first.states, table_of([activity(2, "Till Sale", 5)]))
    assert len(accrue.signatures) == 1
