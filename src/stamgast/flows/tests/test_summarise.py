"""The summary against SQL on PostgreSQL; when it is made again, and when not."""

from datetime import date, timedelta

import pytest

from stamgast.flows.export_lake import export
from stamgast.flows.summarise import CURRENT, find_summary, open_summary, summarise
from stamgast.flows.tests.test_measure import NOW, ask
from stamgast.flows.tests.test_measure import folder as folder  # the fixture
from stamgast.lake.errors import LakeNotThere

SHOP = {"zone": "Europe/Amsterdam", "currency": "EUR"}
SALES = """
SELECT l.customer_id::text, min((a.occurred_at AT TIME ZONE 'Europe/Amsterdam')::date),
  max((a.occurred_at AT TIME ZONE 'Europe/Amsterdam')::date), count(*), sum(a.amount_minor)::bigint
FROM activities_activity a JOIN customers_link l ON l.identifier_id = a.anchor_id AND l.ended_at IS NULL
WHERE a.kind = 'Till Sale' AND a.amount_minor > 0 GROUP BY 1 ORDER BY 1
"""


def test_the_summary_says_what_postgres_says(folder, tmp_path):
    kept = tmp_path / "insights"
    with pytest.raises(LakeNotThere):
        summarise(folder, kept, at=NOW, **SHOP)
    export(at=NOW, folder=folder)
    opened = open_summary(folder, kept, at=NOW, **SHOP)
    buyers = opened.tables["buyers"]
    measured = opened.ask(buyers.order_by("customer"))
    told = ask(SALES)
    names = ("customer", "first_on", "last_on", "orders", "revenue_minor")
    assert [tuple(each[name] for name in names) for each in measured] == told
    assert len({each["customer_id"] for each in measured}) == len(told), "each has a number of its own"
    purchases = opened.tables["purchases"]
    assert opened.ask(purchases.aggregate(n=purchases.count()))[0]["n"] == sum(row[3] for row in told)
    assert opened.summary.first_day == min(row[1] for row in told)
    assert opened.summary.last_whole_day == date(2026, 6, 30)
    assert all(type(each["revenue_minor"]) is int for each in measured)
    assert purchases.amount_minor.type().is_int64(), "amounts are never fractions"
    days = [each["ordered_on"] for each in opened.ask(purchases.select("ordered_on"))]
    assert days == sorted(days), "so that a period is a stretch of the file"


def test_a_summary_is_made_again_when_the_lake_changed_and_it_is_not_too_young(folder, tmp_path):
    kept = tmp_path / "insights"
    export(at=NOW, folder=folder)
    first = summarise(folder, kept, at=NOW, **SHOP)
    assert find_summary(kept, **SHOP) == first
    assert find_summary(kept, zone="UTC", currency="EUR") is None, "another zone has other days"
    later = NOW + timedelta(hours=2)
    ask("SELECT pg_current_xact_id()::text")  # a transaction of somebody who told nothing
    export(at=later, folder=folder)
    second = summarise(folder, kept, at=later, **SHOP)
    assert (second.version, second.measured_at) == (first.version, later), "nothing came in, which is known up to now"
    ask("UPDATE customers_link SET customer_id = md5('somebody')::uuid WHERE identifier_id = md5('anchor1')::uuid RETURNING 1")
    export(at=later, folder=folder)
    soon = NOW + timedelta(seconds=first.seconds)
    assert summarise(folder, kept, at=soon, **SHOP).version == first.version, "it is too young"
    third = summarise(folder, kept, at=later, **SHOP)
    assert third.version != first.version
    assert not (kept / first.version).exists(), "it was more than an hour old"
    (kept / CURRENT).write_text("{")
    assert summarise(folder, kept, at=later + timedelta(seconds=1), **SHOP).lake == third.lake
