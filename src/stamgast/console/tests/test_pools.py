"""The page of what a household has together: acts once, refusals said beside the form, and the profile that leads there."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.flows.pool import read_pool
from stamgast.flows.publish import put_in_force
from stamgast.flows.set_household import set_household
from stamgast.kit.database import open_cursor
from stamgast.programmes.queries import get_programme


@pytest.fixture
def home(shop: Source) -> str:
    """Noor has 9 of a currency that can be spent, and lives in a household."""
    now = datetime.now(UTC)
    with open_cursor() as cursor:
        text = get_programme(cursor).versions[0].document
    assert "spendable: false" in text
    put_in_force(
        text.replace("spendable: false", "spendable: true"), effective_from=now, at=now, actor="test", reason="to be spent"
    )
    set_household("user_id:900", "h7", reason="said so", at=now, actor="test")
    return "/households/h7"


def form(client: Client, page: str, **values: str) -> dict[str, str]:
    text = client.get(page).content.decode()
    member = re.search(r'<option value="([0-9a-f-]{36})"', text)
    key = re.search(r'name="key" value="([^"]+)"', text)
    assert member
    assert key
    return {"member": member[1], "key": key[1], "currency": "score", "reason": "for us", "what": "give", **values}


def together() -> int:
    with open_cursor() as cursor:
        return sum(one.available for one in read_pool(cursor, "h7").balances)


def test_a_member_gives_and_spends_once(signed_in: Client, home: str) -> None:
    sent = form(signed_in, home, amount="5")
    for _time in range(2):  # sent twice by a double click: done once
        assert signed_in.post(home, sent).status_code == 302
    assert together() == 5
    assert signed_in.post(home, form(signed_in, home, amount="2", what="spend")).status_code == 302
    assert together() == 3
    text = signed_in.get(home).content.decode()
    assert "Noor &lt;b&gt;de&lt;/b&gt; Wit" in text
    assert text.count("for us (owner@example.org)") == 2  # a line an act, over however many lots it went
    assert "/households/h7" in signed_in.get("/customers/user_id:900").content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount": "0"}, "An amount is a whole number"),
        ({"amount": "1.5"}, "An amount is a whole number"),
        ({"amount": "1", "reason": " "}, "Say why"),
        ({"amount": "1", "what": "spend"}, "There are not that many"),
        ({"amount": "1", "member": "nobody"}, "Only who lives in the household"),
        ({"amount": "1", "currency": "miles"}, "cannot be spent"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(signed_in: Client, home: str, wrong: dict[str, str], said: str) -> None:
    answer = signed_in.post(home, form(signed_in, home, **wrong))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert together() == 0
    assert signed_in.get("/households/nobody").status_code == 404
