"""The mapping of a file: what its columns mean. Read from YAML, checked against ``mapping.schema.json``, no file touched.

All scalars are text, whatever they look like: YAML would make a number of 007 and False of no.
"""

import json
import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, relevance

from stamgast.activities.importers.errors import InvalidMapping

Type = Literal["text", "number", "money", "boolean"]
WORDS = {"number": "a number", "money": "an amount", "boolean": "yes or no"}
YES = ("true", "yes", "y", "1", "ja", "j", "waar")
NO = ("false", "no", "n", "0", "nee", "onwaar")
NUMBER = r"-?[0-9]{1,25}(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?"
MONEY = r"-?[0-9]{1,25}(\.[0-9]+)?"


@dataclass(frozen=True, slots=True)
class Field:
    """Where one value comes from: a column, a constant, or the sum of a column over the rows of an order."""

    name: str
    type: Type = "text"
    column: str | None = None
    constant: str | None = None
    sum_of: str | None = None
    values: MappingOf[str, str] = field(default_factory=dict)
    otherwise: str | None = None


@dataclass(frozen=True, slots=True)
class Timestamp:
    """The columns of the stamp, joined by a blank, and how to read them."""

    columns: tuple[str, ...]
    zone: ZoneInfo
    format: str | None


@dataclass(frozen=True, slots=True)
class Csv:
    """How a CSV file is written."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    decimal: str = "."


@dataclass(frozen=True, slots=True)
class Mapping:
    """What the columns of a file mean. ``digest`` is the SHA-256 of the text it was read from."""

    digest: bytes
    source: str | None
    kind: str
    """The one kind of every row, or empty where ``kind_of`` says which column names it."""
    kind_of: Field | None
    timestamp: Timestamp
    identifiers: Sequence[Field]
    message_id: tuple[str, ...]
    group_by: tuple[str, ...]
    properties: Sequence[Field]
    traits: Sequence[Field]
    products: Sequence[Field]
    csv: Csv

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the mapping names, once, in the order in which it names them."""
        fields = (*self.kinds, *self.identifiers, *self.properties, *self.traits, *self.products)
        named = [*self.timestamp.columns, *self.message_id, *self.group_by]
        named += [column for one in fields for column in (one.column, one.sum_of) if column is not None]
        return tuple(dict.fromkeys(named))

    @property
    def kinds(self) -> Sequence[Field]:
        """The field that names the kind, as a list: empty where every row is of one kind."""
        return () if self.kind_of is None else (self.kind_of,)


def read_schema() -> dict[str, Any]:
    """The JSON Schema of a mapping."""
    schema: dict[str, Any] = json.loads(files(__package__).joinpath("mapping.schema.json").read_text("utf-8"))
    return schema


def read_mapping(text: str, *, name: str = "mapping") -> Mapping:
    """The mapping that a YAML text says; raises InvalidMapping with the line and the field that is wrong."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InvalidMapping(f"{name}{where}: this is not YAML: {error.problem or 'it cannot be read'}.") from None
    except yaml.YAMLError:
        raise InvalidMapping(f"{name} is not YAML: it has characters that no text has.") from None
    if root is None:
        raise InvalidMapping(f"{name} is empty. docs/import.md shows what a mapping says.")
    document = _plain(root, name)
    errors = sorted(
        Draft202012Validator(read_schema()).iter_errors(document), key=lambda error: _line_of(root, error.absolute_path)
    )
    if errors:
        raise InvalidMapping(_sentence(name, root, errors[0]))
    return _mapping_of(document, root, name, sha256(text.encode()).digest())


def _mapping_of(document: dict[str, Any], root: yaml.Node, name: str, digest: bytes) -> Mapping:
    stamp = document["timestamp"] if isinstance(document["timestamp"], dict) else {"column": document["timestamp"]}
    zone = stamp.get("zone", "UTC")
    try:
        clock = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        line = _line_of(root, ("timestamp", "zone"))
        raise InvalidMapping(
            f"{name}, line {line}, timestamp.zone: there is no time zone {zone!r}. Write one as Europe/Amsterdam."
        ) from None
    csv = Csv(**document.get("csv", {}))
    try:
        "".encode(csv.encoding)  # a codec that is there may still be none of text, as hex is
    except LookupError:
        line = _line_of(root, ("csv", "encoding"))
        raise InvalidMapping(f"{name}, line {line}, csv.encoding: there is no encoding {csv.encoding!r}.") from None
    if (fault := _fault_of_format(stamp.get("format"))) is not None:
        line = _line_of(root, ("timestamp", "format"))
        raise InvalidMapping(f"{name}, line {line}, timestamp.format: {fault}. Write it as %d-%m-%Y %H:%M.")
    for section in ("properties", "products"):
        for key, one in document.get(section, {}).items():
            if isinstance(one, dict) and "constant" in one and not _is_of_type(one["constant"], one.get("type", "text")):
                line = _line_of(root, (section, key))
                raise InvalidMapping(
                    f"{name}, line {line}, {section}.{key}: the constant {one['constant']!r} is not {WORDS[one['type']]}."
                )
    group_by = _columns(document.get("group_by"))
    for key, one in document.get("properties", {}).items():
        if isinstance(one, dict) and "sum" in one and not group_by:
            line = _line_of(root, ("properties", key))
            raise InvalidMapping(
                f"{name}, line {line}, properties.{key}: a sum needs group_by, which says what rows belong together."
            )
    return Mapping(
        digest=digest,
        source=document.get("source"),
        kind="" if isinstance(document["kind"], dict) else document["kind"],
        kind_of=_fields({"kind": document["kind"]})[0] if isinstance(document["kind"], dict) else None,
        timestamp=Timestamp(_columns(stamp["column"]), clock, stamp.get("format")),
        identifiers=_fields(document["identifiers"]),
        message_id=_columns(document.get("message_id")),
        group_by=group_by,
        properties=_fields(document.get("properties", {})),
        traits=_fields(document.get("traits", {})),
        products=_fields(document.get("products", {})),
        csv=csv,
    )


def _fault_of_format(text: str | None) -> str | None:
    try:
        datetime.strptime("", text or "")  # noqa: DTZ007
    except (ValueError, re.error) as error:
        # That nothing is not of the form says nothing about the form.
        return None if str(error).startswith("time data") else str(error)
    return None


def _is_of_type(text: str, type_: Type) -> bool:
    match type_:
        case "number":
            return re.fullmatch(NUMBER, text) is not None
        case "money":
            return re.fullmatch(MONEY, text) is not None
        case "boolean":
            return text.lower() in (*YES, *NO)
        case _:
            return True


def _columns(value: str | list[str] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def _fields(document: MappingOf[str, Any]) -> list[Field]:
    fields = []
    for name, value in document.items():
        said = {"column": value} if isinstance(value, str) else dict(value)
        total = said.pop("sum", None)
        said.setdefault("type", "money" if total else "text")
        fields.append(Field(name, sum_of=total, **said))
    return fields


def _plain(node: yaml.Node, name: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        plain: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise InvalidMapping(f"{name}, line {key.start_mark.line + 1}: a field's name has to be text.")
            if key.value in plain:
                raise InvalidMapping(f"{name}, line {key.start_mark.line + 1}: {key.value} is said twice.")
            plain[key.value] = _plain(value, name)
        return plain
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, name) for item in node.value]
    return node.value


def _line_of(root: yaml.Node, path: Any) -> int:
    node = root
    for step in path:
        children: Iterator[yaml.Node] = iter(())
        if isinstance(node, yaml.MappingNode):
            children = (value for key, value in node.value if key.value == step)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            children = iter(node.value[step : step + 1])
        node = next(children, node)
    return int(node.start_mark.line) + 1


def _sentence(name: str, root: yaml.Node, error: ValidationError) -> str:
    while error.context:  # of what could have been meant, the likeliest
        branch = max({one.schema_path[0] for one in error.context}, key=lambda branch: _likeness(error, branch))
        likely = [one for one in error.context if one.schema_path[0] == branch]
        error = max(likely, key=lambda one: (one.validator == "additionalProperties", relevance(one)))
    path = ".".join(map(str, error.absolute_path))
    where = f"{name}, line {_line_of(root, error.absolute_path)}" + (f", {path}" if path else "")
    expected, schema, given = cast(Any, error.validator_value), cast(Any, error.schema), cast(Any, error.instance)
    match error.validator:
        case "required":
            missing = [key for key in expected if key not in given]
            return f"{where}: {missing[0]} is missing."
        case "additionalProperties":
            unknown = [key for key in given if key not in schema.get("properties", {})]
            return f"{where}: {unknown[0]} is not a field here. Use {', '.join(schema['properties'])}."
        case "dependentRequired":
            return f"{where}: products needs group_by, which says what rows are lines of one order."
        case "enum":
            return f"{where}: {error.instance!r} is not one of {', '.join(map(str, expected))}."
        case "type":
            form = {"object": "fields with values", "string": "text", "array": "a list"}[expected]
            return f"{where}: this has to be {form}."
        case "pattern":
            return f"{where}: {error.instance!r} is not a name. Use small letters, digits and _, and begin with a letter."
        case _:
            return f"{where}: {error.message}."


def _likeness(error: ValidationError, branch: Any) -> tuple[int, int]:
    """How likely a branch of ``oneOf`` was meant: its errors lie deep and are not about the type as such."""
    mine = [one for one in error.context or () if one.schema_path[0] == branch]
    return (min(one.validator != "type" or len(one.path) > 0 for one in mine), -len(mine))
