"""The web process: who answers what.

Probes and metrics answer first and cheapest, intake has a fast path of its own, Django has the pages and the API.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeVar

import psycopg
import structlog
from asgiref.sync import sync_to_async
from django import setup
from django.core.handlers.asgi import ASGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stamgast.settings")
setup(set_prefix=False)

from django.conf import settings  # noqa: E402  Django is set up by the line above
from django.db import DatabaseError, InterfaceError, connection  # noqa: E402
from django.db.migrations.executor import MigrationExecutor  # noqa: E402
from django.http import HttpRequest, HttpResponseBase  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from stamgast.activities import intake  # noqa: E402
from stamgast.console.receiving import bounded, spool_beside_uploads  # noqa: E402
from stamgast.flows import metrics as _flow_metrics  # noqa: E402, F401  declares what /metrics reads
from stamgast.kit import metrics  # noqa: E402
from stamgast.kit.database import act_as_application  # noqa: E402
from stamgast.kit.logs import with_request_id  # noqa: E402

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
MOST_CONNECTIONS = 10
LOST = (DatabaseError, InterfaceError, psycopg.Error)
GUARDS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    *(
        [(b"strict-transport-security", f"max-age={settings.SECURE_HSTS_SECONDS}".encode())]
        if settings.SECURE_HSTS_SECONDS
        else []
    ),
)
T = TypeVar("T")
log = structlog.get_logger(__name__)
_is_ready = {"migrated": False}


class OneTurnHandler(ASGIHandler):
    """Django's handler, with all middleware and the view in one turn of one thread.

    All of them are synchronous. Adapted one by one, each of the nine would go from the event loop to the thread and back twice
    a request, and wait for the interpreter each time: that was more than half of what an answer of the API took.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


django: Any = OneTurnHandler()  # Django declares narrower types than ASGI's
pages = bounded(django)


def create_application() -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """For the web process: like ``application``, with the database rights of the application only."""
    act_as_application(most_connections=MOST_CONNECTIONS)
    spool_beside_uploads()
    return application


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    if scope["type"] == "http":
        path = scope["path"]
        send = _guarded(send)
        if path == "/healthz":
            await _answer(send, 200, b"ok\n")
        elif path == "/readyz":
            await _ready(send)
        elif path == "/metrics":
            await _metrics(send)
        else:
            await _routed(scope, receive, send)
    elif scope["type"] == "lifespan":
        await _live(receive, send)


def _guarded(send: Send) -> Send:
    """Adds to each answer what a browser should know before it trusts it; what the answer says itself stays."""

    async def send_guarded(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            said = {bytes(name).lower() for name, _value in headers}
            message["headers"] = headers + [header for header in GUARDS if header[0] not in said]
        await send(message)

    return send_guarded


@with_request_id
async def _routed(scope: Scope, receive: Receive, send: Send) -> None:
    if settings.CONFIGURATION.is_https:
        _see_through_proxy(scope)
    if intake.is_intake_path(scope["path"]):
        await intake.application(scope, receive, send)
    else:
        await pages(scope, receive, send)


def _see_through_proxy(scope: Scope) -> None:
    """STAMGAST_HTTPS says that one proxy stands in front, and visitors come to it by https.

    What it adds last to X-Forwarded-For is the visitor's address.
    """
    scope["scheme"] = "https"
    for name, value in reversed(scope["headers"]):
        if name == b"x-forwarded-for":
            scope["client"] = (value.decode("latin-1").rpartition(",")[2].strip()[:64], 0)
            return


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await intake.startup()
            except Exception as error:
                log.exception("web_not_started")
                await send({"type": "lifespan.startup.failed", "message": type(error).__name__})
                return
            await send({"type": "lifespan.startup.complete"})
            # Intake is open; the pages' modules, which take seconds, are imported meanwhile and not by the first visitor.
            asyncio.get_running_loop().run_in_executor(None, _import_pages)
        elif message["type"] == "lifespan.shutdown":
            await intake.shutdown()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _import_pages() -> None:
    try:
        get_resolver().url_patterns  # noqa: B018  reading it imports them
    except Exception:
        log.exception("pages_not_imported")


async def _ready(send: Send) -> None:
    try:
        is_ready = await sync_to_async(_giving_back(_database_is_ready))()
    except LOST:
        is_ready = False
    await _answer(send, 200, b"ready\n") if is_ready else await _answer(send, 503, b"the database is not ready\n")


def _database_is_ready() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if not _is_ready["migrated"]:
        executor = MigrationExecutor(connection)
        _is_ready["migrated"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _is_ready["migrated"]


def _giving_back(read: Callable[[], T]) -> Callable[[], T]:
    """Outside Django's own requests nobody else gives the connection back."""

    def reading() -> T:
        try:
            return read()
        finally:
            connection.close()

    return reading


async def _metrics(send: Send) -> None:
    try:
        text = await sync_to_async(_giving_back(metrics.exposition))()
    except LOST:
        await _answer(send, 503, b"the database is not ready\n")
        return
    await _answer(send, 200, text, metrics.CONTENT_TYPE.encode())


async def _answer(send: Send, status: int, body: bytes, content_type: bytes = b"text/plain; charset=utf-8") -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
