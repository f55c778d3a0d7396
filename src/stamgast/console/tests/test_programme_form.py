"""The programme as a form: the fields are read into the document, weighed, published; what cannot be is said."""

import re
from datetime import timedelta

from django.test import Client

from stamgast.activities.types import Source
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.programmes.documents import load
from stamgast.programmes.queries import get_programme, list_versions
from stamgast.programmes.types import Version

ADDRESS = "/programme/edit"


def versions() -> list[Version]:
    with open_cursor() as cursor:
        return list_versions(cursor, get_programme(cursor).name)


def form(**fields: str) -> dict[str, str]:
    return {"draft": versions()[0].document.replace("\n", "\r\n"), "after": "1", "from": "now", **fields}


def test_the_form_shows_the_document_and_keeps_what_it_does_not_know(signed_in: Client, shop: Source) -> None:
    text = signed_in.get(ADDRESS).content.decode()
    assert 'name="amount 1 score" inputmode="numeric" required value="5"' in text
    assert 'name="life score" inputmode="numeric" value="24"' in text
    answer = signed_in.post(ADDRESS, form(**{"amount 1 score": "7", "cap 0 score": "30", "act": "save", "reason": "a treat"}))
    assert (answer.status_code, answer["Location"]) == (302, "/programme")
    first, second = versions()
    assert second.document == first.document.replace("score: 5", "score: 7").replace(
        "give: {score: 1}", "give: {score: 1}\n    cap: {score: 30, per: day}"
    )
    assert (second.published_by, second.reason) == ("staff:owner@example.org", "a treat")
    shown = signed_in.get("/programme").content.decode()
    assert "Coupon: it gives 7 for the score. Before: it gives 5 for the score." in shown
    assert "Purchase: it gives 1 for the score, at most 30 a day. Before: it gives 1 for the score." in shown


def test_what_it_would_do_is_shown_and_changes_nothing(signed_in: Client, shop: Source) -> None:
    answer = signed_in.post(ADDRESS, form(**{"amount 1 score": "100", "act": "see"}))
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "Loyal customers: 0 now, 1 then." in text
    assert "Noor &lt;b&gt;de&lt;/b&gt; Wit</a>" in text
    assert "What all have of score: 7 now, 102 then." in text
    assert "Worked out for all 2 customers, with 5 activities." in text
    assert len(versions()) == 1
    past = (utc_now() - timedelta(days=20)).date().isoformat()
    text = signed_in.post(ADDRESS, form(**{"amount 1 score": "100", "act": "see", "from": "day", "day": past})).content.decode()
    assert "2 customers would be decided again." in text


def test_a_kind_is_added_and_taken_out(signed_in: Client, shop: Source) -> None:
    answer = signed_in.post(ADDRESS, form(**{"new kind": "Product Reviewed", "new amount": "3", "act": "add"}))
    draft = re.search(r'<textarea name="draft"[^>]*>(.*?)</textarea>', answer.content.decode(), re.DOTALL)
    assert draft is not None
    assert [rule.name for rule in load(draft[1].replace("&gt;", ">")).rules] == ["purchase", "coupon", "product reviewed"]
    answer = signed_in.post(ADDRESS, form(draft=draft[1], act="remove 0"))
    assert "Purchase gives nothing any more." in answer.content.decode()
    assert len(versions()) == 1


def test_the_document_is_read_into_the_form(signed_in: Client, shop: Source) -> None:
    wanted = versions()[0].document.replace("score: 5", "score: 8")
    text = signed_in.post(ADDRESS, {"document": wanted.replace("\n", "\r\n"), "after": "1", "act": "document"}).content.decode()
    assert 'name="amount 1 score" inputmode="numeric" required value="8"' in text
    broken = signed_in.post(ADDRESS, {"document": "programme: {", "after": "1", "act": "document"})
    assert broken.status_code == 422
    assert "It is not YAML" in broken.content.decode()
    assert "programme: {</textarea>" in broken.content.decode()


def test_what_cannot_be_is_said_and_changes_nothing(signed_in: Client, shop: Source) -> None:
    wrong = (
        ({"amount 1 score": "0", "reason": "x"}, "“0” does not fit"),
        ({"cap 1 score": "many", "reason": "x"}, "“many” does not fit"),
        ({"amount 1 score": "7"}, "Say why"),
        ({"from": "day", "day": "soon", "reason": "x"}, "Choose the day"),
        ({"amount 1 score": "7", "after": "0", "reason": "x"}, "Somebody published another version"),
        ({"after": "x", "reason": "x"}, "is not a number"),
    )
    for fields, said in wrong:
        answer = signed_in.post(ADDRESS, form(**{**fields, "act": "save"}))
        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert len(versions()) == 1
    kept = signed_in.post(ADDRESS, form(**{"cap 1 score": "many", "act": "see"})).content.decode()
    assert 'value="many"' in kept


def test_a_version_for_later_is_shown_as_scheduled(signed_in: Client, shop: Source) -> None:
    later = (utc_now() + timedelta(days=20)).date().isoformat()
    signed_in.post(ADDRESS, form(**{"amount 1 score": "6", "act": "save", "from": "day", "day": later, "reason": "spring"}))
    assert len(versions()) == 2
    text = signed_in.get("/programme").content.decode()
    assert "scheduled" in text
    assert "“spring”" in text
    assert "Version 2, not in force now." in signed_in.get("/programme?version=2").content.decode()
