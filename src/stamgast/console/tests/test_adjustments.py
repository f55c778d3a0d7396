"""Pages on which a balance is put right, above a limit by two: done once, and refusals said beside the form."""

import re
from datetime import UTC, datetime

import pytest
from django.http import HttpResponse
from django.test import Client

from stamgast.activities.types import Source
from stamgast.customers.queries import get_customer
from stamgast.flows.erase import erase
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.adjusting import list_limits, list_waiting, set_limit
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


LIST = "/ledger/adjustments"


@pytest.fixture
def limited(shop: Source) -> None:
    with transaction() as cursor:
        set_limit(cursor, "score", 5, at=utc_now(), actor="test", reason="")


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def decide(client: Client, answer: str, reason: str = "") -> HttpResponse:
    with open_cursor() as cursor:
        proposal = list_waiting(cursor).rows[0]
    return client.post(
        f"{LIST}/{proposal.id}", {"answer": answer, "reason": reason, "next": f"{LIST}?show=decided"}, follow=True
    )


def test_above_the_limit_somebody_else_approves(signed_in: Client, marketer: Client, limited: None) -> None:
    before = score()
    assert signed_in.post(PAGE, form(signed_in)).status_code == 302
    assert score() == before
    assert "waits until somebody else approves" in page(signed_in, PAGE)
    profile = page(signed_in, "/customers/user_id:900")
    assert "+7 score waits for a second person; owner@example.org asked." in profile
    own = page(signed_in, LIST)
    assert "1 adjustment waits for a second person" in own
    assert 'value="approve"' not in own
    assert "so somebody else approves it" in decide(signed_in, "approve").content.decode()
    assert score() == before
    text = page(marketer, LIST)
    assert "Noor &lt;b&gt;de&lt;/b&gt; Wit" in text
    assert "made good" in text
    assert 'value="approve"' in text
    assert "adjustments waiting" in text  # beside the ledger in the navigation
    answer = decide(marketer, "approve", "seen the photo")
    assert answer.redirect_chain == [(f"{LIST}?show=decided", 302)]
    assert score() == before + 7
    decided = answer.content.decode()
    assert "seen the photo" in decided
    assert "approved" in decided
    assert "waits for a second person" not in page(signed_in, "/customers/user_id:900")


def test_a_refusal_says_why(signed_in: Client, marketer: Client, limited: None) -> None:
    before = score()
    signed_in.post(PAGE, form(signed_in))
    assert "Say why" in decide(marketer, "refuse").content.decode()
    assert "1 adjustment waits" in page(marketer, LIST)
    assert "Nothing was added or taken" in decide(marketer, "refuse", "no photo").content.decode()
    assert "no photo" in page(signed_in, PAGE)
    assert score() == before


def test_decided_twice_is_once(signed_in: Client, marketer: Client, limited: None) -> None:
    before = score()
    signed_in.post(PAGE, form(signed_in))
    with open_cursor() as cursor:
        address = f"{LIST}/{list_waiting(cursor).rows[0].id}"
    for _time in range(2):
        said = marketer.post(address, {"answer": "approve"}, follow=True).content.decode()
    assert "Somebody decided this before" in said
    assert score() == before + 7
    assert marketer.post(f"{LIST}/00000000-0000-0000-0000-000000000009", {"answer": "approve"}).status_code == 404


def test_only_an_owner_sets_a_limit(signed_in: Client, marketer: Client, shop: Source) -> None:
    def limits() -> dict[str, int]:
        with open_cursor() as cursor:
            return list_limits(cursor)

    assert signed_in.post(f"{LIST}/limit", {"currency": "score", "limit": "500", "reason": "audit"}).status_code == 302
    assert limits() == {"score": 500}
    assert "Above 500 score of one customer on one day" in page(signed_in, PAGE)
    assert marketer.post(f"{LIST}/limit", {"currency": "score", "limit": ""}).status_code == 403
    for wrong in ({"currency": "score", "limit": "-1"}, {"currency": "score", "limit": "many"}, {"currency": "miles"}):
        said = signed_in.post(f"{LIST}/limit", wrong, follow=True).content.decode()
        assert "A limit is a whole number" in said
    assert limits() == {"score": 500}
    for reason in ({}, {"reason": " "}):
        said = signed_in.post(f"{LIST}/limit", {"currency": "score", "limit": "", **reason}, follow=True)
        assert "Say why" in said.content.decode()
    assert limits() == {"score": 500}
    none = {"currency": "score", "limit": "", "reason": "nobody asked for it"}
    assert "Kept." in signed_in.post(f"{LIST}/limit", none, follow=True).content.decode()
    assert limits() == {}


def test_of_who_was_erased_nothing_is_shown(signed_in: Client, limited: None) -> None:
    signed_in.post(PAGE, form(signed_in, reason="Noor fell ill"))
    erase("user_id:900", reason="asked", at=utc_now(), actor="test")
    text = page(signed_in, f"{LIST}?show=decided")
    assert "Noor" not in text
    assert "the erasure of the customer" in text
    assert "No adjustment waits" in page(signed_in, LIST)
