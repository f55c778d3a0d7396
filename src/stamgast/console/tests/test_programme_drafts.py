"""Drafts and versions in the console: kept, synchronised, reviewed by a second person, scheduled, withdrawn, put back."""

import re
from datetime import timedelta
from html import unescape

from django.test import Client

from stamgast.activities.types import Source
from stamgast.flows.publish import put_in_force
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.programmes.drafts import Draft, get_draft, list_drafts, set_second_person
from stamgast.programmes.queries import get_programme, list_versions, list_withdrawn
from stamgast.programmes.types import Version

EDIT = "/programme/edit"


def versions() -> list[Version]:
    with open_cursor() as cursor:
        return list_versions(cursor, get_programme(cursor).name)


def drafts() -> list[Draft]:
    with open_cursor() as cursor:
        return list(list_drafts(cursor, "default").rows)


def form(given: str | None = None, **fields: str) -> dict[str, str]:
    text = versions()[-1].document if given is None else given
    return {"draft": text, "document": text, "after": str(versions()[-1].version), "from": "now", **fields}


def of(draft: Draft, **fields: str) -> dict[str, str]:
    return form(draft.document, after=str(draft.base), revision=str(draft.revision), title=draft.title, **fields)


def keep(client: Client, **fields: str) -> Draft:
    changed = {"amount 1 score": "7", "title": "More for coupons", "act": "keep"}
    answer = client.post(EDIT, form(**{**changed, **fields}))
    assert answer.status_code == 302
    [draft] = drafts()
    assert answer["Location"] == f"/programme/drafts/{draft.id}"
    return draft


def address(draft: Draft) -> str:
    return f"/programme/drafts/{draft.id}"


def test_a_draft_is_kept_shown_and_published(signed_in: Client, shop: Source) -> None:
    draft = keep(signed_in)
    assert (draft.owner, draft.base, "score: 7" in draft.document) == ("staff:owner@example.org", 1, True)
    assert "More for coupons" in signed_in.get("/programme").content.decode()
    text = signed_in.get(address(draft)).content.decode()
    assert "Coupon: it gives 7 for the score. Before: it gives 5 for the score." in text
    assert "Begun by owner@example.org on version 1, last changed by owner@example.org" in text
    answer = signed_in.post(address(draft), of(draft, **{"amount 1 score": "8", "act": "save", "reason": "a treat"}))
    assert answer.status_code == 302
    assert (versions()[-1].version, "score: 8" in versions()[-1].document, drafts()) == (2, True, [])
    assert signed_in.get(address(draft))["Location"] == "/programme?version=2"


def test_half_a_document_is_kept_with_its_faults_at_their_lines(signed_in: Client, shop: Source) -> None:
    broken = versions()[0].document.replace("score: 5", "score: many")
    line = next(number for number, one in enumerate(broken.splitlines(), 1) if "many" in one)
    answer = signed_in.post(EDIT, {"draft": versions()[0].document, "document": broken, "after": "1", "act": "keep"})
    [draft] = drafts()
    assert (answer.status_code, draft.document) == (302, broken)
    text = signed_in.get(address(draft)).content.decode()
    assert f'data-line="{line}"' in text
    assert 'class="sg-line-error"' in text
    assert '<fieldset class="sg-stack" id="fields" disabled' in text
    answer = signed_in.post(address(draft), of(draft, act="save", reason="x"))
    assert answer.status_code == 422
    assert len(versions()) == 1


def test_what_one_pane_changes_the_other_shows(signed_in: Client, shop: Source) -> None:
    commented = "# mine\n" + versions()[0].document
    part = signed_in.post(EDIT, form(commented, **{"amount 1 score": "9", "act": "form"}), headers={"hx-request": "true"})
    shown = unescape(part.content.decode())
    assert 'id="text"' in shown
    assert "<html" not in shown
    assert shown.count(commented.replace("score: 5", "score: 9")) == 2  # in the pane, and as what the fields are of
    assert "Coupon: it gives 9 for the score. Before: it gives 5 for the score." in shown
    typed = commented.replace("score: 5", "score: 11")
    part = signed_in.post(EDIT, form(commented, document=typed, act="document"), headers={"hx-request": "true"})
    shown = part.content.decode()
    assert 'name="amount 1 score" inputmode="numeric" required value="11"' in shown
    assert 'id="text"' not in shown
    assert 'id="gutter"' in shown
    assert len(versions()) == 1


def test_what_the_linter_finds_is_told_with_its_line_in_both_languages(signed_in: Client, shop: Source) -> None:
    text = versions()[0].document.replace("{field: amount, over: 0}", "{field: amount, over: 0, under: 0}")
    answer = signed_in.post(EDIT, form(text, act="document"))
    assert answer.status_code == 200
    assert "purchase can never apply" in answer.content.decode()
    signed_in.post("/language", {"language": "nl", "next": "/"})
    assert "purchase kan nooit gelden" in signed_in.post(EDIT, form(text, act="document")).content.decode()


def test_a_second_person_publishes_and_never_the_writer(signed_in: Client, marketer: Client, shop: Source) -> None:
    with transaction() as cursor:
        set_second_person(cursor, True, at=utc_now(), actor="test", reason="")
    draft = keep(signed_in)
    assert 'value="save"' not in signed_in.get(address(draft)).content.decode()
    assert signed_in.post(address(draft), of(draft, act="save", reason="x")).status_code == 422
    assert signed_in.post(EDIT, form(**{"amount 1 score": "7", "act": "save", "reason": "x"})).status_code == 422
    assert signed_in.post(address(draft), of(draft, act="review", reason="look at it")).status_code == 302
    [draft] = drafts()
    assert (draft.state, draft.reason) == ("review", "look at it")
    assert signed_in.post(address(draft), of(draft, act="save", reason="x")).status_code == 422
    assert "You wrote some of this yourself" in signed_in.get(address(draft)).content.decode()
    assert len(versions()) == 1
    assert marketer.post(address(draft), of(draft, act="back", reason="six will do")).status_code == 302
    [draft] = drafts()
    assert (
        signed_in.post(address(draft), of(draft, **{"amount 1 score": "6", "act": "review", "reason": "six"})).status_code
        == 302
    )
    [draft] = drafts()
    assert 'value="save"' in marketer.get(address(draft)).content.decode()
    assert marketer.post(address(draft), of(draft, act="save", reason="agreed")).status_code == 302
    assert (versions()[-1].published_by, "score: 6" in versions()[-1].document) == ("staff:m@example.org", True)


def test_two_who_change_one_draft_do_not_write_over_each_other(signed_in: Client, marketer: Client, shop: Source) -> None:
    draft = keep(signed_in)
    assert marketer.post(address(draft), of(draft, **{"amount 1 score": "8", "act": "keep"})).status_code == 302
    answer = signed_in.post(address(draft), of(draft, **{"amount 1 score": "9", "act": "keep"}))
    assert answer.status_code == 422
    assert "Somebody changed this draft meanwhile" in answer.content.decode()
    [kept] = drafts()
    assert "score: 8" in kept.document


def test_a_draft_on_an_older_version_says_so_and_goes_on(signed_in: Client, shop: Source) -> None:
    draft = keep(signed_in)
    now = utc_now()
    put_in_force(draft.document.replace("score: 7", "score: 3"), effective_from=now, at=now, actor="staff:x", reason="theirs")
    text = signed_in.get(address(draft)).content.decode()
    assert "Version 2 was published since this draft was begun" in text
    assert "Coupon: it gives 3 for the score. Before: it gives 5 for the score." in text
    assert "a newer version was published since" in signed_in.get("/programme").content.decode()
    assert signed_in.post(address(draft), of(draft, act="save", reason="x")).status_code == 422
    assert signed_in.post(address(draft), of(draft, act="along")).status_code == 302
    [draft] = drafts()
    assert (draft.base, "score: 7" in draft.document) == (2, True)
    assert signed_in.post(address(draft), of(draft, act="save", reason="x")).status_code == 302
    assert len(versions()) == 3


def test_a_draft_is_thrown_away(signed_in: Client, shop: Source) -> None:
    draft = keep(signed_in)
    assert signed_in.post(address(draft), of(draft, act="drop")).status_code == 302
    assert drafts() == []
    assert signed_in.get(address(draft)).status_code == 404


def test_versions_are_compared_withdrawn_and_put_back(signed_in: Client, shop: Source) -> None:
    now, first = utc_now(), versions()[0].document
    put_in_force(first.replace("score: 5", "score: 7"), effective_from=now, at=now, actor="staff:a", reason="a treat")
    later = now + timedelta(days=9)
    put_in_force(first.replace("score: 5", "score: 9"), effective_from=later, at=now, actor="staff:a", reason="spring")
    text = signed_in.get("/programme/versions?from=1&to=3").content.decode()
    assert "What version 3 says otherwise than version 1" in text
    assert "Coupon: it gives 9 for the score. Before: it gives 5 for the score." in text
    assert len(re.findall(r"/programme/versions/3/withdraw|/programme/versions/2/revert", text)) == 2
    signed_in.post("/programme/versions/3/withdraw", {"reason": ""})
    assert len(versions()) == 3
    signed_in.post("/programme/versions/3/withdraw", {"reason": "not this year"})
    with open_cursor() as cursor:
        [withdrawn] = list_withdrawn(cursor, "default")
    assert (withdrawn.version.version, withdrawn.actor) == (3, "staff:owner@example.org")
    signed_in.post("/programme/versions/2/withdraw", {"reason": "x"})
    assert len(versions()) == 2
    signed_in.post("/programme/versions/2/revert", {"reason": "too much"})
    assert (versions()[-1].version, versions()[-1].document) == (4, first)
    text = signed_in.get("/programme/versions").content.decode()
    assert "not this year" in text
    assert re.search(r"withdrawn \S+ \S+ \S+ by owner@example.org", text)
    assert re.search(r"published \S+ \S+ \S+ by a<", text.replace("\n", "<"))
    assert "staff:" not in text + signed_in.get("/programme").content.decode()


def test_only_an_owner_asks_for_a_second_person(signed_in: Client, marketer: Client, shop: Source) -> None:
    assert marketer.post("/programme/second-person", {"is_needed": "on"}).status_code == 403
    assert signed_in.post("/programme/second-person", {"is_needed": "on", "reason": "audit"}).status_code == 302
    assert "checked" in signed_in.get("/programme/versions").content.decode()
    with open_cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM access_trail WHERE action = 'require second person'").fetchone() == (1,)


def test_a_page_of_a_draft_that_is_not_there_says_so(signed_in: Client, shop: Source) -> None:
    answer = signed_in.get("/programme/drafts/00000000-0000-0000-0000-000000000009")
    assert answer.status_code == 404
    assert "There is no such draft" in answer.content.decode()
    draft = keep(signed_in)
    with open_cursor() as cursor:
        assert get_draft(cursor, draft.id) == draft
