"""Cohorts, buying again and concentration against the oracle on generated orders, and as published."""

from datetime import date, timedelta

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.insights.behind import of_best, of_cohort, of_order_number, of_second_order
from stamgast.insights.cohorts import PATIENCE, cohort_averages, cohort_cells, steady_curve
from stamgast.insights.neighbours import by_days
from stamgast.insights.pareto import pareto_curve
from stamgast.insights.repeat import order_gaps, order_numbers, repeat_curve
from stamgast.insights.revenue import top_share
from stamgast.insights.tests import history_oracle as oracle
from stamgast.insights.tests.oracle import Order
from stamgast.insights.tests.test_history import history, rows
from stamgast.insights.tests.test_measures import ORDERS, START, assert_same, row, table
from stamgast.insights.types import Period, Step

LONG = st.lists(
    st.builds(
        Order,
        st.sampled_from("abcdefgh"),
        st.integers(0, 250).map(lambda day: START + timedelta(days=day)),
        st.integers(0, 300),
    ),
    max_size=40,
)
DAYS = st.integers(0, 250).map(lambda day: START + timedelta(days=day))


@settings(max_examples=25, deadline=None)
@given(LONG, DAYS, st.integers(0, 120), DAYS, st.sampled_from(list(PATIENCE)), st.booleans())
def test_cohorts_equal_the_oracle_and_list_whom_they_count(orders, first_day, length, until, step, is_or_later):
    period, bought = Period(first_day, first_day + timedelta(days=length)), history(orders)
    measured = cohort_cells(bought, period, until, step, ages=6, is_or_later=is_or_later)
    expected = oracle.cells(orders, period, until, step, 6, is_or_later, PATIENCE[step])
    found = rows(measured)
    assert [(cell["starts_on"], cell["age"]) for cell in found] == [(cell["starts_on"], cell["age"]) for cell in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert_same(ours, theirs)
    for kind, theirs in (
        (cohort_averages(measured), oracle.averages(expected)),
        (steady_curve(measured, 3), oracle.steady(expected, 3)),
    ):
        for one, other in zip(rows(kind), theirs, strict=True):
            assert_same(one, other)
    for cell in found[:3]:
        people = of_cohort(bought, cell["starts_on"], step, until, age=cell["age"], is_or_later=is_or_later)
        listed = [each["customer_id"] for each in rows(people)]
        assert len(listed) == len(set(listed)) == cell["returned"]
        assert row(of_cohort(bought, cell["starts_on"], step, until).aggregate(n=lambda t: t.count()))["n"] == cell["customers"]


def test_the_average_may_rise_by_who_is_in_it_and_the_steady_curve_does_not():
    old = [Order(f"old {n}", date(2026, 1, 5), 1) for n in range(10)] + [
        Order(f"old {n}", date(2026, 2, 5), 1) for n in range(5)
    ]
    old += [Order(f"old {n}", date(2026, 3, 5), 1) for n in range(5)]
    young = [Order(f"young {n}", date(2026, 2, 5), 1) for n in range(10)]
    cells = cohort_cells(history(old + young), Period(date(2026, 1, 1), date(2026, 2, 28)), date(2026, 3, 31), Step.MONTH)
    assert [each["value"] for each in rows(cohort_averages(cells))] == [0.25, 0.5]
    assert [each["value"] for each in rows(steady_curve(cells, 2))] == [0.5, 0.5]


@settings(max_examples=25, deadline=None)
@given(LONG, DAYS, st.integers(0, 120), DAYS, st.sampled_from([0, 30, 365]))
def test_buying_again_equals_the_oracle_and_lists_whom_it_counts(orders, first_day, length, until, horizon):
    period, bought = Period(first_day, first_day + timedelta(days=length)), history(orders)
    measured = rows(repeat_curve(bought, period, until, horizon=horizon))
    for ours, theirs in zip(measured, oracle.repeat_curve(orders, period, until, horizon), strict=True):
        assert_same(ours, theirs)
    again, not_again = (
        [each["customer_id"] for each in rows(of_second_order(bought, period, until, within_days=horizon, is_again=is_again))]
        for is_again in (True, False)
    )
    assert len(again) == sum(day["again"] for day in measured)
    assert len(again) + len(not_again) == len(set(again + not_again))


@settings(max_examples=20, deadline=None)
@given(ORDERS, st.integers(0, 9))
def test_numbers_of_orders_gaps_and_the_best_equal_the_oracle(orders, length):
    period, bought = Period(START, START + timedelta(days=length)), history(orders)
    numbers = rows(order_numbers(bought, period))
    for ours, theirs in zip(numbers, oracle.order_numbers(orders, period), strict=True):
        assert_same(ours, theirs)
    for each in numbers:
        assert len(rows(of_order_number(bought, period, each["orders"]))) == each["customers"]
    assert_same(row(order_gaps(by_days(bought), period)), oracle.order_gaps(orders, period))
    curve = rows(pareto_curve(bought, period, "EUR"))
    for ours, theirs in zip(curve, oracle.pareto(orders, period, "EUR"), strict=True):
        assert_same(ours, theirs)
    for each in curve[9::45]:
        best = rows(of_best(bought, period, "EUR", each["percent"]))
        assert len(best) == each["customers"]
    if curve:
        assert curve[19]["value"] == pytest.approx(row(top_share(table(orders), period, "EUR"))["value"], rel=1e-12)


def test_kaplan_and_meier_as_published():
    """Freireich 1963, the patients on 6-MP, as in every textbook: S(6) = 0.857 … S(23) = 0.448 (Kleinbaum, Klein)."""
    relapsed = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    until = date(2026, 6, 30)
    people = [(until - timedelta(days=40), until - timedelta(days=40 - days)) for days in relapsed]
    people += [(until - timedelta(days=days), None) for days in censored]
    bought = ibis.memtable(
        pa.table(
            {
                "number": [1] * len(people),
                "ordered_on": pa.array([first for first, _ in people], pa.date32()),
                "next_on": pa.array([second for _, second in people], pa.date32()),
            }
        )
    )
    curve = {each["days"]: each for each in rows(repeat_curve(bought, Period(date(2026, 1, 1), until), until))}
    left = {days: round(1 - each["value"], 4) for days, each in curve.items() if each["again"]}
    assert left == {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
    assert [curve[days]["at_risk"] for days in (6, 7, 10, 23)] == [21, 17, 15, 6]
    # The interval of S(10) on the scale log(−log): 0.503 to 0.889 (R survival, conf.type = "log-log").
    assert (round(1 - curve[10]["high"], 3), round(1 - curve[10]["low"], 3)) == (0.503, 0.889)
