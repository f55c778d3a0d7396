"""The condition of a rule as plain values, where it is of the simple form, and back.

Simple is one comparison, or some of them that hold ``all`` together: kind, weekdays, hours, products, source, store, channel
and amount, each at most once. Any other condition has no values, and stays as the document says it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from stamgast.programmes.forms.text import Path, Text

STORES = ("properties.store_id", "properties.store")
CHANNEL = "properties.channel"
LAST_HOUR = 24


@dataclass(frozen=True, slots=True)
class ConditionValues:
    """What an activity must be; what is empty or None does not matter. Hours are from ``hour_from`` on and before
    ``hour_until``; an amount is ``amount`` at least or, with ``is_over``, more than it. ``is_birthday`` asks for the month of
    the member's birthday."""

    kinds: tuple[str, ...] = ()
    weekdays: tuple[str, ...] = ()
    hour_from: int | None = None
    hour_until: int | None = None
    product_set: str | None = None
    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    amount: Decimal | None = None
    is_over: bool = False
    is_birthday: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it asks nothing, which no rule may."""
        return replace(self, is_over=False) == ConditionValues()


def condition_values(when: Mapping[str, Any]) -> ConditionValues | None:
    """The values of a condition as a document says it; None where it is not of the simple form."""
    found = _parts_of(when)
    if found is None:
        return None
    values: dict[str, Any] = {}
    for name, (_, part) in found.items():
        read = _READERS[name](part)
        if read is None:
            return None
        values |= read
    return ConditionValues(**values)


def stated_condition(values: ConditionValues) -> dict[str, Any]:
    """A new condition as a document says it."""
    parts = list(_written(values, {}).values())
    return {"all": parts} if len(parts) > 1 else parts[0]


def change_condition(text: Text, path: Path, when: Mapping[str, Any], was: ConditionValues, new: ConditionValues) -> None:
    """Writes the parts that differ, each in its own place. ``when`` is what the document says at ``path``."""
    found = _parts_of(when)
    assert found is not None
    before, after = _written(was, when), _written(new, when)
    is_one, gone = "all" not in when, []
    added = {name: part for name, part in after.items() if name not in before}
    if is_one and (added or after.keys() != before.keys()):
        parts = [when if before.get(name) == part else part for name, part in after.items()]
        text.put(path, {"all": parts} if len(parts) > 1 else parts[0])
        return
    for name, part in before.items():
        place, stated = found[name]
        here = path if is_one else (*path, "all", place)
        if name not in after:
            gone.append(place)
        elif after[name] != part:
            _change_part(text, here, stated, after[name])
    for part in added.values():
        text.add((*path, "all"), part)
    for place in sorted(gone, reverse=True):
        text.drop((*path, "all", place))


def _change_part(text: Text, path: Path, stated: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    if stated.keys() != new.keys():
        text.put(path, new)
        return
    for key, value in new.items():
        if value != stated[key]:
            text.put((*path, key), value)


def _parts_of(when: Mapping[str, Any]) -> dict[str, tuple[int, Mapping[str, Any]]] | None:
    """The comparisons by what they ask, each with its place among ``all``."""
    parts = when.get("all") if set(when) == {"all"} else [when]
    found: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for place, part in enumerate(parts if isinstance(parts, Sequence) else ()):
        name = _FIELDS.get(_field_of(part)) if isinstance(part, Mapping) else None
        if name is None or name in found:
            return None
        found[name] = (place, part)
    return found or None


def _field_of(part: Mapping[str, Any]) -> str:
    """Which field a comparison asks; ``any_line`` for lines."""
    if "any_line" in part:
        return "any_line"
    if "activity" in part:
        return "kind"
    if "birthday_month" in part:
        return "birthday_month"
    return f"properties.{part['properties']}" if "properties" in part else str(part.get("field"))


def _texts(part: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The texts of which a comparison asks one; None where it asks something else."""
    rest = {key: value for key, value in part.items() if key not in ("field", "properties")}
    if len(rest) != 1:
        return None
    ((key, value),) = rest.items()
    if key not in ("activity", "is", "in"):
        return None
    texts = [value] if isinstance(value, str) else value
    is_list = isinstance(texts, list) and all(isinstance(one, str) and "," not in one and one.strip() == one for one in texts)
    return tuple(texts) if is_list and texts else None


def _read_texts(name: str) -> Callable[[Mapping[str, Any]], dict[str, Any] | None]:
    def read(part: Mapping[str, Any]) -> dict[str, Any] | None:
        texts = _texts(part)
        return None if texts is None else {name: texts}

    return read


def _read_hours(part: Mapping[str, Any]) -> dict[str, Any] | None:
    bounds = {key: value for key, value in part.items() if key != "field"}
    is_simple = bounds.keys() <= {"at_least", "under"} and all(type(one) is int and 0 <= one <= 24 for one in bounds.values())
    return {"hour_from": bounds.get("at_least"), "hour_until": bounds.get("under")} if is_simple else None


def _read_lines(part: Mapping[str, Any]) -> dict[str, Any] | None:
    lines = part["any_line"]
    if set(part) != {"any_line"} or not isinstance(lines, Mapping) or not lines or not lines.keys() <= {"set", "category"}:
        return None
    categories = _texts({"in": lines["category"]}) if "category" in lines else ()
    return None if categories is None else {"product_set": lines.get("set"), "categories": categories}


def _read_amount(part: Mapping[str, Any]) -> dict[str, Any] | None:
    bounds = {key: value for key, value in part.items() if key != "field"}
    if len(bounds) != 1 or not bounds.keys() <= {"at_least", "over"}:
        return None
    ((key, value),) = bounds.items()
    return {"amount": Decimal(value), "is_over": key == "over"} if value >= 0 else None


def _read_birthday(part: Mapping[str, Any]) -> dict[str, Any] | None:
    wanted = {key: value for key, value in part.items() if key != "field"}
    return {"is_birthday": True} if wanted in ({"is": True}, {"birthday_month": True}) else None


_FIELDS = {
    "kind": "kinds", "weekday": "weekdays", "hour": "hours", "any_line": "lines", "source": "sources",
    **dict.fromkeys(STORES, "stores"), CHANNEL: "channels", "amount": "amount",
    "birthday_month": "birthday",
}  # fmt: skip
_READERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any] | None]] = {
    **{name: _read_texts(name) for name in ("kinds", "weekdays", "sources", "stores", "channels")},
    "hours": _read_hours,
    "lines": _read_lines,
    "amount": _read_amount,
    "birthday": _read_birthday,
}


def _written(values: ConditionValues, when: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The parts as a document says them, in the words in which ``when`` says them already."""
    found = _parts_of(when) or {}
    written: dict[str, dict[str, Any]] = {}
    fields = {"weekdays": "weekday", "sources": "source", "stores": STORES[0], "channels": CHANNEL}
    for name in ("kinds", *fields):
        texts: tuple[str, ...] = getattr(values, name)
        if not texts:
            continue
        stated = found[name][1] if name in found else {"activity": ""} if name == "kinds" else {"field": fields[name]}
        beginning = {key: one for key, one in stated.items() if key in ("field", "properties")}
        is_list = len(texts) > 1 or isinstance(stated.get("in", stated.get("activity")), list)
        key = "activity" if "activity" in stated else "in" if is_list else "is"
        written[name] = beginning | {key: list(texts) if is_list else texts[0]}
    hours = {"at_least": values.hour_from, "under": values.hour_until}
    if any(hour is not None for hour in hours.values()):
        written["hours"] = {"field": "hour"} | {key: hour for key, hour in hours.items() if hour is not None}
    lines: dict[str, Any] = {"set": values.product_set} if values.product_set else {}
    if values.categories:
        lines["category"] = values.categories[0] if len(values.categories) == 1 else list(values.categories)
    if lines:
        written["lines"] = {"any_line": lines}
    if values.amount is not None:
        written["amount"] = {"field": "amount", "over" if values.is_over else "at_least": values.amount}
    if values.is_birthday:
        written["birthday"] = dict(found["birthday"][1]) if "birthday" in found else {"birthday_month": True}
    return written
