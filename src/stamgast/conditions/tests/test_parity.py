"""One meaning, two compilers: a closure for each row and an Ibis expression on DuckDB give the same answer."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.conditions import CUSTOMER_FIELDS, Condition, activity_fields, local_column, parse, rule_fields
from stamgast.kit.zones import to_local

FIRST, LAST = datetime.fromisoformat("1975-01-01"), datetime.fromisoformat("2060-01-01")
ZONE = "America/St_Johns"
LINE = pa.struct(
    [("product_id", pa.string()), ("category", pa.string()), ("quantity", pa.int64()), ("amount_minor", pa.int64())]
)
SCHEMA = pa.schema(
    [
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("kind", pa.string()),
        ("source", pa.string()),
        ("amount_minor", pa.int64()),
        ("currency", pa.string()),
        ("order_id", pa.string()),
        ("properties", pa.string()),
        ("lines", pa.list_(LINE)),
        ("birth_month", pa.int8()),
    ]
)
TEXTS = st.sampled_from(["", "coffee", "Coffee", "koffie ☕", "é", "é", "a'b", 'a"b', "null", "1", "true", "%", "\\", "Ω" * 3])
ANY_TEXT = TEXTS | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=4)
WHOLE = (
    st.integers(-3, 3) | st.sampled_from([100, 4120, -4120, 2**53 + 1, 2**63 - 1, -(2**63)]) | st.integers(-(2**63), 2**63 - 1)
)
MONEY = st.none() | WHOLE
CURRENCIES = st.sampled_from([None, "EUR", "JPY", "KWD", "CLF", "eur", "??"])
NUMBERS = st.sampled_from(
    [Decimal(text) for text in ("0", "1", "1.5", "0.01", "41.20", "0.1", "0.3", "-2", "1E+20", "1E-9", "9223372036854775807")]
) | st.decimals(-1000, 1000, allow_nan=False, places=3)
SMALL_NUMBERS = NUMBERS.filter(lambda number: len(number.normalize().as_tuple().digits) <= 15)
KEYS = ["a", "b", "a b", "größe", "0", "x-y"]
SCALARS = (
    st.none()
    | st.booleans()
    | TEXTS
    | st.integers(-(10**20), 10**20)
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0.1, 0.30000000000000004, 41.2, -0.0, 1e22])
)
JSON = st.dictionaries(st.sampled_from(KEYS), SCALARS | st.dictionaries(st.sampled_from(KEYS), SCALARS, max_size=2), max_size=4)
LINES = st.fixed_dictionaries(
    {"product_id": st.none() | TEXTS, "category": st.none() | TEXTS, "quantity": MONEY, "amount_minor": MONEY}
)
ROWS = st.fixed_dictionaries(
    {
        "occurred_at": st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
        "kind": TEXTS,
        "source": st.none() | TEXTS,
        "amount_minor": MONEY,
        "currency": CURRENCIES,
        "order_id": st.none() | ANY_TEXT,
        "properties": st.none() | JSON.map(json.dumps) | JSON.map(lambda value: json.dumps(value, ensure_ascii=False)),
        "lines": st.none() | st.lists(st.none() | LINES, max_size=3),
        "birth_month": st.none() | st.integers(1, 12),
    }
)
ORDER = ["over", "at_least", "under", "at_most", "is", "is_not"]
EQUALITY = ["is", "is_not"]


def comparisons(name: str, literals: st.SearchStrategy[Any], operators: list[str]) -> st.SearchStrategy[Any]:
    one = st.tuples(st.sampled_from(operators), literals).map(lambda pair: {"field": name, pair[0]: pair[1]})
    some = st.lists(literals, min_size=1, max_size=3).map(lambda values: {"field": name, "in": values})
    presence = st.sampled_from(["exists", "missing"]).map(lambda word: {"field": name, word: True})
    return one | some | presence


LINE_CONDITIONS = st.recursive(
    comparisons("category", TEXTS, [*EQUALITY, "contains"])
    | comparisons("quantity", NUMBERS, ORDER)
    | comparisons("amount", NUMBERS, ORDER),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"all": parts}) | inner.map(lambda one: {"not": one})
    ),
    max_leaves=3,
)
PATHS = st.lists(st.sampled_from(KEYS), min_size=1, max_size=2).map(lambda keys: "properties." + ".".join(keys))
PROPERTIES = PATHS.flatmap(
    lambda name: (
        comparisons(name, TEXTS, [*EQUALITY, "contains"])
        | comparisons(name, SMALL_NUMBERS, ORDER)
        | st.tuples(st.sampled_from(EQUALITY), st.booleans()).map(lambda pair: {"field": name, pair[0]: pair[1]})
    )
)
OF_ACTIVITIES = (
    comparisons("kind", ANY_TEXT, [*EQUALITY, "contains"])
    | comparisons("order_id", ANY_TEXT, [*EQUALITY, "contains"])
    | comparisons("amount", NUMBERS, ORDER)
    | comparisons("weekday", st.sampled_from(["monday", "thursday", "sunday"]), EQUALITY)
    | comparisons("hour", NUMBERS, ORDER)
    | comparisons("date", st.dates().map(str), ORDER)
    | PROPERTIES
    | PROPERTIES
    | LINE_CONDITIONS.map(lambda condition: {"any_line": condition})
    | TEXTS.map(lambda category: {"any_line": {"category": category}})
)
OF_MEMBERS = st.tuples(st.sampled_from(EQUALITY), st.booleans()).map(
    lambda pair: {"field": "birthday_month", pair[0]: pair[1]}
) | st.sampled_from(["exists", "missing"]).map(lambda word: {"field": "birthday_month", word: True})


def conditions_of(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts})
            | st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts})
            | inner.map(lambda one: {"not": one})
        ),
        max_leaves=6,
    )


def answers_of_duckdb(condition: Condition, rows: list[dict[str, Any]], schema: pa.Schema) -> list[bool]:
    table = pa.Table.from_pylist(rows, schema=schema)
    if "occurred_at" in schema.names:
        moments = table["occurred_at"].combine_chunks().cast(pa.int64()).to_numpy()
        local = pa.array(to_local(ZONE, moments).astype(np.int64)).cast(pa.timestamp("us"))
        table = table.append_column(local_column(ZONE), local)
    source = ibis.table(ibis.Schema.from_pyarrow(table.schema), name="rows")
    with duckdb.connect() as connection:
        connection.register("rows", table)
        result = connection.execute(ibis.to_sql(source.select(answer=condition.expression(source)), dialect="duckdb"))
        return [row[0] for row in result.fetchall()]


@settings(max_examples=150, deadline=None)
@given(conditions_of(OF_ACTIVITIES | OF_MEMBERS), st.lists(ROWS, min_size=1, max_size=12))
def test_closure_and_expression_agree(document: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    condition = parse(document, rule_fields(ZONE))
    closure = condition.closure()
    answers = [closure(row) for row in rows]
    assert answers == answers_of_duckdb(condition, rows, SCHEMA)
    for row, answer in zip(rows, answers, strict=True):
        outcome = condition.explain(row)
        assert outcome.holds == answer
        assert bool(outcome.failures) != answer
    assert condition.sentence("en")
    assert condition.sentence("nl")


@settings(max_examples=50, deadline=None)
@given(comparisons("balance.score", NUMBERS, ORDER), st.lists(MONEY, min_size=1, max_size=8))
def test_balances_agree_and_a_missing_one_is_zero(document: dict[str, Any], balances: list[int | None]) -> None:
    condition = parse(document, CUSTOMER_FIELDS)
    rows = [{"balance.score": balance} for balance in balances]
    closure = condition.closure()
    expected = answers_of_duckdb(condition, rows, pa.schema([("balance.score", pa.int64())]))
    assert [closure(row) for row in rows] == expected
    assert closure({}) == closure({"balance.score": 0})


@given(SMALL_NUMBERS, st.sampled_from(ORDER), st.decimals(-(10**6), 10**6, allow_nan=False, places=4))
def test_numbers_of_json_compare_as_decimals_do(literal: Decimal, operator: str, number: Decimal) -> None:
    closure = parse({"field": "properties.a", operator: literal}, activity_fields(ZONE)).closure()
    exact = {
        "over": number > literal,
        "at_least": number >= literal,
        "under": number < literal,
        "at_most": number <= literal,
        "is": number == literal,
        "is_not": number != literal,
    }
    assert closure({"properties": f'{{"a": {number:f}}}'}) == exact[operator]


@pytest.mark.parametrize(
    ("minor", "currency", "expected"),
    [(1, "EUR", True), (0, "EUR", False), (-1, "EUR", False), (None, "EUR", False), (1, "JPY", True), (1, None, True)],
)
def test_an_amount_over_zero(minor: int | None, currency: str | None, expected: bool) -> None:
    closure = parse({"field": "amount", "over": 0}, activity_fields(ZONE)).closure()
    assert closure({"amount_minor": minor, "currency": currency}) is expected


def test_an_amount_is_in_major_units_of_its_own_currency() -> None:
    closure = parse({"field": "amount", "is": Decimal("41.20")}, activity_fields(ZONE)).closure()
    assert closure({"amount_minor": 4120, "currency": "EUR"})
    assert closure({"amount_minor": 41200, "currency": "KWD"})
    assert not closure({"amount_minor": 4120, "currency": "JPY"})
