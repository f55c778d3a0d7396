"""Words of the condition language: its types of values, its comparisons, and what an explanation is made of."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

Scalar: TypeAlias = str | Decimal | bool | date
Literal: TypeAlias = Scalar | tuple[Scalar, ...]
Says: TypeAlias = tuple[tuple[str, tuple[str, str, str, str]], ...]
"""How a field of true and false is told in each language: where it is true, false, known, and not known."""


class Type(StrEnum):
    """What a value is. A field of another type than the literal makes a comparison false, never an error."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"


class Operator(StrEnum):
    """The comparisons, as they are written in documents."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    OVER = "over"
    AT_LEAST = "at_least"
    UNDER = "under"
    AT_MOST = "at_most"
    CONTAINS = "contains"
    EXISTS = "exists"
    MISSING = "missing"


PRESENCE = frozenset({Operator.EXISTS, Operator.MISSING})
_EQUALITY = PRESENCE | {Operator.IS, Operator.IS_NOT}
_ORDER = frozenset({Operator.OVER, Operator.AT_LEAST, Operator.UNDER, Operator.AT_MOST})
OPERATORS_OF = {
    Type.TEXT: _EQUALITY | {Operator.IN, Operator.CONTAINS},
    Type.NUMBER: _EQUALITY | _ORDER | {Operator.IN},
    Type.DATE: _EQUALITY | _ORDER | {Operator.IN},
    Type.BOOLEAN: _EQUALITY,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One comparison that made a condition false. ``is_negated``: it holds, and stands under a ``not``."""

    path: str
    field: str
    operator: Operator
    expected: Literal | None
    actual: object | None
    is_negated: bool
    is_in_lines: bool
    labels: tuple[tuple[str, str], ...]
    says: Says = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a condition holds for a row, and the comparisons because of which it does not."""

    holds: bool
    failures: tuple[Failure, ...]
