"""Programme documents: from YAML or JSON text to a checked ``Document``. Every problem names its line and its place.

Reads no clock and no database; which version is in force is not known here.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import Any, Literal
from zoneinfo import ZoneInfo

import jsonschema
import yaml

from stamgast.conditions import Condition, ConditionError, activity_fields, parse
from stamgast.conditions.tree import AnyLine
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.expiry import Expiry, parse_duration

Period = Literal["day", "week", "month", "lifetime"]
Rounding = Literal["down", "nearest", "up"]
LONGEST_DOCUMENT = 256 * 1024
MILLI = 1000
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]+([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency that the programme gives."""

    name: str
    expiry: Expiry | None
    is_spendable: bool


@dataclass(frozen=True, slots=True)
class Give:
    """What a rule gives of one currency: ``amount`` once, or for each whole ``per_milli`` thousandths of a major unit of
    the activity's amount or, with ``lines``, of its matching lines."""

    currency: str
    amount: int
    per_milli: int | None
    lines: AnyLine | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One earn rule. ``caps`` are by currency, the most in one ``cap_period``."""

    name: str
    when: Condition
    gives: tuple[Give, ...]
    caps: Mapping[str, int]
    cap_period: Period | None


@dataclass(frozen=True, slots=True)
class Document:
    """A checked programme document."""

    programme: str
    timezone: str
    rounding: Rounding
    currencies: Mapping[str, Currency]
    rules: tuple[Rule, ...]
    text: str


def default_document(timezone: str) -> str:
    """The document that a new installation begins with."""
    text = files("stamgast.programmes").joinpath("default.yaml").read_text("utf-8")
    return Template(text).substitute(timezone=timezone)


def read_schema() -> str:
    """The published JSON Schema of programme documents, as text."""
    return files("stamgast.programmes").joinpath("schema.json").read_text("utf-8")


def load(text: str) -> Document:
    """The document, or InvalidProgramme with every problem that was found, its line and its path."""
    content, lines = _read(text)
    problems = [problem for error in _validator().iter_errors(content) for problem in _problems_of(error)]
    if not problems:
        document, problems = _build(content, text)
        if document is not None and not problems:
            return document
    raise _invalid([(_line_of(path, lines), path, problem) for path, problem in problems])


def _invalid(problems: list[tuple[int, str, str]]) -> InvalidProgramme:
    ordered = sorted(set(problems))
    sentences = "; ".join(f"line {line}, {path or 'the document'}: {problem}" for line, path, problem in ordered[:10])
    more = f" and {len(ordered) - 10} more" if len(ordered) > 10 else ""
    return InvalidProgramme(
        f"This is not a programme that can run. {sentences}{more}",
        problems=[{"line": line, "path": path, "problem": problem} for line, path, problem in ordered],
    )


@lru_cache(maxsize=1)
def _validator() -> Any:
    draft = jsonschema.Draft202012Validator
    checker = draft.TYPE_CHECKER.redefine(
        "number", lambda _, value: isinstance(value, int | Decimal) and not isinstance(value, bool)
    ).redefine("integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool))
    extend: Any = jsonschema.validators.extend
    return extend(draft, type_checker=checker)(json.loads(read_schema(), parse_float=Decimal))


def _problems_of(error: Any) -> Iterator[tuple[str, str]]:
    """The places and sentences of one error of the schema. A name that is missing or unknown is a place of its own."""
    path, schema = _path_of(error.absolute_path), error.schema
    if error.validator == "required":
        for name in schema["required"]:
            if name not in error.instance:
                yield _join(path, name), "It is missing here, and has to be."
    elif error.validator == "additionalProperties":
        known = ", ".join(schema["properties"])
        for name in error.instance:
            if name not in schema["properties"]:
                yield _join(path, name), f"{_shown(name)} is not known here. What may stand here is {known}."
    elif "propertyNames" in error.absolute_schema_path:
        yield _join(path, str(error.instance)), _sentence_of(error)
    else:
        yield path, _sentence_of(error)


def _sentence_of(error: Any) -> str:
    if "description" in error.schema:
        return f"{_shown(error.instance)} does not fit. {error.schema['description']}"
    if error.validator == "enum":
        return f"{_shown(error.instance)} does not fit. It is one of {', '.join(error.validator_value)}."
    if error.validator == "type":
        return f"{_shown(error.instance)} does not fit. Here stands {_TYPES[error.validator_value]}."
    shown = str(error.message)
    return (shown if len(shown) <= 300 else shown[:300] + "…").removesuffix(".") + "."


_TYPES = {
    "object": "a mapping, such as {name: value}",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
}


def _shown(value: object) -> str:
    """A value as somebody wrote it, or what kind of thing it is."""
    if value is None:
        return "Nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | Decimal):
        text = repr(value) if isinstance(value, str) else str(value)
        return text if len(text) <= 80 else text[:80] + "…"
    return "A mapping" if isinstance(value, Mapping) and value else "A list" if value else "An empty one"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _path_of(parts: Any) -> str:
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _line_of(path: str, lines: Mapping[str, int]) -> int:
    """The line of the nearest place that the document has."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 1)


def _read(text: str) -> tuple[Any, dict[str, int]]:
    """Content and the line of each path. Numbers stay exact, words such as ``on`` stay words, nothing is shared."""
    if len(text) > LONGEST_DOCUMENT:
        raise _invalid([(1, "", f"It is longer than {LONGEST_DOCUMENT // 1024} KiB.")])
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise _invalid([(1, "", "References (*name) are not read. Write the part out.")])
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _invalid([(mark.line + 1 if mark else 1, "", f"It is not YAML: {error.problem or error.context}.")]) from None
    except (yaml.YAMLError, RecursionError):
        raise _invalid([(1, "", "It is not YAML: it has characters or a depth that YAML does not.")]) from None
    lines: dict[str, int] = {}
    return _construct(node, "", lines, 0), lines


def _construct(node: yaml.Node | None, path: str, lines: dict[str, int], depth: int) -> Any:
    if node is None:
        return None
    lines[path] = node.start_mark.line + 1
    if depth > 64:
        raise _invalid([(lines[path], path, "It is nested too deep.")])
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, f"{path}[{position}]", lines, depth + 1) for position, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _construct_scalar(node)
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise _invalid([(line, path, "A name must be text.")])
        key = _text_of(key_node)
        here = _join(path, key)
        if key in mapping:
            raise _invalid([(line, here, "This name stands twice.")])
        mapping[key] = _construct(value_node, here, lines, depth + 1)
        lines[here] = line
    return mapping


def _construct_scalar(node: yaml.Node) -> Any:
    text = _text_of(node)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return text
    if text in ("true", "false"):
        return text == "true"
    if text in ("", "null", "~"):
        return None
    if _INTEGER.fullmatch(text) and len(text) <= 40:
        return int(text)
    return Decimal(text) if _DECIMAL.fullmatch(text) and len(text) <= 60 else text


def _text_of(node: yaml.Node) -> str:
    """The text of a scalar; JSON's pairs of surrogates become the character that they mean."""
    return str(node.value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _build(content: dict[str, Any], text: str) -> tuple[Document | None, list[tuple[str, str]]]:
    problems: list[tuple[str, str]] = []
    zone = content["timezone"]
    if not _is_zone(zone):
        return None, [("timezone", f"{zone!r} is not a time zone. Write a name of the IANA list, such as Europe/Amsterdam.")]
    currencies: dict[str, Currency] = {}
    for name, options in content["currencies"].items():
        expires = options.get("expires")
        try:
            expiry = parse_duration(expires["after"], expires.get("at", "exact")) if expires else None
        except ValueError as error:
            problems.append((f"currencies.{name}.expires.after", str(error)))
            continue
        currencies[name] = Currency(name, expiry, options.get("spendable", True))
    rules: list[Rule] = []
    names: set[str] = set()
    for position, item in enumerate(content["earn"]):
        path = f"earn[{position}]"
        if item["name"] in names:
            problems.append((f"{path}.name", f"Another rule is called {item['name']!r}. What a rule gave is kept by its name."))
        names.add(item["name"])
        for key, group in (("give", item["give"]), ("cap", item.get("cap", {}))):
            problems += [
                (f"{path}.{key}.{currency}", f"The programme has no currency {currency!r}.")
                for currency in group
                if currency not in content["currencies"] and not (key == "cap" and currency == "per")
            ]
        try:
            rules.append(_build_rule(item, zone, path))
        except ConditionError as error:
            problems.append((error.path, error.problem))
    problems += [
        (f"earn[{position}].cap.{currency}", "The rule does not give this currency.")
        for position, item in enumerate(content["earn"])
        for currency in item.get("cap", {})
        if currency != "per" and currency not in item["give"]
    ]
    return Document(content["programme"], zone, content.get("round", "down"), currencies, tuple(rules), text), problems


def _is_zone(name: str) -> bool:
    try:
        return ZoneInfo(name).key == name
    except (KeyError, ValueError, OSError):
        return False


def _build_rule(item: dict[str, Any], zone: str, path: str) -> Rule:
    fields = activity_fields(zone)
    when = parse(item["when"], fields, f"{path}.when")
    gives = tuple(_build_give(currency, give, zone, f"{path}.give.{currency}") for currency, give in item["give"].items())
    cap = item.get("cap", {})
    return Rule(item["name"], when, gives, {key: cap[key] for key in cap if key != "per"}, cap.get("per"))


def _build_give(currency: str, give: Any, zone: str, path: str) -> Give:
    if isinstance(give, int):
        return Give(currency, give, None, None)
    milli = Decimal(give["per"]) * MILLI
    if milli != int(milli):
        raise ConditionError(f"{path}.per", "An amount of money has at most three decimals here.")
    of = give.get("of", "amount")
    lines = None
    if isinstance(of, Mapping):
        condition = parse({"any_line": of["lines"]}, activity_fields(zone), f"{path}.of")
        assert isinstance(condition, AnyLine)
        lines = condition
    return Give(currency, give["amount"], int(milli), lines)
