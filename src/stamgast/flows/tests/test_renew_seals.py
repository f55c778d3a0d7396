"""A new secret, and everything that the old one sealed."""

from datetime import UTC, datetime

import pyotp
import pytest

from stamgast.access.operations import check_code, create_staff, new_secret, turn_on
from stamgast.access.queries import count_sealed_by_former
from stamgast.customers.erasure.errors import ErasureKeyLost
from stamgast.customers.erasure.operations import open_key
from stamgast.customers.erasure.queries import find_key
from stamgast.flows.renew_seals import renew_seals
from stamgast.kit.database import transaction

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = AT.replace(hour=10)
OLD, NEW = ("the-old-secret-" * 5, "the-new-secret-" * 5)


@pytest.mark.django_db
def test_the_old_secret_may_be_forgotten_once_the_seals_are_renewed(settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    with transaction() as cursor:
        staff = create_staff(cursor, email="a@example.org", name="A", password="three blue herons", at=AT, actor="t").id
        secret = new_secret()
        turn_on(cursor, staff, secret, pyotp.TOTP(secret).at(AT), at=AT, actor="t")
        key = open_key(cursor, [OLD])
        with pytest.raises(ErasureKeyLost):
            find_key(cursor, [NEW])
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    for _ in range(2):
        renew_seals([NEW, OLD], at=AT, actor="t")
    settings.SECRET_KEY_FALLBACKS = []
    with transaction() as cursor:
        assert find_key(cursor, [NEW]) == key
        assert count_sealed_by_former(cursor) == 0
        assert check_code(cursor, staff, pyotp.TOTP(secret).at(LATER), at=LATER) is False


@pytest.mark.django_db
def test_nothing_is_made_where_nothing_was_sealed() -> None:
    renew_seals([NEW], at=AT, actor="t")
    with transaction() as cursor:
        assert find_key(cursor, [NEW]) is None
        assert cursor.execute("SELECT count(*) FROM access_trail").fetchone() == (0,)


@pytest.mark.django_db
def test_a_key_that_nobody_can_open_stops_no_start() -> None:
    with transaction() as cursor:
        open_key(cursor, [OLD])
    renew_seals([NEW], at=AT, actor="t")
    with transaction() as cursor, pytest.raises(ErasureKeyLost):
        find_key(cursor, [NEW])
