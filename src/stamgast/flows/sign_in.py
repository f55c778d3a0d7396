"""Signing in: the attempt is counted and kept before the password is looked at."""

from datetime import datetime

from stamgast.access.operations import authenticate_staff, count_attempt
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
