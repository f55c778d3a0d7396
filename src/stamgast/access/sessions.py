"""Django's sessions for staff, each beside a row of ours by which it is listed, aged and ended."""

from datetime import datetime

from django.contrib.auth import login, logout, update_session_auth_hash
from django.http import HttpRequest

from stamgast.access.models import Staff
from stamgast.access.operations.sessions import look_at_session
from stamgast.access.operations.sessions import open_session as keep_session
from stamgast.access.operations.trail import record
from stamgast.access.types import StaffMember
from stamgast.kit.database import Cursor


def open_session(cursor: Cursor, request: HttpRequest, member: StaffMember, *, at: datetime) -> None:
    """Signs the member in on this browser, under a new session key."""
    login(request, Staff.objects.get(pk=member.id), backend="django.contrib.auth.backends.ModelBackend")
    keep_session(
        cursor,
        request.session.session_key or "",
        staff=member.id,
        address=request.META.get("REMOTE_ADDR", ""),
        agent=request.headers.get("User-Agent", ""),
        at=at,
    )
    record(cursor, f"staff:{member.email}", "sign in", f"staff:{member.id}", {}, at)


def look(cursor: Cursor, request: HttpRequest, *, at: datetime, is_seen: bool) -> list[str] | None:
    """None where the session is over, which signs out; else the roles that need a second factor."""
    key, staff = request.session.session_key, request.user.pk or 0
    roles = None if key is None else look_at_session(cursor, key, staff=staff, at=at, is_seen=is_seen)
    if roles is None:
        logout(request)
    return roles


def keep_after_new_password(cursor: Cursor, request: HttpRequest) -> None:
    """The session in which a person chose a new password goes on, under a new key of its own."""
    before = request.session.session_key
    update_session_auth_hash(request, Staff.objects.get(pk=request.user.pk or 0))
    cursor.execute("UPDATE access_session SET session_key = %s WHERE session_key = %s", (request.session.session_key, before))


def close_session(cursor: Cursor, request: HttpRequest) -> None:
    """Signs out and forgets the session."""
    cursor.execute("DELETE FROM access_session WHERE session_key = %s", (request.session.session_key,))
    logout(request)
