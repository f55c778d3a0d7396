"""A definition as the fields of a form, and back. What the fields cannot say stays as it is, in YAML beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from stamgast.traits.errors import InvalidTrait
from stamgast.traits.types import Aggregate

LONGEST_DOCUMENT = 16 * 1024
PROPERTY = "properties."
TAKES_NOTHING = (Aggregate.COUNT, Aggregate.FIRST_AT, Aggregate.LAST_AT, Aggregate.DAYS_SINCE_LAST)


@dataclass(frozen=True, slots=True)
class Fields:
    """What the form shows, as text. ``more`` is the rest of the condition in YAML, ``more_lines`` a filter of lines that is
    more than a category and a product."""

    name: str = ""
    label: str = ""
    aggregate: str = Aggregate.COUNT
    of: str = "amount"
    property: str = ""
    as_: str = ""
    currency: str = ""
    kind: str = ""
    over: str = ""
    more: str = ""
    category: str = ""
    product_id: str = ""
    more_lines: str = ""
    days: str = ""


def read_fields(document: Mapping[str, Any]) -> Fields:
    """The fields of a definition."""
    kind, over, more = _split(document.get("when"))
    lines = document.get("lines")
    is_simple = isinstance(lines, Mapping) and set(lines) <= {"category", "product_id"}
    is_simple = is_simple and all(isinstance(value, str) for value in lines.values())  # type: ignore[union-attr]
    of = str(document.get("of", ""))
    is_property = of.startswith(PROPERTY)
    return Fields(
        name=str(document.get("name", "")),
        label=str(document.get("label", "")),
        aggregate=str(document.get("aggregate", Aggregate.COUNT)),
        of="properties" if is_property else of or "amount",
        property=of.removeprefix(PROPERTY) if is_property else "",
        as_=str(document.get("as", "")),
        currency=str(document.get("currency", "")),
        kind=kind,
        over=over,
        more=_write(more),
        category=str(lines.get("category", "")) if is_simple and lines else "",
        product_id=str(lines.get("product_id", "")) if is_simple and lines else "",
        more_lines="" if is_simple else _write(lines),
        days=str(document.get("days", "")),
    )


def fields_of(sent: Mapping[str, str]) -> Fields:
    """The fields as they were sent."""
    return Fields(**{field.name: sent.get(field.name.rstrip("_"), "").strip() for field in fields(Fields)})


def write_fields(sent: Fields) -> dict[str, Any]:
    """The document that the fields say; raises InvalidTrait where one of them is not what it should be."""
    parts: list[Any] = [{"activity": sent.kind}] if sent.kind else []
    if sent.over:
        parts.append({"field": "amount", "over": _number(sent.over, "over")})
    more = read_yaml(sent.more, "when")
    if more is not None:
        inner = more.get("all") if isinstance(more, Mapping) and set(more) == {"all"} else None
        parts += inner if isinstance(inner, list) else [more]
    document: dict[str, Any] = {"name": sent.name, "label": sent.label}
    if parts:
        document["when"] = parts[0] if len(parts) == 1 else {"all": parts}
    document["aggregate"] = sent.aggregate
    if sent.aggregate not in TAKES_NOTHING:
        document |= _taken(sent)
    if sent.days:
        if not sent.days.isdecimal():
            raise InvalidTrait("days", f"{sent.days[:20]!r} is not a whole number of days.")
        document["days"] = int(sent.days)
    return document


def _taken(sent: Fields) -> dict[str, Any]:
    taken: dict[str, Any] = {"of": PROPERTY + sent.property if sent.of == "properties" else sent.of}
    if sent.of == "properties" and sent.as_:
        taken["as"] = sent.as_
    if sent.of in ("amount", "lines.amount") and sent.currency:
        taken["currency"] = sent.currency.upper()
    if sent.of.startswith("lines."):
        lines = {name: value for name, value in (("category", sent.category), ("product_id", sent.product_id)) if value}
        more = read_yaml(sent.more_lines, "lines")
        if more is not None and lines:
            raise InvalidTrait("lines", "Name the lines by category and product, or in words of the condition, not both.")
        if more is not None or lines:
            taken["lines"] = more if more is not None else lines
    return taken


def read_yaml(text: str, path: str) -> Any:
    """What a text in YAML or JSON says; None where there is nothing. Raises InvalidTrait."""
    if len(text) > LONGEST_DOCUMENT:
        raise InvalidTrait(path, f"This is longer than {LONGEST_DOCUMENT // 1024} KiB.")
    try:
        if any(isinstance(token, yaml.AliasToken | yaml.AnchorToken) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
            raise InvalidTrait(path, "Anchors and aliases are not known here. Write it out.")
        return _plain(yaml.safe_load(text))
    except (yaml.YAMLError, ValueError, RecursionError):
        raise InvalidTrait(path, "This is not YAML. A condition is such as {field: amount, over: 0}.") from None


def _plain(value: Any) -> Any:
    """Days as text, so that what is kept as JSON is what was written."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _number(text: str, path: str) -> int | float:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise InvalidTrait(path, f"{text[:20]!r} is not an amount.")
    return int(number) if number == int(number) else float(number)


def _split(when: Any) -> tuple[str, str, Any]:
    """The kind, the amount that is passed, and the rest of a condition."""
    is_all = isinstance(when, Mapping) and set(when) == {"all"} and isinstance(when["all"], list)
    parts = list(when["all"]) if is_all else [when] if when is not None else []
    kind = next((part for part in parts if isinstance(part, Mapping) and isinstance(part.get("activity"), str)), None)
    over = next((part for part in parts if isinstance(part, Mapping) and _is_over(part)), None)
    rest = [part for part in parts if part is not kind and part is not over]
    return (
        str(kind["activity"]) if kind else "",
        str(over["over"]) if over else "",
        None if not rest else rest[0] if len(rest) == 1 else {"all": rest},
    )


def _is_over(part: Mapping[str, Any]) -> bool:
    return set(part) == {"field", "over"} and part["field"] == "amount"


def _write(document: Any) -> str:
    return "" if document is None else yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=100).strip()
