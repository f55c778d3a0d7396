"""Views of the list of customers: nobody reads what is somebody else's own, and what is everybody's few may change."""

from typing import Any
from uuid import UUID

import pytest

from stamgast.access.errors import InvalidView, ViewExists, ViewIsShared, ViewNotFound
from stamgast.access.operations import change_view, create_staff, delete_view, keep_view, set_start_view
from stamgast.access.operations import saved_views as operations
from stamgast.access.saved_views import get_view, list_views
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, transaction
from stamgast.kit.errors import StamgastError

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> tuple[int, int]:
    with transaction() as cursor:
        made = [
            create_staff(
                cursor, email=f"{name}@example.org", name=name, password=None, at=utc_now(), actor="test", role="owner"
            )
            for name in ("Sanne", "Bram")
        ]
    return made[0].id, made[1].id


def keep(cursor: Cursor, staff: int, name: str = "Big spenders", *, is_shared: bool = False) -> UUID:
    return keep_view(cursor, name, {"at_least": "100"}, staff=staff, is_shared=is_shared, at=utc_now(), actor="test")


def change(cursor: Cursor, view: UUID, staff: int, *, may_share: bool = True, **what: Any) -> None:
    change_view(cursor, view, staff=staff, may_share=may_share, at=utc_now(), actor="test", **what)


def rows() -> list[tuple[object, ...]]:
    with transaction() as cursor:
        return cursor.execute("SELECT * FROM access_savedview ORDER BY id").fetchall()


def test_an_own_view_is_kept_opened_and_seen_by_nobody_else(people: tuple[int, int]) -> None:
    sanne, bram = people
    with transaction() as cursor:
        view = keep(cursor, sanne)
        found = get_view(cursor, view, staff=sanne)
        assert (found.name, found.asked, found.is_own, found.is_shared, found.maker) == (
            "Big spenders", {"at_least": "100"}, True, False, "Sanne",
        )  # fmt: skip
        assert list_views(cursor, bram) == []
        with pytest.raises(ViewNotFound):
            get_view(cursor, view, staff=bram)
        with pytest.raises(ViewNotFound):
            change(cursor, view, bram, name="Mine now")
        with pytest.raises(ViewNotFound):
            delete_view(cursor, view, staff=bram, may_share=True)
        with pytest.raises(ViewNotFound):
            set_start_view(cursor, view, staff=bram)
        assert get_view(cursor, view, staff=sanne) == found


def test_a_shared_view_is_everybodys_and_taken_back_it_is_theirs_who_took_it(people: tuple[int, int]) -> None:
    sanne, bram = people
    with transaction() as cursor:
        view = keep(cursor, sanne)
        change(cursor, view, sanne, is_shared=True)
        found = get_view(cursor, view, staff=bram)
        assert (found.is_shared, found.is_own, found.maker) == (True, False, "Sanne")
        set_start_view(cursor, view, staff=sanne)
        set_start_view(cursor, view, staff=bram)
        change(cursor, view, bram, is_shared=False)
        assert list_views(cursor, sanne) == []
        assert [(one.name, one.is_start) for one in list_views(cursor, bram)] == [("Big spenders", True)]
        assert cursor.execute("SELECT staff_id FROM access_startview").fetchall() == [(bram,)]


def test_who_may_not_share_changes_nothing_that_is_shared(people: tuple[int, int]) -> None:
    sanne, bram = people
    with transaction() as cursor:
        view = keep(cursor, sanne, is_shared=True)
    before = rows()
    with transaction() as cursor:
        for staff in people:
            for what in ({"name": "x"}, {"asked": {}}, {"is_shared": False}):
                with pytest.raises(ViewIsShared):
                    change(cursor, view, staff, may_share=False, **what)
            with pytest.raises(ViewIsShared):
                delete_view(cursor, view, staff=staff, may_share=False)
    assert rows() == before
    with transaction() as cursor:
        change(cursor, view, bram, name="All of us", asked={"has_email": "1"})
        found = get_view(cursor, view, staff=sanne)
        assert (found.name, found.asked, found.maker) == ("All of us", {"has_email": "1"}, "Sanne")


@pytest.mark.parametrize(
    ("name", "error"), [("", InvalidView), ("x" * 81, InvalidView), ("a\x00b", InvalidView), (" Big  spenders ", ViewExists)]
)
def test_a_name_that_cannot_be(people: tuple[int, int], name: str, error: type[StamgastError]) -> None:
    sanne, bram = people
    with transaction() as cursor:
        keep(cursor, sanne)
        keep(cursor, bram)  # each may have one of that name, and everybody together one more
        keep(cursor, sanne, is_shared=True)
        other = keep(cursor, sanne, "Other")
    before = rows()
    for act in (
        lambda cursor: keep(cursor, sanne, name),
        lambda cursor: change(cursor, other, sanne, name=name),
    ):
        with pytest.raises(error), transaction() as cursor:
            act(cursor)
    with pytest.raises(ViewExists), transaction() as cursor:
        keep(cursor, bram, is_shared=True)
    assert rows() == before


def test_there_are_so_many_at_most(people: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MOST_VIEWS", 2)
    sanne, bram = people
    with transaction() as cursor:
        keep(cursor, sanne, "1")
        keep(cursor, sanne, "2")
        with pytest.raises(InvalidView):
            keep(cursor, sanne, "3")
        keep(cursor, bram, "3")
        keep(cursor, bram, "4", is_shared=True)
        keep(cursor, sanne, "5", is_shared=True)
        with pytest.raises(InvalidView):
            keep(cursor, bram, "6", is_shared=True)


def test_a_list_begins_with_one_view_until_it_is_gone(people: tuple[int, int]) -> None:
    sanne, _bram = people
    with transaction() as cursor:
        one, other = keep(cursor, sanne, "One"), keep(cursor, sanne, "Other")
        set_start_view(cursor, one, staff=sanne)
        set_start_view(cursor, other, staff=sanne)
        assert [(view.name, view.is_start) for view in list_views(cursor, sanne)] == [("One", False), ("Other", True)]
        set_start_view(cursor, None, staff=sanne)
        set_start_view(cursor, one, staff=sanne)
        delete_view(cursor, one, staff=sanne, may_share=False)
        assert [(view.name, view.is_start) for view in list_views(cursor, sanne)] == [("Other", False)]
