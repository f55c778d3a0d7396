"""A programme document as values in a form, and back: only what was changed is written, and all else stays as it stands.

The text is the truth. A changed value replaces its own characters in it, so that comments, order and everything that a form
cannot show are kept to the letter. Pure.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import yaml

from stamgast.programmes.documents import MILLI, Document, Period
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.expiry import At

_PLAIN = re.compile(r"[A-Za-z]+( [A-Za-z]+)*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_LIFE = re.compile(r"([0-9]+) ([a-z]+?)s?")
UNITS = ("second", "minute", "hour", "day", "week", "month", "year")


@dataclass(frozen=True, slots=True)
class GiveValues:
    """``amount`` of a currency, for each ``per`` where the document says so, at most ``cap`` in the rule's period."""

    currency: str
    amount: int
    per: Decimal | None
    cap: int | None


@dataclass(frozen=True, slots=True)
class RuleValues:
    """What of a rule can be changed in a form. Its condition cannot."""

    name: str
    gives: tuple[GiveValues, ...]
    cap_period: Period | None


@dataclass(frozen=True, slots=True)
class LifeValues:
    """How long a currency lasts; ``count`` is None where it lasts for ever."""

    currency: str
    count: int | None
    unit: str
    at: At


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule that a form adds: so much of a currency for each activity of a kind."""

    name: str
    kind: str
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Values:
    """Everything that a form shows of a document, in its order."""

    rules: tuple[RuleValues, ...]
    lives: tuple[LifeValues, ...]


def values_of(document: Document) -> Values:
    """What stands in a document."""
    rules = tuple(
        RuleValues(
            rule.name,
            tuple(
                GiveValues(
                    give.currency,
                    give.amount,
                    None if give.per_milli is None else Decimal(give.per_milli) / MILLI,
                    rule.caps.get(give.currency),
                )
                for give in rule.gives
            ),
            rule.cap_period,
        )
        for rule in document.rules
    )
    lives = []
    for currency in document.currencies.values():
        found = _LIFE.fullmatch(currency.expiry.text) if currency.expiry else None
        at: At = currency.expiry.at if currency.expiry else "exact"
        lives.append(LifeValues(currency.name, int(found[1]) if found else None, found[2] if found else "month", at))
    return Values(rules, tuple(lives))


def rewrite(document: Document, values: Values, *, removed: Sequence[int] = (), added: Sequence[NewRule] = ()) -> str:
    """The text of ``document`` with these values, without the rules at the places ``removed``, and with the rules ``added``.

    ``values`` has the rules and currencies of the document, in its order. Raises InvalidProgramme where the text is written
    in a way in which a rule cannot be taken out or put in. The result is not checked: ``load`` does.
    """
    text, before = document.text, values_of(document)
    node = yaml.compose(text, yaml.SafeLoader)
    assert node is not None
    root = _Mapping(node)
    edits: list[tuple[int, int, str]] = []
    earn = root.value("earn")
    for place, (was, new) in enumerate(zip(before.rules, values.rules, strict=True)):
        if place not in removed and new != was:
            edits += _change_rule(text, _Mapping(earn.value[place]), was, new)
    currencies = _Mapping(root.value("currencies"))
    for was_life, life in zip(before.lives, values.lives, strict=True):
        if life != was_life:
            edits += _change_life(text, _Mapping(currencies.value(life.currency)), was_life, life)
    edits += [_remove_item(text, earn, place) for place in removed]
    if added:
        edits.append(_append_rules(text, earn, added))
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def end_rule(document: Document, rule: str, until: str) -> str:
    """The text with the last day, or the moment, of one rule; ``until`` as documents write it. The result is not checked."""
    node = yaml.compose(document.text, yaml.SafeLoader)
    assert node is not None
    place = next(place for place, one in enumerate(document.rules) if one.name == rule)
    mapping = _Mapping(_Mapping(node).value("earn").value[place])
    quoted = json.dumps(until)
    if "until" in mapping.entries:
        was = mapping.value("until")
        edit = (was.start_mark.index, was.end_mark.index, quoted)
    else:
        edit = _insert_entry(document.text, mapping, "until", quoted)
    start, end, replacement = edit
    return document.text[:start] + replacement + document.text[end:]


class _Mapping:
    """A mapping of the text, by name."""

    def __init__(self, node: yaml.Node) -> None:
        assert isinstance(node, yaml.MappingNode)
        self.node = node
        self.entries: Mapping[str, tuple[yaml.ScalarNode, yaml.Node]] = {key.value: (key, value) for key, value in node.value}

    def value(self, name: str) -> yaml.Node:
        return self.entries[name][1]

    def named(self, name: str) -> str:
        """A name as this mapping writes names: JSON's in quotes."""
        quoted = any(key.style == '"' for key, _ in self.entries.values())
        return f'"{name}"' if quoted else name


def _change_rule(text: str, rule: _Mapping, was: RuleValues, new: RuleValues) -> Iterator[tuple[int, int, str]]:
    if not was.gives:  # what multiplies cannot be changed in a form yet
        return
    gives = _Mapping(rule.value("give"))
    for before, give in zip(was.gives, new.gives, strict=True):
        node = gives.value(give.currency)
        if give.amount != before.amount:
            yield _replace(_Mapping(node).value("amount") if isinstance(node, yaml.MappingNode) else node, str(give.amount))
        if give.per != before.per:
            yield _replace(_Mapping(node).value("per"), f"{give.per:f}")
    caps_before = {give.currency: give.cap for give in was.gives if give.cap is not None}
    caps = {give.currency: give.cap for give in new.gives if give.cap is not None}
    if (caps, new.cap_period) == (caps_before, was.cap_period):
        return
    if not caps:
        if caps_before:
            yield _remove_entry(text, rule, "cap")
    elif caps.keys() == caps_before.keys():
        cap = _Mapping(rule.value("cap"))
        for currency, amount in caps.items():
            if amount != caps_before[currency]:
                yield _replace(cap.value(currency), str(amount))
        if new.cap_period != was.cap_period:
            yield _replace(cap.value("per"), str(new.cap_period))
    else:
        cap_names = _Mapping(rule.value("cap")) if caps_before else rule
        pairs = [f"{cap_names.named(currency)}: {amount}" for currency, amount in caps.items()]
        written = ", ".join([*pairs, f"{cap_names.named('per')}: {_word(str(new.cap_period), cap_names)}"])
        if caps_before:
            node = rule.value("cap")
            yield node.start_mark.index, _end(text, node), f"{{{written}}}"
        else:
            yield _insert_entry(text, rule, "cap", f"{{{written}}}")


def _change_life(text: str, currency: _Mapping, was: LifeValues, new: LifeValues) -> Iterator[tuple[int, int, str]]:
    if new.count is None:
        if was.count is not None:
            yield _remove_entry(text, currency, "expires")
        return
    after = f"{new.count} {new.unit}{'s' if new.count != 1 else ''}"
    if was.count is None:
        names = currency
        at = f", {names.named('at')}: {_word(new.at, names)}" if new.at != "exact" else ""
        yield _insert_entry(text, currency, "expires", f"{{{names.named('after')}: {_word(after, names)}{at}}}")
        return
    expires = _Mapping(currency.value("expires"))
    if (new.count, new.unit) != (was.count, was.unit):
        yield _replace(expires.value("after"), after)
    if new.at != was.at:
        if "at" in expires.entries:
            yield _replace(expires.value("at"), new.at)
        else:
            yield _insert_entry(text, expires, "at", _word(new.at, expires))


def _word(word: str, beside: _Mapping) -> str:
    return f'"{word}"' if beside.named("x").startswith('"') else word


def _replace(node: yaml.Node, value: str) -> tuple[int, int, str]:
    quote = node.style if isinstance(node, yaml.ScalarNode) and node.style in ("'", '"') else ""
    return node.start_mark.index, node.end_mark.index, f"{quote}{value}{quote}"


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


def _insert_entry(text: str, mapping: _Mapping, name: str, value: str) -> tuple[int, int, str]:
    entry = f"{mapping.named(name)}: {value}"
    last = list(mapping.entries.values())[-1:]
    if mapping.node.flow_style:
        if not last:
            return mapping.node.start_mark.index, mapping.node.end_mark.index, f"{{{entry}}}"
        place = _end(text, last[0][1])
        return place, place, f", {entry}"
    key, node = last[0]
    place = _line_end(text, _end(text, node))
    return place, place, "\n" + " " * key.start_mark.column + entry


def _remove_entry(text: str, mapping: _Mapping, name: str) -> tuple[int, int, str]:
    entries = list(mapping.entries.values())
    place = list(mapping.entries).index(name)
    key, node = entries[place]
    start, end = key.start_mark.index, _end(text, node)
    if len(entries) == 1:
        return (
            start if not mapping.node.flow_style else mapping.node.start_mark.index,
            (end if not mapping.node.flow_style else mapping.node.end_mark.index),
            "{}",
        )
    if mapping.node.flow_style:
        return _out_of_row(text, entries[place - 1][1] if place else None, start, end, entries[place + 1 :])
    if text[_line_start(text, start) : start].strip():  # the first name behind the dash of an item
        return start, entries[place + 1][0].start_mark.index, ""
    return _line_start(text, start) - 1, _line_end(text, end), ""


def _out_of_row(
    text: str, before: yaml.Node | None, start: int, end: int, later: Sequence[tuple[yaml.Node, yaml.Node]]
) -> tuple[int, int, str]:
    """Takes one out of a row with commas."""
    if later:
        return start, later[0][0].start_mark.index, ""
    return _end(text, before) if before is not None else start, end, ""


def _remove_item(text: str, items: yaml.Node, place: int) -> tuple[int, int, str]:
    node = items.value[place]
    if items.flow_style:  # type: ignore[attr-defined]
        later = [(item, item) for item in items.value[place + 1 : place + 2]]
        return _out_of_row(text, items.value[place - 1] if place else None, node.start_mark.index, _end(text, node), later)
    start = _line_start(text, node.start_mark.index)
    if text[start : node.start_mark.index].strip() != "-":
        raise InvalidProgramme("This rule is written in a way that only the document can change. Take it out there.")
    end = _line_end(text, _end(text, node))
    return (start, end + 1, "") if end < len(text) else (max(start - 1, 0), end, "")


def _append_rules(text: str, items: yaml.Node, added: Sequence[NewRule]) -> tuple[int, int, str]:
    place = _end(text, items.value[-1])
    if items.flow_style:  # type: ignore[attr-defined]
        rules = [{"name": rule.name, "when": {"activity": rule.kind}, "give": {rule.currency: rule.amount}} for rule in added]
        return place, place, "".join(f", {json.dumps(rule, ensure_ascii=False)}" for rule in rules)
    place = _line_end(text, place)
    indent = "\n" + " " * items.start_mark.column
    return (
        place,
        place,
        "".join(
            f"{indent}- name: {_quoted(rule.name)}{indent}  when: {{activity: {_quoted(rule.kind)}}}"
            f"{indent}  give: {{{rule.currency}: {rule.amount}}}"
            for rule in added
        ),
    )


def _quoted(words: str) -> str:
    plain = _PLAIN.fullmatch(words) and words.casefold() not in _WORDS
    return words if plain else json.dumps(words, ensure_ascii=False)
