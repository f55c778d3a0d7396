"""One definition, two ways: the rows of one customer and an Ibis expression over all give the same values, and an oracle's."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.conditions.tests.test_parity import OF_ACTIVITIES, conditions_of
from stamgast.programmes.types import ACTIVITIES
from stamgast.traits.definition import Definition, read_definition
from stamgast.traits.live import compute
from stamgast.traits.sets import compute_all
from stamgast.traits.tests.oracle import Wanted, value_of

# A zone whose clocks change at midnight, so that some days begin at one, and one that changes by day.
ZONES = st.sampled_from(["America/Santiago", "Europe/Amsterdam"])
NOON = datetime(2025, 9, 7, 12, tzinfo=UTC)  # in Santiago the clocks skipped midnight on this day
MINUTES = st.one_of(st.integers(-9 * 1440, 2 * 1440), st.sampled_from([-480, -481, -479, -540, -541, -1920, -1921, 0]))
TEXTS = st.sampled_from(["", "a", "b", "ß", "B", "é" * 500, "é" * 501])
SCALARS = st.none() | st.booleans() | TEXTS | st.integers(-3, 3) | st.sampled_from(
    [0.1, 0.2, 41.2, -0.0000005, 0.0000015, 1e12, 1e12 + 1, -1e300, 10**20, 2.5]
)  # fmt: skip
LINES = st.fixed_dictionaries(
    {"product_id": TEXTS, "category": st.none() | TEXTS, "quantity": st.integers(-1, 3), "amount_minor": st.integers(-50, 999)}
)
ROW = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from([b"a" * 16, b"b" * 16]),
        "occurred_at": MINUTES.map(lambda minutes: NOON + timedelta(minutes=minutes)),
        "kind": st.sampled_from(["Order Completed", "Page Viewed"]),
        "source": st.none() | TEXTS,
        "amount_minor": st.none() | st.integers(-999, 999) | st.sampled_from([10**15, -(10**15)]),
        "currency": st.sampled_from([None, "EUR", "USD"]),
        "order_id": st.none() | TEXTS,
        "properties": st.none() | st.dictionaries(st.sampled_from(["p", "q"]), SCALARS).map(json.dumps),
        "lines": st.none() | st.lists(st.none() | LINES, max_size=3),
    }
)


@st.composite
def histories(draw):
    rows = draw(st.lists(ROW, max_size=14))
    ids = draw(st.permutations(range(len(rows))))
    for number, row in zip(ids, rows, strict=True):
        row["activity_id"] = number.to_bytes(16, "big")
    rows.sort(key=lambda row: (row["customer_id"], row["occurred_at"], row["activity_id"]))
    return rows


FITS: list[tuple[Any, Any]] = [
    (None, lambda row: True),
    ({"activity": "Order Completed"}, lambda row: row["kind"] == "Order Completed"),
    ({"field": "amount", "over": 0}, lambda row: row["amount_minor"] is not None and row["amount_minor"] > 0),
    (
        {"any_line": {"category": "a"}},
        lambda row: any(line is not None and line["category"] == "a" for line in row["lines"] or []),
    ),
]
LINE_FITS = [
    (None, lambda line: True),
    ({"category": "a"}, lambda line: line["category"] == "a"),
    ({"field": "quantity", "over": 1}, lambda line: line["quantity"] > 1),
]
NUMBERS = ["amount", "properties.p", "lines.quantity", "lines.amount"]
TEXT_TAKINGS = ["kind", "source", "order_id", "properties.p", "lines.product_id", "lines.category"]


@st.composite
def definitions(draw):
    aggregate = draw(st.sampled_from([
        "count", "sum", "average", "min", "max", "first", "last", "most_frequent", "distinct", "first_at", "last_at",
        "days_since_last",
    ]))  # fmt: skip
    (when, fits), (lines, line_fits) = draw(st.sampled_from(FITS)), (None, lambda line: True)
    currency, days = draw(st.sampled_from(["EUR", "USD"])), draw(st.none() | st.integers(1, 8))
    document: dict[str, Any] = {"name": "t", "label": "T", "aggregate": aggregate}
    of = as_ = None
    if aggregate in ("sum", "average", "min", "max"):
        of, as_ = draw(st.sampled_from(NUMBERS)), "number"
    elif aggregate in ("most_frequent", "distinct"):
        of, as_ = draw(st.sampled_from(TEXT_TAKINGS)), "text"
    elif aggregate in ("first", "last"):
        of, as_ = draw(st.sampled_from(TEXT_TAKINGS + NUMBERS)), draw(st.sampled_from(["text", "number"]))
    if of is not None:
        document["of"] = of
        if of.startswith("properties."):
            document["as"] = as_
        if of.startswith("lines."):
            lines, line_fits = draw(st.sampled_from(LINE_FITS))
        if of in ("amount", "lines.amount") and (currency != "EUR" or draw(st.booleans())):
            document["currency"] = currency
    document |= {key: value for key, value in (("when", when), ("lines", lines), ("days", days)) if value is not None}
    return document, Wanted(aggregate, of, as_, fits, line_fits, currency, days)


def in_sets(definition: Definition, rows: list[dict[str, Any]], at: datetime) -> dict[bytes, Any]:
    return compute_all([definition], pa.Table.from_pylist(rows, schema=ACTIVITIES), at)[definition.name]


def live(definition: Definition, rows: list[dict[str, Any]], customer: bytes, at: datetime) -> Any:
    table = pa.Table.from_pylist([row for row in rows if row["customer_id"] == customer], schema=ACTIVITIES)
    return compute(definition, table.to_pylist(), at).value


@settings(max_examples=200, deadline=None)
@given(definitions(), histories(), ZONES, MINUTES)
def test_live_and_in_sets_are_what_the_definition_says(made, rows, zone, minutes):
    document, wanted = made
    at = NOON + timedelta(minutes=minutes)
    definition = read_definition(document, zone=zone, currency="EUR")
    sets = in_sets(definition, rows, at)
    for customer in {row["customer_id"] for row in rows}:
        expected = value_of([row for row in rows if row["customer_id"] == customer], wanted, at, zone)
        assert live(definition, rows, customer, at) == expected
        assert sets.get(customer, definition.nothing) == expected


@settings(max_examples=40, deadline=None)
@given(conditions_of(OF_ACTIVITIES), histories())
def test_any_condition_picks_the_same_activities(condition, rows):
    document = {"name": "t", "label": "T", "aggregate": "count", "when": condition}
    definition = read_definition(document, zone="America/Santiago", currency="EUR")
    sets = in_sets(definition, rows, NOON)
    for customer in {row["customer_id"] for row in rows}:
        assert sets.get(customer, 0) == live(definition, rows, customer, NOON)


def test_of_equally_frequent_texts_the_one_that_was_there_last_wins_whatever_the_ids():
    definition = read_definition(
        {"name": "t", "label": "T", "aggregate": "most_frequent", "of": "kind"}, zone="UTC", currency="EUR"
    )
    plain = {"customer_id": b"a" * 16, "source": "s"}
    rows = [
        plain | {"activity_id": bytes([9 - n]) * 16, "occurred_at": NOON + timedelta(minutes=n), "kind": kind}
        for n, kind in enumerate(["b", "a", "a", "b", "c"])
    ]
    assert in_sets(definition, rows, NOON + timedelta(hours=1)) == {b"a" * 16: "b"}
    assert live(definition, rows, b"a" * 16, NOON + timedelta(hours=1)) == "b"
