"""What the edge knows of who asks: the key, what it may, and the country whose telephone numbers it writes."""

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer

from stamgast.access.errors import RateLimited
from stamgast.access.operations import authenticate_key, take_token
from stamgast.access.types import ApiKey
from stamgast.activities.queries import country_of
from stamgast.api.permissions import scope_of
from stamgast.api.problems import Forbidden
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor


class Keyed(HttpBearer):
    """A key in the Authorization header that holds the scope which ``permissions`` asks for this address and method."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        """The key, or None when it is unknown or revoked; raises Forbidden without the scope, RateLimited when too fast."""
        with open_cursor() as cursor:
            key = authenticate_key(cursor, token)
            if key is None:
                return None
            rate = take_token(cursor, key, at=utc_now())
        request.rate = rate  # type: ignore[attr-defined]  # read by headers.add_headers
        if rate.retry_after_seconds is not None:
            raise RateLimited(
                f"This key may ask {rate.limit_per_minute} times a minute. Wait {rate.retry_after_seconds} seconds, or ask for "
                "a higher limit.",
                retry_after_seconds=rate.retry_after_seconds,
            )
        match = request.resolver_match
        scope = scope_of((match.url_name if match else None) or "", request.method or "")
        if scope is None:
            raise Forbidden("No key may ask this: it has no line in the table of permissions.")
        if not key.allows(scope):
            raise Forbidden(f"This key lacks the scope {scope}. Make one: stamgast key create --scope {scope}")
        return key


def actor_of(request: HttpRequest) -> str:
    """Who acts, as the trail writes it."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    return f"key:{key.name}"


def region() -> str | None:
    """The shop's country: its telephone numbers may be written without the country's code."""
    return country_of(settings.CONFIGURATION.timezone)
