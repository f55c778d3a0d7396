"""The page on which a balance is put right: done once, and refusals said beside the form."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.customers.queries import get_customer
from stamgast.kit.database import open_cursor
from stamgast.ledger.queries import list_available, list_lots

PAGE = "/customers/user_id:900/adjustments"


def form(client: Client, **values: str) -> dict[str, str]:
    key = re.search(r'name="key" value="([^"]+)"', client.get(PAGE).content.decode())
    assert key
    return {"key": key[1], "currency": "score", "what": "add", "amount": "7", "reason": "made good", **values}


def score() -> int:
    with open_cursor() as cursor:
        noor = get_customer(cursor, "user_id:900").id
        return list_available(cursor, [noor])[noor]["score"]


def test_a_balance_is_put_right_once(signed_in: Client, shop: Source) -> None:
    before = score()
    sent = form(signed_in, last_day="2036-02-29")
    for _time in range(2):  # sent twice by a double click: done once
        assert signed_in.post(PAGE, sent).status_code == 302
    assert score() == before + 7
    with open_cursor() as cursor:
        [lot] = [one for one in list_lots(cursor, get_customer(cursor, "user_id:900").id) if one.rule == "adjusted"]
    assert lot.expires_at == datetime(2036, 2, 29, 23, tzinfo=UTC)  # the end of the day in Amsterdam
    assert signed_in.post(PAGE, form(signed_in, what="take", amount="2")).status_code == 302
    assert score() == before + 5
    assert "made good (owner@example.org)" in signed_in.get("/customers/user_id:900/statement").content.decode()
    assert "/adjustments" in signed_in.get("/customers/user_id:900").content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount": "0"}, "An amount is a whole number"),
        ({"amount": "-3"}, "An amount is a whole number"),
        ({"reason": " "}, "Say why"),
        ({"last_day": "2020-01-01"}, "lies in the past"),
        ({"what": "take", "amount": "1000000"}, "There are not that many"),
        ({"currency": "miles"}, "no such currency"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(signed_in: Client, shop: Source, wrong: dict[str, str], said: str) -> None:
    before = score()
    answer = signed_in.post(PAGE, form(signed_in, **wrong))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert score() == before
    assert signed_in.get("/customers/user_id:nobody/adjustments").status_code == 404
