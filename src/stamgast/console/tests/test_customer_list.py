"""The list of customers: filters that combine, as a sentence; a walk that is bounded; everybody who is found as a file."""

import csv
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.console.customer_columns import USUAL, known_columns
from stamgast.console.tests.conftest import send
from stamgast.console.tests.streams import text_of
from stamgast.console.tests.test_views import counted
from stamgast.console.views import customer_list
from stamgast.customers import walking
from stamgast.customers.types import Customer, CustomerSummary
from stamgast.customers.walking import count_selected, list_selected
from stamgast.flows.list_customers import Wanted, select_customers
from stamgast.kit.database import Cursor, transaction
from stamgast.kit.ids import bucket_of, derive_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def seed(count: int) -> None:
    """Customers of whom the first was seen last: each third with an e-mail address, each fifth loyal, scores 0, 10, 20, …"""
    with transaction() as cursor:
        for number in range(count):
            who, email = derive_id("someone", str(number)), derive_id("address", str(number))
            seen = NOW - timedelta(minutes=number)
            cursor.execute(
                "INSERT INTO customers_customer (id, bucket, created_at, first_seen, last_seen) VALUES (%s, %s, %s, %s, %s)",
                (who, bucket_of(who), seen, seen - timedelta(days=number), seen),
            )
            kind = "email" if number % 3 == 0 else "user_id"
            cursor.execute(
                "INSERT INTO customers_identifier (id, kind, value, first_at) VALUES (%s, %s, %s, %s)",
                (email, kind, f"=p{number}@example.org" if kind == "email" else f"p{number}", seen),
            )
            cursor.execute(
                "INSERT INTO customers_link (identifier_id, customer_id, began_at, actor, reason) "
                "VALUES (%s, %s, %s, 'test', '')",
                (email, who, seen),
            )
            if number:
                cursor.execute(
                    "INSERT INTO ledger_balance (bucket, owner_id, currency, available, lot_total) "
                    "VALUES (%s, %s, 'score', %s, %s)",
                    (bucket_of(who), who, number * 10, number * 10),
                )
            if number % 5 == 0:
                cursor.execute(
                    "INSERT INTO segments_stay (segment_id, customer_id, entered_at) VALUES ('loyal-customers', %s, %s)",
                    (who, seen),
                )


def numbers(client: Client, query: str) -> list[int]:
    """Who a file of the list names."""
    answer = client.get(f"/customers.csv?{query}")
    assert answer.status_code == 200
    return sorted(int(row["score"]) // 10 for row in read(answer))


def read(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(text_of(answer).splitlines(keepends=True)))


@pytest.fixture
def crowd(signed_in: Client, shop: Source) -> Client:
    with transaction() as cursor:
        cursor.execute("DELETE FROM customers_link")
        cursor.execute("DELETE FROM customers_customer")
        cursor.execute("DELETE FROM segments_stay")
    seed(60)
    return signed_in


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", lambda n: True),
        ("segment=loyal-customers", lambda n: n % 5 == 0),
        ("at_least=100", lambda n: n >= 10),
        ("at_most=0", lambda n: n == 0),
        ("at_least=100&at_most=200&has_email=1", lambda n: 10 <= n <= 20 and n % 3 == 0),
        ("segment=loyal-customers&has_email=1", lambda n: n % 15 == 0),
        ("has_phone=1", lambda n: False),
        ("first_to=2026-02-20", lambda n: n >= 9),
        ("first_from=2026-02-21", lambda n: n < 9),
        ("seen_from=2026-03-01", lambda n: True),
        ("seen_to=2026-02-28", lambda n: False),
        ("search=p1&segment=loyal-customers", lambda n: n in (10,)),
        ("segment=none&at_least=x&seen_from=yesterday", lambda n: True),
    ],
)
def test_filters_combine_in_the_file_and_on_the_page(crowd: Client, query: str, expected: Callable[[int], bool]) -> None:
    wanted = [n for n in range(60) if expected(n)]
    assert numbers(crowd, query) == wanted
    text = crowd.get(f"/customers?{query}").content.decode()
    assert text.count('class="sg-who') == min(len(wanted), 50)


@pytest.mark.parametrize("few", [True, False])
def test_a_segment_is_the_same_whether_it_has_few_members_or_many(
    crowd: Client, monkeypatch: pytest.MonkeyPatch, few: bool
) -> None:
    if not few:
        monkeypatch.setattr("stamgast.flows.list_customers.FEW_MATCHES", 3)
    assert numbers(crowd, "segment=loyal-customers&at_least=300") == [30, 35, 40, 45, 50, 55]


def test_the_filters_are_a_sentence_of_which_each_part_is_taken_out(crowd: Client) -> None:
    text = crowd.get("/customers?segment=loyal-customers&seen_to=2026-09-30&search=p&after=").content.decode()
    # A search, the choice of columns and the keeping of a view each hold on to the filters.
    assert text.count('type="hidden" name="segment" value="loyal-customers"') == 3
    assert "Loyal customers ×" in text
    assert "last seen on 30 Sept 2026 or before ×" in text
    assert 'href="/customers?search=p&amp;seen_to=2026-09-30"' in text
    assert 'href="/customers?search=p&amp;segment=loyal-customers"' in text
    assert 'href="/customers.csv?search=p&amp;segment=loyal-customers&amp;seen_to=2026-09-30"' in text


def test_pages_follow_each_other_and_look_at_so_many_at_most(crowd: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "STEP", 10)
    monkeypatch.setattr(walking, "MOST_LOOKED_AT", 20)
    monkeypatch.setattr(walking, "MOST_COUNTED", 20)
    found: list[UUID] = []
    sizes = []
    with transaction() as cursor:
        selection = select_customers(cursor, Wanted(at_least=400), at=NOW)
        assert count_selected(cursor, selection) == (0, False)
        after = None
        while True:
            page = list_selected(cursor, selection, after=after, limit=8)
            found += [row.id for row in page.rows]
            sizes.append(len(page.rows))
            after = page.next_cursor
            if after is None:
                break
    assert sizes == [0, 0, 8, 8, 4]
    assert found == [derive_id("someone", str(number)) for number in range(40, 60)]
    monkeypatch.setattr(customer_list, "MOST_LOOKED_AT", 20)
    text = crowd.get("/customers?at_least=400").content.decode()
    assert "Nobody like that among the 20 customers seen last" in text
    assert "Look at the next 20</a>" in text


def test_a_page_that_is_full_has_more_and_one_that_found_the_last_says_how_many(crowd: Client) -> None:
    text = crowd.get("/customers?first_to=2026-03-01").content.decode()
    assert ("60 customers</h1>" in text, "More</a>" in text, "looked at" in text) == (True, True, False)


def test_a_file_comes_in_steps_and_each_customer_once(crowd: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = walking.summarise

    def counted(cursor: Cursor, customers: list[Customer]) -> list[CustomerSummary]:
        seen.append(len(customers))
        return real(cursor, customers)

    monkeypatch.setattr(walking, "summarise", counted)
    with transaction() as cursor:
        cursor.execute("DELETE FROM customers_link")
        cursor.execute(
            """
            INSERT INTO customers_customer (id, bucket, created_at, first_seen, last_seen)
            SELECT gen_random_uuid(), 0, now(), now(), now() FROM generate_series(1, 3500)
            """
        )
    answer = crowd.get("/customers.csv")
    rows = read(answer)
    assert (len(rows), len({row["customer_id"] for row in rows})) == (3560, 3560)
    assert seen == [1000, 1000, 1000, 560]


def test_no_cell_of_the_file_is_a_formula_and_the_trail_says_who_took_it(crowd: Client) -> None:
    rows = read(crowd.get("/customers.csv?has_email=1&at_most=0"))
    assert [row["email"] for row in rows] == ["'=p0@example.org"]
    with transaction() as cursor:
        cursor.execute("SELECT actor, subject, detail ->> 'asked' FROM access_trail WHERE action = 'export customers'")
        assert cursor.fetchall() == [("staff:owner@example.org", "customers", "at_most=0&has_email=1")]


def heads(text: str) -> list[str]:
    return re.findall(r"<th[^>]*>([^<]*)</th>", text)


def test_columns_stand_in_the_order_of_the_address_on_the_page_and_in_the_file(crowd: Client) -> None:
    text = crowd.get("/customers?columns=first_seen,id.email,nonsense,score,score").content.decode()
    assert heads(text) == ["Customer", "First seen", "E-mail address", "Score"]
    first = text.partition('<tbody id="rows">')[2].partition("</tr>")[0]
    assert re.findall(r'data-label="([^"]*)">([^<]*)<', first) == [
        ("First seen", "1 Mar 2026"), ("E-mail address", "=p0@example.org"), ("Score", "0"),
    ]  # fmt: skip
    assert "/customers.csv?columns=first_seen%2Cid.email%2Cscore" in text
    rows = read(crowd.get("/customers.csv?columns=first_seen,id.email,score&at_least=580"))
    assert [list(row) for row in rows] == [["customer_id", "name", "first_seen", "email", "score"]] * 2
    assert heads(crowd.get("/customers?columns=nonsense").content.decode()) == [
        "Customer", "Segments", "Score", "Orders, before returns", "Last seen",
    ]  # fmt: skip


def test_columns_are_ticked_and_moved_without_a_script(crowd: Client) -> None:
    def follow(query: str) -> str:
        answer = crowd.get(f"/customers?{query}")
        assert answer.status_code == 302
        return str(answer["Location"])

    ticked = "columns=score&columns=spend&columns=last_seen&segment=loyal-customers"
    assert follow(ticked) == "/customers?segment=loyal-customers&columns=score%2Cspend%2Clast_seen&choose=1"
    assert follow(ticked + "&up=last_seen") == "/customers?segment=loyal-customers&columns=score%2Clast_seen%2Cspend&choose=1"
    assert follow(ticked + "&down=score") == "/customers?segment=loyal-customers&columns=spend%2Cscore%2Clast_seen&choose=1"
    assert follow(ticked + "&up=score") == "/customers?segment=loyal-customers&columns=score%2Cspend%2Clast_seen&choose=1"
    text = crowd.get("/customers?columns=spend,score&choose=1").content.decode()
    boxes = re.findall(r'name="columns" value="([^"]+)"( checked)?', text.partition('class="sg-choices"')[2])
    assert boxes[:2] == [("spend", " checked"), ("score", " checked")]
    assert {box for box, checked in boxes if not checked} >= {*USUAL, "last_source", "id.phone"} - {"spend", "score"}


def test_what_was_ordered_and_heard_last_can_be_a_column(signed_in: Client, shop: Source) -> None:
    day = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    send(
        shop,
        b'{"type":"track","userId":"900","messageId":"z","event":"App Opened","timestamp":"%s"}' % day.encode(),
        at=datetime.now(UTC),
    )
    text = signed_in.get("/customers?columns=orders,spend,last_activity,last_source,id.user_id").content.decode()
    row = next(part for part in text.split("<tr>") if "Noor" in part)
    assert re.findall(r'data-label="[^"]*">([^<]*)<', row) == [
        "2", "€\N{NO-BREAK SPACE}20.00", "Opened the app", "web shop", "900",
    ]  # fmt: skip
    rows = read(signed_in.get("/customers.csv?columns=orders,spend,last_activity,last_source,id.user_id"))
    assert [list(row.values())[2:] for row in rows if row["user_id"] == "900"] == [
        ["2", "20.00", "EUR", "App Opened", "web shop", "900"]
    ]


@pytest.mark.parametrize("columns", ["", ",".join(known_columns(["points"], ["loyalty_id"]))])
def test_a_page_takes_as_many_queries_however_many_rows_it_has(
    crowd: Client, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(query: str) -> int:
        with counted(monkeypatch) as statements:
            assert crowd.get(f"/customers?columns={columns}&{query}").status_code == 200
        return len(statements)

    few, many = asked("at_least=580"), asked("at_least=200")
    assert few == many
    assert many == (20 if columns else 19)


def test_the_file_names_segments_as_the_reader_does(crowd: Client) -> None:
    dutch = crowd.get("/customers.csv?segment=loyal-customers&at_most=0", headers={"Accept-Language": "nl"})
    assert [row["segments"] for row in read(dutch)] == ["Vaste klanten"]


def test_a_segment_that_is_gone_is_said_and_the_list_opens(crowd: Client) -> None:
    text = crowd.get("/customers?segment=no-more&has_email=1").content.decode()
    assert "The segment “no-more” is not there any more." in text
    assert "20 customers</h1>" in text
