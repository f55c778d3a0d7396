"""Whether a condition can hold at all: what is called impossible never is, and what can be is let through."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.conditions import activity_fields, parse
from stamgast.programmes.linting.holding import can_hold, hours_of, least_amount

ZONE = "Europe/Amsterdam"
FIELDS = activity_fields(ZONE)


def hold(condition: object, first: str | None = None, last: str | None = None) -> bool:
    days = (date.fromisoformat(first) if first else None, date.fromisoformat(last) if last else None)
    return can_hold(parse(condition, FIELDS), days)


def over(field: str, **compared: object) -> dict[str, object]:
    return {"field": field, **compared}


IMPOSSIBLE: list[Any] = [
    {"all": [{"activity": "A"}, {"activity": "B"}]},
    {"all": [{"activity": "A"}, {"not": {"activity": "A"}}]},
    over("amount", over=10, under=5),
    over("amount", over=10, at_most=10),
    {"all": [over("amount", at_least=5), over("amount", missing=True)]},
    over("kind", missing=True),
    over("hour", missing=True),
    over("hour", over=23),
    over("hour", over=4, under=5),
    over("hour", under=0),
    {"all": [over("weekday", **{"in": ["monday", "tuesday"]}), over("weekday", **{"is": "sunday"})]},
    {"all": [over("weekday", **{"is": "monday"}), over("date", **{"is": "2026-12-25"})]},  # a Friday
    {"all": [over("weekday", **{"is": "monday"}), over("date", at_least="2026-12-22", at_most="2026-12-27")]},
    {"all": [over("properties.size", **{"is": "L"}), over("properties.size", over=3)]},
    {"all": [over("properties.gift", **{"is": True}), over("properties.gift", missing=True)]},
    {"any": [over("amount", over=10, under=5), over("hour", over=23)]},
    {"not": {"any": [over("amount", exists=True), over("amount", missing=True)]}},
    {"any_line": {"all": [over("category", **{"is": "tea"}), over("category", **{"is": "coffee"})]}},
    {"all": [{"any_line": {"category": "tea"}}, {"not": {"any_line": {"category": ["tea", "coffee"]}}}]},
    {"all": [over("kind", **{"in": ["Tea", "Coffee"]}), over("kind", contains="x")]},
    over("properties.n", over=1e29, under=-1e29),
]
POSSIBLE: list[Any] = [
    {"all": [{"any_line": {"category": "tea"}}, {"any_line": {"category": "coffee"}}]},
    {"not": {"any_line": {"category": "tea"}}},
    over("amount", over="10", under="10.01") if False else over("amount", over=10, under=10.01),  # 10.005 of a dinar
    {"all": [over("kind", contains="Order"), {"not": over("kind", contains="Till")}]},
    {"all": [over("weekday", **{"is": "friday"}), over("date", **{"is": "2026-12-25"})]},
    {"all": [over("weekday", **{"is": "monday"}), over("date", at_least="2026-12-22", at_most="2026-12-28")]},
    {"all": [over("properties.size", is_not="L"), over("properties.size", is_not="M")]},
    {"all": [over("properties.a", **{"is": 1}), over("properties.b", **{"is": "1"})]},
    {"not": over("amount", exists=True)},
    over("properties.n", over=1e30),
    over("date", at_least="9999-12-31"),
]


@pytest.mark.parametrize("condition", IMPOSSIBLE, ids=json.dumps)
def test_what_cannot_be_is_seen(condition: object) -> None:
    assert not hold(condition)


@pytest.mark.parametrize("condition", POSSIBLE, ids=json.dumps)
def test_what_can_be_is_let_through(condition: object) -> None:
    assert hold(condition)


def test_days_bound_what_can_be() -> None:
    december = {"field": "date", "at_least": "2026-12-01"}
    assert hold(december, last="2026-12-01")
    assert not hold(december, last="2026-11-30")
    assert hold({"field": "weekday", "is": "monday"}, "2026-12-21", "2026-12-21")
    assert not hold({"field": "weekday", "is": "monday"}, "2026-12-22", "2026-12-27")
    assert not hold({"activity": "A"}, "2026-12-02", "2026-12-01")


def test_a_condition_of_too_many_cases_is_taken_to_be_possible() -> None:
    each = {"any": [{"field": "amount", "is": number} for number in range(10)]}
    assert hold({"all": [each, each, each, {"field": "hour", "over": 23}]})


def test_hours_and_amounts_are_read_from_conditions() -> None:
    night = parse({"all": [over("hour", at_least=1, at_most=4), {"activity": "A"}]}, FIELDS)
    assert hours_of(night) == {1, 2, 3, 4}
    assert least_amount(parse(over("amount", at_least=5, over=7), FIELDS)) == 7
    assert least_amount(parse({"any": [over("amount", at_least=5), {"activity": "A"}]}, FIELDS)) is None


ATOMS = st.sampled_from(
    [
        {"activity": "A"},
        {"field": "kind", "in": ["A", "B"]},
        {"field": "kind", "contains": "A"},
        {"field": "kind", "is_not": "A"},
        {"field": "amount", "over": 0},
        {"field": "amount", "at_most": 0},
        {"field": "amount", "is": 0.5},
        {"field": "amount", "missing": True},
        {"field": "hour", "is": 2},
        {"field": "hour", "over": 2},
        {"field": "weekday", "is": "sunday"},
        {"field": "date", "is": "2026-03-29"},
        {"field": "date", "at_most": "2026-03-28"},
        {"field": "properties.size", "is": "L"},
        {"field": "properties.size", "over": 1},
        {"field": "properties.size", "exists": True},
        {"any_line": {"category": "tea"}},
        {"any_line": {"field": "quantity", "over": 1}},
    ]
)
CONDITIONS = st.lists(ATOMS, min_size=3, max_size=6).map(lambda parts: {"all": parts}) | st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"all": parts})
        | st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"any": parts})
        | inner.map(lambda part: {"not": part})
    ),
    max_leaves=6,
)
LINE = st.fixed_dictionaries(
    {
        "product_id": st.none(),
        "category": st.sampled_from(["tea", "coffee", None]),
        "quantity": st.sampled_from([None, 1, 2]),
        "amount_minor": st.just(1),
    }
)
ROWS = st.fixed_dictionaries(
    {
        "occurred_at": st.sampled_from(
            [datetime(2026, month, day, 0, 30, tzinfo=UTC) for month, day in ((1, 1), (3, 28), (3, 29), (10, 25))]
        ),
        "kind": st.sampled_from(["A", "B", "AB", ""]),
        "amount_minor": st.sampled_from([None, -1, 0, 1, 50, 500]),
        "currency": st.sampled_from(["EUR", "JPY", None]),
        "properties": st.sampled_from([None, '{"size":"L"}', '{"size":2}', '{"size":[]}', '{"size":null}', "{}"]),
        "lines": st.none() | st.lists(LINE, max_size=2),
    }
)  # fmt: skip


@settings(max_examples=400)
@given(
    CONDITIONS,
    st.lists(ROWS, min_size=1, max_size=8),
    st.sampled_from([(None, None), (date(2026, 3, 29), None), (None, date(2026, 3, 28))]),
)
def test_what_is_called_impossible_fits_no_activity(condition: Any, rows: Any, days: Any) -> None:  # fmt: skip
    parsed = parse(condition, FIELDS)
    if can_hold(parsed, days):
        return
    test = parsed.closure()
    amsterdam = parse({"field": "date", "at_least": (days[0] or date.min).isoformat()}, FIELDS).closure()
    before = parse({"field": "date", "at_most": (days[1] or date.max).isoformat()}, FIELDS).closure()
    assert [row for row in rows if amsterdam(row) and before(row) and test(row)] == []
