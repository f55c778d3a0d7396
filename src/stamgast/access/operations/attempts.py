"""Attempts to sign in, counted so that guessing is slowed."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from stamgast.access.errors import SignInThrottled
from stamgast.access.rules import FORGOTTEN_AFTER, FREE_ATTEMPTS_OF_ACCOUNT, FREE_ATTEMPTS_OF_ADDRESS, subject_of, wait_after
from stamgast.kit.database import Cursor


def count_attempt(cursor: Cursor, *, email: str, address: str, at: datetime) -> None:
    """Counts an attempt against the account and the address before the password is looked at; raises SignInThrottled.

    Its transaction ends before the password is checked, so attempts made at once are counted one after the other, and
    guessing in parallel wins nothing. Rows are taken in the order of their subjects, so attempts do not deadlock.
    """
    account, door = subject_of("account", email), subject_of("address", address)
    _count(cursor, {account: FREE_ATTEMPTS_OF_ACCOUNT, door: FREE_ATTEMPTS_OF_ADDRESS}, at)


def count_code(cursor: Cursor, *, staff: int, at: datetime) -> None:
    """Counts a code that somebody types, as ``count_attempt`` does; a right password does not give these back."""
    _count(cursor, {subject_of("code", str(staff)): FREE_ATTEMPTS_OF_ACCOUNT}, at)


def _count(cursor: Cursor, subjects: Mapping[str, int], at: datetime) -> None:
    found = []
    for subject, free in sorted(subjects.items()):
        cursor.execute(
            "INSERT INTO access_signinattempts (subject, count, last_at, open_at) VALUES (%s, 0, %s, %s) "
            "ON CONFLICT DO NOTHING",
            (subject, at, at),
        )
        row = cursor.execute(
            "SELECT count, last_at, open_at FROM access_signinattempts WHERE subject = %s FOR UPDATE", (subject,)
        ).fetchone()
        assert row is not None
        found.append((subject, free, *row))
    closed_until = max(open_at for *_, open_at in found)
    if closed_until > at:
        seconds = int((closed_until - at) / timedelta(seconds=1)) + 1
        raise SignInThrottled(f"Too many attempts. Wait {seconds} seconds and try again.", retry_after_seconds=seconds)
    for subject, free, count, last_at, _open_at in found:
        attempts = 1 if at - last_at > FORGOTTEN_AFTER else count + 1
        cursor.execute(
            "UPDATE access_signinattempts SET count = %s, last_at = %s, open_at = %s WHERE subject = %s",
            (attempts, at, at + wait_after(attempts, free), subject),
        )


def forgive(cursor: Cursor, *subjects: str) -> None:
    """Forgets the attempts of these."""
    cursor.execute("DELETE FROM access_signinattempts WHERE subject = ANY(%s)", (sorted(subjects),))
