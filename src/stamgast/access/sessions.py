"""Django's sessions for staff: opened after a sign-in, closed at the end. Whether somebody may is decided in operations."""

from django.contrib.auth import login, logout
from django.http import HttpRequest

from stamgast.access.models import Staff
from stamgast.access.types import StaffMember


def open_session(request: HttpRequest, member: StaffMember) -> None:
    """Signs the member in on this browser, under a new session key."""
    login(request, Staff.objects.get(pk=member.id), backend="django.contrib.auth.backends.ModelBackend")


def close_session(request: HttpRequest) -> None:
    """Signs out and forgets the session."""
    logout(request)
