"""Owners that never run out, links that are good once, and sessions that end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from stamgast.access.errors import InvalidStaff, LastOwner, LinkExpired, SignInRefused, StaffNotFound
from stamgast.access.operations import (
    accept_link,
    authenticate_staff,
    create_link,
    create_staff,
    end_sessions,
    get_invited,
    set_active,
    set_role,
)
from stamgast.access.operations.sessions import look_at_session, open_session
from stamgast.access.queries import get_staff, list_sessions, list_staff, list_trail, list_trail_actions, list_waiting_links
from stamgast.access.types import TrailFilter
from stamgast.kit.database import open_cursor, transaction

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PASSWORD = "three blue herons at dawn"


def make(cursor, name: str, role: str | None = None, password: str | None = PASSWORD) -> int:
    email = f"{name}@example.org"
    return create_staff(cursor, email=email, name=name, password=password, at=AT, actor="test", role=role).id


@pytest.fixture
def cursor(db):
    with open_cursor() as cursor:
        yield cursor


def test_the_last_owner_stays_one(cursor) -> None:
    ada = make(cursor, "ada")
    for act in (
        lambda: set_role(cursor, ada, "agent", at=AT, actor="t"),
        lambda: set_active(cursor, ada, False, at=AT, actor="t"),
    ):
        with pytest.raises(LastOwner), transaction():
            act()
    assert get_staff(cursor, ada).role == "owner"
    bob = make(cursor, "bob", "owner")
    assert set_role(cursor, ada, "agent", at=AT, actor="t").role == "agent"
    set_active(cursor, ada, False, at=AT, actor="t")
    with pytest.raises(LastOwner), transaction():
        set_active(cursor, bob, False, at=AT, actor="t")
    with pytest.raises(SignInRefused):
        authenticate_staff(cursor, email="ada@example.org", password=PASSWORD, address="1", at=AT)
    with pytest.raises(StaffNotFound):
        set_role(cursor, 999_999, "agent", at=AT, actor="t")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_locked", [True, False], ids=["locked", "control: looked first, then written"])
def test_two_owners_who_demote_each_other(transactional_db, is_locked: bool) -> None:
    with transaction() as cursor:
        owners = [make(cursor, "ada"), make(cursor, "bob", "owner")]
    barrier = Barrier(2)

    def unlocked(staff: int) -> None:
        with transaction() as cursor:
            count = cursor.execute("SELECT count(*) FROM access_staff WHERE role = 'owner'").fetchone()[0]
            barrier.wait(10)
            if count > 1:
                cursor.execute("UPDATE access_staff SET role = 'agent' WHERE id = %s", (staff,))

    def demote(staff: int) -> bool:
        try:
            if not is_locked:
                unlocked(staff)
                return True
            with transaction() as cursor:
                cursor.execute("SELECT 1")
                barrier.wait(10)
                set_role(cursor, staff, "agent", at=AT, actor="t")
            return True
        except LastOwner:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(demote, owners))
    with open_cursor() as cursor:
        left = [member.role for member in list_staff(cursor)].count("owner")
    assert (sorted(done), left) == (([False, True], 1) if is_locked else ([True, True], 0))


def test_a_link_is_good_once_and_for_two_days(cursor) -> None:
    make(cursor, "ada")
    eve = make(cursor, "eve", "cashier", password=None)
    with pytest.raises(SignInRefused):
        authenticate_staff(cursor, email="eve@example.org", password="", address="1", at=AT)
    old, token = (create_link(cursor, eve, at=AT, actor="t") for _ in range(2))
    assert list(list_waiting_links(cursor, at=AT)) == [eve]
    stored = cursor.execute("SELECT access_invitation::text FROM access_invitation").fetchall()
    assert len(stored) == 1
    assert token not in stored[0][0]
    for wrong, at in ((old, AT), ("nonsense", AT), (token, AT + 49 * HOUR)):
        with pytest.raises(LinkExpired):
            get_invited(cursor, wrong, at=at)
    with pytest.raises(InvalidStaff):
        accept_link(cursor, token, "short", at=AT)
    assert get_invited(cursor, token, at=AT + 47 * HOUR).id == eve
    accept_link(cursor, token, PASSWORD, at=AT + 47 * HOUR)
    assert authenticate_staff(cursor, email="eve@example.org", password=PASSWORD, address="1", at=AT).id == eve
    with pytest.raises(LinkExpired):
        accept_link(cursor, token, "another three herons", at=AT + 47 * HOUR)


def test_who_is_shut_out_has_no_link_and_no_session(cursor) -> None:
    make(cursor, "ada")
    eve = make(cursor, "eve", "cashier")
    token = create_link(cursor, eve, at=AT, actor="t")
    session = open_session(cursor, staff=eve, address="1", agent="a", at=AT)
    set_active(cursor, eve, False, at=AT, actor="t")
    with pytest.raises(LinkExpired):
        get_invited(cursor, token, at=AT)
    with pytest.raises(StaffNotFound):
        create_link(cursor, eve, at=AT, actor="t")
    assert look_at_session(cursor, session, staff=eve, at=AT, is_seen=True) is None
    assert set_active(cursor, eve, True, at=AT, actor="t").is_active


def test_sessions_end_by_hand_by_idleness_and_by_age(cursor) -> None:
    ada, eve = make(cursor, "ada"), make(cursor, "eve", "agent")

    def look(key: str, hours: float, *, staff: int = ada, is_seen: bool = True) -> bool:
        return look_at_session(cursor, keys[key], staff=staff, at=AT + hours * HOUR, is_seen=is_seen) is not None

    keys = {name: open_session(cursor, staff=ada, address="10.0.0.1", agent="Firefox", at=AT) for name in "abcd"}
    assert look("a", 11)
    assert not look("a", 11, staff=eve), "a key of somebody else opens nothing"
    assert look("b", 11, is_seen=False)
    assert (look("b", 13), look("a", 22)) == (False, True), "a page that asks by itself keeps nobody in"
    for day in range(1, 15):
        look("a", 22 + 11 * day)
    assert not look("a", 24 * 7 + 1), "a week is the most, however busy"
    listed = list_sessions(cursor, ada, present=keys["c"], at=AT)
    assert {(one.is_this, one.address) for one in listed} == {(True, "10.0.0.1"), (False, "10.0.0.1")}
    other = next(one for one in listed if not one.is_this)
    assert end_sessions(cursor, eve, one=other.id) == 0
    assert end_sessions(cursor, ada, one=other.id) == 1
    open_session(cursor, staff=ada, address="1", agent="a", at=AT)
    assert end_sessions(cursor, ada, but=keys["c"]) == 1
    assert [one.is_this for one in list_sessions(cursor, ada, present=keys["c"], at=AT)] == [True]


def test_the_trail_is_filtered_and_paged(cursor) -> None:
    ada = make(cursor, "ada")
    eve = make(cursor, "eve", "agent")
    for hour in range(5):
        set_role(cursor, eve, ("marketer", "agent")[hour % 2], at=AT + hour * HOUR, actor="staff:ada@example.org")
    everything = list_trail(cursor, TrailFilter(), limit=100).rows
    assert [line.at for line in everything] == sorted((line.at for line in everything), reverse=True)
    assert list_trail_actions(cursor) == ["create staff", "set role"]
    paged, after = [], None
    while True:
        page = list_trail(cursor, TrailFilter(), after=after, limit=2)
        paged += page.rows
        after = page.next_cursor
        if after is None:
            break
    assert paged == everything

    def count(**wanted) -> int:
        return len(list_trail(cursor, TrailFilter(**wanted), limit=100).rows)

    assert (count(), count(actor="ada@"), count(actor="staff:ada"), count(actor="test")) == (7, 5, 5, 2)
    assert (count(action="set role"), count(action="set")) == (5, 0)
    assert (count(subject=f"staff:{ada}"), count(subject="staff:")) == (1, 7)
    assert (count(since=AT + HOUR), count(until=AT + HOUR), count(since=AT + HOUR, until=AT + 2 * HOUR)) == (4, 3, 1)
    assert everything[0].detail == {"before": "agent", "after": "marketer"}
