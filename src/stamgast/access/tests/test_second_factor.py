"""Codes of this half minute, taken once; recovery codes, taken once; secrets that survive a new secret."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from cryptography.fernet import InvalidToken
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from stamgast.access import sealing
from stamgast.access.errors import InvalidStaff, SecondFactorRefused, SignInThrottled
from stamgast.access.operations import (
    check_code,
    create_staff,
    new_secret,
    renew_codes,
    reseal_secrets,
    set_second_factor_roles,
    turn_off,
    turn_on,
)
from stamgast.access.queries import count_recovery_codes, count_sealed_by_former, get_staff, list_second_factor_roles
from stamgast.access.rules import format_recovery_code, recovery_digest_of
from stamgast.flows.sign_in import take_code
from stamgast.kit.database import transaction

AT = datetime(2026, 3, 2, 9, 0, 10, tzinfo=UTC)
HALF_MINUTE = timedelta(seconds=30)
PASSWORD = "three blue herons at dawn"


def code_of(secret: str, at: datetime) -> str:
    return pyotp.TOTP(secret).at(at)


def enrol() -> tuple[int, str, list[str]]:
    with transaction() as cursor:
        staff = create_staff(cursor, email="ada@example.org", name="Ada", password=PASSWORD, at=AT, actor="test").id
        secret = new_secret()
        codes = turn_on(cursor, staff, secret, code_of(secret, AT), at=AT, actor="test")
    return staff, secret, codes


def is_taken(staff: int, code: str, at: datetime) -> bool:
    try:
        with transaction() as cursor:
            check_code(cursor, staff, code, at=at)
    except SecondFactorRefused:
        return False
    return True


@pytest.mark.django_db
def test_it_is_turned_on_by_a_code_of_the_secret_only() -> None:
    with transaction() as cursor:
        staff = create_staff(cursor, email="ada@example.org", name="Ada", password=PASSWORD, at=AT, actor="test").id
        secret = new_secret()
        with pytest.raises(SecondFactorRefused):
            turn_on(cursor, staff, secret, code_of(new_secret(), AT), at=AT, actor="test")
        assert not get_staff(cursor, staff).has_second_factor
        codes = turn_on(cursor, staff, secret, code_of(secret, AT), at=AT, actor="test")
        assert get_staff(cursor, staff).has_second_factor
        stored = cursor.execute("SELECT access_staff::text FROM access_staff").fetchone()[0]
        kept = cursor.execute("SELECT string_agg(access_recoverycode::text, ' ') FROM access_recoverycode").fetchone()[0]
    assert secret not in stored
    assert secret.encode().hex() not in stored
    assert len(set(codes)) == 10
    assert not any(code in kept or code.replace("-", "").encode().hex() in kept for code in codes)


@pytest.mark.django_db
def test_a_code_is_taken_once_and_near_its_moment() -> None:
    staff, secret, _codes = enrol()
    assert not is_taken(staff, code_of(secret, AT), AT), "the code that set it up is used"
    later = AT + 10 * HALF_MINUTE
    for steps, expected in ((-2, False), (2, False), (-1, True), (-1, False), (1, True), (0, False), (1, False)):
        assert is_taken(staff, code_of(secret, later + steps * HALF_MINUTE), later) is expected, steps
    for nonsense in ("", "000000000", "abcdef", "１２３４５６", " "):
        assert not is_taken(staff, nonsense, later)
    spaced = code_of(secret, later + 5 * HALF_MINUTE)
    assert is_taken(staff, f" {spaced[:3]} {spaced[3:]} ", later + 5 * HALF_MINUTE)


@pytest.mark.django_db
def test_a_recovery_code_is_taken_once_however_it_is_typed() -> None:
    staff, _secret, codes = enrol()
    assert is_taken(staff, f" {codes[0].upper().replace('-', ' ')} ", AT)
    assert not is_taken(staff, codes[0], AT)
    with transaction() as cursor:
        assert count_recovery_codes(cursor, staff) == 9
        renewed = renew_codes(cursor, staff, at=AT, actor="test")
    assert not is_taken(staff, codes[1], AT)
    assert is_taken(staff, renewed[0], AT)
    with transaction() as cursor:
        turn_off(cursor, staff, at=AT, actor="test")
    assert not is_taken(staff, renewed[1], AT)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("which", ["code", "recovery"])
def test_one_code_opens_one_door_of_many_at_once(transactional_db, which: str) -> None:
    staff, secret, codes = enrol()
    later = AT + 10 * HALF_MINUTE
    code = code_of(secret, later) if which == "code" else codes[0]

    def enter(_number: int) -> bool:
        try:
            return is_taken(staff, code, later)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(enter, range(6))) == 1


@pytest.mark.django_db(transaction=True)
def test_guessing_codes_is_slowed_and_success_forgives(transactional_db) -> None:
    staff, secret, _codes = enrol()
    for _ in range(6):
        with pytest.raises(SecondFactorRefused):
            take_code(staff, "000000", at=AT)
    with pytest.raises(SignInThrottled):
        take_code(staff, code_of(secret, AT + HALF_MINUTE), at=AT)
    later = AT + 4 * HALF_MINUTE
    assert take_code(staff, code_of(secret, later), at=later) is False
    for _ in range(5):
        with pytest.raises(SecondFactorRefused):
            take_code(staff, "000000", at=later)


@pytest.mark.django_db
def test_who_needs_one_is_decided_by_role() -> None:
    with transaction() as cursor:
        assert list_second_factor_roles(cursor) == []
        set_second_factor_roles(cursor, ["owner", "agent", "owner"], at=AT, actor="test")
        assert list_second_factor_roles(cursor) == ["agent", "owner"]
        with pytest.raises(InvalidStaff):
            set_second_factor_roles(cursor, ["boss"], at=AT, actor="test")
        set_second_factor_roles(cursor, [], at=AT, actor="test")
        assert list_second_factor_roles(cursor) == []


OLD, NEW = ("the-old-secret-" * 5, "the-new-secret-" * 5)


@pytest.mark.django_db
def test_a_new_secret_takes_over_without_anybody_setting_up_again(settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    staff, secret, _codes = enrol()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    later = AT + 10 * HALF_MINUTE
    assert is_taken(staff, code_of(secret, later), later)
    with transaction() as cursor:
        assert count_sealed_by_former(cursor) == 1
        assert reseal_secrets(cursor, at=AT, actor="test") == 1
        assert reseal_secrets(cursor, at=AT, actor="test") == 0
        assert count_sealed_by_former(cursor) == 0
    settings.SECRET_KEY_FALLBACKS = []
    later += 10 * HALF_MINUTE
    assert is_taken(staff, code_of(secret, later), later)


def test_what_an_unknown_secret_sealed_stays_shut(settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    sealed = sealing.seal("words")
    settings.SECRET_KEY = NEW
    with pytest.raises(InvalidToken):
        sealing.unseal(sealed)
    settings.SECRET_KEY_FALLBACKS = [OLD]
    assert sealing.unseal(sealed) == "words"


@pytest.mark.django_db
def test_with_the_secret_lost_recovery_codes_are_left_and_nothing_stops(settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    staff, secret, codes = enrol()
    settings.SECRET_KEY = NEW
    later = AT + 10 * HALF_MINUTE
    with transaction() as cursor:
        assert reseal_secrets(cursor, at=AT, actor="test") == 0
    assert not is_taken(staff, code_of(secret, later), later)
    assert is_taken(staff, codes[0], later)


@given(st.binary(min_size=10, max_size=10), st.integers(1, 1000))
def test_recovery_codes_are_told_apart_by_person_and_read_back(random: bytes, staff: int) -> None:
    code = format_recovery_code(random)
    assert recovery_digest_of(staff, code.upper().replace("-", "")) == recovery_digest_of(staff, code)
    assert recovery_digest_of(staff + 1, code) != recovery_digest_of(staff, code)
