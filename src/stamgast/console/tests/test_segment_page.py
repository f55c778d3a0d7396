"""The page of a segment: who came in and who left in any days, in event time, what did it, and all of it as a file."""

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from stamgast.access.types import Role
from stamgast.activities.types import Source
from stamgast.console.tests.conftest import send
from stamgast.console.tests.streams import text_of
from stamgast.console.tests.test_saved_views import person
from stamgast.kit.database import open_cursor, transaction

PAGE = "/segments/loyal-customers"


@pytest.fixture
def regulars(signed_in: Client, shop: Source) -> Client:
    """Customer 900 came in by an order ten days ago; one who is not known any more was in for a day in spring."""
    now = datetime.now(UTC)
    day = (now - timedelta(days=10)).isoformat()
    messages = [
        b'{"type":"track","userId":"900","messageId":"m%d","event":"Order Completed","timestamp":"%s",'
        b'"properties":{"order_id":"r%d","revenue":"12.30","currency":"EUR"}}' % (number, day.encode(), number)
        for number in range(200)
    ]
    send(shop, *messages, at=now)
    with transaction() as cursor:
        cursor.execute(
            "INSERT INTO segments_stay (segment_id, customer_id, entered_at, left_at) VALUES ('loyal-customers', %s, %s, %s)",
            (UUID(int=7), datetime(2026, 4, 1, 9, tzinfo=UTC), datetime(2026, 4, 2, 9, tzinfo=UTC)),
        )
    return signed_in


def table(text: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", text.partition('class="sg-table sg-tight')[2].partition("</table>")[0], re.DOTALL)
    return [re.findall(r'data-value="([^"]*)"', row) for row in rows[1:]]


def spec(text: str) -> dict[str, Any]:
    found = re.search(r'<script id="segment-loyal-customers-spec" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def test_any_days_are_drawn_and_the_table_says_how_many_were_in(regulars: Client) -> None:
    text = regulars.get(f"{PAGE}?from=2026-03-31&to=2026-04-03").content.decode()
    assert table(text) == [
        ["2026-04-03/2026-04-03", "0", "0", "0", "0"],
        ["2026-04-02/2026-04-02", "0", "1", "-1", "0"],
        ["2026-04-01/2026-04-01", "1", "0", "1", "1"],
        ["2026-03-31/2026-03-31", "0", "0", "0", "0"],
    ]
    assert "1 came in and 1 left." in text
    assert spec(text)["layer"]
    text = regulars.get(f"{PAGE}?from=2026-03-01&to=2026-04-20&by=month").content.decode()
    assert table(text) == [["2026-04-01/2026-04-20", "1", "1", "0", "0"], ["2026-03-01/2026-03-31", "0", "0", "0", "0"]]
    last = table(regulars.get(f"{PAGE}?weeks=4&by=day").content.decode())
    assert [row[1:] for row in last if row[1] != "0"] == [["1", "0", "1", "1"]]
    assert "There is nothing to draw in this period." in regulars.get(f"{PAGE}?from=2020-01-01&to=2020-01-31").content.decode()


def test_each_entry_names_the_activity_that_did_it(regulars: Client) -> None:
    text = regulars.get(f"{PAGE}?weeks=4").content.decode().partition('id="changes"')[2]
    assert "Order of €\N{NO-BREAK SPACE}12.30 · web shop" in text
    why = re.search(r'class="sg-why" href="([^"]+)"', text)
    assert why
    assert "Because of the rule" in regulars.get(why[1]).content.decode()
    with transaction() as cursor:
        cursor.execute("UPDATE segments_change SET cause = NULL")
    assert "what we knew was corrected" in regulars.get(f"{PAGE}?weeks=4").content.decode()
    assert "Nobody in these days." in regulars.get(f"{PAGE}?from=2020-01-01&to=2020-01-31").content.decode()


def test_the_file_has_every_entry_with_its_cause_and_the_trail_says_who_took_it(regulars: Client) -> None:
    rows = list(csv.DictReader(text_of(regulars.get(f"{PAGE}/changes.csv?weeks=4")).splitlines()))
    assert [(row["what"], row["name"], row["cause"], row["activity"], row["source"]) for row in rows] == [
        ("entry", "Noor <b>de</b> Wit", "earn", "Order Completed", "web shop")
    ]
    with open_cursor() as cursor:
        cursor.execute("SELECT id FROM activities_activity WHERE id = %s", (rows[0]["activity_id"],))
        assert cursor.rowcount == 1
        cursor.execute("SELECT action, subject, detail ->> 'asked' FROM access_trail WHERE action LIKE 'export%'")
        assert cursor.fetchall() == [("export customers", "segment:loyal-customers", "weeks=4")]


def test_an_analyst_sees_the_figures_and_nobody(regulars: Client) -> None:
    text = person(Role.ANALYST).get(f"{PAGE}?weeks=4").content.decode()
    assert "Order of €" in text
    for personal in ("Noor", "Customer 900", "/movements/", "changes.csv"):
        assert personal not in text


def test_pages_of_members_and_of_entries_keep_the_days(regulars: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stamgast.console.views.segments.CHANGES", 1)
    monkeypatch.setattr("stamgast.console.views.segments.ROWS", 1)
    with transaction() as cursor:
        cursor.execute(
            "INSERT INTO segments_stay (segment_id, customer_id, entered_at) VALUES ('loyal-customers', %s, now())",
            (UUID(int=8),),
        )
        cursor.execute(
            "INSERT INTO segments_change (segment_id, customer_id, is_entry, occurred_at, recorded_at) "
            "VALUES ('loyal-customers', %s, true, now() - interval '15 days', now())",
            (UUID(int=8),),
        )
    text = regulars.get(f"{PAGE}?weeks=4&by=day").content.decode()
    for part, name in (("members", "after"), ("changes", "before")):
        following = re.search(rf'href="(\?weeks=4&amp;by=day&amp;{name}=[^"]+)" hx-get="([^"]+)"', text)
        assert following
        assert following[2] == f"{PAGE}/{part}{following[1]}"
        for address in (following[2], PAGE + following[1]):
            assert regulars.get(address.replace("&amp;", "&")).status_code == 200
