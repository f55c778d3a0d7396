"""Text to content: YAML and JSON as Python values with exact numbers, the line of each place, and refusals that name both."""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from stamgast.programmes.errors import InvalidProgramme

LONGEST_DOCUMENT = 256 * 1024
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]+([eE][-+]?[0-9]{1,3})?")


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def refuse(problems: list[tuple[int, str, str]]) -> InvalidProgramme:
    ordered = sorted(set(problems))
    sentences = "; ".join(f"line {line}, {path or 'the document'}: {problem}" for line, path, problem in ordered[:10])
    more = f" and {len(ordered) - 10} more" if len(ordered) > 10 else ""
    return InvalidProgramme(
        f"This is not a programme that can run. {sentences}{more}",
        problems=[{"line": line, "path": path, "problem": problem} for line, path, problem in ordered],
    )


def read_file(file: Path) -> str:
    """The text of a document in a file. Raises InvalidProgramme where it is not text, and OSError."""
    content = file.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidProgramme(
            f"{file} is not text in UTF-8: see line {line}. Save it as UTF-8.",
            problems=[{"line": line, "path": "", "problem": "It is not text in UTF-8. Save it as UTF-8."}],
        ) from None


def line_of(path: str, lines: Mapping[str, int]) -> int:
    """The line of the nearest place that the document has."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 1)


class _Loader(yaml.SafeLoader):
    """Refuses references while it reads: what is shared could grow without end when it is written out."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            line = self.current_event.start_mark.line + 1
            raise refuse([(line, "", "References (*name) are not read. Write the part out.")])
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


def read(text: str) -> tuple[Any, dict[str, int]]:
    """Content and the line of each path. Numbers stay exact, words such as ``on`` stay words, nothing is shared."""
    if len(text) > LONGEST_DOCUMENT:
        raise refuse([(1, "", f"It is longer than {LONGEST_DOCUMENT // 1024} KiB.")])
    try:
        node = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise refuse([(mark.line + 1 if mark else 1, "", f"It is not YAML: {error.problem or error.context}.")]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise refuse([(line, "", "It is not YAML: here stands a character that no text has.")]) from None
    except (yaml.YAMLError, RecursionError):
        raise refuse([(1, "", "It is not YAML: it has characters or a depth that YAML does not.")]) from None
    if node is None:
        raise refuse([(1, "", "It is empty. A programme begins with programme, timezone, currencies and earn.")])
    lines: dict[str, int] = {}
    return _construct(node, "", lines, 0), lines


def _construct(node: yaml.Node | None, path: str, lines: dict[str, int], depth: int) -> Any:
    if node is None:
        return None
    lines[path] = node.start_mark.line + 1
    if depth > 64:
        raise refuse([(lines[path], path, "It is nested too deep.")])
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, f"{path}[{position}]", lines, depth + 1) for position, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _construct_scalar(node)
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise refuse([(line, path, "A name must be text.")])
        key = _text_of(key_node)
        here = join(path, key)
        if key in mapping:
            raise refuse([(line, here, "This name stands twice.")])
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


def read_schema() -> str:
    """The published JSON Schema of programme documents, as text."""
    return files("stamgast.programmes").joinpath("schema.json").read_text("utf-8")


def problems_of(content: Any) -> list[tuple[str, str]]:
    """The places and sentences of everything in which content differs from the published schema."""
    return [problem for error in _validator().iter_errors(content) for problem in _problems_of(error)]


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
                yield join(path, name), "It is missing here, and has to be."
    elif error.validator == "additionalProperties":
        known = ", ".join(schema["properties"])
        for name in error.instance:
            if name not in schema["properties"]:
                problem = f"{_shown(name)} is not known here. What may stand here is {known}."
                if name.isdecimal() and error.instance[name] is None:
                    problem += " Numbers are written with a point: 1.50."  # {per: 1,50} is {per: 1, 50: nothing}
                yield join(path, name), problem
    elif "propertyNames" in error.absolute_schema_path:
        yield join(path, str(error.instance)), _sentence_of(error)
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


def _path_of(parts: Any) -> str:
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path
