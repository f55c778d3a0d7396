"""What every answer of the API says in its headers: how the key stands with its limit, and whether a write was done before."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from stamgast.access.types import Rate


def say_replayed(request: HttpRequest, is_replayed: bool) -> None:
    """Has the answer's header say whether what was asked had been done before."""
    request.is_replayed = is_replayed  # type: ignore[attr-defined]  # a request has no other place for what its answer needs


def add_headers(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Django middleware. ``Keyed`` leaves ``request.rate``, ``say_replayed`` leaves ``request.is_replayed``."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = get_response(request)
        rate: Rate | None = getattr(request, "rate", None)
        if rate is not None:
            response["RateLimit-Limit"] = str(rate.limit_per_minute)
            response["RateLimit-Remaining"] = str(rate.remaining)
            response["RateLimit-Reset"] = str(rate.reset_seconds)
            if rate.retry_after_seconds is not None:
                response["Retry-After"] = str(rate.retry_after_seconds)
        if getattr(request, "is_replayed", False):
            response["Idempotent-Replayed"] = "true"
        return response

    return respond
