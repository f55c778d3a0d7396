"""Links by which a person chooses a password: made by an owner, good once and for two days."""

import secrets
from datetime import datetime

from stamgast.access.errors import LinkExpired, StaffNotFound
from stamgast.access.operations.people import keep_password
from stamgast.access.operations.trail import record
from stamgast.access.queries import STAFF_COLUMNS, staff_member_of
from stamgast.access.rules import LINK_VALID_FOR, link_digest_of
from stamgast.access.types import StaffMember
from stamgast.kit.database import Cursor

PERSON = f"""
SELECT {", ".join(f"staff.{column}" for column in STAFF_COLUMNS.split(", "))}
FROM access_invitation AS invitation JOIN access_staff AS staff ON staff.id = invitation.staff_id
WHERE invitation.digest = %s AND invitation.expires_at > %s AND staff.is_active
"""


def create_link(cursor: Cursor, staff: int, *, at: datetime, actor: str) -> str:
    """The token of a new link, shown this once; an older link of the same person is no longer good. Raises StaffNotFound."""
    if cursor.execute("SELECT FROM access_staff WHERE id = %s AND is_active FOR UPDATE", (staff,)).fetchone() is None:
        raise StaffNotFound("There is no such person, or they may not sign in.")
    token = secrets.token_urlsafe(32)
    cursor.execute("DELETE FROM access_invitation WHERE staff_id = %s OR expires_at < %s", (staff, at))
    cursor.execute(
        "INSERT INTO access_invitation (digest, staff_id, made_at, expires_at) VALUES (%s, %s, %s, %s)",
        (link_digest_of(token), staff, at, at + LINK_VALID_FOR),
    )
    record(cursor, actor, "make link", f"staff:{staff}", {}, at)
    return token


def get_invited(cursor: Cursor, token: str, *, at: datetime) -> StaffMember:
    """Whom the link is for; raises LinkExpired. Looking uses nothing up: mail scanners look."""
    row = cursor.execute(PERSON, (link_digest_of(token), at)).fetchone()
    if row is None:
        raise LinkExpired("This link was used, or is older than two days. Ask an owner for a new one.")
    return staff_member_of(row)


def accept_link(cursor: Cursor, token: str, password: str, *, at: datetime) -> StaffMember:
    """Chooses the password, which uses the link up and ends the person's sessions; raises LinkExpired or InvalidStaff."""
    row = cursor.execute(f"{PERSON} FOR UPDATE OF invitation, staff", (link_digest_of(token), at)).fetchone()
    if row is None:
        raise LinkExpired("This link was used, or is older than two days. Ask an owner for a new one.")
    member = staff_member_of(row)
    keep_password(cursor, member, password)
    cursor.execute("DELETE FROM access_invitation WHERE staff_id = %s", (member.id,))
    record(cursor, f"staff:{member.email}", "set password", f"staff:{member.id}", {"by": "link"}, at)
    return member
