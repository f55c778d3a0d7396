"""Signing in: the attempt is counted and kept before the password or the code is looked at."""

from datetime import datetime

from stamgast.access.operations import authenticate_staff, check_code, check_own_password, count_attempt, count_code
from stamgast.access.operations.attempts import forgive
from stamgast.access.rules import subject_of
from stamgast.access.types import StaffMember
from stamgast.kit.database import transaction


def sign_in(*, email: str, password: str, address: str, at: datetime) -> StaffMember:
    """The person who signs in; raises SignInRefused or SignInThrottled. ``address`` is where the request came from.

    Two transactions on purpose: the first commits the attempt, so that guesses made at the same time are all counted.
    """
    with transaction() as cursor:
        count_attempt(cursor, email=email, address=address, at=at)
    with transaction() as cursor:
        return authenticate_staff(cursor, email=email, password=password, address=address, at=at)


def take_code(staff: int, code: str, *, at: datetime) -> bool:
    """The second step: whether it was a recovery code; raises SecondFactorRefused or SignInThrottled."""
    with transaction() as cursor:
        count_code(cursor, staff=staff, at=at)
    with transaction() as cursor:
        return check_code(cursor, staff, code, at=at)


def confirm_password(member: StaffMember, password: str, *, address: str, at: datetime) -> None:
    """That the person at an open page is the one who signed in; raises SignInRefused or SignInThrottled."""
    with transaction() as cursor:
        count_attempt(cursor, email=member.email, address=address, at=at)
    with transaction() as cursor:
        check_own_password(cursor, member.id, password)
        forgive(cursor, subject_of("account", member.email), subject_of("address", address))
