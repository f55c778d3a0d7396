"""Refusals as ``application/problem+json`` (RFC 9457), each with a stable code: one table from kind to status."""

from collections.abc import Callable
from typing import Any

import psycopg
import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from stamgast.api.headers import say_replayed
from stamgast.kit.errors import Kind, StamgastError

STATUS_OF = {
    Kind.INVALID: 422,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.FORBIDDEN: 403,
    Kind.THROTTLED: 429,
    Kind.UNAVAILABLE: 503,
}
PREFIX = "/v1/"
OF_NO_ROUTE = {
    400: ("unreadable_request", "This request cannot be read: it is too large, or not HTTP as it should be. Nothing was done."),
    404: ("not_found", "There is nothing at this address. /v1/openapi.json lists what there is."),
    405: ("method_not_allowed", "This address does not take this method; the Allow header names those that it takes."),
    500: ("internal_error", "Something went wrong here, not with your request. Send it again; the log says what it was."),
}
"""What Django answers where no route of ours does, or before one is asked: as a page, which no script can read."""
RETRY_AFTER_SECONDS = 5
log = structlog.get_logger(__name__)


def problem(status: int, code: str, detail: str, **more: Any) -> HttpResponse:
    """One refusal: what happened, why, and what to do now."""
    body = {"type": f"/docs/errors#{code}", "title": code.replace("_", " "), "status": status, "code": code, "detail": detail}
    response = JsonResponse(body | more, status=status, content_type="application/problem+json")
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="stamgast"'
    return response


def register(api: NinjaAPI) -> None:
    """Makes the API answer every error in this form."""

    @api.exception_handler(StamgastError)
    def _refused(request: HttpRequest, error: StamgastError) -> HttpResponse:
        say_replayed(request, bool(error.details.get("is_repeat")))
        return problem(STATUS_OF[error.kind], error.code, error.message)

    @api.exception_handler(HttpError)
    def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(error.status_code, "unreadable_request", "The body is no JSON in UTF-8. Nothing was done.")

    @api.exception_handler(AuthenticationError)
    def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return problem(401, "unauthorized", "Send a valid API key as 'Authorization: Bearer sgk_…'.")

    @api.exception_handler(OperationalError)
    @api.exception_handler(InterfaceError)
    @api.exception_handler(psycopg.OperationalError)
    @api.exception_handler(psycopg.InterfaceError)
    def _away(request: HttpRequest, error: Exception) -> HttpResponse:
        log.warning("api_database_lost", error=type(error).__name__)
        response = problem(503, "unavailable", "The database cannot be reached. Send the request again later.")
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    @api.exception_handler(ValidationError)
    def _malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
        where = [".".join(map(str, item["loc"][1:])) for item in error.errors]
        text = "; ".join(f"{place}: {item['msg']}" for place, item in zip(where, error.errors, strict=True))
        return problem(422, "invalid_request", text, fields=where)


def answer_problems(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware: under ``/v1/`` every refusal is a problem, also where there is no route or the program fails."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = get_response(request)
        if not request.path.startswith(PREFIX) or response.status_code not in OF_NO_ROUTE:
            return response
        if response.get("Content-Type", "").startswith("application/problem+json"):
            return response
        answer = problem(response.status_code, *OF_NO_ROUTE[response.status_code])
        if response.has_header("Allow"):
            answer["Allow"] = response["Allow"]
        return answer

    return respond


class Forbidden(StamgastError):
    """The key is known and may not do this."""

    code = "missing_scope"
    kind = Kind.FORBIDDEN
