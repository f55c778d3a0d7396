"""Writes of the room: keys, people, attempts to sign in, the trail. Each inside the caller's transaction."""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from email_validator import EmailNotValidError, validate_email
from psycopg.types.json import Jsonb

from stamgast.access.errors import (
    InvalidStaff,
    KeyNotFound,
    SignInRefused,
    SignInThrottled,
    StaffExists,
    UnknownScope,
)
from stamgast.access.queries import KEY_COLUMNS, STAFF_COLUMNS, key_of, staff_member_of
from stamgast.access.rules import (
    FORGOTTEN_AFTER,
    FREE_ATTEMPTS_OF_ACCOUNT,
    FREE_ATTEMPTS_OF_ADDRESS,
    KEY_BYTES,
    digest_of,
    format_key,
    is_key,
    subject_of,
    wait_after,
)
from stamgast.access.types import ApiKey, Role, Scope, StaffMember
from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id

LONGEST_NAME = 100
LONGEST_PASSWORD = 1000


def record(cursor: Cursor, actor: str, action: str, subject: str, detail: Mapping[str, Any], at: datetime) -> None:
    """One line in the trail, in the transaction of the act itself: both happen, or neither."""
    cursor.execute(
        "INSERT INTO access_trail (id, at, actor, action, subject, detail) VALUES (%s, %s, %s, %s, %s, %s)",
        (new_id(), at, actor, action, subject, Jsonb(dict(detail))),
    )


# Keys


def create_key(cursor: Cursor, name: str, scopes: Collection[str], *, at: datetime, actor: str) -> tuple[ApiKey, str]:
    """A new API key and its text, which is shown this once: only its SHA-256 is kept."""
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in set(Scope)]
    if unknown or not wanted:
        raise UnknownScope(
            f"{'A key needs a scope' if not wanted else f'There is no scope {unknown[0][:60]!r}'}. "
            f"The scopes are: {', '.join(Scope)}."
        )
    text = format_key(secrets.token_bytes(KEY_BYTES))
    key = ApiKey(new_id(), name.strip()[:LONGEST_NAME] or "unnamed", text[-4:], tuple(wanted), at, actor, None)
    cursor.execute(
        "INSERT INTO access_apikey (id, name, digest, hint, scopes, created_at, created_by) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (key.id, key.name, digest_of(text), key.hint, wanted, at, actor),
    )
    record(cursor, actor, "create key", f"key:{key.id}", {"name": key.name, "scopes": wanted}, at)
    return key, text


def revoke_key(cursor: Cursor, key: str, *, at: datetime, actor: str) -> ApiKey:
    """Takes a key out of force at once, by its id or its last four characters; raises KeyNotFound. It cannot be undone."""
    rows = cursor.execute(
        f"SELECT {KEY_COLUMNS} FROM access_apikey WHERE revoked_at IS NULL AND (id::text = %s OR hint = %s) FOR UPDATE",
        (key, key),
    ).fetchall()
    if len(rows) != 1:
        raise KeyNotFound(
            f"{'No key in force has' if not rows else 'More than one key in force has'} the id or ending {key[:40]!r}. "
            "`stamgast key list` shows them."
        )
    found = key_of(rows[0])
    cursor.execute("UPDATE access_apikey SET revoked_at = %s WHERE id = %s", (at, found.id))
    record(cursor, actor, "revoke key", f"key:{found.id}", {"name": found.name}, at)
    return ApiKey(found.id, found.name, found.hint, found.scopes, found.created_at, found.created_by, at)


def authenticate_key(cursor: Cursor, presented: str) -> ApiKey | None:
    """The key in force with this text. Looked up by its digest, so that the time it takes says nothing about the text."""
    if not is_key(presented):
        return None
    row = cursor.execute(
        f"SELECT {KEY_COLUMNS} FROM access_apikey WHERE digest = %s AND revoked_at IS NULL", (digest_of(presented),)
    ).fetchone()
    return key_of(row) if row else None


# People


def create_staff(
    cursor: Cursor,
    *,
    email: str,
    name: str,
    password: str,
    at: datetime,
    actor: str,
    language: str = "en",
    role: str | None = None,
) -> StaffMember:
    """A person who may sign in; raises InvalidStaff or StaffExists. The first one is an owner, later ones are given a role."""
    address = _normalise_email(email)
    given = _role_of_new(cursor, role)
    if not name.strip():
        raise InvalidStaff("A person needs a name, so that colleagues see who did what.")
    _check_password(password, address, name)
    row = cursor.execute(
        f"""
        INSERT INTO access_staff (email, name, password, language, is_active, created_at, role)
        VALUES (%s, %s, %s, %s, true, %s, %s)
        ON CONFLICT (email) DO NOTHING RETURNING {STAFF_COLUMNS}
        """,
        (address, name.strip()[:LONGEST_NAME], make_password(password), language, at, given),
    ).fetchone()
    if row is None:
        raise StaffExists(f"{address} can sign in already. `stamgast staff password` sets a new password.")
    record(cursor, actor, "create staff", f"staff:{row[0]}", {"role": given}, at)
    return staff_member_of(row)


def _role_of_new(cursor: Cursor, role: str | None) -> Role:
    row = cursor.execute("SELECT EXISTS (SELECT FROM access_staff)").fetchone()
    is_first = row is not None and not row[0]
    if role is None and is_first:
        return Role.OWNER
    if role is None or role not in set(Role):
        raise InvalidStaff(f"Say what this person does here, with one of the roles: {', '.join(Role)}.")
    if is_first and role != Role.OWNER:
        raise InvalidStaff("The first person is an owner, for somebody has to be able to add the others.")
    return Role(role)


def set_password(cursor: Cursor, *, email: str, password: str, at: datetime, actor: str) -> StaffMember:
    """A new password for a person; every session of theirs ends. Raises InvalidStaff."""
    address = _normalise_email(email)
    row = cursor.execute(f"SELECT {STAFF_COLUMNS} FROM access_staff WHERE email = %s FOR UPDATE", (address,)).fetchone()
    if row is None:
        raise InvalidStaff(f"Nobody signs in as {address}. `stamgast staff create` adds a person.")
    member = staff_member_of(row)
    _check_password(password, address, member.name)
    cursor.execute("UPDATE access_staff SET password = %s WHERE id = %s", (make_password(password), member.id))
    _forgive(cursor, subject_of("account", address))
    record(cursor, actor, "set password", f"staff:{member.id}", {}, at)
    return member


# Sign-in


def count_attempt(cursor: Cursor, *, email: str, address: str, at: datetime) -> None:
    """Counts an attempt against the account and the address before the password is looked at; raises SignInThrottled.

    Its transaction ends before the password is checked, so attempts made at once are counted one after the other, and
    guessing in parallel wins nothing. Rows are taken in the order of their subjects, so attempts do not deadlock.
    """
    subjects = sorted(
        [
            (subject_of("account", email), FREE_ATTEMPTS_OF_ACCOUNT),
            (subject_of("address", address), FREE_ATTEMPTS_OF_ADDRESS),
        ]
    )
    found = []
    for subject, free in subjects:
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
    _forgive(cursor, subject_of("account", email), subject_of("address", address))
    cursor.execute("DELETE FROM access_signinattempts WHERE last_at < %s", (at - FORGOTTEN_AFTER,))
    cursor.execute("UPDATE access_staff SET last_login = %s WHERE id = %s", (at, row[0]))
    return staff_member_of(row)


@cache
def _password_of_nobody() -> str:
    return make_password(secrets.token_hex(16))


def _forgive(cursor: Cursor, *subjects: str) -> None:
    cursor.execute("DELETE FROM access_signinattempts WHERE subject = ANY(%s)", (sorted(subjects),))


def _normalise_email(email: str) -> str:
    try:
        return validate_email(email, check_deliverability=False, test_environment=True).normalized.casefold()
    except EmailNotValidError:
        raise InvalidStaff(f"{email[:80]!r} is not an e-mail address.") from None


def _check_password(password: str, email: str, name: str) -> None:
    if len(password) > LONGEST_PASSWORD:
        raise InvalidStaff(f"A password has at most {LONGEST_PASSWORD} characters.")
    from stamgast.access.models import Staff

    try:
        validate_password(password, Staff(email=email, name=name))
    except ValidationError as error:
        raise InvalidStaff(" ".join(error.messages)) from None
