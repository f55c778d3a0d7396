"""The measures of a simulation against an oracle that follows single points through single months."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.insights.redemption import Cell
from stamgast.insights.sampling import sum_over_buckets
from stamgast.insights.simulation import (
    NEVER,
    Fitted,
    Lot,
    Stated,
    breakage,
    cost_minor,
    curve,
    curve_of_one,
    fit,
    given_by_cell,
    given_by_customer,
    members_by_month,
    sums_of,
    tiers_at,
)

LOTS = st.lists(
    st.builds(
        lambda month, life, points: Lot(month, NEVER if life is None else month + life, points),
        st.integers(0, 20),
        st.one_of(st.none(), st.integers(0, 30)),
        st.integers(0, 10**12),
    ),
    max_size=6,
)
BEHAVIOURS = st.one_of(
    st.builds(Stated, st.integers(0, 10_000)),
    st.builds(Fitted, st.lists(st.floats(0, 1), max_size=5).map(tuple), st.floats(0, 1)),
)


@given(LOTS, BEHAVIOURS, st.integers(0, 40))
def test_nothing_gets_lost_and_nothing_is_below_zero(lots, behaviour, last):
    lots = [lot for lot in lots if lot.month <= last]
    outstanding = 0
    for row in curve(lots, behaviour, last):
        outstanding += row.given - row.redeemed - row.expired
        assert row.outstanding == outstanding
        assert min(row) >= 0
    assert sum(row.given for row in curve(lots, behaviour, last)) == sum(lot.points for lot in lots)
    gone = [lot for lot in lots if lot.expires <= last]
    if lots and len(gone) == len(lots):
        assert outstanding == 0


@given(LOTS, st.integers(0, 10_000), st.integers(0, 40))
def test_a_stated_share_against_an_oracle(lots, share, last):
    """Over at most twelve months, or the life where that is shorter, the share goes evenly; what is left expires at once."""
    lots = [lot for lot in lots if lot.month <= last]
    redeemed, expired = Counter(), Counter()
    for lot in lots:
        months = 12 if lot.expires == NEVER else max(1, min(12, lot.expires - lot.month))
        gone = 0
        for place in range(months):
            wanted = Fraction(lot.points * share * (place + 1), 10_000 * months).__floor__()
            redeemed[lot.month + place] += wanted - gone
            gone = wanted
        expired[lot.expires] += lot.points - gone
    for row in curve(lots, Stated(share), last):
        assert (row.redeemed, row.expired) == (redeemed[row.month], expired[row.month])


@given(LOTS, BEHAVIOURS)
def test_bucket_by_bucket_is_the_same_but_for_rounding(lots, behaviour):
    last = 45
    whole = curve(lots, behaviour, last)
    parts = np.zeros((4, last + 1))
    for lot in lots:
        parts += lot.points * curve_of_one(lot.month, lot.expires, behaviour, 0, last)
    for row in whole:
        for told, part in zip(row[1:], parts[:, row.month], strict=True):
            assert told == pytest.approx(part, abs=1 + len(lots) * 2, rel=1e-9)


def test_a_fit_follows_the_life_table():
    """A tenth in the month of earning, half of what is left in the next; then as on average: 130 of 390 that could be."""
    cells = [Cell(0, 0, 100, 10, 0), Cell(0, 1, 0, 45, 0), Cell(1, 1, 100, 10, 0), Cell(2, 2, 100, 10, 0), Cell(1, 2, 0, 45, 0)]
    cells += [Cell(0, 2, 0, 10, 0)]
    fitted = fit(cells, 2)
    assert fitted.rates == pytest.approx((0.1, 0.5, 10 / 45))
    assert fitted.later == pytest.approx(130 / 525)
    assert len(fitted.without) == 3
    found = breakage([Lot(2, 3, 1_000)], fitted)
    assert found is not None
    assert found.value == pytest.approx(0.9)
    found = breakage([Lot(2, 4, 600), Lot(2, 3, 400)], fitted)
    assert found is not None
    assert found.value == pytest.approx(0.6 * 0.45 + 0.4 * 0.9)
    assert found.low == pytest.approx(found.high) == pytest.approx(found.value)  # no month differs from another


def test_months_that_differ_make_breakage_less_sure():
    cells = [Cell(0, 0, 100, 10, 0), Cell(1, 1, 100, 60, 0), Cell(2, 2, 100, 20, 0), Cell(3, 3, 100, 30, 0)]
    found = breakage([Lot(4, 5, 100)], fit(cells, 3))
    assert found is not None
    assert found.value == pytest.approx(0.7)
    # by hand: left out one by one .6333, .8, .6667, .7 → mean .7, squares .0155…, times 3/4
    squares = (0.2 / 3) ** 2 + 0.1**2 + (0.1 / 3) ** 2
    assert found.high - found.value == pytest.approx(1.959964 * (0.75 * squares) ** 0.5)


def test_what_was_given_by_month_of_the_shop_and_by_whom():
    moments = [datetime(2026, 1, 31, 23, 30, tzinfo=UTC), datetime(2026, 2, 3, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)]
    ends = [datetime(2027, 1, 31, 23, 0, tzinfo=UTC), None, None]
    who = [bytes([4, 1] + [0] * 14), bytes([0, 1] + [7] * 14), bytes([0, 1] + [7] * 14)]
    decisions = pa.table(
        {
            "customer_id": pa.array(who, pa.binary(16)),
            "rule": ["purchase"] * 3,
            "currency": ["points"] * 3,
            "amount": [5, 7, 9],
            "occurred_at": pa.array(moments, pa.timestamp("us", tz="UTC")),
            "expires_at": pa.array(ends, pa.timestamp("us", tz="UTC")),
        }
    )

    def number(moment: datetime) -> int:
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    cells = given_by_cell(decisions, "Europe/Amsterdam", since=number(moments[1]), until=number(moments[1]))
    february = 12 * 2026 + 1
    assert sums_of(cells, "bucket", "month", "expires", "is_counted") == {
        (1, february, 12 * 2027 + 1, False): 5,  # good through 31 January, and the month of ``until`` counts twice
        (1, february, NEVER, True): 7,
    }
    later = given_by_cell(decisions, "Europe/Amsterdam", since=None, until=number(datetime(2027, 2, 1, tzinfo=UTC)))
    assert min(sums_of(later, "expires")) == 12 * 2027, "once it is over it stands under January"
    people = given_by_customer(decisions, since=None, until=number(moments[2]))
    assert sums_of(people, "customer_id") == {who[0]: 5, who[1]: 16}


@given(st.integers(-(10**15), 10**15), st.fractions(0, 1000, max_denominator=1000))
def test_a_cost_is_a_whole_number_next_to_the_exact_one(points, worth):
    assert abs(cost_minor(points, worth) - points * worth) <= Fraction(1, 2)


def test_the_interval_of_a_sample_holds_what_is():
    """Of 400 samples, about nineteen of twenty hold the sum of all, and half as wide they would not. The best fifth of these
    customers have half of everything, as in a real shop; where few have nearly all, an interval promises too much."""
    chance = Random(7)
    customers = [chance.randint(1, 5) for _ in range(1024)]
    sums = [sum(chance.expovariate(1 / 40) for _ in range(count)) for count in customers]
    total, held, narrow = round(sum(sums)), 0, 0
    for _ in range(400):
        chosen = chance.sample(range(1024), 102)
        found = sum_over_buckets([sums[one] for one in chosen], [customers[one] for one in chosen], sum(customers))
        held += found.low <= total <= found.high
        narrow += abs(total - found.value) <= (found.high - found.value) / 2
    assert held >= 0.92 * 400
    assert narrow < 0.85 * 400


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1_000), st.sampled_from([None, "Blue", "Gold"])), max_size=20))
def test_members_of_levels_against_a_count_of_each_member_at_each_end_of_a_month(rows):
    begin = datetime(2025, 11, 1, tzinfo=UTC)
    stays = sorted({(who, day): tier for who, day, tier in rows}.items())
    columns = {
        "customer_id": pa.array([bytes([who] * 16) for (who, _), _ in stays], pa.binary(16)),
        "since": pa.array([begin + timedelta(days=day) for (_, day), _ in stays], pa.timestamp("us", tz="UTC")),
        "tier": pa.array([tier for _, tier in stays], pa.string()),
    }
    until = begin + timedelta(days=500)

    def held(who: int, at: datetime) -> str | None:
        return next((tier for (one, day), tier in reversed(stays) if one == who and begin + timedelta(days=day) <= at), None)

    number = (until - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    found = members_by_month(pa.table(columns), "UTC", until=number)
    for month in range(12 * 2025 + 10, 12 * until.year + until.month):
        end = datetime((month + 1) // 12, (month + 1) % 12 + 1, 1, tzinfo=UTC) - timedelta(microseconds=1)
        for tier in ("Blue", "Gold"):
            assert found.get((tier, month), 0) == sum(held(who, min(end, until)) == tier for who in range(4))
    assert tiers_at(pa.table(columns), until=number) == {
        bytes([who] * 16): tier for who in range(4) if (tier := held(who, until)) is not None
    }
