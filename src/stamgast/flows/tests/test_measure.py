"""From rows in PostgreSQL over the lake to the figures of the home page, against SQL on PostgreSQL itself."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from django.db import connection

from stamgast.flows.export_lake import check, export
from stamgast.flows.measure import CACHE, Bridge, measure_home
from stamgast.lake.errors import LakeNotThere
from stamgast.lake.manifest import get_manifest
from stamgast.lake.reading import open_lake

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)  # a Wednesday: the last whole week ends on 28 June
HOME = {"now": NOW, "zone": "Europe/Amsterdam", "currency": "EUR"}

FILL = """
INSERT INTO activities_source (id, name, is_strict, created_at, created_by) VALUES (77, 'till', false, now(), 'test');
INSERT INTO activities_activity
  (id, source_id, type, kind, anchor_id, identifiers, occurred_at, received_at, order_id, amount_minor, currency, line_count,
   body)
SELECT md5('activity' || i)::uuid, 77, 'track', CASE WHEN i % 11 = 0 THEN 'Order Refunded' ELSE 'Till Sale' END,
  md5('anchor' || (i * i) % 97)::uuid, '[]', timestamptz '2026-07-01 00:00+02' - (i * 7919 % 300) * interval '1 day 37 minutes',
  now(), CASE WHEN i % 11 <> 0 THEN 'order ' || i END, CASE WHEN i % 13 = 0 THEN 0 ELSE i % 50 * 100 + 95 END, 'EUR', 2, '{}'
FROM generate_series(1, 1500) AS i;
INSERT INTO customers_link (identifier_id, customer_id, began_at, actor, reason)
SELECT md5('anchor' || k)::uuid, md5('customer' || k / 2)::uuid, now(), 'test', 'test' FROM generate_series(0, 96) AS k;
INSERT INTO segments_stay (segment_id, customer_id, entered_at, left_at) VALUES
  ('loyal-customers', md5('a')::uuid, '2026-01-01', null), ('loyal-customers', md5('b')::uuid, '2026-06-20', '2026-06-27'),
  ('others', md5('c')::uuid, '2026-01-01', null);
"""
SETS = """
WITH sales AS (
  SELECT l.customer_id, (a.occurred_at AT TIME ZONE 'Europe/Amsterdam')::date AS day, a.amount_minor
  FROM activities_activity a JOIN customers_link l ON l.identifier_id = a.anchor_id AND l.ended_at IS NULL
  WHERE a.kind = 'Till Sale' AND a.amount_minor > 0
), customers AS (
  SELECT customer_id, min(day) AS first_on, bool_or(day BETWEEN '2025-12-29' AND '2026-03-29') AS earlier,
    bool_or(day BETWEEN '2026-03-30' AND '2026-06-28') AS later
  FROM sales WHERE day <= '2026-06-28' GROUP BY 1
)
SELECT count(*) FILTER (WHERE earlier), count(*) FILTER (WHERE earlier AND later),
  count(*) FILTER (WHERE earlier AND NOT later),
  count(*) FILTER (WHERE later AND NOT earlier AND first_on < '2026-03-30'),
  count(*) FILTER (WHERE later AND first_on >= '2026-03-30'), count(*) FILTER (WHERE later),
  (SELECT sum(amount_minor) FROM sales WHERE day BETWEEN '2026-03-30' AND '2026-06-28'),
  (SELECT count(*) FROM sales WHERE day BETWEEN '2026-03-30' AND '2026-06-28')
FROM customers
"""


@pytest.fixture
def folder(transactional_db, tmp_path):
    with connection.cursor() as cursor:
        cursor.execute(FILL)
    return tmp_path / "lake"


def ask(query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_the_home_page_says_what_postgres_says(folder):
    with pytest.raises(LakeNotThere):
        measure_home(folder, **HOME)
    export(at=NOW, folder=folder)
    home = measure_home(folder, **HOME)
    *bridge, revenue, orders = ask(SETS)[0]
    assert home.bridge == Bridge(*bridge)
    assert (home.revenue_minor, home.orders) == (revenue, orders)
    assert (home.first_day, home.last_day) == (date(2026, 3, 30), date(2026, 6, 28))
    assert home.retention.value == home.bridge.retained / home.bridge.start
    assert home.average_order_value_minor.value == pytest.approx(int(revenue) / orders, rel=1e-12)
    assert home.repeat_purchase_rate.before is not None
    assert home.retention.difference_low <= home.retention.difference <= home.retention.difference_high
    assert [week.starts_on.isoweekday() for week in home.weeks] == [1] * 26
    assert sum(week.revenue_minor for week in home.weeks[13:]) == revenue
    assert home.returns > 0
    assert home.zero_orders > 0
    members = {day.day: day.members for day in home.loyal}
    assert [members[date(2026, 6, day)] for day in (19, 20, 26, 27)] == [1, 2, 2, 1], "the other segment is not in it"


def test_figures_are_kept_until_the_lake_changes_or_the_week_ends(folder):
    export(at=NOW, folder=folder)
    first = measure_home(folder, **HOME)
    stamp = (folder / CACHE).stat().st_mtime_ns
    export(at=NOW + timedelta(minutes=1), folder=folder)
    assert msgspec.structs.replace(measure_home(folder, **HOME), measured_at=first.measured_at) == first
    assert (folder / CACHE).stat().st_mtime_ns == stamp, "an export without news is no reason to measure again"
    ask("UPDATE segments_stay SET left_at = '2026-06-21' WHERE customer_id = md5('b')::uuid RETURNING 1")
    export(at=NOW + timedelta(minutes=2), folder=folder)
    assert measure_home(folder, **HOME) != first
    later = measure_home(folder, **{**HOME, "now": datetime(2026, 7, 5, 22, tzinfo=UTC)})
    assert later.last_day == date(2026, 7, 5), "it is Monday in the shop, and not yet in UTC"


def test_a_shop_without_customers(transactional_db, tmp_path):
    folder = tmp_path / "lake"
    export(at=NOW, folder=folder)
    home = measure_home(folder, **HOME)
    assert home.bridge == Bridge(0, 0, 0, 0, 0, 0)
    assert home.retention.value is home.retention.low is home.average_order_value_minor.value is None
    assert not home.retention.is_change_certain
    assert (home.orders, home.revenue_minor, len(home.weeks), len(home.loyal)) == (0, 0, 26, 182)


def test_what_is_exported_of_the_rooms(folder):
    ask(
        """INSERT INTO ledger_batch (id, posted_at, rows, total, root, actor)
        SELECT md5('batch' || n)::uuid, now(), 1, 1, '', 'test' FROM generate_series(1, 3) n RETURNING 1"""
    )
    ask(
        """INSERT INTO ledger_movement (bucket, kind, debit, credit, amount, effective_at, posted_at, movement_id, owner_id,
          batch_id, fingerprint, currency, rule, reason, actor)
        SELECT 1, 1, 1, 11, n, '2026-06-01', b.posted_at, md5('movement' || n)::uuid, md5('customer1')::uuid, b.id, '',
          'score', 'purchase', '', 'test' FROM generate_series(1, 3) n
        JOIN ledger_batch b ON b.id = md5('batch' || n)::uuid RETURNING 1"""
    )
    seal = """INSERT INTO ledger_seal (sequence, batch_id, chain, sealed_at)
        SELECT %s, md5('batch%s')::uuid, '', now() RETURNING 1"""
    ask(seal % (1, 2))
    assert export(at=NOW, folder=folder).rows == {"activities": 1500, "movements": 1, "links": 97, "stays": 3}
    ask(seal % (2, 1))
    assert export(at=NOW, folder=folder).rows == {"activities": 0, "movements": 1, "links": 0, "stays": 0}
    assert open_lake(folder)["movements"].amount.sum().to_pyarrow().as_py() == 3, "the batch without a seal is not there yet"
    assert check(folder) == []
    source = open_lake(folder)["activities"].source.nunique().to_pyarrow().as_py()
    assert source == 1
    ask("UPDATE ledger_movement SET amount = 7 WHERE amount = 1 RETURNING 1")
    assert [str(difference) for difference in check(folder)] == ["movements 2026-06: amount 3 in the lake, 9 in PostgreSQL"]
    assert get_manifest(folder).exported_at == NOW


def test_an_export_without_news_keeps_the_figures_and_brings_them_up_to_date(folder):
    export(at=NOW, folder=folder)
    first = measure_home(folder, **HOME)
    ask("SELECT pg_current_xact_id()")  # somebody wrote something that no measure looks at
    export(at=NOW + timedelta(minutes=1), folder=folder)
    again = measure_home(folder, **HOME)
    assert (first.measured_at, again.measured_at) == (NOW, NOW + timedelta(minutes=1))
    assert again.orders == first.orders
