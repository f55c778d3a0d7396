"""The pages on which points of a customer go to a charity, are used at a partner or come from one: done once, and refusals said
beside the form."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.books.operations import add_partner, close_partner
from stamgast.customers.queries import get_customer
from stamgast.flows.publish import put_in_force
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.adjusting import set_limit
from stamgast.ledger.queries import list_available
from stamgast.programmes.queries import get_programme

PAGE = "/customers/user_id:900/donations"


@pytest.fixture
def forest(shop: Source) -> None:
    """A charity, a partner and a charity that was closed; and a currency that can be spent."""
    now = datetime.now(UTC)
    with open_cursor() as cursor:
        text = get_programme(cursor).versions[0].document
    spendable = text.replace("spendable: false", "spendable: true")
    put_in_force(spendable, effective_from=now, at=now, actor="test", reason="to be spent")
    with transaction() as cursor:
        for code, kind in (("bakery", "partner"), ("forest", "charity"), ("sea", "charity")):
            add_partner(cursor, code=code, kind=kind, name=code.title(), at=now, actor="test")
        close_partner(cursor, "sea", reason="done", at=now, actor="test")


def form(client: Client, page: str = PAGE, **values: str) -> dict[str, str]:
    key = re.search(r'name="key" value="([^"]+)"', client.get(page).content.decode())
    assert key
    return {"key": key[1], "partner": "forest", "currency": "score", "amount": "4", "reason": "a tree", **values}


def score() -> int:
    with open_cursor() as cursor:
        noor = get_customer(cursor, "user_id:900").id
        return list_available(cursor, [noor])[noor]["score"]


def test_a_customer_gives_once_and_it_stands_in_the_trail(signed_in: Client, forest: None) -> None:
    before = score()
    sent = form(signed_in)
    for _time in range(2):  # sent twice by a double click: done once
        assert signed_in.post(PAGE, sent).status_code == 302
    assert score() == before - 4
    statement = signed_in.get("/customers/user_id:900/statement").content.decode()
    assert "a tree (owner@example.org)" in statement
    told = [signed_in.get(why).content.decode() for why in re.findall(r'href="(/movements/[^"]+/why)"', statement)]
    assert sum("Donated: a tree" in text and ">\N{MINUS SIGN}" in text for text in told) >= 1
    assert not any("expired</h2>" in text for text in told), "what was given away did not expire"
    assert "/donations" in signed_in.get("/customers/user_id:900").content.decode()
    assert "Forest" in signed_in.get("/ledger/settlement").content.decode()
    with open_cursor() as cursor:
        cursor.execute("SELECT detail->>'charity', detail::text LIKE '%a tree%' FROM access_trail WHERE action = 'donate'")
        assert cursor.fetchall() == [("forest", False)], "why stands with the act"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount": "0"}, "An amount is a whole number"),
        ({"reason": " "}, "Say why"),
        ({"amount": "1000000"}, "There are not that many"),
        ({"currency": "miles"}, "cannot be spent"),
        ({"partner": "bakery"}, "no such partner or charity"),
        ({"partner": "sea"}, "is closed"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(signed_in: Client, forest: None, wrong: dict[str, str], said: str) -> None:
    before = score()
    answer = signed_in.post(PAGE, form(signed_in, **wrong))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert score() == before
    with open_cursor() as cursor:
        cursor.execute("SELECT count(*) FROM access_trail WHERE action = 'donate'")
        assert cursor.fetchone() == (0,)


def test_without_a_charity_the_page_says_where_to_add_one(signed_in: Client, shop: Source) -> None:
    assert "There is no charity yet" in signed_in.get(PAGE).content.decode()
    assert signed_in.get("/customers/user_id:nobody/donations").status_code == 404


@pytest.mark.parametrize(("page", "act", "change"), [("redemptions", "redeem", -4), ("issues", "issue", 4)])
def test_points_are_used_at_a_partner_or_come_from_one_once(
    signed_in: Client, marketer: Client, forest: None, page: str, act: str, change: int
) -> None:
    address, before = f"/customers/user_id:900/{page}", score()
    sent = form(signed_in, address, partner="bakery", reason="two loaves")
    for _time in range(2):
        assert signed_in.post(address, sent).status_code == 302
    assert score() == before + change
    assert "two loaves (owner@example.org)" in signed_in.get("/customers/user_id:900/statement").content.decode()
    assert "Bakery" in signed_in.get("/ledger/settlement").content.decode()
    assert f"/{page}" in signed_in.get("/customers/user_id:900").content.decode()
    assert f"/{page}" not in marketer.get("/customers/user_id:900").content.decode()
    with open_cursor() as cursor:
        cursor.execute("SELECT detail->>'partner', detail::text LIKE '%%loaves%%' FROM access_trail WHERE action = %s", (act,))
        assert cursor.fetchall() == [("bakery", False)]
    refused = signed_in.post(address, form(signed_in, address, partner="forest"))
    assert (refused.status_code, score()) == (422, before + change)
    assert "no such partner or charity" in refused.content.decode()


def test_only_an_owner_gives_for_a_partner_and_above_the_limit_another_approves(
    signed_in: Client, marketer: Client, forest: None
) -> None:
    page, before = "/customers/user_id:900/issues", score()
    assert marketer.get(page).status_code == 403
    assert marketer.post(page, form(signed_in, page, partner="bakery")).status_code == 403
    assert "There is no partner yet" not in signed_in.get(page).content.decode()
    with transaction() as cursor:
        set_limit(cursor, "score", 3, at=datetime.now(UTC), actor="staff:owner@example.org", reason="the auditor asked")
    answer = signed_in.post(page, form(signed_in, page, partner="bakery"), follow=True)
    assert "it waits until somebody else approves it" in answer.content.decode()
    text = marketer.get("/ledger/adjustments").content.decode()
    assert "on behalf of bakery" in text
    assert score() == before
    decide = re.search(r'action="(/ledger/adjustments/[^"]+)"', text)
    assert decide
    assert marketer.post(decide[1], {"answer": "approve"}).status_code == 302
    assert score() == before + 4


def test_what_cannot_be_spent_can_come_from_a_partner(signed_in: Client, shop: Source) -> None:
    with transaction() as cursor:
        add_partner(cursor, code="bakery", kind="partner", name="Bakery", at=datetime.now(UTC), actor="test")
    assert "nothing to use" in signed_in.get("/customers/user_id:900/redemptions").content.decode()
    assert 'value="score"' in signed_in.get("/customers/user_id:900/issues").content.decode()
