"""Liability: generated movements against plain Python, and the estimate against histories whose answer is known."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.insights.liability import (
    EXPIRED,
    GIVEN,
    ISSUE,
    OUTSTANDING,
    PARTNER,
    REDEEMED,
    Clock,
    flows_of,
    known_by,
    outstanding_by_age_and_expiry,
    points_over_time,
    vintage_cells,
)
from stamgast.insights.redemption import Cell, estimate
from stamgast.ledger.types import Account, MovementKind

ZONE = "Europe/Amsterdam"
START = datetime(2026, 1, 20, 22, 30, tzinfo=UTC)  # so that steps of days meet the zone's midnights at the ends of months
COLUMNS = ("movement_id", "lot_id", "currency", "kind", "debit", "credit", "amount", "effective_at", "posted_at", "activity_id")


def test_every_account_of_the_ledger_is_counted_somewhere():
    known = {*OUTSTANDING, *GIVEN, *EXPIRED, *REDEEMED, PARTNER}
    assert {int(account) for account in Account} <= known
    assert all(kind == ISSUE for kind in MovementKind if kind.name == "ISSUE")


def table_of(rows):
    columns = {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}
    types = {"movement_id": pa.string(), "lot_id": pa.string(), "currency": pa.string(), "activity_id": pa.string(),
             "kind": pa.int16(), "debit": pa.int16(), "credit": pa.int16(), "amount": pa.int64(),
             "effective_at": pa.timestamp("us", "UTC"), "posted_at": pa.timestamp("us", "UTC")}  # fmt: skip
    return ibis.memtable(pa.table({name: pa.array(columns[name], types[name]) for name in COLUMNS}))


accounts = st.sampled_from([*OUTSTANDING, *GIVEN, *EXPIRED, *REDEEMED, PARTNER])


@st.composite
def movements(draw):
    rows = []
    for number in range(draw(st.integers(1, 20))):
        debit, credit = draw(st.lists(accounts, min_size=2, max_size=2, unique=True))
        moments = [START + timedelta(days=draw(st.integers(0, 120))) for _ in range(2)]
        lot = draw(st.sampled_from([None, "a", "b", "c"]))
        kind = draw(st.sampled_from([1, 7, ISSUE]))
        currency = "points" if lot in (None, "a") else "stars"
        rows.append((f"m{number}", lot, currency, kind, debit, credit, draw(st.integers(1, 30)), *moments, None))
    return rows


def flow(row):
    """(given, redeemed, expired, outstanding) of one movement, from the words of the module."""
    _, _, _, kind, debit, credit, amount, *_ = row
    changes = Counter()
    for account, sign in ((debit, -1), (credit, 1)):
        if account in OUTSTANDING:
            changes["outstanding"] += sign * amount
        elif account in GIVEN or (account == PARTNER and kind == ISSUE):
            changes["given"] -= sign * amount
        elif account in EXPIRED:
            changes["expired"] += sign * amount
        else:
            changes["redeemed"] += sign * amount
    return tuple(changes[name] for name in ("given", "redeemed", "expired", "outstanding"))


def month_of(moment):
    return moment.astimezone(ZoneInfo(ZONE)).date().replace(day=1)


@settings(max_examples=60, deadline=None)
@given(rows=movements(), at=st.integers(0, 120), known_at=st.integers(0, 120), clock=st.sampled_from(list(Clock)))
def test_liability_is_what_plain_python_makes_of_the_movements(rows, at, known_at, clock):
    limits = {"at": START + timedelta(days=at), "known_at": START + timedelta(days=known_at)}
    seen = [row for row in rows if row[7] <= limits["at"] and row[8] <= limits["known_at"]]
    flows = flows_of(known_by(table_of(rows), **limits))
    moment = 7 if clock is Clock.HAPPENED else 8
    first, earned, left = {}, {}, Counter()
    for row in seen:
        lot = row[1] or row[0]
        first[lot] = min(first.get(lot, month_of(row[moment])), month_of(row[moment]))
        earned[lot] = min(earned.get(lot, row[7]), row[7])
        left[row[2], lot] += flow(row)[3]
    cells, months = defaultdict(lambda: (0, 0, 0)), defaultdict(lambda: (0, 0, 0))
    for row in seen:
        key = (row[2], first[row[1] or row[0]], month_of(row[moment]))
        cells[key] = tuple(map(sum, zip(cells[key], flow(row)[:3], strict=True)))
    cells = {key: value for key, value in cells.items() if any(value)}
    table = vintage_cells(flows, ZONE, clock)
    assert [tuple(row.values()) for row in table.to_pyarrow().to_pylist()] == [(*key, *cells[key]) for key in sorted(cells)]
    for (currency, _vintage, month), value in cells.items():
        months[currency, month] = tuple(map(sum, zip(months[currency, month], value, strict=True)))
    running, expected = Counter(), []
    for currency, month in sorted(months):
        given_, redeemed, expired = months[currency, month]
        running[currency] += given_ - redeemed - expired
        expected.append((currency, month, given_, redeemed, expired, running[currency]))
    assert [tuple(row.values()) for row in points_over_time(table).to_pyarrow().to_pylist()] == expected
    lots = ibis.memtable(pa.table({"lot_id": ["a"], "expires_at": pa.array([START], pa.timestamp("us", "UTC"))}))
    by_age = Counter()
    for (currency, lot), points in left.items():
        if points:
            by_age[currency, month_of(earned[lot]), month_of(START - timedelta(microseconds=1)) if lot == "a" else None] += (
                points
            )
    told = outstanding_by_age_and_expiry(flows, lots, ZONE).to_pyarrow().to_pylist()
    assert {tuple(row.values())[:3]: row["points"] for row in told} == dict(by_age)
    assert all(sum(flow(row)[1:]) == flow(row)[0] for row in seen)


@pytest.mark.parametrize(
    ("ends", "month"),
    [
        (datetime(2026, 2, 28, 23, tzinfo=UTC), date(2026, 2, 1)),  # midnight in Amsterdam: good through 28 February
        (datetime(2026, 3, 1, tzinfo=UTC), date(2026, 3, 1)),  # one o'clock in Amsterdam
    ],
)
def test_what_ends_at_midnight_stands_under_its_last_good_day(ends, month):
    flows = ibis.memtable(
        pa.table({"currency": ["points"], "lot_id": ["a"], "outstanding": [5], "effective_at": [ends - timedelta(days=90)]})
    )
    lots = ibis.memtable(pa.table({"lot_id": ["a"], "expires_at": [ends]}))
    [row] = outstanding_by_age_and_expiry(flows, lots, ZONE).to_pyarrow().to_pylist()
    assert row["expiry_month"] == month


def history(vintages, chances, expiry, through, size=lambda month: 1000):
    """Vintages that are redeemed with the given chance at each age, and expire with what is left at age ``expiry``."""
    cells = []
    for vintage in range(vintages):
        left = size(vintage)
        for age in range(through - vintage + 1):
            redeemed = round(left * chances[age]) if age < len(chances) else 0
            expired = left - redeemed if age == expiry else 0
            cells.append(Cell(vintage, vintage + age, size(vintage) if not age else 0, redeemed, expired))
            left -= redeemed + expired
    return cells


def test_a_history_that_is_whole_is_told_and_not_estimated():
    found = estimate(history(10, [0.2, 0.25], 3, 20), 20)
    assert (found.given, found.redeemed, found.expired, found.outstanding) == (10_000, 4_000, 6_000, 0)
    assert (found.expected, found.expected_low, found.expected_high, found.share) == (0, 0, 0, 0.4)
    assert all(vintage.is_mature for vintage in found.vintages)
    assert found.is_firm


def test_what_is_not_over_is_expected_to_go_as_what_was():
    found = estimate(history(10, [0.2, 0.25], 3, 9), 9)
    assert [vintage.outstanding for vintage in found.vintages] == [0] * 7 + [600, 600, 800]
    assert [round(vintage.expected, 9) for vintage in found.vintages] == [0] * 7 + [0, 0, 200], "of 800, a quarter next month"
    assert [vintage.is_mature for vintage in found.vintages] == [True] * 7 + [False] * 3
    assert found.of_new == pytest.approx(0.4)
    assert found.share == pytest.approx(0.4)
    assert (found.expected_low, found.expected_high) == (pytest.approx(200), pytest.approx(200)), "months that are all alike"
    assert [(rate.at_risk, rate.redeemed, rate.expired) for rate in found.rates] == [
        (10_000, 0.2, 0), (7_200, 0.25, 0), (4_800, 0, 0), (4_200, 0, 1),
    ]  # fmt: skip


def test_months_that_differ_widen_the_interval_and_it_holds_the_truth():
    cells = history(12, [0.2, 0.25, 0.1], 5, 11)
    cells = [cell._replace(redeemed=cell.redeemed + 60 * (cell.vintage % 2), expired=cell.expired) for cell in cells]
    found = estimate(cells, 11)
    assert found.expected_low < found.expected < found.expected_high < found.outstanding


def test_a_short_history_says_that_it_does_not_know():
    found = estimate([Cell(0, 0, 100, 10, 0)], 0)
    assert (found.outstanding, found.expected_low, found.expected_high, found.is_firm) == (90, 0, 90, False)
    assert found.tail == 0.9
    nothing = estimate([], 5)
    assert (nothing.given, nothing.share, nothing.vintages) == (0, None, ())


def test_what_is_known_later_does_not_reach_back():
    cells = history(8, [0.3], 2, 12)
    assert estimate(cells, 5) == estimate([cell for cell in cells if cell.month <= 5], 5)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda vintage, age, given_, redeemed, expired: Cell(vintage, vintage + age, given_, redeemed, expired),
            st.integers(0, 6), st.integers(0, 6), st.integers(-20, 100), st.integers(-5, 30), st.integers(-5, 30),
        ),
        max_size=25,
    ),
    st.integers(0, 12),
)  # fmt: skip
def test_the_estimate_stays_within_what_is_possible(cells, through):
    found = estimate(cells, through)
    assert 0 <= found.expected_low <= found.expected <= found.expected_high <= found.outstanding + 1e-6
    assert 0 <= found.of_new <= 1
    assert 0 <= found.tail <= 1
    assert sum(vintage.outstanding for vintage in found.vintages) == found.outstanding


def test_months_are_the_shops():
    moment = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    flows = flows_of(table_of([("m", "a", "points", 1, 1, 11, 5, moment, moment, None)]))
    assert vintage_cells(flows, ZONE).to_pyarrow().to_pylist()[0]["month"] == date(2026, 2, 1)
