"""Measures on purchases that know their neighbours, against the oracle on generated orders."""

from datetime import UTC, datetime, time, timedelta

import ibis
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.insights.behind import Part, of_bridge
from stamgast.insights.bridge import bridge_over_time
from stamgast.insights.change import change
from stamgast.insights.neighbours import buyers_of, by_days, members_at, with_neighbours
from stamgast.insights.tests import oracle
from stamgast.insights.tests.test_measures import LATER, ORDERS, SCHEMA, START, assert_same, row
from stamgast.insights.types import Period

DATED = SCHEMA.append(pa.field("occurred_at", pa.timestamp("us", "UTC"))).append(pa.field("order_id", pa.string()))


def history(orders):
    """The generated orders as purchases with neighbours; of two on one day, the first given happened first."""
    rows = [
        {
            "customer_id": order.customer_id,
            "ordered_on": order.ordered_on,
            "amount_minor": order.amount_minor,
            "is_return": order.is_return,
            "currency": order.currency,
            "occurred_at": datetime.combine(order.ordered_on, time(), UTC) + timedelta(seconds=number),
            "order_id": f"{number:03}",
        }
        for number, order in enumerate(orders)
    ]
    return with_neighbours(ibis.memtable(pa.Table.from_pylist(rows, schema=DATED)))


def rows(measure):
    return measure.to_pyarrow().to_pylist()


@settings(max_examples=20, deadline=None)
@given(ORDERS)
def test_each_purchase_knows_what_came_before_and_after(orders):
    expected = []
    for customer in {order.customer_id for order in orders}:
        bought = [o for o in orders if o.customer_id == customer and not o.is_return and o.amount_minor > 0]
        days = sorted(order.ordered_on for order in bought)
        around = [None, *days, None]
        expected += [
            (customer, day, number, around[number - 1], around[number + 1], days[0]) for number, day in enumerate(days, 1)
        ]
    names = ("customer_id", "ordered_on", "number", "previous_on", "next_on", "first_on")
    measured = [tuple(each[name] for name in names) for each in rows(history(orders))]
    assert sorted(measured, key=str) == sorted(expected, key=str)


@settings(max_examples=20, deadline=None)
@given(ORDERS, st.integers(1, 6), st.integers(1, 4))
def test_the_bridge_of_each_period_is_the_retention_of_the_oracle(orders, days, count):
    period = Period(LATER.last_day - timedelta(days=days - 1), LATER.last_day)
    steps = rows(bridge_over_time(by_days(history(orders)), period, count))
    assert len(steps) == count
    for measured in reversed(steps):
        expected = oracle.retention(orders, period.before, period)
        del expected["classic"]
        assert_same(measured, {"first_day": period.first_day, "last_day": period.last_day, **expected})
        assert measured["start"] - measured["lost"] + measured["reactivated"] + measured["new"] == measured["end"]
        period = period.before


@settings(max_examples=10, deadline=None)
@given(ORDERS, st.integers(1, 6))
def test_each_part_of_the_bridge_lists_as_many_customers_as_it_counts(orders, days):
    period = Period(LATER.last_day - timedelta(days=days - 1), LATER.last_day)
    bought = history(orders)
    counts = row(bridge_over_time(by_days(bought), period, 1))
    names = {
        Part.BEFORE: "start", Part.STAYED: "retained", Part.LEFT: "lost", Part.CAME_BACK: "reactivated", Part.NEW: "new",
        Part.BOUGHT: "end",
    }  # fmt: skip
    lists = {part: [each["customer_id"] for each in rows(of_bridge(bought, period, part))] for part in Part}
    for part, name in names.items():
        assert len(lists[part]) == len(set(lists[part])) == counts[name], part
    assert sorted(lists[Part.STAYED] + lists[Part.LEFT]) == sorted(lists[Part.BEFORE])
    assert sorted(lists[Part.STAYED] + lists[Part.CAME_BACK] + lists[Part.NEW]) == sorted(lists[Part.BOUGHT])


@settings(max_examples=10, deadline=None)
@given(ORDERS)
def test_buyers(orders):
    measured = {each["customer_id"]: each for each in rows(buyers_of(history(orders), "EUR"))}
    bought = oracle.bought(orders, START - timedelta(days=99), START + timedelta(days=99))
    assert measured.keys() == {order.customer_id for order in bought}
    for customer, one in measured.items():
        own = [order for order in bought if order.customer_id == customer]
        days = [order.ordered_on for order in own]
        spent = sum(order.amount_minor for order in own if order.currency == "EUR")
        assert (one["first_on"], one["last_on"], one["orders"]) == (min(days), max(days), len(own))
        assert one["revenue_minor"] == spent


def test_who_was_in_a_segment_at_a_moment():
    noon = datetime(2026, 2, 2, 12, tzinfo=UTC)
    hour = timedelta(hours=1)
    stays = [
        ("loyal", "in", noon - hour, None), ("loyal", "enters at that moment", noon, None),
        ("loyal", "leaves at that moment", noon - hour, noon), ("loyal", "left before", noon - 2 * hour, noon - hour),
        ("loyal", "back", noon - 3 * hour, noon - 2 * hour), ("loyal", "back", noon - hour, None),
        ("other", "elsewhere", noon - hour, None),
    ]  # fmt: skip
    moment = pa.timestamp("us", "UTC")
    schema = pa.schema([("segment", pa.string()), ("customer_id", pa.string()), ("entered_at", moment), ("left_at", moment)])
    named = [dict(zip(schema.names, stay, strict=True)) for stay in stays]
    found = rows(members_at(ibis.memtable(pa.Table.from_pylist(named, schema=schema)), "loyal", noon))
    assert sorted(each["customer_id"] for each in found) == ["back", "in", "leaves at that moment"]


def test_changes_of_several_measures_at_once():
    now = ibis.memtable(pa.table({"name": ["a", "b"], "value": [0.6, 3.0], "low": [0.5, 2.0], "high": [0.7, 4.0]}))
    before = ibis.memtable(pa.table({"name": ["a"], "value": [0.5], "low": [0.4], "high": [0.6]}))
    several = {each.pop("name"): each for each in rows(change(now, before, by="name"))}
    alone = row(change(now.filter(now.name == "a").drop("name"), before.drop("name")))
    assert several["a"] == alone
    assert several["b"] == dict.fromkeys(alone) | {"value": 3.0, "low": 2.0, "high": 4.0}
