"""The pages of insights over a small lake: behind every number are exactly as many customers as it counts."""

import csv
import html
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test import Client

from stamgast.access.operations import create_staff
from stamgast.access.types import Role
from stamgast.console.asked import read_asked
from stamgast.console.tests import PASSWORD
from stamgast.console.tests.streams import text_of
from stamgast.console.tests.test_views import MARKUP
from stamgast.flows.export_lake import export
from stamgast.flows.tests.test_measure import FILL
from stamgast.kit.database import transaction

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)
PAGES = ("/insights/retention", "/insights/cohorts", "/insights/repeat-purchase", "/insights/best-customers")
LINK = re.compile(r'<td class="sg-number[^"]*"[^>]*><a href="(/insights/customers[^"]+)">([\d,]+)</a>')


@pytest.fixture
def lake(transactional_db: None, settings: Any, tmp_path: Path) -> Path:
    """1,500 activities of 49 customers over 300 days, exported at nine in the morning of 1 July."""
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path, timezone="Europe/Amsterdam", currency="EUR")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO segments_segment (slug, name, condition, created_at, created_by) "
            "VALUES ('loyal-customers', 'Loyal', '{}', now(), 'test')"
        )
        cursor.execute(FILL)
        cursor.execute(
            "INSERT INTO segments_stay (segment_id, customer_id, entered_at) "
            "SELECT 'loyal-customers', md5('customer' || n)::uuid, '2026-02-01' FROM generate_series(1, 20) n"
        )
    export(at=NOW, folder=tmp_path / "lake")
    return tmp_path


def get(client: Client, address: str, language: str = "en") -> str:
    answer = client.get(address, headers={"Accept-Language": language})
    assert answer.status_code == 200, address
    return text_of(answer) if answer.streaming else answer.content.decode()


def heading(text: str) -> str:
    found = re.search(r"<h1>([^<]*)</h1>", text)
    assert found is not None
    return html.unescape(found[1])


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_page_answers_with_nothing_that_the_policy_forbids(lake: Path, signed_in: Client, language: str) -> None:
    for address in (*PAGES, "/insights/cohorts?by=week&count=or-later", "/insights/customers"):
        assert MARKUP.findall(get(signed_in, address, language)) == []


@pytest.mark.parametrize("address", PAGES)
def test_without_a_lake_a_page_gives_the_first_step(signed_in: Client, settings: Any, tmp_path: Path, address: str) -> None:
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path)
    assert "sg-empty" in get(signed_in, address)


def test_insights_begins_with_retention(signed_in: Client) -> None:
    assert signed_in.get("/insights")["Location"] == "/insights/retention"


@pytest.mark.parametrize("query", ["?from=2025-09-01&to=2026-05-20", "?segment=loyal-customers&weeks=52"])
def test_behind_every_number_are_as_many_customers(lake: Path, signed_in: Client, query: str) -> None:
    for address in PAGES:
        links = LINK.findall(get(signed_in, address + query))
        assert links
        for link, number in links:
            assert heading(get(signed_in, html.unescape(link))).split()[0] == number, link


@pytest.mark.parametrize("more", ["", "&count=or-later", "&by=week"])
def test_behind_every_cell_of_a_cohort_are_as_many_customers(lake: Path, signed_in: Client, more: str) -> None:
    text = get(signed_in, f"/insights/cohorts?from=2025-09-01&to=2025-12-31{more}")
    cells = 0
    for line in text.partition("<tbody>")[2].partition("</tbody>")[0].split("<tr>"):
        size, *shares = re.findall(r'data-value="([\d.]+)\*?"><a href="([^"]+)"', line) or [("", "")]
        for share, link in shares[:4]:
            count = heading(get(signed_in, html.unescape(link))).split()[0]
            assert int(count) == round(float(share) * int(size[0])), link
            cells += 1
    assert cells >= 4


def test_the_pages_of_a_list_and_its_csv_hold_the_same_customers(lake: Path, signed_in: Client) -> None:
    address = "/insights/customers?weeks=52&what=bridge&part=bought"
    text = get(signed_in, address)
    number = int(heading(text).split()[0])
    assert number > 30
    rows = list(csv.DictReader(io.StringIO(get(signed_in, address.replace("customers?", "customers.csv?")))))
    assert len({row["customer_id"] for row in rows}) == len(rows) == number
    spent = [float(row["revenue"]) for row in rows]
    assert spent == sorted(spent, reverse=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT actor, action FROM access_trail ORDER BY id DESC LIMIT 1")
        assert cursor.fetchone() == ("staff:owner@example.org", "export customers")


def test_a_long_list_goes_on_where_it_stopped(lake: Path, signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stamgast.console.views.insights.ROWS", 10)
    address, seen = "/insights/customers?weeks=52", list[str]()
    while address:
        text = get(signed_in, address)
        seen += re.findall(r'class="sg-who[^"]*" href="/customers/([^"]+)"', text)
        more = re.search(r'class="btn btn-quiet" href="(\?[^"]+after[^"]+)"', text)
        address = f"/insights/customers{html.unescape(more[1])}" if more else ""
    assert len(seen) == len(set(seen)) == int(heading(text).split()[0]) > 30
    assert signed_in.get("/insights/customers?after=x").status_code == 400


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("", "2026-03-30", "2026-06-28"),
        ("?weeks=4", "2026-06-01", "2026-06-28"),
        ("?weeks=5", "2026-03-30", "2026-06-28"),
        ("?from=2026-02-03&to=2026-05-20", "2026-02-03", "2026-05-20"),
        ("?from=2026-05-20&to=2026-02-03", "2026-02-03", "2026-05-20"),
        ("?from=2026-05-20&to=2031-01-01", "2026-05-20", "2026-06-30"),
        ("?from=0001-01-01&to=2026-05-20", "1990-01-01", "2026-05-20"),
        ("?from=yesterday&to=", "2026-03-30", "2026-06-28"),
        ("?segment=no-such", "2026-03-30", "2026-06-28"),
    ],
)
def test_what_an_address_asks_for(query: str, first: str, last: str) -> None:
    values = dict(parse_qsl(query.removeprefix("?")))
    asked = read_asked(values, date(2026, 6, 30), ["loyal-customers"], more={})
    assert (asked.period.first_day.isoformat(), asked.period.last_day.isoformat(), asked.segment) == (first, last, None)


def test_an_address_that_a_page_gives_asks_the_same_again() -> None:
    more = {"by": ("month", "week")}
    for query in ("weeks=26&segment=loyal-customers&by=week", "from=2026-05-20&to=2026-06-01"):
        asked = read_asked(dict(parse_qsl(query)), date(2026, 6, 30), ["loyal-customers"], more=more)
        assert asked.query() == f"?{query}"
        again = read_asked(dict(parse_qsl(asked.query(weeks="4")[1:])), date(2026, 6, 30), ["loyal-customers"], more=more)
        assert (again.weeks, again.segment, again.more) == (4, asked.segment, asked.more)
    unknown = read_asked({"by": "year"}, date(2026, 6, 30), [], more=more)
    assert unknown.more == ()


def test_an_analyst_sees_the_figures_and_no_way_to_customers(lake: Path, client: Client) -> None:
    with transaction() as cursor:
        create_staff(cursor, email="first@example.org", name="First", password=PASSWORD, at=NOW, actor="test")
        create_staff(cursor, email="a@example.org", name="A", password=PASSWORD, at=NOW, actor="test", role=Role.ANALYST)
    client.post("/sign-in", {"email": "a@example.org", "password": PASSWORD})
    for address in PAGES:
        assert "/insights/customers" not in get(client, address)
