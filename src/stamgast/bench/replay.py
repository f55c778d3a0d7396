"""How fast histories are replayed: a programme of 20 rules with caps, turns and multipliers, a card and four tiers.

The whole history of many customers is decided from nothing, some hundreds of thousands of activities at a time, two such parts
beside each other, as ``programmes.replay`` decides. The baseline, in turns with ours, medians of the turns, is the same rules
without anything that remembers, as one hand-written SQL statement in DuckDB.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from stamgast.bench.score import year_of
from stamgast.bench.scratch import BenchFailed
from stamgast.programmes.deciding import decide_parts, warm
from stamgast.programmes.programme import Programme, compile_programme
from stamgast.programmes.states import keys_of
from stamgast.programmes.types import Version

CHUNK = 250_000
PERIODS = ("day", "week", "month", "year")
BASELINE = "the same amounts and conditions without caps, turns, multipliers and tiers, by hand-written SQL in DuckDB"


def run(*, activities: int = 1_000_000, turns: int = 3) -> dict[str, Any]:
    """Measures; about half a minute."""
    programme, table = build_programme(), year_of(activities)
    cuts = _cuts_between_customers(table, CHUNK)
    return measure("replay", activities, turns, table, lambda: _replay(programme, table, cuts))


def build_programme() -> Programme:
    """What ``write_programme`` says, compiled."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return compile_programme([Version("bench", 1, write_programme(), "", epoch, epoch, "", "")])


def write_programme() -> str:
    """Twenty rules, of which each but the first has a cap or a turn, or multiplies; a card; four levels."""
    earn = ["  - {name: base, when: {activity: Order Completed}, give: {points: {amount: 1, per: 1.00}, stamps: 1}}"]
    for number in range(1, 13):
        when = f"{{all: [{{activity: Order Completed}}, {{field: amount, over: {number}}}]}}"
        give = f"{{points: {{amount: {number}, per: {number + 4}.00}}}}"
        period = PERIODS[number % 4]
        earn.append(f"  - {{name: rule {number}, when: {when}, give: {give}, cap: {{points: {number * 5}, per: {period}}}}}")
    for number, turn in enumerate(("nth: 1", "every: 10", "streak: {count: 3, per: week}", "nth: 5")):
        earn.append(f"  - {{name: turn {number}, when: {{activity: Order Completed}}, {turn}, give: {{points: 25}}}}")
    for number, day in enumerate(("tuesday", "sunday")):
        when = f"{{field: weekday, is: {day}}}"
        earn.append(f"  - {{name: more {number}, when: {when}, multiply: {{points: 2}}, cap: {{points: 99, per: day}}}}")
    earn.append("  - {name: coupon, when: {activity: Coupon Redeemed}, give: {points: 5}, cap: {points: 20, per: month}}")
    levels = ["{name: Blue, from: 0}"]
    for name, threshold, factor in (("Silver", 100, 1.1), ("Gold", 250, 1.25), ("Black", 600, 1.5)):
        levels.append(f"{{name: {name}, from: {threshold}, multiply: {{points: {factor}}}}}")
    return "\n".join(
        [
            "programme: bench",
            "timezone: Europe/Amsterdam",
            "currencies: {points: {expires: {after: 12 months, at: end of month}}, stamps: {}, coffees: {}}",
            "earn:",
            *earn,
            "cards: [{name: card, of: stamps, each: 10, give: {coffees: 1}}]",
            f"tiers: {{qualify_on: points, period: {{rolling: 12 months}}, levels: [{', '.join(levels)}]}}",
        ]
    )


def measure(name: str, activities: int, turns: int, table: pa.Table, work: Callable[[], int]) -> dict[str, Any]:
    warm()
    work()  # what is read once stays out
    ours, by_hand = [], []
    with duckdb.connect() as database:
        database.execute("SET enable_progress_bar = false")
        database.register("activities", table)
        for _ in range(turns):
            began = time.perf_counter()
            if not work():
                raise BenchFailed("Nothing was decided.")
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            database.sql(_by_hand()).to_arrow_table()
            by_hand.append(time.perf_counter() - began)
    mine, theirs = statistics.median(ours), statistics.median(by_hand)
    return {
        "name": name,
        "throughput_per_second": round(activities / mine),
        "baseline": round(activities / theirs),
        "baseline_name": f"{BASELINE}, activities a second",
        "ratio": round(theirs / mine, 3),
        "activities": activities,
        "rules": 20,
        "tiers": 4,
    }


def _by_hand() -> str:
    """What each rule would give each activity, added up by customer."""
    terms = ["(kind = 'Order Completed')::int * (amount_minor // 100)"]
    for number in range(1, 13):
        test = f"(kind = 'Order Completed' AND amount_minor > {number * 100})::int"
        terms.append(f"{test} * {number} * (amount_minor // {(number + 4) * 100})")
    terms += ["(kind = 'Order Completed')::int * 25"] * 4 + ["(kind = 'Coupon Redeemed')::int * 5"]
    terms += [f"(isodow(occurred_at AT TIME ZONE 'Europe/Amsterdam') = {day})::int" for day in (2, 7)]
    return f"SELECT customer_id, sum({' + '.join(terms)}) FROM activities GROUP BY customer_id"


def _cuts_between_customers(table: pa.Table, size: int) -> list[int]:
    """Where chunks begin: at the first activity of a customer, about ``size`` apart; and the end."""
    keys = keys_of(table["customer_id"])[:, 1]
    starts = np.concatenate(([0], np.flatnonzero(keys[1:] != keys[:-1]) + 1))
    wanted = starts[np.searchsorted(starts, np.arange(0, table.num_rows, size))]
    return [*wanted.tolist(), table.num_rows]


def _replay(programme: Programme, table: pa.Table, cuts: list[int]) -> int:
    parts = (table.slice(start, end - start) for start, end in pairwise(cuts))
    return sum(decisions.table.num_rows for decisions in decide_parts(programme, parts))
