"""Django's sessions for staff. Each holds the id of a row of ours, by which it is listed, aged and ended.

Not the key of Django's session: that changes while somebody is signed in, when the secret or the password does.
"""

from datetime import datetime
from uuid import UUID

from django.contrib.auth import login, logout, update_session_auth_hash
from django.http import HttpRequest

from stamgast.access.models import Staff
from stamgast.access.operations.sessions import end_sessions, look_at_session
from stamgast.access.operations.sessions import open_session as keep_session
from stamgast.access.operations.trail import record
from stamgast.access.types import StaffMember
from stamgast.kit.database import Cursor

HELD = "session"


def open_session(cursor: Cursor, request: HttpRequest, member: StaffMember, *, at: datetime) -> None:
    """Signs the member in on this browser, under a new session key."""
    login(request, Staff.objects.get(pk=member.id), backend="django.contrib.auth.backends.ModelBackend")
    address, agent = request.META.get("REMOTE_ADDR", ""), request.headers.get("User-Agent", "")
    request.session[HELD] = str(keep_session(cursor, staff=member.id, address=address, agent=agent, at=at))
    record(cursor, f"staff:{member.email}", "sign in", f"staff:{member.id}", {}, at)


def session_of(request: HttpRequest) -> UUID | None:
    """The id of the session that asks; None for one from before sessions had a row."""
    held = request.session.get(HELD)
    return UUID(held) if held else None


def look(cursor: Cursor, request: HttpRequest, *, at: datetime, is_seen: bool) -> list[str] | None:
    """None where the session is over, which signs out; else the roles that need a second factor."""
    session = session_of(request)
    roles = None
    if session is not None:
        roles = look_at_session(cursor, session, staff=request.user.pk or 0, at=at, is_seen=is_seen)
    if roles is None:
        logout(request)
    return roles


def keep_after_new_password(request: HttpRequest) -> None:
    """The session in which a person chose a new password goes on, under a new key."""
    update_session_auth_hash(request, Staff.objects.get(pk=request.user.pk or 0))


def close_session(cursor: Cursor, request: HttpRequest) -> None:
    """Signs out and forgets the session."""
    session = session_of(request)
    if session is not None:
        end_sessions(cursor, request.user.pk or 0, one=session)
    logout(request)
