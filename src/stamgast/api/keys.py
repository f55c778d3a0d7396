"""API keys at the edge: who asks, and whether the key may."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from stamgast.access.operations import authenticate_key
from stamgast.access.types import ApiKey
from stamgast.api.problems import Forbidden
from stamgast.kit.database import open_cursor


class Scoped(HttpBearer):
    """A key that holds one scope, in the Authorization header."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        """The key, or None when it is unknown or revoked; raises Forbidden when it lacks the scope."""
        with open_cursor() as cursor:
            key = authenticate_key(cursor, token)
        if key is not None and not key.allows(self.scope):
            raise Forbidden(f"This key lacks the scope {self.scope}. Make one: stamgast key create --scope {self.scope}")
        return key
