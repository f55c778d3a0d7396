"""Likely duplicates as a person at the screen sees and decides them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import translation

from stamgast.activities.types import Source
from stamgast.console.duplicate_words import reason_sentence
from stamgast.console.tests.conftest import send
from stamgast.customers.queries import get_customer
from stamgast.duplicates import model
from stamgast.duplicates.operations import claim_search, keep_part, want_search
from stamgast.duplicates.queries import find_last_search, get_proposal, list_proposals
from stamgast.duplicates.types import Likely, Proposal, State
from stamgast.kit.database import open_cursor, transaction

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
REASONS = ("surname:one_letter", "born:same", "postcode:same", "email:different")


@pytest.fixture
def found(shop: Source) -> Proposal:
    """That customer 902 is likely Noor, customer 900."""
    day = (datetime.now(UTC) - timedelta(days=1)).isoformat().encode()
    send(
        shop,
        b'{"type":"identify","userId":"902","messageId":"x","timestamp":"%s","traits":{"name":"Noor de Witt","birthday":'
        b'"1975-04-09","address":{"street":"Dorpsstraat 1","postalCode":"1621AB"},"email":"<i>noor</i>@example.org"}}' % day,
        b'{"type":"identify","userId":"900","messageId":"y","timestamp":"%s","traits":{"birthday":"1975-04-09"}}' % day,
        at=datetime.now(UTC),
    )
    with transaction() as cursor:
        want_search(cursor, at=NOW, actor="test")
        search = claim_search(cursor, at=NOW)
        assert search is not None
        one, other = (str(get_customer(cursor, f"user_id:{user}").id) for user in ("900", "902"))
        keep_part(cursor, search, [Likely(one, other, 0.987, REASONS)], part=0, at=NOW)
        return list_proposals(cursor).rows[0]


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def ids(*users: str) -> set[object]:
    with open_cursor() as cursor:
        return {get_customer(cursor, f"user_id:{user}").id for user in users}


def state_of(proposal: Proposal) -> State:
    with open_cursor() as cursor:
        return get_proposal(cursor, proposal.id).state


def test_a_pair_is_listed_and_shown_side_by_side(signed_in: Client, found: Proposal) -> None:
    listed = text(signed_in, "/duplicates")
    assert "1 pair of customers is likely one person" in listed
    assert "98.7" in listed
    assert "Surname differs by one letter, same birth date, postcode agrees, another e-mail address" in listed
    shown = text(signed_in, f"/duplicates/{found.id}")
    assert "Noor &lt;b&gt;de&lt;/b&gt; Wit" in shown
    assert "<i>noor" not in shown
    assert shown.count("the same") == 1, "the birthday"
    assert "≠" in shown
    assert "As one customer: 2 orders, score 7." in shown
    assert len(ids("900", "902")) == 2, "looking changes nothing"


def test_one_person_is_merged_and_taken_back(signed_in: Client, found: Proposal) -> None:
    done = signed_in.post(f"/duplicates/{found.id}", {"answer": "same", "reason": ""})
    assert (done.status_code, done["Location"]) == (302, "/duplicates")
    assert len(ids("900", "902")) == 1
    assert "Likely duplicate, 99" in text(signed_in, "/customers/user_id:900/links")
    assert "merged" in text(signed_in, "/duplicates?show=decided")
    shown = text(signed_in, f"/duplicates/{found.id}")
    assert 'name="answer"' not in shown
    again = signed_in.post(f"/duplicates/{found.id}", {"answer": "different"})
    assert again.status_code == 409
    undone = signed_in.post(f"/duplicates/{found.id}/undo")
    assert (undone.status_code, undone["Location"]) == (302, f"/duplicates/{found.id}")
    assert len(ids("900", "902")) == 2
    assert state_of(found) is State.OPEN


def test_two_people_stay_two_and_later_waits(signed_in: Client, found: Proposal) -> None:
    signed_in.post(f"/duplicates/{found.id}", {"answer": "later"})
    assert state_of(found) is State.LATER
    assert "Noor de Witt" in text(signed_in, "/duplicates?show=later")
    signed_in.post(f"/duplicates/{found.id}", {"answer": "different", "reason": "sisters"})
    assert state_of(found) is State.REFUSED
    assert "“sisters”" in text(signed_in, "/customers/user_id:902/links")
    assert "two people" in text(signed_in, "/duplicates?show=decided")


def test_asking_for_a_search_asks_once(signed_in: Client, shop: Source) -> None:
    assert "We have not looked yet." in text(signed_in, "/duplicates")
    for _ in range(2):
        assert signed_in.post("/duplicates")["Location"] == "/duplicates"
    with open_cursor() as cursor:
        search = find_last_search(cursor)
    assert search is not None
    assert (search.wanted_by, search.begun_at) == ("staff:owner@example.org", None)
    assert "We are about to look." in text(signed_in, "/duplicates")


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_reason_is_said_in_words(language: str) -> None:
    parts = [f"{part}:same" for part in model.PARTS]
    codes = [f"{field}:{level.code}" for field, levels in model.FIELDS.items() if field != "address" for level in levels]
    with translation.override(language):
        assert [code for code in [*codes, *parts, "address:different"] if len(reason_sentence([code])) < 8] == []
