"""How much of a request is read, and files that go to the disk as they come.

Django reads a whole request before anybody is asked, so the bound stands before it: an ordinary one for everybody, and that of
a file for who may hand one in. What a request announces is refused before it is read; what it does not announce, when it is
too much.
"""

import asyncio
import errno
import io
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import HttpRequest, HttpResponse

from stamgast.activities.uploads.errors import NoRoomForUpload, UploadTooLarge
from stamgast.activities.uploads.files import SPARE_BYTES, Received, Receiving, check_room, most_bytes, uploads_folder
from stamgast.console.permissions import VISITOR, may
from stamgast.kit.ids import new_id

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
UPLOADS = "/sources/uploads"
"""The address of ``console:uploads``, known without importing every page."""
API = "/v1/"
"""Where programs ask: they read an error document, and no text."""
ORDINARY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1024 * 1024
"""A little more than Django's own bound, so that what is just above it is answered by the page or the API it was for."""


class _TooLarge(Exception):
    """More came than was announced, or than may come."""


def bounded(application: Asgi) -> Asgi:
    """Django behind a bound on what it reads."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        is_upload = scope["method"] == "POST" and scope["path"] == UPLOADS
        announced = _announced(scope)
        limit = ORDINARY_BYTES
        try:
            if is_upload and await sync_to_async(_may_upload)(scope):
                limit = most_bytes() + SPARE_BYTES
                check_room(announced or 0)
            if scope["path"].startswith(API):
                scope = dict(scope)
                await application(scope, _cut(scope, receive, limit), send)
                return
            if announced is not None and announced > limit:
                raise _TooLarge
            await application(scope, _counted(receive, limit), send)
        except (_TooLarge, UploadTooLarge):
            await _refuse(send, "too_large", is_upload)
        except NoRoomForUpload:
            await _refuse(send, "no_room", is_upload)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            await _refuse(send, "no_room", is_upload)

    return answer


def spool_beside_uploads() -> None:
    """Large requests lie on the disk of the files while they come in, and not in a /tmp that may be memory.

    Django spools them where Python says that temporary files go.
    """
    uploads_folder().mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(uploads_folder())


class FileToDisk(FileUploadHandler):
    """Takes the one file of a form to where uploads lie. Who uses it keeps it or calls ``discard``."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.received: Received | None = None
        self._receiving: Receiving | None = None

    def new_file(self, *arguments: Any, **named: Any) -> None:
        """The second file of a form, which no page of ours sends, takes the place of the first."""
        super().new_file(*arguments, **named)
        self.discard()
        self._receiving = Receiving(new_id(), str(self.file_name))
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """To the disk."""
        assert self._receiving is not None
        self._receiving.write(raw_data)

    def file_complete(self, file_size: int) -> Any:
        """What the form shows of it: a name, and that it is there."""
        assert self._receiving is not None
        self.received = self._receiving.finish()
        return UploadedFile(io.BytesIO(), self.received.name, size=self.received.size_bytes)

    def upload_interrupted(self) -> None:
        """Whoever sent it went away."""
        self.discard()

    def discard(self) -> None:
        """Leaves nothing of what came in."""
        if self._receiving is not None:
            self._receiving.discard()
        self.received = None


def _may_upload(scope: Scope) -> bool:
    """Whether who asks may hand in a file; the page asks again, this only decides how much is read of them."""
    request = ASGIRequest(scope, io.BytesIO())
    try:
        SessionMiddleware(lambda _request: HttpResponse()).process_request(request)
        request.user = get_user(request)
        return may(getattr(request.user, "role", VISITOR), "console:uploads", "POST")
    finally:
        connection.close()


def _announced(scope: Scope) -> int | None:
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(said) if said.isdigit() else None


def _counted(receive: Receive, limit: int) -> Receive:
    read = 0

    async def counting() -> MutableMapping[str, Any]:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise _TooLarge
        return message

    return counting


def _cut(scope: Scope, receive: Receive, limit: int) -> Receive:
    """Ends a request that is too large where it is, and makes it announce that: then the API refuses it in its own form."""
    read, is_cut = 0, False

    async def cutting() -> MutableMapping[str, Any]:
        nonlocal read, is_cut
        if is_cut:
            await asyncio.Event().wait()  # Django listens whether the client left, until it has answered
        is_cut = (_announced(scope) or 0) > limit
        if not is_cut:
            message = await receive()
            read += len(message.get("body", b""))
            if read <= limit:
                return message
            is_cut = True
        others = [one for one in scope["headers"] if one[0] not in (b"content-length", b"transfer-encoding")]
        scope["headers"] = [*others, (b"content-length", str(limit + 1).encode())]
        return {"type": "http.request", "body": b"", "more_body": False}

    return cutting


async def _refuse(send: Send, problem: str, is_upload: bool) -> None:
    """For a file, back to the page, which says it in the reader's language."""
    if is_upload:
        headers = [(b"location", f"{UPLOADS}?problem={problem}".encode()), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    text = b"The request is larger than it may be.\n" if problem == "too_large" else b"The disk is full.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 413 if problem == "too_large" else 507, "headers": headers})
    await send({"type": "http.response.body", "body": text})
