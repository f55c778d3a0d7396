"""Drafts in PostgreSQL: kept, changed by one at a time, sent to review and back, thrown away."""

from datetime import UTC, datetime, timedelta

import pytest

from stamgast.kit.database import open_cursor
from stamgast.programmes.documents import default_document
from stamgast.programmes.drafts import (
    Draft,
    DraftState,
    begin_draft,
    drop_draft,
    edit_draft,
    get_draft,
    list_drafts,
    needs_second_person,
    send_back,
    send_to_review,
    set_second_person,
)
from stamgast.programmes.errors import DraftChanged, DraftClosed, InvalidProgramme, UnknownDraft

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXT = default_document("Europe/Amsterdam")


def begin(title: str = "Spring", text: str = TEXT, *, at: datetime = NOW) -> Draft:
    with open_cursor() as cursor:
        return begin_draft(cursor, programme="default", title=title, document=text, base=1, at=at, actor="staff:a")


def acts() -> list[tuple[str, str]]:
    with open_cursor() as cursor:
        return cursor.execute("SELECT actor, action FROM access_trail ORDER BY at, id").fetchall()


def test_a_draft_goes_its_way_and_each_step_is_in_the_trail() -> None:
    draft = begin()
    with open_cursor() as cursor:
        minutes = [NOW + timedelta(minutes=number) for number in range(5)]
        text = TEXT.replace("score: 5", "score: 7")
        changed = edit_draft(cursor, draft.id, revision=1, document=text, title="", at=minutes[1], actor="staff:b")
        assert (changed.title, changed.revision, changed.editors) == ("Spring", 2, ("staff:a", "staff:b"))
        sent = send_to_review(cursor, draft.id, revision=2, reason=" a treat ", at=minutes[2], actor="staff:a")
        assert (sent.state, sent.reason) == (DraftState.REVIEW, "a treat")
        back = send_back(cursor, draft.id, revision=3, reason="too much", at=minutes[3], actor="staff:c")
        assert (back.state, back.reason, back.editors) == (DraftState.OPEN, "too much", ("staff:a", "staff:b"))
        drop_draft(cursor, draft.id, revision=4, reason="", at=minutes[4], actor="staff:a")
        with pytest.raises(UnknownDraft):
            get_draft(cursor, draft.id)
    assert acts() == [
        ("staff:a", "begin programme draft"),
        ("staff:b", "edit programme draft"),
        ("staff:a", "send programme draft to review"),
        ("staff:c", "send programme draft back"),
        ("staff:a", "drop programme draft"),
    ]


def test_what_was_reviewed_is_what_is_published_so_a_change_opens_it_again() -> None:
    draft = begin()
    with open_cursor() as cursor:
        send_to_review(cursor, draft.id, revision=1, reason="", at=NOW, actor="staff:a")
        changed = edit_draft(cursor, draft.id, revision=2, document=TEXT + "# more\n", title="", at=NOW, actor="staff:b")
        assert changed.state is DraftState.OPEN
        same = edit_draft(cursor, draft.id, revision=3, document=TEXT + "# more\n", title="", at=NOW, actor="staff:b")
        assert same.revision == 3


def test_nobody_writes_over_what_they_have_not_seen() -> None:
    draft = begin()
    with open_cursor() as cursor:
        edit_draft(cursor, draft.id, revision=1, document=TEXT + "# a\n", title="", at=NOW, actor="staff:a")
        with pytest.raises(DraftChanged, match="staff:a changed this draft meanwhile"):
            edit_draft(cursor, draft.id, revision=1, document=TEXT + "# b\n", title="", at=NOW, actor="staff:b")
        assert get_draft(cursor, draft.id).document == TEXT + "# a\n"
    assert len(acts()) == 2


def test_half_a_document_is_kept_and_not_sent_to_review() -> None:
    draft = begin(text="programme: {")
    with open_cursor() as cursor:
        with pytest.raises(InvalidProgramme):
            send_to_review(cursor, draft.id, revision=1, reason="", at=NOW, actor="staff:a")
        assert get_draft(cursor, draft.id).state is DraftState.OPEN
        with pytest.raises(DraftClosed):
            send_back(cursor, draft.id, revision=1, reason="", at=NOW, actor="staff:a")
        with pytest.raises(InvalidProgramme, match="has a name"):
            begin_draft(cursor, programme="default", title=" ", document=TEXT, base=1, at=NOW, actor="staff:a")


def test_the_list_has_what_is_worked_on_page_by_page() -> None:
    drafts = [begin(f"Draft {number}", at=NOW + timedelta(minutes=number)) for number in range(5)]
    with open_cursor() as cursor:
        drop_draft(cursor, drafts[2].id, revision=1, reason="", at=NOW, actor="staff:a")
        first = list_drafts(cursor, "default", limit=2)
        assert [one.title for one in first.rows] == ["Draft 4", "Draft 3"]
        second = list_drafts(cursor, "default", limit=2, after=first.next_cursor)
        assert [one.title for one in second.rows] == ["Draft 1", "Draft 0"]
        assert second.next_cursor is None
        assert list_drafts(cursor, "other").rows == []


def test_the_same_id_is_the_same_draft() -> None:
    first = begin()
    with open_cursor() as cursor:
        again = begin_draft(
            cursor, programme="default", title="Other", document="x", base=9, at=NOW, actor="staff:z", id_=first.id
        )
    assert again == first
    assert len(acts()) == 1


def test_a_second_person_is_asked_for_and_no_longer() -> None:
    with open_cursor() as cursor:
        assert not needs_second_person(cursor)
        set_second_person(cursor, True, at=NOW, actor="staff:a", reason="the auditor asked")
        assert needs_second_person(cursor)
        set_second_person(cursor, False, at=NOW, actor="staff:a", reason="")
        assert not needs_second_person(cursor)
    assert [action for _, action in acts()] == ["require second person"] * 2
