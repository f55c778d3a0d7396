"""A message with nothing personal left in it, and with what deciding needs. Pure.

Kept are the kind, the moments, the amounts, the lines, and the properties that the programme reads; all else is left out, by
a list of what stays and not of what goes, because nobody can list what people write into a message.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from stamgast.customers.rules import normalise_identifier

_AMOUNTS = ("revenue", "total", "subtotal", "shipping", "tax", "discount", "currency", "store_id", "affiliation")
_LINE = ("product_id", "sku", "category", "name", "brand", "variant", "price", "quantity", "revenue")
_MOMENTS = ("timestamp", "originalTimestamp", "sentAt")
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def scrub_body(body: str, *, kept_properties: Mapping[tuple[str, ...], Collection[str]], order_of: Callable[[str], str]) -> str:
    """The body of an activity without anybody in it.

    ``kept_properties`` are the paths that the programme reads, each with the texts that it compares with. A number or a truth
    stays. A text stays as far as the programme names it: any other becomes one that compares the same. ``order_of`` gives
    what stands for an order number.
    """
    try:
        message = _decode(body)
    except (msgspec.DecodeError, UnicodeError):
        return "{}"
    kept: dict[str, Any] = {name: message[name] for name in ("type", "event", *_MOMENTS) if name in message}
    given = _object(message.get("properties"))
    properties: dict[str, Any] = {name: given[name] for name in _AMOUNTS if name in given and _is_plain(given[name])}
    order_id = _text(given.get("order_id"))
    if order_id is not None:
        properties["order_id"] = order_of(order_id)
    lines = _lines(given.get("products"))
    if lines is not None:
        properties["products"] = [
            {name: line[name] for name in _LINE if name in line and _is_plain(line[name])} for line in lines
        ]
    for path in sorted(kept_properties):  # what lies deeper comes after what it lies in
        _keep(properties, given, path, kept_properties[path])
    if properties:
        kept["properties"] = properties
    return msgspec.json.encode(kept).decode()


_EMAIL = re.compile(r"[^\s\"'<>,;:]+@[^\s\"'<>,;:]+\.[^\s\"'<>,;:]+")
_IDS = {"userId": ("user_id",), "anonymousId": ("anonymous_id",), "previousId": ("user_id", "anonymous_id")}


def decode_exactly(body: str) -> Any:
    """A message with its numbers as they are written. Raises what ``msgspec`` raises."""
    return _exact.decode(body)


def encode_exactly(message: Any) -> str:
    """The text of a message that was decoded exactly."""
    return _plain.encode(message).decode()


ERASED_TEXT = "erased"
"""What stands where a text was."""
_exact = msgspec.json.Decoder(float_hook=Decimal)
_plain = msgspec.json.Encoder(decimal_format="number")


def identifiers_in(body: str, *, region: str | None) -> set[str]:
    """Every ``kind:value`` that a message may name, accepted or not: the ids by their names, addresses wherever they stand."""
    found = {
        f"email:{normal}"
        for text in _EMAIL.findall(body)
        if (normal := normalise_identifier("email", text.rstrip(".!?)]}"), region=None))
    }
    try:
        message = decode_exactly(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ArithmeticError):
        return found
    for kind, value in _named(message):
        normal = normalise_identifier(kind, value, region=region)
        if normal is not None:
            found.add(f"{kind}:{normal}")
    return found


def _named(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("type"), str) and "id" in value:
            yield value["type"], value["id"]
        for name, one in value.items():
            for kind in _IDS.get(name, ()):
                yield kind, one
            if name == "phone":
                yield "phone", one
            yield from _named(one)
    elif isinstance(value, list):
        for one in value:
            yield from _named(one)


def without_values(value: Any, is_personal: Callable[[str], bool]) -> Any:
    """A JSON value without the texts that are personal, wherever in it they stand."""
    if isinstance(value, str):
        return None if is_personal(value) else value
    if isinstance(value, Mapping):
        return {name: without_values(one, is_personal) for name, one in value.items()}
    if isinstance(value, list):
        return [without_values(one, is_personal) for one in value]
    return value


def _keep(properties: dict[str, Any], given: Mapping[str, Any], path: tuple[str, ...], literals: Collection[str]) -> None:
    """Copies what is at a path, so that every comparison of the programme with it comes out as before."""
    found: Any = given
    for name in path:
        found = _object(found).get(name)
        if found is None:
            return
    at = properties
    for name in path[:-1]:
        at = at.setdefault(name, {})
        if not isinstance(at, dict):
            return
    value = _exact.decode(found) if _is_plain(found) else None
    if not _is_plain(found):
        kept: Any = {} if bytes(found).lstrip()[:1] == b"{" else []
    elif isinstance(value, str):
        named = [literal for literal in sorted(literals) if literal in value]
        kept = value if value in literals else " ".join([ERASED_TEXT, *named])
    else:
        kept = found
    at.setdefault(path[-1], kept)


def _object(raw: Any) -> Mapping[str, Any]:
    if isinstance(raw, Mapping):
        return raw
    try:
        return _decode(raw) if raw is not None else {}
    except msgspec.DecodeError:
        return {}


def _lines(raw: Any) -> list[Mapping[str, Any]] | None:
    if raw is None:
        return None
    try:
        return [_object(line) for line in msgspec.json.decode(raw, type=list[msgspec.Raw])]
    except msgspec.DecodeError:
        return None


def _is_plain(raw: msgspec.Raw) -> bool:
    return bytes(raw).lstrip()[:1] not in (b"{", b"[")


def _text(raw: Any) -> str | None:
    if raw is None:
        return None
    value = msgspec.json.decode(raw)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
