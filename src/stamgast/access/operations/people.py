"""People who may sign in: added, changed, given a password."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from email_validator import EmailNotValidError, validate_email

from stamgast.access.errors import InvalidStaff, LastOwner, StaffExists, StaffNotFound
from stamgast.access.operations.attempts import forgive
from stamgast.access.operations.sessions import end_sessions
from stamgast.access.operations.trail import record
from stamgast.access.queries import STAFF_COLUMNS, staff_member_of
from stamgast.access.rules import subject_of
from stamgast.access.types import Role, StaffMember
from stamgast.kit.database import Cursor

LONGEST_NAME = 100
LONGEST_PASSWORD = 1000
_NOBODY = "Nobody signs in as {}. `stamgast staff create` adds a person."


def create_staff(
    cursor: Cursor,
    *,
    email: str,
    name: str,
    password: str | None,
    at: datetime,
    actor: str,
    language: str = "",
    role: str | None = None,
) -> StaffMember:
    """A person who may sign in; raises InvalidStaff or StaffExists. The first one is an owner, later ones are given a role.

    Without a password they choose one by a link (``create_link``).
    """
    address = _normalise_email(email)
    given = _role_of_new(cursor, role)
    if not name.strip():
        raise InvalidStaff("A person needs a name, so that colleagues see who did what.", wrong="name")
    if password is not None:
        check_new_password(password, address, name)
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


def set_role(cursor: Cursor, staff: int, role: str, *, at: datetime, actor: str) -> StaffMember:
    """Another role from the next click; raises StaffNotFound, InvalidStaff or LastOwner."""
    member = _lock_member(cursor, staff)
    if role not in set(Role):
        raise InvalidStaff(f"There is no such role. The roles are: {', '.join(Role)}.")
    if role != member.role:
        cursor.execute("UPDATE access_staff SET role = %s WHERE id = %s", (role, staff))
        _check_owners(cursor)
        record(cursor, actor, "set role", f"staff:{staff}", {"before": member.role, "after": role}, at)
    return replace(member, role=Role(role))


def set_active(cursor: Cursor, staff: int, is_active: bool, *, at: datetime, actor: str) -> StaffMember:
    """Lets a person sign in again, or not any more, which ends every session of theirs; raises StaffNotFound or LastOwner."""
    member = _lock_member(cursor, staff)
    if is_active != member.is_active:
        cursor.execute("UPDATE access_staff SET is_active = %s WHERE id = %s", (is_active, staff))
        _check_owners(cursor)
        if not is_active:
            end_sessions(cursor, staff)
            cursor.execute("DELETE FROM access_invitation WHERE staff_id = %s", (staff,))
        record(cursor, actor, "let in" if is_active else "shut out", f"staff:{staff}", {}, at)
    return replace(member, is_active=is_active)


def _lock_member(cursor: Cursor, staff: int) -> StaffMember:
    """The person, behind a lock on every owner, taken in the order of their ids: two owners who demote each other wait."""
    cursor.execute("SELECT FROM access_staff WHERE role = 'owner' AND is_active ORDER BY id FOR UPDATE")
    row = cursor.execute(f"SELECT {STAFF_COLUMNS} FROM access_staff WHERE id = %s FOR UPDATE", (staff,)).fetchone()
    if row is None:
        raise StaffNotFound("There is no such person.")
    return staff_member_of(row)


def _check_owners(cursor: Cursor) -> None:
    row = cursor.execute("SELECT FROM access_staff WHERE role = 'owner' AND is_active LIMIT 1").fetchone()
    if row is None:
        raise LastOwner("This is the only owner. Make somebody else an owner first.")


def set_language(cursor: Cursor, staff: int, language: str) -> None:
    """The language in which a person reads the console, on whichever browser."""
    cursor.execute("UPDATE access_staff SET language = %s WHERE id = %s", (language, staff))


def _role_of_new(cursor: Cursor, role: str | None) -> Role:
    row = cursor.execute("SELECT EXISTS (SELECT FROM access_staff)").fetchone()
    is_first = row is not None and not row[0]
    if role is None and is_first:
        return Role.OWNER
    if role is None or role not in set(Role):
        raise InvalidStaff(f"Say what this person does here, with one of the roles: {', '.join(Role)}.", wrong="role")
    if is_first and role != Role.OWNER:
        raise InvalidStaff("The first person is an owner, for somebody has to be able to add the others.")
    return Role(role)


def get_actor(cursor: Cursor, email: str) -> str:
    """How the trail writes who signs in with this address. Raises InvalidStaff."""
    address = _normalise_email(email.strip())
    if cursor.execute("SELECT 1 FROM access_staff WHERE email = %s AND is_active", (address,)).fetchone() is None:
        raise InvalidStaff(_NOBODY.format(address))
    return f"staff:{address}"


def set_password(cursor: Cursor, *, email: str, password: str, at: datetime, actor: str) -> StaffMember:
    """A new password for a person; every session of theirs ends. Raises InvalidStaff."""
    address = _normalise_email(email)
    row = cursor.execute(f"SELECT {STAFF_COLUMNS} FROM access_staff WHERE email = %s FOR UPDATE", (address,)).fetchone()
    if row is None:
        raise InvalidStaff(_NOBODY.format(address))
    member = staff_member_of(row)
    keep_password(cursor, member, password)
    record(cursor, actor, "set password", f"staff:{member.id}", {}, at)
    return member


def _normalise_email(email: str) -> str:
    try:
        return validate_email(email, check_deliverability=False, test_environment=True).normalized.casefold()
    except EmailNotValidError:
        raise InvalidStaff(f"{email[:80]!r} is not an e-mail address.", wrong="email") from None


def keep_password(cursor: Cursor, member: StaffMember, password: str, *, but: UUID | None = None) -> None:
    """The new password; every session but this one ends, and what was counted is forgiven."""
    check_new_password(password, member.email, member.name)
    cursor.execute("UPDATE access_staff SET password = %s WHERE id = %s", (make_password(password), member.id))
    end_sessions(cursor, member.id, but=but)
    forgive(cursor, subject_of("account", member.email))


def check_new_password(password: str, email: str, name: str) -> None:
    """Raises InvalidStaff with what is wrong with it."""
    if len(password) > LONGEST_PASSWORD:
        raise InvalidStaff(f"A password has at most {LONGEST_PASSWORD} characters.")
    from stamgast.access.models import Staff

    try:
        validate_password(password, Staff(email=email, name=name))
    except ValidationError as error:
        raise InvalidStaff(" ".join(error.messages)) from None
