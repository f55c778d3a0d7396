"""Every measure against the oracle on generated orders: counts exactly, numbers to 1e-12; and on the borders by hand."""

from dataclasses import asdict
from datetime import date, timedelta

import ibis
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stamgast.insights.change import change
from stamgast.insights.errors import InvalidPeriod
from stamgast.insights.purchasing import average_order_value, purchase_frequency, repeat_purchase_rate
from stamgast.insights.retention import churn, retention
from stamgast.insights.revenue import order_counts, revenue, top_share
from stamgast.insights.series import orders_over_time
from stamgast.insights.tests import oracle
from stamgast.insights.tests.oracle import Order
from stamgast.insights.types import Period, Step, whole_weeks_before

START = date(2026, 2, 25)
EARLIER, LATER = Period(START, START + timedelta(days=4)), Period(START + timedelta(days=7), START + timedelta(days=11))
SCHEMA = pa.schema(
    [("customer_id", pa.string()), ("ordered_on", pa.date32()), ("amount_minor", pa.int64()), ("is_return", pa.bool_()),
     ("currency", pa.string())]
)  # fmt: skip


def table(orders):
    return ibis.memtable(pa.Table.from_pylist([asdict(order) for order in orders], schema=SCHEMA))


def row(measure):
    rows = measure.to_pyarrow().to_pylist()
    assert len(rows) == 1
    return rows[0]


def assert_same(measured, expected):
    assert measured.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, float) and measured[name] is not None:
            assert measured[name] == pytest.approx(value, rel=1e-12, abs=1e-12), name
        else:
            assert measured[name] == value, name
            assert type(measured[name]) is type(value), name


AMOUNTS = st.one_of(st.integers(-300, 300), st.sampled_from([0, 1, 100, 100, 10**13]))
ORDERS = st.lists(
    st.builds(
        Order,
        st.sampled_from("abcdefghijkl"),
        st.integers(-3, 13).map(lambda day: START + timedelta(days=day)),
        AMOUNTS,
        st.booleans(),
        st.sampled_from(["EUR", "EUR", "EUR", "USD"]),
    ),
    max_size=30,
)


@settings(max_examples=15, deadline=None)
@given(ORDERS)
@example([])
@example([Order("a", START, 100)])
@example([Order("a", START, 100), Order("a", START, 200)])
@example([Order(name, START, 100) for name in "abcdefghij"])
@example([Order(name, START, 10**13) for name in "abc"])
def test_measures_equal_the_oracle(orders):
    given_orders = table(orders)
    whole = Period(EARLIER.first_day, LATER.last_day)
    assert_same(row(retention(given_orders, EARLIER, LATER)), oracle.retention(orders, EARLIER, LATER))
    assert_same(row(churn(given_orders, EARLIER, LATER)), oracle.churn(orders, EARLIER, LATER))
    assert_same(row(repeat_purchase_rate(given_orders, whole)), oracle.repeat_purchase_rate(orders, whole))
    assert_same(row(purchase_frequency(given_orders, whole)), oracle.purchase_frequency(orders, whole))
    assert_same(row(average_order_value(given_orders, whole, "EUR")), oracle.average_order_value(orders, whole, "EUR"))
    assert_same(row(revenue(given_orders, whole, "EUR")), oracle.revenue(orders, whole, "EUR"))
    assert_same(row(order_counts(given_orders, whole, "EUR")), oracle.order_counts(orders, whole, "EUR"))
    assert_same(row(top_share(given_orders, whole, "EUR")), oracle.top_share(orders, whole, "EUR"))


@settings(max_examples=10, deadline=None)
@given(ORDERS, st.sampled_from(list(Step)))
def test_a_series_sums_to_the_measure_and_leaves_no_step_out(orders, step):
    period = Period(date(2026, 1, 30), date(2026, 3, 10))
    steps = orders_over_time(table(orders), period, "EUR", step).to_pyarrow().to_pylist()
    whole = oracle.revenue(orders, period, "EUR")
    assert sum(s["revenue_minor"] for s in steps) == whole["value"]
    assert sum(s["orders"] for s in steps) == whole["orders"]
    assert sum(s["days"] for s in steps) == period.days
    starts = [s["starts_on"] for s in steps]
    assert starts == sorted(set(starts))
    assert len(starts) == {Step.DAY: 40, Step.WEEK: 7, Step.MONTH: 3}[step]


def test_retention_by_hand():
    orders = table(
        [
            Order("stays", EARLIER.first_day, 1), Order("stays", LATER.last_day, 1),
            Order("goes", EARLIER.last_day, 1),
            Order("returns all", EARLIER.last_day, 1), Order("returns all", LATER.first_day, 0),
            Order("returns all", LATER.first_day, 1, is_return=True),
            Order("comes back", EARLIER.first_day - timedelta(days=1), 1), Order("comes back", LATER.first_day, 1),
            Order("first in the gap", EARLIER.last_day + timedelta(days=1), 1), Order("first in the gap", LATER.first_day, 1),
            Order("is new", LATER.first_day, 1),
            Order("comes too late", LATER.last_day + timedelta(days=1), 1),
        ]
    )  # fmt: skip
    measured = row(retention(orders, EARLIER, LATER))
    assert [measured[name] for name in ("start", "end", "retained", "lost", "reactivated", "new")] == [3, 4, 1, 2, 2, 1]
    assert measured["classic"] == 1.0, "the textbook's rate takes the reactivated for retained"
    assert measured["value"] == pytest.approx(1 / 3)


def test_wilson_as_published():
    """Newcombe 1998, table I, method 3: 81 of 263 and 15 of 148, 0 of 20, 1 of 29."""
    for successes, trials, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        orders = [Order(str(n), START, 1) for n in range(trials)] + [Order(str(n), START, 1) for n in range(successes)]
        measured = row(repeat_purchase_rate(table(orders), EARLIER))
        assert (round(measured["low"], 4), round(measured["high"], 4)) == (low, high)


def test_difference_as_published():
    """Newcombe 1998 (interval for the difference), method 10: 56/70 against 48/80 gives 0.0524 to 0.3339."""

    def rate(repeat, customers):
        orders = [Order(str(n), START, 1) for n in range(customers)] + [Order(str(n), START, 1) for n in range(repeat)]
        return repeat_purchase_rate(table(orders), EARLIER)

    measured = row(change(rate(56, 70), rate(48, 80)))
    assert round(measured["difference_low"], 4) == 0.0524
    assert round(measured["difference_high"], 4) == 0.3339
    assert measured["relative"] == pytest.approx(1 / 3)


def test_orders_of_zero_on_request():
    orders = table([Order("a", START, 0), Order("b", START, 100)])
    assert row(repeat_purchase_rate(orders, EARLIER))["customers"] == 1
    assert row(repeat_purchase_rate(orders, EARLIER, with_zero=True))["customers"] == 2


def test_top_share_does_not_depend_on_which_of_the_equal_ones_is_taken():
    orders = [Order("best", START, 500)] + [Order(f"equal {n}", START, 100) for n in range(9)]
    measured = {row(top_share(table(order), EARLIER, "EUR"))["value"] for order in (orders, orders[::-1])}
    assert measured == {600 / 1400}


def test_top_share_interval_agrees_with_the_bootstrap():
    import numpy as np

    generator = np.random.default_rng(1)
    amounts = generator.lognormal(6, 1, 1000).astype(int) + 1
    measured = row(top_share(table([Order(str(n), START, int(a)) for n, a in enumerate(amounts)]), EARLIER, "EUR"))
    drawn = np.sort(generator.choice(amounts, (2000, 1000)), axis=1)
    shares = drawn[:, 800:].sum(axis=1) / drawn.sum(axis=1)
    assert (measured["high"] - measured["low"]) / 2 == pytest.approx(1.96 * shares.std(), rel=0.1)


def test_periods():
    with pytest.raises(InvalidPeriod):
        Period(START, START - timedelta(days=1))
    with pytest.raises(InvalidPeriod):
        retention(table([]), LATER, EARLIER)
    with pytest.raises(InvalidPeriod):
        retention(table([]), EARLIER, Period(EARLIER.last_day, LATER.last_day))
    assert whole_weeks_before(date(2026, 11, 22), 2) == Period(date(2026, 11, 2), date(2026, 11, 15)), "Sunday is not over"
    assert whole_weeks_before(date(2026, 11, 23), 2) == Period(date(2026, 11, 9), date(2026, 11, 22))
