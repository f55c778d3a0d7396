"""Measures over the API: the same figures as the page, and refusals that say what to do."""

from dataclasses import replace
from datetime import date

import pytest
from django.db import connection

from stamgast.access.operations import create_key
from stamgast.flows.export_lake import export
from stamgast.flows.tests.test_measure import FILL
from stamgast.flows.tests.test_measure import NOW as EXPORTED
from stamgast.insights.tests import oracle
from stamgast.insights.tests.oracle import Order
from stamgast.insights.types import Period
from stamgast.kit.database import transaction

SALES = """
SELECT l.customer_id::text, (a.occurred_at AT TIME ZONE 'Europe/Amsterdam')::date, a.amount_minor::int
FROM activities_activity a JOIN customers_link l ON l.identifier_id = a.anchor_id AND l.ended_at IS NULL
WHERE a.kind = 'Till Sale'
"""


@pytest.fixture
def ask(transactional_db, settings, tmp_path, client):
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path, timezone="Europe/Amsterdam", currency="EUR")
    with connection.cursor() as cursor:
        cursor.execute(FILL)
    export(at=EXPORTED, folder=tmp_path / "lake")
    with transaction() as cursor:
        _key, text = create_key(cursor, "test", ["measures:read"], at=EXPORTED, actor="test")
    return lambda path: client.get(f"/v1/measures/{path}", headers={"authorization": f"Bearer {text}"})


def test_a_measure_is_that_of_the_oracle_with_its_period(ask):
    answer = ask("retention?first_day=2026-03-30&last_day=2026-06-28")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["first_day"], body["last_day"], body["segment"], body["currency"]) == ("2026-03-30", "2026-06-28", None, "EUR")
    with connection.cursor() as cursor:
        cursor.execute(SALES)
        orders = [Order(*row) for row in cursor.fetchall()]
    period = Period(date(2026, 3, 30), date(2026, 6, 28))
    expected = oracle.retention(orders, period.before, period)
    last = body["measure"]["steps"][-1]
    assert {name: last[name] for name in ("start", "end", "retained", "lost", "reactivated", "new")} == {
        name: expected[name] for name in ("start", "end", "retained", "lost", "reactivated", "new")
    }
    assert body["measure"]["retention"]["value"] == pytest.approx(expected["value"])


def test_each_measure_answers_and_what_is_asked_wrongly_is_refused(ask):
    for name in ("retention", "cohorts?by=week&count=or-later", "repeat-purchase?weeks=52", "best-customers"):
        assert ask(name).status_code == 200, name
    refused = {
        "churn": (404, "measure_not_found"),
        "retention?segment=none": (404, "segment_not_found"),
        "retention?first_day=2026-06-02&last_day=2026-06-01": (422, "invalid_period"),
        "retention?weeks=0": (422, "invalid_request"),
    }
    for path, expected in refused.items():
        answer = ask(path)
        assert (answer.status_code, answer.json()["code"]) == expected, path
    assert ask("retention?first_day=2026-06-01&last_day=2031-01-01").json()["last_day"] == "2026-06-30"
