"""The rules of identity as data: limits, priorities, blocked values, shared sources. Pure."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from stamgast.customers import rules
from stamgast.customers.errors import InvalidIdentityRules
from stamgast.customers.types import IdentityRules

DEFAULT = IdentityRules(limits={rules.USER_ID: 1})
LARGEST_LIMIT = 1_000
DEFAULT_ALARM = 50
LARGEST_ALARM = 100_000
FIELDS = frozenset(("limits", "priorities", "blocked", "shared_sources", "alarm_above"))
MOST_BLOCKED = 10_000
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,63}")


def read_rules(document: Mapping[str, Any], version: int = 0) -> IdentityRules:
    """The rules that a document says; raises InvalidIdentityRules with what is wrong.

    >>> read_rules({"limits": {"user_id": 1}, "blocked": {"card_number": ["000*"]}}).blocked
    {'card_number': ('000*',)}
    """
    unknown = document.keys() - FIELDS
    if unknown:
        raise InvalidIdentityRules(f"Rules have {', '.join(sorted(FIELDS))}, and not {min(unknown)[:40]!r}.")
    return IdentityRules(
        limits=_numbers(document.get("limits", {}), "A limit", 1, LARGEST_LIMIT),
        priorities=_numbers(document.get("priorities", {}), "A priority", 0, 9),
        blocked={kind: tuple(dict.fromkeys(_texts(values))) for kind, values in _kinds(document.get("blocked", {})).items()},
        shared_sources=frozenset(_texts(document.get("shared_sources", []))),
        alarm_above=_numbers({"alarm": document.get("alarm_above", DEFAULT_ALARM)}, "The number", 2, LARGEST_ALARM)["alarm"],
        version=version,
    )


def write_rules(found: IdentityRules) -> dict[str, Any]:
    """The document of these rules."""
    return {
        "limits": dict(found.limits),
        "priorities": dict(found.priorities),
        "blocked": {kind: list(values) for kind, values in found.blocked.items()},
        "shared_sources": sorted(found.shared_sources),
        "alarm_above": found.alarm_above,
    }


def is_blocked(found: IdentityRules, kind: str, value: str) -> bool:
    """Whether this value points at nobody: it is in the list of its kind, where ``*`` stands for anything.

    >>> is_blocked(read_rules({"blocked": {"card_number": ["000*", "9"]}}), "card_number", "00012")
    True
    """
    values = found.blocked.get(kind)
    return bool(values) and _pattern(values).fullmatch(value) is not None


def anchor_of(found: IdentityRules, identifiers: Iterable[str]) -> str:
    """Like ``rules.anchor``, with the priorities of these rules."""
    if not found.priorities:
        return rules.anchor(identifiers)

    def priority(text: str) -> int:
        kind = text.partition(":")[0]
        return found.priorities.get(kind, rules.priority_of(kind))

    return min(identifiers, key=priority)


def as_like(pattern: str) -> str:
    """A blocked value as PostgreSQL's LIKE has it."""
    return pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")


@lru_cache(maxsize=64)
def _pattern(values: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(".*".join(map(re.escape, value.split("*"))) for value in values), re.DOTALL)


def _kinds(given: object) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InvalidIdentityRules("Limits, priorities and blocked values are given by kind of identifier, as an object.")
    for kind in given:
        if not isinstance(kind, str) or not _KIND.fullmatch(kind):
            raise InvalidIdentityRules(
                f"{str(kind)[:40]!r} is no kind of identifier. It is a word such as card_number.",
                wrong="rule kind",
                kind=str(kind)[:40],
            )
    return given


def _numbers(given: object, what: str, least: int, most: int) -> dict[str, int]:
    numbers = dict(_kinds(given))
    for kind, number in numbers.items():
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
            raise InvalidIdentityRules(
                f"{what} is a whole number from {least} to {most}; that of {kind} is not.",
                wrong="rule number",
                kind=kind,
                least=least,
                most=most,
            )
    return numbers


def _texts(given: object) -> list[str]:
    if not isinstance(given, list | tuple) or len(given) > MOST_BLOCKED:
        raise InvalidIdentityRules(f"Blocked values and shared sources are lists of at most {MOST_BLOCKED:,} texts.")
    for text in given:
        if not isinstance(text, str) or not text.strip("* ") or len(text) > rules.LONGEST_VALUE:
            raise InvalidIdentityRules(
                f"{str(text)[:40]!r} cannot be in a list. It is text of at most {rules.LONGEST_VALUE} characters, "
                "and more than asterisks: else everything of the kind would be blocked.",
                wrong="rule text",
                text=str(text)[:40],
            )
    return [text.strip() for text in given]
