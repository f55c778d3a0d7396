"""What the pages show of a small shop, with exact statuses and a bound on the questions they ask the database."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.test import Client

from stamgast.activities.queries import get_kind, list_sources
from stamgast.activities.refusal_queries import get_refusal, list_refusals
from stamgast.activities.types import Source
from stamgast.console.tests.conftest import send
from stamgast.console.views.customers import leaving_sentence
from stamgast.flows.read_buying import usual_gap
from stamgast.kit.database import open_cursor
from stamgast.ledger.types import Lot

MARKUP = re.compile(r"<script(?![^>]*(src=|application/json))|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
PAGES = (
    "/", "/live", "/measures", "/customers", "/customers?search=noor", "/customers/user_id:900",
    "/segments", "/segments/loyal-customers",
    "/programme", "/sources", "/sources/refusals", "/sources/refusals?settled=1", "/sources/kinds",
    "/sources/kinds/Order Completed",
)  # fmt: skip


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every statement, Django's and ours, for both end in psycopg."""
    asked: list[str] = []
    original = psycopg.Cursor.execute

    def execute(self: psycopg.Cursor[object], query: object, *arguments: object, **named: object) -> object:
        asked.append(str(query))
        return original(self, query, *arguments, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", execute)
        yield asked


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_page_answers_with_nothing_that_the_policy_forbids(
    signed_in: Client, shop: Source, address: str, language: str
) -> None:
    answer = signed_in.get(address, headers={"Accept-Language": language})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert MARKUP.findall(text) == []
    assert "Content-Security-Policy" in answer.headers
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    "address", ["/", "/customers", "/segments", "/programme", "/sources", "/sources/refusals", "/measures"]
)
def test_pages_of_an_empty_house_give_the_first_step(signed_in: Client, address: str) -> None:
    answer = signed_in.get(address)
    assert answer.status_code == 200
    assert "sg-empty" in answer.content.decode()


@pytest.mark.parametrize(
    "address",
    ["/customers/user_id:nobody", "/customers/no-such", "/segments/none", "/sources/9999", "/nowhere",
     "/movements/6f1c6a5e-0000-0000-0000-000000000000/why", "/sources/refusals/6f1c6a5e-0000-0000-0000-000000000000",
     "/sources/kinds/None"],
)  # fmt: skip
def test_what_is_not_there_is_a_page_of_the_house(signed_in: Client, shop: Source, address: str) -> None:
    answer = signed_in.get(address, headers={"Accept-Language": "nl"})
    assert answer.status_code == 404
    assert "<h1>Hier is niets</h1>" in answer.content.decode()


@pytest.mark.parametrize(
    "address", ["/customers?after=x", "/segments/loyal-customers?after=x", "/customers/user_id:900?before=x"]
)
def test_a_cursor_of_another_list_is_refused(signed_in: Client, shop: Source, address: str) -> None:
    assert signed_in.get(address).status_code == 400


def test_the_profile_has_the_score_and_a_why_for_each_point(signed_in: Client, shop: Source) -> None:
    text = signed_in.get("/customers/user_id:900").content.decode()
    assert "Noor &lt;b&gt;de&lt;/b&gt; Wit" in text
    assert '<p class="sg-figure sg-figure-large">7</p>' in text
    assert "94 more for “Loyal customers”." in text
    assert "€\N{NO-BREAK SPACE}20.00" in text
    why = re.findall(r'href="(/movements/[^"]+/why)"', text)
    assert len(why) == 3
    explanation = signed_in.get(why[0], headers={"HX-Request": "true", "Accept-Language": "nl"}).content.decode()
    assert "Door de regel ‘" in explanation
    assert "Order Completed" not in explanation
    assert "<html" not in explanation
    assert "<html" in signed_in.get(why[0]).content.decode()


def test_a_customer_is_found_by_the_beginning_of_a_name(signed_in: Client, shop: Source) -> None:
    text = signed_in.get("/customers?search=noor").content.decode()
    assert "1 customer found for “noor”" in text
    assert text.count('class="sg-who') == 1
    assert "Nobody goes by that" in signed_in.get("/customers?search=somebody-else").content.decode()


@pytest.mark.parametrize(
    ("address", "most"),
    [
        ("/customers", 24),
        ("/customers?at_least=0&has_email=1&search=2", 20),
        ("/segments/loyal-customers", 21),
        ("/", 19),
        ("/sources", 13),
    ],
)
def test_a_page_asks_as_much_for_many_customers_as_for_one(
    signed_in: Client, shop: Source, monkeypatch: pytest.MonkeyPatch, address: str, most: int
) -> None:
    with counted(monkeypatch) as few:
        signed_in.get(address)
    now = datetime.now(UTC)
    orders = [
        b'{"type":"track","userId":"%d","messageId":"m%d-%d","event":"Coupon Redeemed","properties":{}}' % (who, who, n)
        for who in range(2_000, 2_020)
        for n in range(21)
    ]
    send(shop, *orders, at=now)
    with counted(monkeypatch) as many:
        assert signed_in.get(address).status_code == 200
    assert len(many) <= len(few) + 1
    assert len(many) <= most


def test_a_source_is_made_with_a_key_that_is_shown_once(signed_in: Client, shop: Source) -> None:
    answer = signed_in.post("/sources", {"name": "kiosk", "is_strict": "on"})
    key = re.search(r"sgw_[\w-]+", answer.content.decode())
    assert (answer.status_code, key is not None) == (200, True)
    assert key is not None
    assert key[0] not in signed_in.get("/sources").content.decode()
    made = source("kiosk")
    assert (made.source.is_strict, [one.revoked_at for one in made.keys]) == (True, [None])
    again = signed_in.post("/sources", {"name": "kiosk"})
    assert again.status_code == 422
    assert "There is a source of that name already." in again.content.decode()


def test_a_key_is_revoked_only_by_the_name_of_its_source(signed_in: Client, shop: Source) -> None:
    key = source("web shop").keys[0]
    address = f"/sources/{shop.id}/keys/{key.id}/revoke"
    assert signed_in.post(address, {"confirmation": "till"}).status_code == 422
    assert source("web shop").keys[0].revoked_at is None
    assert signed_in.post(address, {"confirmation": "web shop"}).status_code == 302
    assert source("web shop").keys[0].revoked_at is not None
    assert signed_in.post(address, {"confirmation": "web shop"}).status_code == 404


def test_a_refusal_is_corrected_or_dismissed_once(signed_in: Client, shop: Source) -> None:
    refusal_id = waiting()[0]
    address = f"/sources/refusals/{refusal_id}"
    answer = signed_in.post(address, {"body": '{"still": "wrong"}'})
    assert answer.status_code == 422
    assert "still" in answer.content.decode()
    assert waiting() == [refusal_id]
    mended = '{"type":"track","userId":"900","event":"Order Completed","properties":{"order_id":"3","revenue":"1.00"}}'
    assert signed_in.post(address, {"body": mended}).status_code == 302
    with open_cursor() as cursor:
        row = get_refusal(cursor, refusal_id)
    assert (row.settled_by, row.activity_id is not None) == ("staff:owner@example.org", True)
    answer = signed_in.post(f"{address}/dismiss", follow=True)
    assert "This refusal was sent again or dismissed before. Nothing changed." in answer.content.decode()


def test_a_schema_is_kept_when_it_is_one(signed_in: Client, shop: Source) -> None:
    address = "/sources/kinds/Order Completed"
    before = get("Order Completed")
    for wrong in ("{", "[1]", '{"type": "nothing"}'):
        assert signed_in.post(address, {"schema": wrong}).status_code == 422
    assert get("Order Completed") == before
    assert signed_in.post(address, {"schema": '{"type": "object", "required": ["order_id"]}'}).status_code == 302
    assert get("Order Completed") == {"type": "object", "required": ["order_id"]}


def source(name: str) -> "object":
    with open_cursor() as cursor:
        return next(row for row in list_sources(cursor, since=datetime.now(UTC)) if row.source.name == name)


def waiting() -> list[UUID]:
    with open_cursor() as cursor:
        return [row.id for row in list_refusals(cursor).rows]


def get(kind: str) -> object:
    with open_cursor() as cursor:
        return get_kind(cursor, kind).schema


def trail() -> list[tuple[Any, ...]]:
    with open_cursor() as cursor:
        rows = cursor.execute("SELECT actor, action, subject, detail::text FROM access_trail ORDER BY at, id").fetchall()
    return [(*row[:3], json.loads(row[3])) for row in rows]


def test_who_changes_a_source_or_a_kind_is_in_the_trail_with_why(signed_in: Client, shop: Source) -> None:
    before = len(trail())
    signed_in.post(f"/sources/{shop.id}/strictness", {"is_strict": "on", "reason": "the app wants errors"})
    signed_in.post(f"/sources/{shop.id}/keys")
    with open_cursor() as cursor:
        key = list_sources(cursor, since=datetime.now(UTC))[0].keys[0]
    signed_in.post(f"/sources/{shop.id}/keys/{key.id}/revoke", {"confirmation": "another name", "reason": "leaked"})
    signed_in.post(f"/sources/{shop.id}/keys/{key.id}/revoke", {"confirmation": shop.name, "reason": "leaked"})
    signed_in.post("/sources/kinds/Card Swiped", {"schema": '{"type": "object"}', "reason": "first version"})
    signed_in.post("/sources/kinds/Card Swiped", {"schema": '{"type": 7}', "reason": "refused"})
    rows = trail()[before:]
    assert {row[0] for row in rows} == {"staff:owner@example.org"}
    assert [(action, subject, detail["reason"]) for _actor, action, subject, detail in rows] == [
        ("set strictness", f"source:{shop.id}", "the app wants errors"),
        ("create source key", f"source:{shop.id}", ""),
        ("revoke source key", f"source:{shop.id}", "leaked"),
        ("set schema", "kind:Card Swiped", "first version"),
    ]
    assert rows[2][3]["key"] == str(key.id)
    assert rows[3][3]["after"] == {"type": "object"}


def test_a_day_on_which_nothing_happened_shows_the_last_seven_with_activities(signed_in: Client, shop: Source) -> None:
    text = signed_in.get("/live", headers={"Accept-Language": "en"}).content.decode()
    assert "Nothing has happened yet today." in text
    assert re.findall(r'sg-to" href="[^"]*">([^<]*)<', text) == ["5", "2", "7", "0"]


def test_the_usual_gap_is_the_median_of_days_between_days_with_an_order() -> None:
    days = [date(2026, 1, day) for day in (1, 3, 5, 31)]
    assert usual_gap(days) == 2
    assert usual_gap(days[:1]) is None


def test_a_search_begins_with_who_is_called_exactly_that(signed_in: Client, shop: Source) -> None:
    now = datetime.now(UTC)
    order = b'{"type":"track","userId":"%d","messageId":"x%d","event":"Coupon Redeemed","timestamp":"%s","properties":{}}'
    later = [(who, now - timedelta(minutes=60 - n)) for n, who in enumerate((31, 310, 311))]
    send(shop, *(order % (who, who, at.isoformat().encode()) for who, at in later), at=now)
    text = signed_in.get("/customers?search=31").content.decode()
    assert re.findall(r"Customer (\d+)</a>", text) == ["31", "311", "310"]
    assert "3 customers found" in text


def test_kinds_that_never_came_in_are_folded_away(signed_in: Client, shop: Source) -> None:
    text = signed_in.get("/sources/kinds").content.decode()
    shown, _summary, folded = text.partition("more kinds are ready and have not come in yet")
    assert ("Order Completed</a>" in shown, "Order Completed</a>" in folded) == (True, False)
    assert ("Card Swiped</a>" in shown, "Card Swiped</a>" in folded) == (False, True)


def test_a_profile_says_when_points_that_expire_take_somebody_out() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    lots = [lot(60, now + timedelta(days=10)), lot(50, now + timedelta(days=20)), lot(5, None)]
    assert leaving_sentence(115, 100, lots) == "Leaves on 11 Jan 2026 if nothing happens."
    assert leaving_sentence(115, 54, lots) == "Leaves on 21 Jan 2026 if nothing happens."
    assert leaving_sentence(115, 4, lots) == ""
    assert leaving_sentence(100, 100, lots) == ""


def lot(remaining: int, expires_at: datetime | None) -> Lot:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    none = UUID(int=0)
    return Lot(none, none, "score", none, "purchase", 1, remaining, remaining, 0, 0, 0, 0, at, expires_at)


@pytest.mark.parametrize(
    ("address", "place"),
    [("/duplicates", "/customers"), ("/erasures", "/customers"), ("/sources/kinds", "/sources"), ("/", "/")],
)
def test_the_navigation_marks_the_place_that_a_page_belongs_to(
    signed_in: Client, shop: Source, address: str, place: str
) -> None:
    text = signed_in.get(address).content.decode().partition('<nav aria-label="Main">')[2].partition("</nav>")[0]
    assert re.findall(r'<a href="([^"]+)" aria-current', text) == [place]
