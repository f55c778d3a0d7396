"""Writes that may be sent again: with the same ``Idempotency-Key`` they are done once and answered twice.

Every operation of the API that writes wears ``@idempotent``, beneath its route::

    @api.post("/customers/merges", response={201: shapes.MergeShape}, summary="Merge two customers")
    @idempotent
    def merge(request: HttpRequest, body: shapes.MergeBody) -> Status:
        with transaction() as cursor:
            ...
        return Status(201, {"id": merged.id})

The write and its answer are kept in one transaction, so there is no moment in which one is there without the other. What is
refused was not done: nothing is kept of it, and the same key may be sent again.
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec
from django.http import HttpRequest
from ninja import Schema
from ninja.responses import Status

from stamgast.access.errors import InvalidIdempotencyKey
from stamgast.access.operations import claim_answer, keep_answer
from stamgast.access.types import ApiKey
from stamgast.api.headers import say_replayed
from stamgast.kit.clock import utc_now
from stamgast.kit.database import transaction

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
Operation = Callable[..., Any]


def idempotent(operation: Operation) -> Operation:
    """The operation in one transaction. A replayed answer carries ``Idempotent-Replayed: true``.

    Raises IdempotencyKeyReused when the same key comes with another method, address or body.
    """

    @wraps(operation)
    def once(request: HttpRequest, *arguments: Any, **named: Any) -> Any:
        name = request.headers.get(HEADER)
        with transaction() as cursor:
            if name is None:
                return operation(request, *arguments, **named)
            if not 1 <= len(name) <= LONGEST_KEY:
                raise InvalidIdempotencyKey(f"An {HEADER} has 1 to {LONGEST_KEY} characters. A new UUID is a good one.")
            key: ApiKey = request.auth  # type: ignore[attr-defined]  # ninja keeps there what Keyed returned
            kept = claim_answer(cursor, key.id, name, _fingerprint(request), at=utc_now())
            if kept is not None:
                say_replayed(request, True)
                return _answer(kept.status, kept.body)
            result = operation(request, *arguments, **named)
            status, value = (result.status_code, result.value) if isinstance(result, Status) else (None, result)
            body = msgspec.json.encode(value, enc_hook=_plain)
            keep_answer(cursor, key.id, name, status=status, body=body)
            return _answer(status, body)

    once.is_idempotent = True  # type: ignore[attr-defined]  # a test asks every operation that writes
    return once


def _answer(status: int | None, body: bytes) -> Any:
    """Always read back from what is kept, so that the first answer and the next are the same to the letter."""
    value = msgspec.json.decode(body)
    return value if status is None else Status(status, value)


def _fingerprint(request: HttpRequest) -> bytes:
    parts = ((request.method or "").encode(), request.get_full_path().encode(), request.body)
    return hashlib.sha256(b"\0".join(parts)).digest()


def _plain(value: object) -> object:
    if isinstance(value, Schema):
        return value.model_dump()
    raise TypeError(f"an answer holds a {type(value).__name__}, which JSON cannot")
