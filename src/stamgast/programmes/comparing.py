"""What one programme document says otherwise than another: place by place, whatever stands there. Pure.

Rules, levels and whatever else has a name are compared by name, so that a rule that moved up is not another rule.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from stamgast.programmes.reading import read
from stamgast.programmes.terms import Document

ChangeKind = Literal["added", "removed", "changed", "reordered"]
_WHOLE = frozenset({"when", "of", "lines"})  # conditions: half of one says nothing


@dataclass(frozen=True, slots=True)
class Change:
    """One place where they differ. ``place`` names rules by their names: ``earn.purchase.give.points.amount``.

    ``line`` is where it stands in the later document; None where it is gone.
    """

    place: str
    kind: ChangeKind
    before: Any
    after: Any
    line: int | None


def compare(before: Document, after: Document) -> list[Change]:
    """Every difference, in the order of the documents."""
    (old, _), (new, lines) = read(before.text), read(after.text)
    return list(_compare("", "", old, new, lines))


def plain(value: Any) -> Any:
    """A value of a change for JSON: numbers that are not whole as text, so that they stay exact."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, Decimal) else value


def write_value(value: Any) -> str:
    """A value on one line, as a document writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {write_value(one)}" for name, one in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(write_value(one) for one in value) + "]"
    return str(value)


def _compare(place: str, path: str, old: Any, new: Any, lines: Mapping[str, int]) -> Iterator[Change]:
    if old == new and type(old) is type(new):
        return
    is_whole = place.rpartition(".")[2] in _WHOLE
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not is_whole:
        yield from _compare_named(place, old, new, {name: _join(path, name) for name in new}, lines)
    elif _is_named(old) and _is_named(new):
        were, are = ({str(item["name"]): item for item in items} for items in (old, new))
        paths = {name: f"{path}[{position}]" for position, name in enumerate(are)}
        yield from _compare_named(place, were, are, paths, lines)
        kept, order = [name for name in were if name in are], [name for name in are if name in were]
        if kept != order:
            yield Change(place, "reordered", kept, order, lines.get(path))
    else:
        yield Change(place, "changed", old, new, lines.get(path))


def _compare_named(
    place: str, old: Mapping[str, Any], new: Mapping[str, Any], paths: Mapping[str, str], lines: Mapping[str, int]
) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        here = _join(place, name)
        if name not in new:
            yield Change(here, "removed", old[name], None, None)
        elif name not in old:
            yield Change(here, "added", None, new[name], lines.get(paths[name]))
        else:
            yield from _compare(here, paths[name], old[name], new[name], lines)


def _is_named(items: Any) -> bool:
    is_list = isinstance(items, Sequence) and not isinstance(items, str)
    return is_list and bool(items) and all(isinstance(item, Mapping) and "name" in item for item in items)


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
