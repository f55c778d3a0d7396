"""The pages of settlement and of partners: what they show, and what their forms do."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.books.operations import add_partner
from stamgast.books.queries import find_partners
from stamgast.console.tests.streams import text_of
from stamgast.flows.act import act
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.acts import Issue

NOON = datetime(2026, 3, 10, 11, tzinfo=UTC)
NEW = {"code": "bakery", "name": "Bakery <b>", "kind": "partner"}


@pytest.fixture
def bakery(shop: Source) -> None:
    with transaction() as cursor:
        add_partner(cursor, **NEW, at=NOON, actor="staff:owner@example.org")


def issue(at: datetime, amount: int, partner: str = "bakery") -> None:
    def asked(owner, anchor):
        said = {"key": f"{at}", "reason": "bread", "occurred_at": at, "currency": "score", "amount": amount}
        return Issue(owner_id=owner, anchor_id=anchor, partner=partner, **said)

    act("user_id:900", asked, at=at, actor="test")


def told(answer) -> str:
    assert answer.status_code == 200, answer
    return answer.content.decode()


def test_a_month_is_settled_by_day_of_the_programmes_zone(bakery: None, signed_in: Client) -> None:
    issue(datetime(2026, 2, 28, 23, 0, tzinfo=UTC), 7)  # 1 March in Amsterdam
    issue(datetime(2026, 3, 31, 21, 59, tzinfo=UTC), 1_000)  # the last minute of March, which is in summer time
    issue(datetime(2026, 3, 31, 22, 0, tzinfo=UTC), 20)  # 1 April
    issue(datetime(2026, 3, 2, 9, 0, tzinfo=UTC), 3, "unknown")
    text = told(signed_in.get("/ledger/settlement?month=2026-03"))
    assert "March 2026: 2 partners and charities to settle with" in text
    assert "Bakery &lt;b&gt;" in text
    assert "−1,007" in text
    rows = list(csv.DictReader(io.StringIO(text_of(signed_in.get("/ledger/settlement.csv?month=2026-03")))))
    assert [(row["day"], row["name"], row["issued"], row["net"]) for row in rows] == [
        ("2026-03-01", "Bakery <b>", "7", "-7"),
        ("2026-03-02", "", "3", "-3"),
        ("2026-03-31", "Bakery <b>", "1000", "-1000"),
    ]
    only = told(signed_in.get("/ledger/settlement?month=2026-03&partner=unknown"))
    assert "March 2026: 1 partner or charity to settle with" in only
    assert "−1,007" not in only
    assert "April 2026: 1 partner" in told(signed_in.get("/ledger/settlement?month=2026-04"))
    assert "January 2026: nothing to settle" in told(signed_in.get("/ledger/settlement?month=2026-01"))
    assert signed_in.get("/ledger/settlement?month=nonsense").status_code == 200
    assert signed_in.get("/ledger/settlement?month=1990-01").status_code == 400
    assert 'href="/ledger/settlement"' in told(signed_in.get("/ledger"))


def test_days_come_in_pages(bakery: None, signed_in: Client) -> None:
    for code in range(51):
        issue(datetime(2026, 3, 2, 9, 0, code, tzinfo=UTC), 1, f"shop-{code:02}")
    text = told(signed_in.get("/ledger/settlement?month=2026-03"))
    address = text.partition("Later days")[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    rest = told(signed_in.get(f"/ledger/settlement{address}"))
    assert rest.partition('id="days"')[2].count("shop-50") == 1
    assert "shop-49" not in rest.partition('id="days"')[2]


def test_a_partner_is_added_closed_and_opened_with_lines_in_the_trail(shop: Source, signed_in: Client) -> None:
    assert "Nobody else gives or takes points yet" in told(signed_in.get("/ledger/partners"))
    for said in ("was added", "was there already"):
        assert said in told(signed_in.post("/ledger/partners", NEW, follow=True))
    assert "of that code already" in told(signed_in.post("/ledger/partners", NEW | {"kind": "charity"}, follow=True))
    for wrong in ({"code": "The Bakery"}, {"name": " "}, {"kind": "enemy"}):
        assert "sg-said-error" in told(signed_in.post("/ledger/partners", NEW | wrong, follow=True))
    assert "Say why" in told(signed_in.post("/ledger/partners/bakery/close", follow=True))
    for _time in range(2):
        assert "It is closed" in told(signed_in.post("/ledger/partners/bakery/close", {"reason": "moved"}, follow=True))
    with open_cursor() as cursor:
        assert find_partners(cursor, ["bakery"])["bakery"].closed_by == "staff:owner@example.org"
    assert "Open again" in told(signed_in.get("/ledger/partners"))
    signed_in.post("/ledger/partners/bakery/open", {"reason": "came back"})
    with open_cursor() as cursor:
        assert find_partners(cursor, ["bakery"])["bakery"].closed_at is None
        cursor.execute("SELECT action, detail->>'reason' FROM access_trail WHERE subject = 'bakery' ORDER BY at")
        assert cursor.fetchall() == [("add partner", None), ("close partner", "moved"), ("open partner", "came back")]
    assert signed_in.post("/ledger/partners/nobody/close", {"reason": "r"}).status_code == 404
