"""Reads the Segment protocol's messages: one message in, one activity to store or one refusal out. Pure.

What a message is worth storing as is decided here and nowhere else, for the web and for importers alike. Numbers are never
read as float. ``docs/intake.md`` says in words what this module does.
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec

from stamgast.activities.catalogue import Catalogue, aliases
from stamgast.activities.envelopes import UNREADABLE, Batch, count_twin, refuse, with_batch, with_objects, without, words
from stamgast.activities.moments import correct_skew, parse_moment
from stamgast.activities.orders import OrderRead, read_order
from stamgast.activities.types import NewActivity, Reason, Refused, Source
from stamgast.customers.rules import CARD_NUMBER, identifier_id, normalise_identifier
from stamgast.customers.ruleset import DEFAULT, anchor_of, is_blocked
from stamgast.customers.types import IdentityRules
from stamgast.kit.ids import derive_id
from stamgast.kit.money import InvalidMoney

TYPES = ("identify", "track", "page", "screen", "group", "alias")
LARGEST_MESSAGE_BYTES = 32 * 1024
LARGEST_BATCH_BYTES = 500 * 1024
MOST_MESSAGES = 2_500
LONGEST_MESSAGE_ID = 100
LONGEST_EVENT_NAME = 255
MOST_IDENTIFIERS = 20
DEEPEST = 200
"""What is nested deeper than this is refused: whoever reads it later may have less room on the stack than intake had."""
_ANY_ID_TYPES = (str, int)
_NO_ORDER = OrderRead(None, None, None, 0)
_NOTHING: Mapping[str, Any] = {}


class _ExternalId(msgspec.Struct):
    id: Any = None
    type: Any = None
    collection: Any = None


class _Context(msgspec.Struct):
    traits: dict[str, Any] | None = None
    externalIds: list[_ExternalId | None] | None = None  # noqa: N815  the protocol's spelling


class _Message(msgspec.Struct):
    type: Any = None
    event: Any = None
    messageId: Any = None  # noqa: N815
    userId: Any = None  # noqa: N815
    anonymousId: Any = None  # noqa: N815
    previousId: Any = None  # noqa: N815
    groupId: Any = None  # noqa: N815
    timestamp: Any = None
    originalTimestamp: Any = None  # noqa: N815
    sentAt: Any = None  # noqa: N815
    context: _Context | None = None
    traits: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None
    writeKey: Any = msgspec.UNSET  # noqa: N815


class _Refusal(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail


CARD_REISSUED = "Card Reissued"
"""Says that ``card_number`` replaces ``old_card_number``: both are the same customer's."""
_decode = msgspec.json.Decoder(_Message, float_hook=Decimal).decode
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(rb"[\[\]{}]")


class Reader:
    """Reads messages by one catalogue of kinds and the rules of identity, for a shop with one currency and one country."""

    def __init__(self, catalogue: Catalogue, *, currency: str, region: str | None, identity: IdentityRules = DEFAULT) -> None:
        self.catalogue = catalogue
        self._currency = currency
        self._region = region
        self._identity = identity
        self._aliases = aliases()

    def read_message(
        self,
        raw: bytes | msgspec.Raw,
        *,
        source: Source,
        received_at: datetime,
        fallback_id: str,
        batch: Batch | None = None,
        type_from_path: str | None = None,
        twins: Counter[bytes] | None = None,
    ) -> NewActivity | Refused:
        """One message as an activity, or refused with the reason.

        What ``batch`` says for all its messages yields to what the message says itself. ``fallback_id`` becomes the message
        id of a message that has none and cannot be recognised when it is sent again; with ``twins``, which lives as long as
        one request, a message without an id that says when it happened is recognised by its content (and by how many like
        it went before).
        """
        data = bytes(raw)
        sent_at = batch.sentAt if batch is not None else None
        try:
            if len(data) > LARGEST_MESSAGE_BYTES:
                raise _Refusal(Reason.TOO_LARGE, f"The message is {len(data):,} bytes; a message has at most 32 KB.")
            try:
                data = with_objects(data)
                if batch is not None:
                    data = with_batch(data, batch)
                    if len(data) > LARGEST_MESSAGE_BYTES:
                        detail = f"With what its batch says for all, the message is {len(data):,} bytes; it has at most 32 KB."
                        raise _Refusal(Reason.TOO_LARGE, detail)
                message = _decode(data)
                body = data.decode()
                if _is_too_deep(data):
                    raise RecursionError
            except msgspec.ValidationError as error:
                raise _Refusal(Reason.INVALID_MESSAGE, words(error)) from None
            except UNREADABLE as error:
                raise _Refusal(Reason.INVALID_JSON, words(error)) from None
            if message.writeKey is not msgspec.UNSET:
                body = without("writeKey", data)
            return self._read(message, body, source, received_at, fallback_id, sent_at, type_from_path, twins)
        except _Refusal as refusal:
            return refuse(
                raw,
                reason=refusal.reason,
                detail=refusal.detail,
                source=source,
                received_at=received_at,
                sent_at=sent_at,
                type_from_path=type_from_path,
                batch=batch,
                fallback_id=fallback_id,
                twins=twins,
            )

    def _read(
        self,
        message: _Message,
        body: str,
        source: Source,
        received_at: datetime,
        fallback_id: str,
        sent_at: object,
        type_from_path: str | None,
        twins: Counter[bytes] | None,
    ) -> NewActivity:
        message_type = type_from_path or message.type
        if message_type not in TYPES:
            raise _Refusal(Reason.UNKNOWN_TYPE, f"The type is one of {', '.join(TYPES)}.")
        kind = self._kind(message) if message_type == "track" else message_type
        traits = traits_of(message, message_type)
        identifiers = self._identifiers(message, message_type, traits, kind)
        moment, occurred_at = _moments(message, sent_at, received_at)
        message_id = _message_id(message)
        if message_id is None:
            content = body if message.sentAt is None else without("sentAt", body)  # each attempt has another
            message_id = fallback_id if twins is None or moment is None else _id_by_content(content, message_type, twins)
        properties = message.properties or _NOTHING
        fault = self.catalogue.find_fault(kind, properties)
        if fault is not None:
            raise _Refusal(Reason.SCHEMA, fault)
        try:
            order = read_order(kind, properties, self._currency) if properties else _NO_ORDER
        except InvalidMoney as error:
            raise _Refusal(Reason.BAD_AMOUNT, error.message) from None
        return NewActivity(
            id=derive_id("activity", source.name, message_id),
            source_id=source.id,
            type=message_type,
            kind=kind,
            identifiers=identifiers,
            anchor_id=identifier_id(*_split(identifiers[0])),
            occurred_at=occurred_at,
            received_at=received_at,
            order_id=order.order_id,
            amount_minor=order.amount_minor,
            currency=order.currency,
            line_count=order.line_count,
            body=body if "\x00" not in body else body.replace("\x00", "\\u0000"),
            traits=traits,
        )

    def _kind(self, message: _Message) -> str:
        event = message.event
        if event is None or event == "":
            raise _Refusal(Reason.NO_EVENT_NAME, "A track message needs an event name in `event`.")
        name = event.strip() if isinstance(event, str) else ""
        if not name or len(name) > LONGEST_EVENT_NAME or not name.isprintable():
            raise _Refusal(Reason.BAD_EVENT_NAME, f"An event name is text of 1 to {LONGEST_EVENT_NAME} printable characters.")
        return self._aliases.get(name, name)

    def _identifiers(self, message: _Message, message_type: str, traits: Mapping[str, Any], kind: str) -> tuple[str, ...]:
        """The identifiers in force, each once, the anchor first."""
        found: dict[str, None] = {}

        def add(kind: str, value: object) -> None:
            if value is not None:
                normal = normalise_identifier(kind, value, region=self._region)
                if normal is not None and not is_blocked(self._identity, kind, normal):
                    found[f"{kind}:{normal}"] = None

        add("user_id", message.userId)
        if message.context is not None and message.context.externalIds:
            for external in message.context.externalIds[:MOST_IDENTIFIERS]:
                if external is not None and isinstance(external.type, str) and external.collection in (None, "users"):
                    add(external.type, external.id)
        if kind == CARD_REISSUED and message.properties:
            add(CARD_NUMBER, message.properties.get("card_number"))
            add(CARD_NUMBER, message.properties.get("old_card_number"))
        if traits:
            add("email", traits.get("email"))
            add("phone", traits.get("phone"))
        add("anonymous_id", message.anonymousId)
        if message_type == "alias":
            # The protocol does not say whether the former id was a user's or an anonymous one.
            add("user_id", message.previousId)
            add("anonymous_id", message.previousId)
        if not found:
            raise _Refusal(
                Reason.NO_IDENTITY,
                "The message points at nobody: it needs a userId, an anonymousId or another id that is not a placeholder.",
            )
        if len(found) == 1:
            return tuple(found)
        first = anchor_of(self._identity, found)
        del found[first]
        return (first, *found)


def _is_too_deep(data: bytes) -> bool:
    """Whether JSON that can be read is nested too deeply. Few messages have so many brackets that it takes counting."""
    if data.count(b"[") + data.count(b"{") <= DEEPEST:
        return False
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest > DEEPEST


def _split(identifier: str) -> tuple[str, str]:
    kind, _, value = identifier.partition(":")
    return kind, value


def _message_id(message: _Message) -> str | None:
    value = message.messageId
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, _ANY_ID_TYPES):
        raise _Refusal(Reason.BAD_MESSAGE_ID, "A messageId is text.")
    if isinstance(value, int):
        value = str(value) if value.bit_length() <= 256 else "0" * (LONGEST_MESSAGE_ID + 1)
    if len(value) > LONGEST_MESSAGE_ID:
        raise _Refusal(Reason.BAD_MESSAGE_ID, f"A messageId has at most {LONGEST_MESSAGE_ID} characters.")
    return str(value)


def _id_by_content(body: str, message_type: str, twins: Counter[bytes]) -> str:
    content = f"{message_type}\x1f{body}".encode()
    return f"content:{blake2b(content, digest_size=16).hexdigest()}:{count_twin(content, twins)}"


def _moments(message: _Message, sent_at: object, received_at: datetime) -> tuple[datetime | None, datetime]:
    stated = message.timestamp if message.timestamp is not None else message.originalTimestamp
    try:
        moment = parse_moment(stated)
    except (ValueError, ArithmeticError):
        raise _Refusal(
            Reason.BAD_TIMESTAMP, "The timestamp is ISO 8601, such as 2026-03-01T12:00:00.000Z, or a number since 1970."
        ) from None
    try:
        sent = parse_moment(message.sentAt if message.sentAt is not None else sent_at)
    except (ValueError, ArithmeticError):
        sent = None  # without a moment of sending there is nothing to correct by
    return moment, correct_skew(moment, sent_at=sent, received_at=received_at)


def traits_of(message: Any, message_type: str) -> Mapping[str, Any]:
    """What a message says about the customer. A group that calls itself a household is one: its id is a trait of the member.

    ``message`` is anything with traits, context and groupId.
    """
    traits = merge_traits(message.traits, message.context.traits if message.context else None, message_type)
    if (
        message_type == "group"
        and message.groupId is not None
        and (message.traits or _NOTHING).get("group_type") == "household"
    ):
        return {**traits, "household_id": message.groupId}
    return traits


def merge_traits(own: Mapping[str, Any] | None, in_context: Mapping[str, Any] | None, message_type: str) -> Mapping[str, Any]:
    """What a message says about the customer: its own traits go before those of its context, where they say something.

    The traits of a group message describe the group, and must not become those of its members.
    """
    if not own or message_type == "group":
        return in_context or _NOTHING
    if not in_context:
        return own
    return {**in_context, **{name: value for name, value in own.items() if value is not None or name not in in_context}}
