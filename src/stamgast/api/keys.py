"""API keys at the edge: who asks, and whether the key may."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from stamgast.access.operations import authenticate_key
from stamgast.access.types import ApiKey
from stamgast.api.permissions import scope_of
from stamgast.api.problems import Forbidden
from stamgast.kit.database import open_cursor


class Keyed(HttpBearer):
    """A key in the Authorization header that holds the scope which ``permissions`` asks for this address and method."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        """The key, or None when it is unknown or revoked; raises Forbidden when it lacks the scope."""
        with open_cursor() as cursor:
            key = authenticate_key(cursor, token)
        if key is None:
            return None
        match = request.resolver_match
        scope = scope_of((match.url_name if match else None) or "", request.method or "")
        if scope is None:
            raise Forbidden("No key may ask this: it has no line in the table of permissions.")
        if not key.allows(scope):
            raise Forbidden(f"This key lacks the scope {scope}. Make one: stamgast key create --scope {scope}")
        return key
