"""What intake answers: as Segment answers to most sources, as RudderStack answers to strict ones. Pure.

Every refusal has ``code`` and ``message``: the SDKs of both read these two.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from stamgast.activities.types import Reason, Refused, Source

Header = tuple[bytes, bytes]

CORS: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding, x-retry-count, anonymousid"),
    (b"access-control-expose-headers", b"retry-after, x-ratelimit-reset"),
)
_HEADERS = (*CORS, (b"content-type", b"application/json"), (b"content-length", b"16"))


@dataclass(frozen=True, slots=True)
class Answer:
    """A response."""

    status: int
    headers: Sequence[Header]
    body: bytes


_SUCCESS = Answer(200, _HEADERS, b'{"success":true}')


def succeed() -> Answer:
    """All that was accepted is on the disk."""
    return _SUCCESS


def refuse_request(status: int, code: str, message: str, *, retry_after_seconds: int | None = None) -> Answer:
    """The request as a whole was not taken."""
    body = msgspec.json.encode({"success": False, "code": str(code), "message": message})
    headers = [*CORS, (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if retry_after_seconds is not None:
        seconds = b"%d" % retry_after_seconds
        headers += [(b"retry-after", seconds), (b"x-ratelimit-reset", seconds)]
    return Answer(status, headers, body)


def invalid(source: Source, refusals: Sequence[Refused], message_count: int, *, is_batch: bool) -> Answer:
    """Some messages were refused and kept; the others, if there were any, are stored.

    Segment's answer is 200 for everything but a body that is not JSON or too large; RudderStack's is 400 or 413.
    """
    first = refusals[0]
    is_unreadable = first.reason in (Reason.INVALID_JSON, Reason.INVALID_MESSAGE, Reason.TOO_LARGE)
    if not source.is_strict and (is_batch or not is_unreadable):
        return _SUCCESS
    is_too_large = source.is_strict and any(r.reason in (Reason.TOO_LARGE, Reason.TOO_MANY) for r in refusals)
    message = first.detail
    if is_batch:
        accepted = message_count - len(refusals)
        message = f"{len(refusals)} of {message_count} messages were refused and {accepted} stored. The first: {message}"
    return refuse_request(413 if is_too_large else 400, first.reason, message)
