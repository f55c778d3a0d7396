"""The password at the door."""

import secrets
from datetime import datetime
from functools import cache

from django.contrib.auth.hashers import check_password, make_password

from stamgast.access.errors import SignInRefused
from stamgast.access.operations.attempts import forgive
from stamgast.access.operations.people import LONGEST_PASSWORD
from stamgast.access.queries import STAFF_COLUMNS, staff_member_of
from stamgast.access.rules import FORGOTTEN_AFTER, subject_of
from stamgast.access.types import StaffMember
from stamgast.kit.database import Cursor


def authenticate_staff(cursor: Cursor, *, email: str, password: str, address: str, at: datetime) -> StaffMember:
    """The person with this e-mail address and password; raises SignInRefused, after the same time whether they exist or not.

    The attempt was counted before (``count_attempt``); success gives it back.
    """
    row = cursor.execute(
        f"SELECT {STAFF_COLUMNS}, password FROM access_staff WHERE email = %s AND is_active", (email.strip().casefold(),)
    ).fetchone()
    fits = check_password(password[:LONGEST_PASSWORD], row[-1] if row else _password_of_nobody())
    if row is None or not fits:
        raise SignInRefused("The e-mail address and the password do not belong together.")
    forgive(cursor, subject_of("account", email), subject_of("address", address))
    cursor.execute("DELETE FROM access_signinattempts WHERE last_at < %s", (at - FORGOTTEN_AFTER,))
    cursor.execute("UPDATE access_staff SET last_login = %s WHERE id = %s", (at, row[0]))
    return staff_member_of(row)


def check_own_password(cursor: Cursor, staff: int, password: str) -> None:
    """That the person at the keys knows the password; raises SignInRefused. The attempt was counted before."""
    row = cursor.execute("SELECT password FROM access_staff WHERE id = %s AND is_active", (staff,)).fetchone()
    if row is None or not check_password(password[:LONGEST_PASSWORD], row[0]):
        raise SignInRefused("This is not your present password.")


@cache
def _password_of_nobody() -> str:
    return make_password(secrets.token_hex(16))
