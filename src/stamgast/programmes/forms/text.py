"""The text of a document, changed in one place at a time: all other characters stay, comments and order too. Pure.

A place is a path of names and positions: ``("earn", 0, "give", "points")``. What is not there yet is written the way its
neighbours are: on lines of its own, or in braces.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import yaml

from stamgast.programmes.errors import InvalidProgramme

Path = Sequence[str | int]
Edit = tuple[int, int, str]
_PLAIN = re.compile(r"([A-Za-z_][\w.]*|[0-9]+ [A-Za-z]+)( \w+)*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


class Text:
    """A text that is changed. ``text`` is what it came to."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._root: yaml.Node | None = None

    def put(self, path: Path, value: Any) -> None:
        """Writes a value at a place, or a new entry at the end of the mapping in which it belongs."""
        found, parent = self._find(path), self._find(path[:-1])
        if found is None:
            assert isinstance(parent, yaml.MappingNode)
            self._edit(self._insert_entry(parent, str(path[-1]), value))
        else:
            end = _end(self.text, found)
            is_outdented = _is_outdented(found, parent)
            self._edit((found.start_mark.index, end, "  " * is_outdented + self._written_as(found, value)))

    def drop(self, path: Path) -> None:
        """Takes out an entry of a mapping, or an item of a list."""
        parent, last = self._find(path[:-1]), path[-1]
        if isinstance(last, int):
            assert isinstance(parent, yaml.SequenceNode)
            self._edit(self._remove_item(parent, last))
        else:
            assert isinstance(parent, yaml.MappingNode)
            self._edit(self._remove_entry(parent, last))

    def add(self, path: Path, value: Any, place: int | None = None) -> None:
        """Puts an item into a list that has one at least, before the one at ``place``, or at the end."""
        items = self._find(path)
        assert isinstance(items, yaml.SequenceNode)
        self._edit(self._insert_item(items, value, len(items.value) if place is None else place))

    def _edit(self, edit: Edit) -> None:
        start, end, replacement = edit
        self.text, self._root = self.text[:start] + replacement + self.text[end:], None

    def _find(self, path: Path) -> yaml.Node | None:
        node = self._compose()
        for part in path:
            if isinstance(part, int):
                node = node.value[part]
                continue
            found = next((value for key, value in node.value if key.value == part), None)
            if found is None:
                return None
            node = found
        return node

    def _compose(self) -> yaml.Node:
        if self._root is None:
            self._root = yaml.compose(self.text, yaml.SafeLoader)
        assert self._root is not None
        return self._root

    @property
    def _is_json(self) -> bool:
        root: yaml.Node = self._compose()
        return any(key.style == '"' for key, _ in root.value)

    def _written_as(self, node: yaml.Node, value: Any) -> str:
        """A value in the place of another one, in the quotes that it has."""
        if isinstance(value, str) and isinstance(node, yaml.ScalarNode) and node.style == "'":
            return "'" + value.replace("'", "''") + "'"
        if isinstance(value, str) and isinstance(node, yaml.ScalarNode) and node.style == '"':
            return json.dumps(value, ensure_ascii=False)
        return self._flow(value)

    def _flow(self, value: Any) -> str:
        """A value on one line."""
        if isinstance(value, Mapping):
            return "{" + ", ".join(f"{self._word(str(name))}: {self._flow(one)}" for name, one in value.items()) + "}"
        if isinstance(value, str):
            return self._word(value)
        if isinstance(value, Sequence):
            return "[" + ", ".join(self._flow(one) for one in value) + "]"
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:f}" if isinstance(value, Decimal) else str(value)

    def _word(self, text: str) -> str:
        is_plain = _PLAIN.fullmatch(text) and text.casefold() not in _WORDS and not self._is_json
        return text if is_plain else json.dumps(text, ensure_ascii=False)

    def _lines(self, name: str, value: Any, indent: int) -> Iterator[str]:
        """An entry on lines of its own: what has lists in it is spread, all else stands on one line."""
        margin = " " * indent
        if isinstance(value, Mapping) and any(isinstance(one, list) for one in value.values()):
            yield f"{margin}{self._word(name)}:"
            for inner, one in value.items():
                yield from self._lines(inner, one, indent + 2)
        elif isinstance(value, list) and isinstance(value[0], Mapping):
            yield f"{margin}{self._word(name)}:"
            yield from (f"{margin}  - {self._flow(one)}" for one in value)
        else:
            yield f"{margin}{self._word(name)}: {self._flow(value)}"

    def _insert_entry(self, mapping: yaml.MappingNode, name: str, value: Any) -> Edit:
        if mapping.flow_style:
            entry = f"{self._word(name)}: {self._flow(value)}"
            if not mapping.value:
                return mapping.start_mark.index, mapping.end_mark.index, f"{{{entry}}}"
            place = _end(self.text, mapping.value[-1][1])
            return place, place, f", {entry}"
        key, node = mapping.value[-1]
        place = _line_end(self.text, _end(self.text, node))
        return place, place, "".join(f"\n{line}" for line in self._lines(name, value, key.start_mark.column))

    def _remove_entry(self, mapping: yaml.MappingNode, name: str) -> Edit:
        text, entries = self.text, mapping.value
        place = next(place for place, (key, _) in enumerate(entries) if key.value == name)
        key, node = entries[place]
        start, end = key.start_mark.index, _end(text, node)
        if len(entries) == 1:
            return (mapping.start_mark.index, mapping.end_mark.index, "{}") if mapping.flow_style else (start, end, "{}")
        later = entries[place + 1][0].start_mark.index if place + 1 < len(entries) else None
        if mapping.flow_style:
            return _out_of_row(text, entries[place - 1][1] if place else None, start, end, later)
        if text[_line_start(text, start) : start].strip():  # the first name behind the dash of an item
            assert later is not None
            return start, later, ""
        first = _line_start(text, start)
        return (first - 1, _line_end(text, end), "") if first else (0, _line_end(text, end) + 1, "")

    def _remove_item(self, items: yaml.SequenceNode, place: int) -> Edit:
        text, node = self.text, items.value[place]
        later = items.value[place + 1].start_mark.index if place + 1 < len(items.value) else None
        if items.flow_style:
            before = items.value[place - 1] if place else None
            return _out_of_row(text, before, node.start_mark.index, _end(text, node), later)
        start = self._dash(node)
        end = _line_end(text, _end(text, node))
        return (start, end + 1, "") if end < len(text) else (max(start - 1, 0), end, "")

    def _insert_item(self, items: yaml.SequenceNode, value: Any, place: int) -> Edit:
        before = items.value[place - 1] if place else None
        if items.flow_style:
            if before is None:
                start = items.value[0].start_mark.index
                return start, start, f"{self._flow(value)}, "
            end = _end(self.text, before)
            return end, end, f", {self._flow(value)}"
        margin = " " * items.start_mark.column
        neighbour = before or items.value[0]
        if isinstance(neighbour, yaml.MappingNode) and not neighbour.flow_style:
            entries = [line for name, one in value.items() for line in self._lines(name, one, 0)]
            lines = [f"{margin}{'  ' if number else '- '}{line}" for number, line in enumerate(entries)]
        else:
            lines = [f"{margin}- {self._flow(value)}"]
        if before is None:
            start = self._dash(neighbour)
            return start, start, "".join(f"{line}\n" for line in lines)
        end = _line_end(self.text, _end(self.text, before))
        return end, end, "".join(f"\n{line}" for line in lines)

    def _dash(self, node: yaml.Node) -> int:
        """Where the line of an item begins."""
        start = _line_start(self.text, node.start_mark.index)
        if self.text[start : node.start_mark.index].strip() != "-":
            raise InvalidProgramme("This is written in a way that only the document can change. Change it there.")
        return start


def _is_outdented(node: yaml.Node, parent: yaml.Node | None) -> bool:
    """Whether a list has its dashes right under the name that it belongs to, where nothing but dashes may stand."""
    is_block = isinstance(node, yaml.SequenceNode) and not node.flow_style and isinstance(parent, yaml.MappingNode)
    return is_block and parent is not None and node.start_mark.column == parent.start_mark.column


def _end(text: str, node: yaml.Node) -> int:
    """Where a node really ends: what YAML calls the end of a block is where the next thing begins, comments and all."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    is_text = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return len(text[:end].rstrip()) if is_text else end


def _line_end(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found


def _line_start(text: str, place: int) -> int:
    return text.rfind("\n", 0, place) + 1


def _out_of_row(text: str, before: yaml.Node | None, start: int, end: int, later: int | None) -> Edit:
    """Takes one out of a row with commas. The last one leaves the comma where a remark about the one before it follows."""
    if later is not None:
        return start, later, ""
    begin = _end(text, before) if before is not None else start
    return start if "#" in text[begin:start] else begin, end, ""
