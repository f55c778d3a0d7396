"""People who may sign in: added, changed, given a password."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from email_validator import EmailNotValidError, validate_email

from stamgast.access.errors import InvalidStaff, StaffExists
from stamgast.access.operations.attempts import forgive
from stamgast.access.operations.trail import record
from stamgast.access.queries import STAFF_COLUMNS, staff_member_of
from stamgast.access.rules import subject_of
from stamgast.access.types import Role, StaffMember
from stamgast.kit.database import Cursor

LONGEST_NAME = 100
LONGEST_PASSWORD = 1000


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
    forgive(cursor, subject_of("account", address))
    record(cursor, actor, "set password", f"staff:{member.id}", {}, at)
    return member


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
