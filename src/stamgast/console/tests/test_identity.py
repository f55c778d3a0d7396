"""Merging, separating and undoing as a person at the screen does it."""

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.customers.queries import get_customer
from stamgast.kit.database import open_cursor


def ids(*references: str) -> list[object]:
    with open_cursor() as cursor:
        return [get_customer(cursor, reference).id for reference in references]


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def test_a_merge_is_found_shown_done_and_undone(signed_in: Client, shop: Source) -> None:
    before = ids("user_id:900", "anonymous_id:901")
    found = text(signed_in, "/customers/anonymous_id:901/merge?search=noor")
    assert f"?other={before[0]}" in found
    shown = text(signed_in, f"/customers/anonymous_id:901/merge?other={before[0]}")
    assert "After the merge: 2 orders, score 7." in shown
    assert "Noor &lt;b&gt;de&lt;/b&gt; Wit" in shown
    assert ids("user_id:900", "anonymous_id:901") == before
    refused = signed_in.post("/customers/anonymous_id:901/merge", {"other": str(before[0]), "reason": " "})
    assert (refused.status_code, ids("user_id:900", "anonymous_id:901")) == (422, before)
    assert "Say why" in refused.content.decode()
    done = signed_in.post("/customers/anonymous_id:901/merge", {"other": str(before[0]), "reason": "asked her"})
    assert (done.status_code, done["Location"]) == (302, f"/customers/{before[0]}/links")
    assert ids("anonymous_id:901") == ids("user_id:900") == [before[0]]
    history = text(signed_in, f"/customers/{before[0]}/links")
    assert "“asked her”" in history
    address = history.partition('href="/judgements/')[2].partition('"')[0]
    asked = text(signed_in, f"/judgements/{address}")
    assert "Undo this merge?" in asked
    undone = signed_in.post(f"/judgements/{address}", {"reason": "two people"})
    assert undone.status_code == 302
    assert ids("user_id:900", "anonymous_id:901") == before
    assert "undone" in text(signed_in, "/customers/user_id:900/links")


def test_a_household_is_told_and_left(signed_in: Client, shop: Source) -> None:
    for household, reason in (("h7", "told us"), ("", "moved out")):
        answer = signed_in.post("/customers/user_id:900/household", {"household": household, "reason": reason})
        assert (answer.status_code, answer["Location"]) == (302, "/customers/user_id:900/links")
    signed_in.post("/customers/anonymous_id:901/household", {"household": "h7", "reason": "told us"})
    shown = text(signed_in, "/customers/user_id:900/links")
    assert "“told us”" in shown
    assert "Lives with" not in shown
    refused = signed_in.post("/customers/user_id:900/household", {"household": "h7", "reason": " "}, follow=True)
    assert "Say why" in refused.content.decode()
    signed_in.post("/customers/user_id:900/household", {"household": "h7", "reason": "moved in again"})
    assert "Lives with" in text(signed_in, "/customers/user_id:900/links")


@pytest.mark.parametrize("language", ["en", "nl"])
def test_an_identifier_is_separated(signed_in: Client, shop: Source, language: str) -> None:
    signed_in.post("/language", {"language": language})
    other = ids("user_id:900")[0]
    signed_in.post("/customers/anonymous_id:901/merge", {"other": str(other), "reason": "asked her"})
    asked = text(signed_in, "/customers/user_id:900/separate?identifier=anonymous_id%3A901")
    assert asked.count("sg-facts") == 2
    done = signed_in.post("/customers/user_id:900/separate", {"identifier": "anonymous_id:901", "reason": "a shop tablet"})
    assert done.status_code == 302
    assert len(set(ids("user_id:900", "anonymous_id:901"))) == 2
    refused = text(signed_in, "/customers/user_id:900/separate?identifier=email:x@example.org")
    assert ("nothing to separate" if language == "en" else "niets los te maken") in refused
    refused = text(signed_in, f"/customers/anonymous_id:901/merge?other={other}")
    assert 'role="alert"' not in refused, "the same two may be said to be one again"
