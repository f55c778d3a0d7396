"""The example of every measure runs and gives what its docstring says."""

import doctest
from datetime import UTC, date, datetime, timedelta

import ibis
import pyarrow as pa
import pytest

from stamgast.insights import (
    behind,
    bridge,
    change,
    cohorts,
    intervals,
    liability,
    neighbours,
    orders,
    pareto,
    purchasing,
    repeat,
    retention,
    revenue,
    sampling,
    series,
    simulation,
    types,
)

MODULES = (
    behind, bridge, change, cohorts, intervals, liability, neighbours, orders, pareto, purchasing, repeat, retention, revenue,
    sampling, series, simulation, types,
)  # fmt: skip
SUPPOSED = {"ibis": ibis, "pa": pa, "UTC": UTC, "date": date, "datetime": datetime, "timedelta": timedelta}


@pytest.mark.parametrize("module", MODULES)
def test_examples(module):
    assert doctest.testmod(module, extraglobs=SUPPOSED).failed == 0


def test_every_measure_has_an_example_and_says_what_it_is():
    measures = [
        behind.of_bridge, behind.of_best, behind.of_cohort, behind.of_order_number, behind.of_second_order,
        cohorts.cohort_averages, cohorts.cohort_cells, cohorts.steady_curve, neighbours.by_days, pareto.pareto_curve,
        pareto.revenue_by_customer, repeat.order_gaps, repeat.order_numbers, repeat.repeat_curve,
        liability.flows_of, liability.outstanding_by_age_and_expiry, liability.points_over_time, liability.sales_by_vintage,
        liability.vintage_cells,
        bridge.bridge_over_time, change.change, neighbours.buyers_of, neighbours.members_at, neighbours.with_neighbours,
        purchasing.average_order_value, purchasing.purchase_frequency, purchasing.repeat_purchase_rate,
        retention.churn, retention.retention, revenue.order_counts, revenue.revenue, revenue.top_share,
        series.members_over_time, series.orders_over_time,
    ]  # fmt: skip
    for measure in measures:
        assert measure.__doc__ is not None
        for part in ("Definition:", "Grain:", "one", "Zone", "eturns", "ource", ">>>"):
            assert part in measure.__doc__, f"{measure.__name__} does not say {part}"
