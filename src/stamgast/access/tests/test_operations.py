import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from stamgast.access.errors import (
    InvalidStaff,
    KeyNotFound,
    SignInRefused,
    SignInThrottled,
    StaffExists,
    UnknownScope,
)
from stamgast.access.operations import (
    authenticate_key,
    authenticate_staff,
    count_attempt,
    create_key,
    create_staff,
    record,
    revoke_key,
    set_password,
)
from stamgast.access.queries import list_keys, list_staff
from stamgast.flows.sign_in import sign_in
from stamgast.kit.database import Cursor, open_cursor, transaction

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSWORD = "three blue herons at dawn"


@pytest.fixture
def cursor(db: None) -> Cursor:
    with open_cursor() as cursor:
        yield cursor


def trail(cursor: Cursor) -> list[tuple]:
    rows = cursor.execute("SELECT at, actor, action, detail::text FROM access_trail ORDER BY id").fetchall()
    return [(*row[:3], json.loads(row[3])) for row in rows]


def test_key_is_shown_once_and_only_its_digest_kept(cursor: Cursor) -> None:
    key, text = create_key(cursor, " till export ", ["segments:read", "customers:read"], at=AT, actor="cli")
    assert (key.name, key.hint, key.scopes) == ("till export", text[-4:], ("customers:read", "segments:read"))
    assert authenticate_key(cursor, text) == key
    assert list_keys(cursor) == [key]
    stored = cursor.execute("SELECT access_apikey::text FROM access_apikey").fetchone()[0]
    assert text not in stored
    assert text[10:30] not in stored
    detail = {"name": "till export", "scopes": ["customers:read", "segments:read"], "limit_per_minute": 6_000}
    assert trail(cursor) == [(AT, "cli", "create key", detail)]


def test_key_allows_its_scopes_only(cursor: Cursor) -> None:
    some, _ = create_key(cursor, "some", ["customers:read"], at=AT, actor="cli")
    every, _ = create_key(cursor, "every", ["*"], at=AT, actor="cli")
    assert some.allows("customers:read")
    assert not some.allows("segments:read")
    assert every.allows("segments:read")


@pytest.mark.parametrize("scopes", [[], ["customers:fly"], ["customers:read", "nonsense"]])
def test_unknown_scope_makes_no_key(cursor: Cursor, scopes: list[str]) -> None:
    with pytest.raises(UnknownScope):
        create_key(cursor, "x", scopes, at=AT, actor="cli")
    assert list_keys(cursor) == []
    assert trail(cursor) == []


def test_revoked_key_is_refused_at_once_and_for_ever(cursor: Cursor) -> None:
    key, text = create_key(cursor, "x", ["*"], at=AT, actor="cli")
    revoked = revoke_key(cursor, key.hint, at=AT + timedelta(hours=1), actor="boss")
    assert revoked.revoked_at == AT + timedelta(hours=1)
    assert not revoked.allows("customers:read")
    assert authenticate_key(cursor, text) is None
    assert list_keys(cursor) == [revoked]
    with pytest.raises(KeyNotFound):
        revoke_key(cursor, str(key.id), at=AT, actor="boss")


def test_other_texts_are_no_keys(cursor: Cursor) -> None:
    _, text = create_key(cursor, "x", ["*"], at=AT, actor="cli")
    for other in ("", "sgk_", text[:-1], text + "0", text.swapcase(), "\x00" * 53):
        assert authenticate_key(cursor, other) is None


def test_the_first_is_an_owner_and_later_ones_are_given_a_role(cursor: Cursor) -> None:
    def create(name: str, role: str | None) -> str:
        member = create_staff(cursor, email=f"{name}@example.org", name=name, password=PASSWORD, at=AT, actor="cli", role=role)
        return member.role

    with pytest.raises(InvalidStaff, match="The first person is an owner"):
        create("cas", "cashier")
    assert create("ada", None) == "owner"
    assert create("cas", "cashier") == "cashier"
    for role in (None, "boss"):
        with pytest.raises(InvalidStaff, match="owner, marketer, analyst, agent, cashier, auditor"):
            create("eve", role)
    assert [(member.name, member.role) for member in list_staff(cursor)] == [("ada", "owner"), ("cas", "cashier")]


def test_staff_signs_in_whatever_the_case_of_the_address(cursor: Cursor) -> None:
    member = create_staff(cursor, email="Ada@Example.org", name="Ada", password=PASSWORD, at=AT, actor="cli")
    assert member.email == "ada@example.org"
    assert authenticate_staff(cursor, email=" ADA@example.org ", password=PASSWORD, address="10.0.0.1", at=AT) == member
    assert list_staff(cursor) == [replace(member, last_signed_in_at=AT)]
    with pytest.raises(SignInRefused):
        authenticate_staff(cursor, email="ada@example.org", password=PASSWORD + "!", address="10.0.0.1", at=AT)


@pytest.mark.parametrize(
    ("email", "name", "password"),
    [
        ("nonsense", "Ada", PASSWORD),
        ("ada@example.org", " ", PASSWORD),
        ("ada@example.org", "Ada", "short"),
        ("ada@example.org", "Ada", "1234567890"),
        ("ada@example.org", "Ada", "ada@example.org"),
        ("ada@example.org", "Ada", "x" * 1001),
    ],
)
def test_unusable_staff_is_refused(cursor: Cursor, email: str, name: str, password: str) -> None:
    with pytest.raises(InvalidStaff):
        create_staff(cursor, email=email, name=name, password=password, at=AT, actor="cli")
    assert list_staff(cursor) == []


def test_second_person_with_an_address_is_refused(cursor: Cursor) -> None:
    first = create_staff(cursor, email="ada@example.org", name="Ada", password=PASSWORD, at=AT, actor="cli")
    with pytest.raises(StaffExists):
        create_staff(cursor, email="ADA@example.org", name="Eve", password=PASSWORD, at=AT, actor="cli", role="agent")
    assert list_staff(cursor) == [first]


def test_new_password_replaces_the_old_one(cursor: Cursor) -> None:
    create_staff(cursor, email="ada@example.org", name="Ada", password=PASSWORD, at=AT, actor="cli")
    set_password(cursor, email="ada@example.org", password="a quite different one", at=AT, actor="cli")
    with pytest.raises(SignInRefused):
        authenticate_staff(cursor, email="ada@example.org", password=PASSWORD, address="10.0.0.1", at=AT)
    authenticate_staff(cursor, email="ada@example.org", password="a quite different one", address="10.0.0.1", at=AT)
    with pytest.raises(InvalidStaff):
        set_password(cursor, email="eve@example.org", password=PASSWORD, at=AT, actor="cli")


def attempt(cursor: Cursor, at: datetime, email: str = "ada@example.org", address: str = "10.0.0.1") -> int:
    """Seconds to wait, 0 when the attempt is taken."""
    try:
        count_attempt(cursor, email=email, address=address, at=at)
    except SignInThrottled as error:
        return error.details["retry_after_seconds"]
    return 0


def test_account_is_slowed_after_five_attempts_and_open_again_after_the_wait(cursor: Cursor) -> None:
    assert [attempt(cursor, AT) for _ in range(6)] == [0] * 6
    assert attempt(cursor, AT) == 2
    assert attempt(cursor, AT + timedelta(seconds=1)) == 0
    assert attempt(cursor, AT + timedelta(seconds=2)) == 2
    assert attempt(cursor, AT, email="eve@example.org", address="10.0.0.2") == 0


def test_refused_attempt_does_not_lengthen_the_wait(cursor: Cursor) -> None:
    for _ in range(6):
        attempt(cursor, AT)
    assert {attempt(cursor, AT) for _ in range(20)} == {2}


def test_address_is_slowed_over_many_accounts(cursor: Cursor) -> None:
    waits = [attempt(cursor, AT, email=f"{number}@example.org") for number in range(22)]
    assert waits == [0] * 21 + [2]


def test_success_and_a_quiet_day_forgive(cursor: Cursor) -> None:
    create_staff(cursor, email="ada@example.org", name="Ada", password=PASSWORD, at=AT, actor="cli")
    for _ in range(5):
        attempt(cursor, AT)
    authenticate_staff(cursor, email="ada@example.org", password=PASSWORD, address="10.0.0.1", at=AT)
    assert [attempt(cursor, AT) for _ in range(6)] == [0] * 6
    assert attempt(cursor, AT + timedelta(days=2)) == 0
    assert [attempt(cursor, AT + timedelta(days=2)) for _ in range(5)] == [0] * 5


def test_trail_is_written_or_nothing(cursor: Cursor) -> None:
    record(cursor, "staff:a@example.org", "do", "thing:1", {"n": 1}, AT)
    assert trail(cursor) == [(AT, "staff:a@example.org", "do", {"n": 1})]


@pytest.mark.django_db(transaction=True)
def test_guesses_made_at_once_are_all_counted() -> None:
    with transaction() as cursor:
        create_staff(cursor, email="ada@example.org", name="Ada", password=PASSWORD, at=AT, actor="cli")

    def guess(number: int) -> str:
        try:
            sign_in(email="ada@example.org", password=f"wrong password {number}", address="10.0.0.1", at=AT)
        except (SignInRefused, SignInThrottled) as error:
            return error.code
        finally:
            connection.close()
        return "in"

    with ThreadPoolExecutor(8) as threads:
        outcomes = Counter(threads.map(guess, range(24)))
    assert outcomes == {"sign_in_refused": 6, "sign_in_throttled": 18}
    with pytest.raises(SignInThrottled):
        sign_in(email="ada@example.org", password=PASSWORD, address="10.0.0.9", at=AT)
    assert sign_in(email="ada@example.org", password=PASSWORD, address="10.0.0.9", at=AT + timedelta(seconds=2)).name == "Ada"


@pytest.mark.django_db(transaction=True)
def test_without_counting_first_the_same_guesses_all_pass() -> None:
    """The control: were attempts counted only after the password was looked at, parallel guesses would all be taken."""
    from threading import Barrier

    barrier = Barrier(8)

    def guess(number: int) -> int:
        try:
            with transaction() as cursor:
                row = cursor.execute("SELECT count FROM access_signinattempts WHERE subject = 'control'").fetchone()
                barrier.wait()
                return row[0] if row else 0
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(guess, range(8))) == [0] * 8


def test_unknown_account_costs_the_same_hash(cursor: Cursor, monkeypatch: pytest.MonkeyPatch) -> None:
    from stamgast.access.operations import sign_in as door

    create_staff(cursor, email="ada@example.org", name="Ada", password=PASSWORD, at=AT, actor="cli")
    door._password_of_nobody()
    checked: list[str] = []
    real = door.check_password
    monkeypatch.setattr(
        door, "check_password", lambda given, kept: checked.append(kept.split("$argon2")[0]) or real(given, kept)
    )
    messages = set()
    for email in ("ada@example.org", "nobody@example.org"):
        with pytest.raises(SignInRefused) as refused:
            authenticate_staff(cursor, email=email, password="wrong", address="10.0.0.1", at=AT)
        messages.add(refused.value.message)
    assert len(messages) == 1
    assert checked == ["argon2", "argon2"]
