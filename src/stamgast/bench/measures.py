"""How fast measures are: each as an Ibis expression, built and run, against the same measure as SQL written by hand.

Both read the same Parquet files with the same DuckDB, in turn, so that what else the machine does falls on both. Both must
give the same numbers. The ratio is that of the slowest measure against its own SQL.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import ibis
import ibis.expr.types as ir

from stamgast.insights.orders import orders_in_zone
from stamgast.insights.purchasing import average_order_value, purchase_frequency, repeat_purchase_rate
from stamgast.insights.retention import churn, retention
from stamgast.insights.revenue import revenue, top_share
from stamgast.insights.types import Period

ORDERS = 5_000_000
CUSTOMERS = 500_000
RUNS = 5
TARGET = 1.3
EARLIER, LATER = Period(date(2025, 7, 1), date(2025, 9, 30)), Period(date(2025, 10, 1), date(2025, 12, 31))
ZONE, CURRENCY = "Europe/Amsterdam", "EUR"
Z = 1.959963984540054

DATA = """
COPY (
  SELECT uuid_text(hash(pow(random(), 2) * {customers} // 1)) AS customer_id, 'order ' || i AS order_id,
    timestamptz '2024-12-31 23:00:00+00' + to_microseconds((random() * 31536000000000)::BIGINT) AS occurred_at,
    CASE WHEN random() < 0.02 THEN 0 ELSE (exp(random() * 4 + 5))::BIGINT END AS amount_minor,
    '{currency}' AS currency, random() < 0.03 AS is_return
  FROM range({orders}) AS t(i)
) TO '{file}' (FORMAT parquet, COMPRESSION zstd)
"""
UUID_TEXT = """
CREATE MACRO uuid_text(number) AS
  lpad(to_hex(number), 16, '0')[1:8] || '-' || lpad(to_hex(number), 16, '0')[9:12] || '-4000-8000-' ||
  lpad(to_hex(number), 16, '0')[1:12]
"""

BOUGHT = f"""
bought AS (
  SELECT customer_id, amount_minor, timezone('{ZONE}', occurred_at)::DATE AS day
  FROM orders WHERE NOT is_return AND amount_minor > 0 {{money}}
)
"""
OF_CURRENCY = BOUGHT.format(money=f"AND currency = '{CURRENCY}'")
LIMITS = f"""
  (p + {Z * Z / 2} / n - {Z} * sqrt(p * (1 - p) / n + {Z * Z / 4} / (n * n))) / (1 + {Z * Z} / n) AS low,
  (p + {Z * Z / 2} / n + {Z} * sqrt(p * (1 - p) / n + {Z * Z / 4} / (n * n))) / (1 + {Z * Z} / n) AS high
"""
IN_EARLIER = f"day BETWEEN '{EARLIER.first_day}' AND '{EARLIER.last_day}'"
IN_LATER = f"day BETWEEN '{LATER.first_day}' AND '{LATER.last_day}'"
SETS = f"""
WITH {BOUGHT.format(money="")},
customers AS (
  SELECT min(day) AS first_on, bool_or({IN_EARLIER}) AS earlier, bool_or({IN_LATER}) AS later
  FROM bought WHERE day <= '{LATER.last_day}' GROUP BY customer_id
),
counts AS (
  SELECT count(*) FILTER (earlier) AS "start", count(*) FILTER (later) AS "end",
    count(*) FILTER (earlier AND later) AS retained, count(*) FILTER (earlier AND NOT later) AS lost,
    count(*) FILTER (later AND NOT earlier AND first_on < '{LATER.first_day}') AS reactivated,
    count(*) FILTER (later AND first_on >= '{LATER.first_day}') AS new
  FROM customers
)
"""
RATIO = f"""
totals AS (SELECT count(*) AS customers, sum(x) AS sum_x, sum(y) AS sum_y, sum(y) / sum(x) AS p FROM customers),
spread AS (SELECT sum((y - p * x) ** 2) AS squares FROM customers, totals)
SELECT {{columns}}, p AS value, p - {Z} * sqrt(customers / (customers - 1) * squares) / sum_x AS low,
  p + {Z} * sqrt(customers / (customers - 1) * squares) / sum_x AS high
FROM totals, spread
"""
BY_HAND = {
    "retention": f"""{SETS}, shares AS (SELECT *, retained / "start" AS p, "start" AS n FROM counts)
        SELECT * EXCLUDE (p, n), ("end" - new) / "start" AS classic, p AS value, {LIMITS} FROM shares""",
    "churn": f"""{SETS}, shares AS (SELECT *, lost / "start" AS p, "start" AS n FROM counts)
        SELECT "start", lost, p AS value, {LIMITS} FROM shares""",
    "repeat_purchase_rate": f"""WITH {BOUGHT.format(money="")},
        customers AS (SELECT count(*) AS times FROM bought WHERE {IN_LATER} GROUP BY customer_id),
        shares AS (SELECT count(*) AS n, count(*) FILTER (times > 1) AS twice, twice / n AS p FROM customers)
        SELECT n AS customers, twice AS repeat_customers, p AS value, {LIMITS} FROM shares""",
    "purchase_frequency": f"""WITH {BOUGHT.format(money="")},
        customers AS (SELECT 1 AS x, count(*) AS y FROM bought WHERE {IN_LATER} GROUP BY customer_id),
        {RATIO.format(columns="customers, sum_y AS orders")}""",
    "average_order_value": f"""WITH {OF_CURRENCY},
        customers AS (SELECT count(*) AS x, sum(amount_minor) AS y FROM bought WHERE {IN_LATER} GROUP BY customer_id),
        {RATIO.format(columns="customers, sum_x AS orders, sum_y AS revenue_minor")}""",
    "revenue": f"""WITH {OF_CURRENCY} SELECT count(DISTINCT customer_id) AS customers, count(*) AS orders,
        sum(amount_minor) AS value FROM bought WHERE {IN_LATER}""",
    "top_share": f"""WITH {OF_CURRENCY},
        customers AS (SELECT sum(amount_minor)::DOUBLE AS x FROM bought WHERE {IN_LATER} GROUP BY customer_id),
        size AS (SELECT count(*) AS n, sum(x) AS total, (n * 20 + 99) // 100 AS k FROM customers),
        ranked AS (SELECT x, row_number() OVER (ORDER BY x DESC) AS place FROM customers),
        top AS (SELECT sum(x) AS top, min(x) AS border FROM ranked, size WHERE place <= k),
        terms AS (SELECT greatest(x - border, 0) + border * 0.2::DOUBLE - top / total * x AS t FROM customers, top, size),
        spread AS (SELECT var_pop(t) * count(*) AS squares FROM terms)
        SELECT n AS customers, k AS top_customers, total AS revenue_minor, top AS top_minor, top / total AS value,
          top / total - {Z} * sqrt(n / (n - 1) * squares) / total AS low,
          top / total + {Z} * sqrt(n / (n - 1) * squares) / total AS high FROM size, top, spread""",
}
MEASURES: dict[str, Callable[[ir.Table], ir.Table]] = {
    "retention": lambda orders: retention(orders, EARLIER, LATER),
    "churn": lambda orders: churn(orders, EARLIER, LATER),
    "repeat_purchase_rate": lambda orders: repeat_purchase_rate(orders, LATER),
    "purchase_frequency": lambda orders: purchase_frequency(orders, LATER),
    "average_order_value": lambda orders: average_order_value(orders, LATER, CURRENCY),
    "revenue": lambda orders: revenue(orders, LATER, CURRENCY),
    "top_share": lambda orders: top_share(orders, LATER, CURRENCY),
}


def run(orders: int = ORDERS, customers: int = CUSTOMERS, runs: int = RUNS) -> dict[str, Any]:
    """Makes orders, measures them both ways in turn, and gives one JSON object's worth of figures."""
    with tempfile.TemporaryDirectory(prefix="stamgast-bench-") as folder:
        file = Path(folder) / "orders.parquet"
        connection = ibis.duckdb.connect()
        try:
            connection.raw_sql("SET TimeZone = 'UTC'; SET enable_progress_bar = false; SELECT setseed(0.5)")
            connection.raw_sql(UUID_TEXT)
            connection.raw_sql(DATA.format(orders=orders, customers=customers, currency=CURRENCY, file=file))
            return _compare(connection, connection.read_parquet(str(file), table_name="orders"), orders, runs)
        finally:
            connection.disconnect()


def _compare(connection: Any, table: ir.Table, orders: int, runs: int) -> dict[str, Any]:
    ours: dict[str, list[float]] = {name: [] for name in MEASURES}
    hand: dict[str, list[float]] = {name: [] for name in MEASURES}
    for turn in range(runs + 1):
        for name, measure in MEASURES.items():
            ways = [
                (ours, lambda measure=measure: measure(orders_in_zone(table, ZONE)).to_pyarrow()),
                (hand, lambda name=name: connection.con.sql(BY_HAND[name]).to_arrow_table()),
            ]
            rows = {}
            for times, way in ways if turn % 2 else reversed(ways):
                began = time.perf_counter()
                rows[id(times)] = way().to_pylist()[0]
                if turn:  # the first turn warms both up
                    times[name].append(time.perf_counter() - began)
            _same(name, rows[id(ours)], rows[id(hand)])
    by_measure = {name: median(ours[name]) / median(hand[name]) for name in MEASURES}
    seconds = sorted(second for times in ours.values() for second in times)
    cuts = quantiles(seconds, n=100, method="inclusive")
    worst = max(by_measure, key=lambda name: by_measure[name])
    return {
        "name": "measures",
        "unit": "orders",
        "orders": orders,
        "throughput_per_second": round(orders / median(seconds)),
        "p50_ms": round(cuts[49] * 1000, 1),
        "p95_ms": round(cuts[94] * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
        "baseline": f"hand-written DuckDB SQL, {median(hand[worst]) * 1000:.1f} ms for {worst}",
        "ratio": round(by_measure[worst], 3),
        "target": TARGET,
        "ratio_is": "time of the measure / time of the SQL, of the measure that fares worst",
        "ratios": {name: round(ratio, 3) for name, ratio in by_measure.items()},
        "total_ratio": round(sum(median(t) for t in ours.values()) / sum(median(t) for t in hand.values()), 3),
    }


def _same(name: str, ours: dict[str, Any], hand: dict[str, Any]) -> None:
    """A comparison of speed is worth nothing unless both did the same."""
    for column in hand:
        assert abs(float(ours[column]) - float(hand[column])) <= 1e-9 * max(1.0, abs(float(hand[column]))), (
            name,
            column,
            ours,
            hand,
        )
    assert ours.keys() == hand.keys(), name
