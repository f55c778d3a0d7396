"""What goes round a message: the envelope of a batch, the write key, and the refusal that keeps a message whole. Pure."""

import re
from collections import Counter
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec

from stamgast.activities.types import Reason, Refused, Source
from stamgast.customers.rules import storable
from stamgast.kit.ids import derive_id

LONGEST_DETAIL = 500
# ArithmeticError: a number whose exponent no Decimal can hold.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError, ValueError)
_WRITE_KEY = re.compile(rb"sgw_[A-Za-z0-9_-]+")
_EMPTY_LIST = re.compile(rb'"(?:context|integrations|properties|traits)"\s*:\s*\[\]')


class Batch(msgspec.Struct):
    """The envelope of a batch: its messages unread, and what it says for all of them."""

    batch: list[msgspec.Raw]
    context: dict[str, msgspec.Raw] | None = None
    integrations: dict[str, msgspec.Raw] | None = None
    sentAt: Any = None  # noqa: N815
    writeKey: Any = None  # noqa: N815


class _WriteKey(msgspec.Struct):
    writeKey: Any = None  # noqa: N815


_decode_batch = msgspec.json.Decoder(Batch, float_hook=Decimal).decode
_decode_write_key = msgspec.json.Decoder(_WriteKey).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class NotABatch(ValueError):
    """It is JSON, and not the envelope of a batch."""


def read_batch(body: bytes) -> Batch:
    """The envelope of a batch. Raises ValueError with what is wrong: NotABatch when it is JSON of another form."""
    try:
        return _decode_batch(body)
    except msgspec.ValidationError as error:
        raise NotABatch(words(error)) from None
    except UNREADABLE as error:
        raise ValueError(words(error)) from None


def find_batch(body: bytes) -> Batch | None:
    """The envelope, when the body is one, and None when it is a message or cannot be read."""
    try:
        return _decode_batch(body)
    except UNREADABLE:
        return None


def find_write_key(body: bytes) -> str | None:
    """The ``writeKey`` of a body that came without a header, if it can be read."""
    try:
        write_key = _decode_write_key(body).writeKey
    except UNREADABLE:
        return None
    return write_key if isinstance(write_key, str) else None


def is_json(body: bytes) -> bool:
    """Whether the body is a JSON object."""
    try:
        _decode_fields(body)
    except UNREADABLE:
        return False
    return True


def refuse(
    raw: bytes | msgspec.Raw,
    *,
    reason: Reason,
    detail: str,
    source: Source,
    received_at: datetime,
    sent_at: object = None,
    type_from_path: str | None = None,
    batch: Batch | None = None,
    fallback_id: str | None = None,
    twins: Counter[bytes] | None = None,
) -> Refused:
    """A refusal that holds the message whole, with what the request said beside it, so that it can be read again later.

    Sent again it is the same refusal, by its content but for the moment of sending. ``fallback_id`` and ``twins`` keep
    apart what only looks alike, as they do for messages that are accepted.
    """
    data = bytes(raw)
    identity: tuple[str, ...] = ()
    try:
        fields = _decode_fields(data if batch is None else with_batch(data, batch))
        fields.pop("writeKey", None)
        if type_from_path is not None:
            fields["type"] = msgspec.Raw(msgspec.json.encode(type_from_path))
        if sent_at is not None and not _says(fields, "sentAt"):
            fields["sentAt"] = msgspec.Raw(msgspec.json.encode(sent_at))
        data = msgspec.json.encode(fields)
        content = msgspec.json.encode({name: value for name, value in fields.items() if name != "sentAt"})
        identity = (content.decode(errors="backslashreplace"), *_told_apart(fields, content, fallback_id, twins))
    except (*UNREADABLE, TypeError, AttributeError):
        data = _WRITE_KEY.sub(b"sgw_", data)  # it cannot be read, so it is kept as it is, but for the key
    body = data.decode(errors="backslashreplace").replace("\x00", "\\u0000")
    return Refused(
        id=derive_id("refusal", source.name, *(identity or (body,))),
        source_id=source.id,
        received_at=received_at,
        reason=reason,
        detail=storable(detail)[:LONGEST_DETAIL],  # it may name a property, and a property may have any name
        body=body,
    )


def _told_apart(
    fields: dict[str, msgspec.Raw], content: bytes, fallback_id: str | None, twins: Counter[bytes] | None
) -> tuple[str, ...]:
    if fallback_id is None or _says(fields, "messageId"):
        return ()
    if twins is None or not (_says(fields, "timestamp") or _says(fields, "originalTimestamp")):
        return (fallback_id,)
    return (str(count_twin(b"refused" + content, twins)),)


def _says(fields: dict[str, msgspec.Raw], name: str) -> bool:
    return bytes(fields.get(name, b"null")).strip() not in (b"null", b'""')


def count_twin(content: bytes, twins: Counter[bytes]) -> int:
    """How many of this content a request has held up to now, this one included."""
    digest = blake2b(content, digest_size=16).digest()
    twins[digest] += 1
    return twins[digest]


def with_objects(data: bytes) -> bytes:
    """The message with an empty object wherever PHP wrote its empty array, which is both to PHP and only one to JSON."""
    if not _EMPTY_LIST.search(data):
        return data
    fields = _decode_fields(data)
    for name in ("context", "integrations", "properties", "traits"):
        if bytes(fields.get(name, b"")) == b"[]":
            fields[name] = msgspec.Raw(b"{}")
    if bytes(fields.get("context", b"")).startswith(b"{"):
        context = _decode_fields(fields["context"])
        if bytes(context.get("traits", b"")) == b"[]":
            fields["context"] = msgspec.Raw(msgspec.json.encode({**context, "traits": {}}))
    return msgspec.json.encode(fields)


def with_batch(data: bytes, batch: Batch) -> bytes:
    """The message with what its batch says for all, which yields to what it says itself."""
    if not batch.context and not batch.integrations:
        return data
    fields = _decode_fields(data)
    for name, shared in (("context", batch.context), ("integrations", batch.integrations)):
        if shared:
            own = fields.get(name)
            merged = {**shared, **(msgspec.json.decode(own, type=dict[str, msgspec.Raw] | None) or {})} if own else shared
            fields[name] = msgspec.Raw(msgspec.json.encode(merged))
    return msgspec.json.encode(fields)


def without(name: str, data: bytes | str) -> str:
    """The message without one of its fields."""
    fields = _decode_fields(data)
    fields.pop(name, None)
    return msgspec.json.encode(fields).decode()


def words(error: BaseException) -> str:
    """What is wrong with JSON that could not be read."""
    # The words of a refusal are stored, and may not hold a write key: these are about structure only.
    if isinstance(error, RecursionError):
        return "The JSON is nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return "The text is not UTF-8."
    if isinstance(error, ArithmeticError):
        return "A number is out of range."
    return str(error).splitlines()[0][:300] if str(error) else "The JSON cannot be read."
