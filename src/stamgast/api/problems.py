"""Refusals as ``application/problem+json`` (RFC 9457), each with a stable code: one table from kind to status."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError

from stamgast.kit.errors import Kind, StamgastError

STATUS_OF = {
    Kind.INVALID: 422,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.FORBIDDEN: 403,
    Kind.THROTTLED: 429,
    Kind.UNAVAILABLE: 503,
}


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
        return problem(STATUS_OF[error.kind], error.code, error.message)

    @api.exception_handler(AuthenticationError)
    def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return problem(401, "unauthorized", "Send a valid API key as 'Authorization: Bearer sgk_…'.")

    @api.exception_handler(ValidationError)
    def _malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
        where = [".".join(map(str, item["loc"][1:])) for item in error.errors]
        text = "; ".join(f"{place}: {item['msg']}" for place, item in zip(where, error.errors, strict=True))
        return problem(422, "invalid_request", text, fields=where)


class Forbidden(StamgastError):
    """The key is known and may not do this."""

    code = "missing_scope"
    kind = Kind.FORBIDDEN
