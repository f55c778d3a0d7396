"""The web's intake: the Segment protocol as a plain ASGI application, without Django on the way of a request.

A request is read, its messages go to the writer, and the answer waits for the commit. ``docs/intake.md`` describes the
protocol as it is served here. What a message means is in ``messages``; how it is stored is in ``operations.store``.
"""

import asyncio
import base64
import binascii
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import structlog

from stamgast.activities import envelopes, messages, metrics
from stamgast.activities.answers import CORS, Answer, invalid, refuse_request, succeed
from stamgast.activities.bodies import BodyTooLarge, InvalidEncoding, inflate
from stamgast.activities.directory import Directory
from stamgast.activities.envelopes import Batch
from stamgast.activities.messages import LARGEST_BATCH_BYTES, MOST_MESSAGES, Reader
from stamgast.activities.types import NewActivity, Reason, Refused, Source
from stamgast.activities.writer import Unavailable, Writer
from stamgast.kit.ids import new_id

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BATCH = "batch"
IGNORED = "ignored"
PATHS: dict[str, str] = {
    **{f"/v1/{name}": name for name in messages.TYPES},
    **{f"/v1/{name[0]}": name for name in messages.TYPES},
    **dict.fromkeys(("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"), BATCH),
    "/v1/m": IGNORED,  # what browsers say about their own performance
}
SETTINGS_PREFIX = "/v1/projects/"
SETTINGS_SUFFIX = "/settings"
READING_SECONDS = 30.0
ENVELOPE_GROWTH = 8
"""What a batch says for all its messages is stored with each; together they may be this many times the largest batch."""
MESSAGES_BETWEEN_PAUSES = 200
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait for the database before clients are asked to come back later."""

    queued_messages: int = 20_000
    queued_bytes: int = 64 * 1024 * 1024
    retry_after_seconds: int = 1


def is_intake_path(path: str) -> bool:
    """Whether the intake answers this path; every other path is somebody else's."""
    return path.rstrip("/") in PATHS or (path.startswith(SETTINGS_PREFIX) and path.endswith(SETTINGS_SUFFIX))


class Intake:
    """The ASGI application. ``startup`` before the first request, ``shutdown`` after the last; it commits what is queued."""

    def __init__(
        self, directory: Directory, writer: Writer, *, now: Callable[[], datetime], limits: Limits | None = None
    ) -> None:
        self._directory = directory
        self._writer = writer
        self._now = now
        self._limits = limits or Limits()
        self._queued_bytes = 0

    async def startup(self) -> None:
        """Loads the catalogue of kinds and starts the writer."""
        await self._directory.start()
        self._writer.start()

    async def shutdown(self) -> None:
        """Commits what is queued and lets go of the database."""
        await self._writer.stop()
        await self._directory.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        try:
            answer = await self._answer(scope, receive)
        except Unavailable as error:
            answer = refuse_request(503, error.code, error.message, retry_after_seconds=self._limits.retry_after_seconds)
        except Disconnected:
            return
        except Exception as error:
            log.error("intake_failed", error=type(error).__name__, exc_info=error)
            answer = refuse_request(500, "internal_error", "Something went wrong here, not with your request. Send it again.")
        metrics.REQUESTS.labels(answer.status).inc()
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path: str = scope["path"]
        method: str = scope["method"]
        if method == "OPTIONS":
            return Answer(204, (*CORS, (b"access-control-max-age", b"86400")), b"")
        route = PATHS.get(path) or PATHS.get(path.rstrip("/"))
        if route is None:
            return await self._settings(scope, method)
        if method != "POST":
            return refuse_request(405, "method_not_allowed", "Send a POST request.")
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if self._is_under_pressure():
            return self._ask_to_come_back()
        if route == IGNORED:
            return succeed()
        try:
            body = await _read_body(receive, headers)
        except BodyTooLarge:
            return await self._too_large(headers)
        except InvalidEncoding as error:
            return refuse_request(400, "invalid_encoding", str(error))
        except TimeoutError:
            return refuse_request(408, "too_slow", "The request did not arrive in time. Send it again.")
        self._queued_bytes += len(body)
        try:
            return await self._take(route, headers, scope, body)
        finally:
            self._queued_bytes -= len(body)

    def _is_under_pressure(self) -> bool:
        limits = self._limits
        return self._writer.queued_messages >= limits.queued_messages or self._queued_bytes >= limits.queued_bytes

    def _ask_to_come_back(self) -> Answer:
        seconds = self._limits.retry_after_seconds
        return refuse_request(429, "too_many_requests", "More comes in than can be stored. Wait.", retry_after_seconds=seconds)

    async def _take(self, route: str, headers: dict[bytes, bytes], scope: Scope, body: bytes) -> Answer:
        write_key = _write_key_of(headers.get(b"authorization"), scope["query_string"])
        if write_key is None:
            write_key = envelopes.find_write_key(body)
            if write_key is None and not envelopes.is_json(body):
                return refuse_request(400, Reason.INVALID_JSON, "The body is not JSON.")
        is_known, source = self._directory.find_known_source(write_key or "")
        if not is_known and write_key:
            source = await self._directory.find_source(write_key)
        if source is None:
            return refuse_request(401, "invalid_write_key", "The write key is missing, unknown or revoked.")
        received_at = self._now()
        if route == BATCH:
            return await self._take_batch(source, body, received_at)
        read = self._directory.reader.read_message(
            body, source=source, received_at=received_at, fallback_id=new_id().hex, type_from_path=route, twins=Counter()
        )
        if isinstance(read, Refused):
            await self._writer.submit((), (read,))
            return invalid(source, (read,), 1, is_batch=False)
        await self._writer.submit((read,), ())
        return succeed()

    async def _take_batch(self, source: Source, body: bytes, received_at: datetime) -> Answer:
        try:
            batch = envelopes.read_batch(body)
        except ValueError as error:
            reason = Reason.INVALID_MESSAGE if isinstance(error, envelopes.NotABatch) else Reason.INVALID_JSON
            refused = envelopes.refuse(body, reason=reason, detail=str(error), source=source, received_at=received_at)
            await self._writer.submit((), (refused,))
            return invalid(source, (refused,), 1, is_batch=False)
        if not batch.batch:
            return refuse_request(400, "empty_batch", "The batch holds no messages.") if source.is_strict else succeed()
        if _grown_size(body, batch) > ENVELOPE_GROWTH * LARGEST_BATCH_BYTES:
            return refuse_request(
                413 if source.is_strict else 400, Reason.TOO_LARGE, "What the batch says for all messages is too large."
            )
        activities, refusals = await self._read_batch(batch, source, received_at)
        await self._writer.submit(activities, refusals)
        return invalid(source, refusals, len(batch.batch), is_batch=True) if refusals else succeed()

    async def _read_batch(
        self, batch: Batch, source: Source, received_at: datetime
    ) -> tuple[Sequence[NewActivity], Sequence[Refused]]:
        request_id = new_id().hex
        twins: Counter[bytes] = Counter()
        if len(batch.batch) > MOST_MESSAGES:
            detail = f"The batch held {len(batch.batch):,} messages; a batch has at most {MOST_MESSAGES:,}."
            return (), [
                envelopes.refuse(
                    raw,
                    reason=Reason.TOO_MANY,
                    detail=detail,
                    source=source,
                    received_at=received_at,
                    sent_at=batch.sentAt,
                    batch=batch,
                    fallback_id=f"{request_id}:{position}",
                    twins=twins,
                )
                for position, raw in enumerate(batch.batch)
            ]
        reader: Reader = self._directory.reader
        activities: list[NewActivity] = []
        refusals: list[Refused] = []
        for position, raw in enumerate(batch.batch):
            read = reader.read_message(
                raw, source=source, received_at=received_at, fallback_id=f"{request_id}:{position}", batch=batch, twins=twins
            )
            if isinstance(read, Refused):
                refusals.append(read)
            else:
                activities.append(read)
            if position % MESSAGES_BETWEEN_PAUSES == MESSAGES_BETWEEN_PAUSES - 1:
                await asyncio.sleep(0)  # other requests have a turn
        return activities, refusals

    async def _too_large(self, headers: dict[bytes, bytes]) -> Answer:
        """Not read, so not kept: the client is told, and still has it."""
        write_key = _write_key_of(headers.get(b"authorization"), b"")
        source = await self._directory.find_source(write_key) if write_key else None
        metrics.REFUSALS.labels(Reason.TOO_LARGE.value).inc()
        status = 413 if source is not None and source.is_strict else 400
        return refuse_request(status, Reason.TOO_LARGE, "A request has at most 500 KB. Send smaller batches.")

    async def _settings(self, scope: Scope, method: str) -> Answer:
        """What the browser's analytics.js asks for before it sends: that there is one destination, and where it is."""
        if method not in ("GET", "HEAD"):
            return refuse_request(405, "method_not_allowed", "Send a GET request.")
        write_key = scope["path"][len(SETTINGS_PREFIX) : -len(SETTINGS_SUFFIX)]
        if await self._directory.find_source(write_key) is None:
            return refuse_request(404, "invalid_write_key", "The write key is unknown or revoked.")
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        settings = {
            "integrations": {
                "Segment.io": {
                    "apiKey": write_key,
                    "apiHost": f"{host}/v1",
                    "protocol": scope.get("scheme", "https"),
                    "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
                }
            },
            "plan": {"track": {"__default": {"enabled": True}}, "identify": {"__default": {"enabled": True}}},
            "edgeFunction": {},
            "analyticsNextEnabled": True,
            "middlewareSettings": {},
            "enabledMiddleware": {},
            "metrics": {"sampleRate": 0},
            "legacyVideoPluginsEnabled": False,
            "remotePlugins": [],
        }
        return Answer(200, (*CORS, (b"content-type", b"application/json")), msgspec.json.encode(settings))


class Disconnected(Exception):
    """The client went away before its request was complete."""


async def _read_body(receive: Receive, headers: dict[bytes, bytes]) -> bytes:
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > LARGEST_BATCH_BYTES:
        raise BodyTooLarge
    event = await receive()
    body = event.get("body", b"")
    if event["type"] == "http.disconnect":
        raise Disconnected
    if event.get("more_body"):
        async with asyncio.timeout(READING_SECONDS):
            body = await _read_rest(receive, body)
    if len(body) > LARGEST_BATCH_BYTES:
        raise BodyTooLarge
    encoding = headers.get(b"content-encoding")
    return inflate(body, encoding, LARGEST_BATCH_BYTES) if encoding else body


async def _read_rest(receive: Receive, beginning: bytes) -> bytes:
    parts = [beginning]
    size = len(beginning)
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise Disconnected
        parts.append(event.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BATCH_BYTES:
            raise BodyTooLarge
        if not event.get("more_body"):
            return b"".join(parts)


def _write_key_of(authorization: bytes | None, query: bytes) -> str | None:
    """The key of a header, Basic (with its colon or without) or Bearer, or of a beacon's address."""
    if authorization:
        scheme, _, value = authorization.partition(b" ")
        value = value.strip()
        if scheme.lower() == b"basic":
            try:
                # An empty one, as clients send that have the key in the body, says nothing.
                return base64.b64decode(value, validate=True).partition(b":")[0].decode("ascii") or None
            except (binascii.Error, UnicodeDecodeError):
                return ""
        if scheme.lower() == b"bearer" and value.startswith(b"sgw_"):
            return value.decode("latin-1")
        # Any other token is of an authority that is not ours; the body says whose messages these are.
    elif b"writeKey=" in query:
        return query.partition(b"writeKey=")[2].partition(b"&")[0].decode("latin-1")
    return None


def _grown_size(body: bytes, batch: Batch) -> int:
    shared = sum(len(bytes(value)) for part in (batch.context, batch.integrations) if part for value in part.values())
    return len(body) + shared * len(batch.batch)
