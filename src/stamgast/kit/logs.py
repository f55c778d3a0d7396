"""Structured logs on standard error: JSON for machines, lines for a person at a terminal.

Neither secrets nor personal data: paths are logged as routes, and what a database error says is cut to its kind, because
PostgreSQL quotes the values it stumbles over.
"""

import logging
import re
import sys
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars

from stamgast.kit.clock import utc_now
from stamgast.kit.ids import new_id

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,128}")
Event = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
request_log = structlog.get_logger("stamgast.request")


def configure(level: str = "info") -> None:
    """Sends the logs of the program and its libraries to standard error, one event a line."""
    number = logging.getLevelName(level.upper())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_values,
    ]
    renderer: structlog.typing.Processor
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(ensure_ascii=False)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, without_path, *shared],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    for noisy, at_least in (
        ("granian", "WARNING"),
        ("_granian", "WARNING"),
        ("asyncio", "WARNING"),
        ("django.request", "ERROR"),
    ):
        logging.getLogger(noisy).setLevel(max(number, logging.getLevelName(at_least)))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def without_values(_logger: object, _method: str, event: Event) -> Event:
    """An exception as its frames and its kind; the words of a database error stay out, they quote what people entered."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
    return event


def describe(error: BaseException) -> str:
    """The frames of an error and of what caused it, without values."""
    parts = []
    seen: BaseException | None = error
    while seen is not None:
        database = getattr(seen, "sqlstate", None) or type(seen).__module__.startswith(("psycopg", "django.db"))
        words = "" if database else f": {seen}"
        state = f" {seen.sqlstate}" if getattr(seen, "sqlstate", None) else ""  # type: ignore[attr-defined]
        frames = "".join(traceback.format_tb(seen.__traceback__))
        parts.append(f"{frames}{type(seen).__module__}.{type(seen).__qualname__}{state}{words}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\ncaused by:\n".join(parts)


def without_path(_logger: object, _method: str, event: Event) -> Event:
    """Django puts the path of a failed request into its line, and a path can name a customer: only the kind stays."""
    if str(event.get("logger", "")).startswith("django.") and ": " in str(event.get("event", "")):
        event["event"] = str(event["event"]).split(": ", 1)[0]
    return event


def with_request_id(application: Asgi) -> Asgi:
    """Gives every request an id: the caller's ``X-Request-Id`` if it is a decent one, else a new one. Answers carry it back."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = given if REQUEST_ID.fullmatch(given) else new_id().hex.encode()
        clear_contextvars()
        bind_contextvars(request_id=request_id.decode())
        header = (b"x-request-id", request_id)

        async def send_with_id(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await application(scope, receive, send_with_id)

    return answer


def log_requests(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Django middleware: one line a request, with the route and not the path."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        began = utc_now().timestamp()
        response: HttpResponseBase = get_response(request)
        match = request.resolver_match
        request_log.info(
            "request",
            method=request.method,
            route=match.route if match else None,
            status=response.status_code,
            milliseconds=round((utc_now().timestamp() - began) * 1000, 1),
        )
        return response

    return respond
