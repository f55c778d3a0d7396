"""What is taken of an activity: an amount, a text, a property, or something of each of its lines; in one row and in a set.

Each class gives one value two ways, and both must mean the same: ``tests/test_parity.py`` generates the proof. A number of
``properties`` is taken in whole millionths, so that adding up is exact and in any order the same.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from stamgast.conditions.fields import Labels, PropertyField
from stamgast.conditions.tree import AnyLine
from stamgast.traits.types import MILLIONTHS, Shape

if TYPE_CHECKING:
    import ibis.expr.types as ir

LONGEST_TEXT = 500
"""A longer text is a story and not a value: it is not taken. Conditions compare with as many characters at most."""
LARGEST_NUMBER = 10**12
"""A number of properties beyond this, either side of zero, is not taken: in millionths it has to fit in 64 bits."""


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_TEXT


def _text(value: Any) -> Any:
    import ibis

    return ibis.ifelse(value.length().between(1, LONGEST_TEXT), value, None)


class Taking(ABC):
    """One thing that is taken. Missing values, and texts without a character, are not taken."""

    shape: Shape
    labels: Labels

    @abstractmethod
    def values(self, row: Mapping[str, Any]) -> Iterator[int | str]:
        """The values in one row, in their order."""

    @abstractmethod
    def rows(self, table: "ir.Table") -> "ir.Table":
        """The table with ``taken``, and ``position`` within the activity; rows without a value may still be there."""

    @property
    @abstractmethod
    def columns(self) -> frozenset[str]:
        """The columns that it reads."""


@dataclass(frozen=True)
class Column(Taking):
    """A text that is a column: the kind, the source, the order number."""

    column: str
    labels: Labels
    shape: Shape = Shape.TEXT

    def values(self, row: Mapping[str, Any]) -> Iterator[int | str]:
        value = row.get(self.column)
        if _is_text(value):
            yield value

    def rows(self, table: "ir.Table") -> "ir.Table":
        import ibis

        return table.mutate(taken=_text(table[self.column]), position=ibis.literal(0, "int64"))

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({self.column})


@dataclass(frozen=True)
class Amount(Taking):
    """The amount in minor units, of activities in one currency."""

    currency: str
    labels: Labels
    shape: Shape = Shape.MONEY

    def values(self, row: Mapping[str, Any]) -> Iterator[int | str]:
        value = row.get("amount_minor")
        if value is not None and row.get("currency") == self.currency:
            yield value

    def rows(self, table: "ir.Table") -> "ir.Table":
        import ibis

        is_ours = (table["currency"] == self.currency).fill_null(False)
        return table.mutate(taken=ibis.ifelse(is_ours, table["amount_minor"], None), position=ibis.literal(0, "int64"))

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({"amount_minor", "currency"})


@dataclass(frozen=True)
class Property(Taking):
    """A property that is a number, in millionths, or one that is a text. Of another type it is not taken."""

    field: PropertyField
    shape: Shape

    @property
    def labels(self) -> Labels:  # type: ignore[override]
        return self.field.labels

    def values(self, row: Mapping[str, Any]) -> Iterator[int | str]:
        value = self.field.value(row)
        if self.shape is Shape.TEXT:
            if _is_text(value):
                yield value
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER:
            yield math.floor(float(value) * MILLIONTHS + 0.5)

    def rows(self, table: "ir.Table") -> "ir.Table":
        import ibis

        if self.shape is Shape.TEXT:
            taken = _text(self.field.text(table))
        else:
            number = self.field.double(table)
            # Ibis takes a cast of a floor for one of a whole number, which it is: DuckDB's own floor is a double.
            millionths = (number * float(MILLIONTHS) + 0.5).floor().cast("int64")
            taken = ibis.ifelse(number.abs() <= float(LARGEST_NUMBER), millionths, None)
        return table.mutate(taken=taken, position=ibis.literal(0, "int64"))

    @property
    def columns(self) -> frozenset[str]:
        return self.field.columns


@dataclass(frozen=True)
class OfLines(Taking):
    """Something of each line of an activity, or of the lines that fit a filter. ``currency`` where it is an amount."""

    column: str
    shape: Shape
    labels: Labels
    filter: AnyLine | None
    currency: str | None

    def values(self, row: Mapping[str, Any]) -> Iterator[int | str]:
        if self.currency is not None and row.get("currency") != self.currency:
            return
        lines = row.get("lines") or () if self.filter is None else self.filter.line_closure()(row)
        for line in lines:
            value = None if line is None else line[self.column]
            if value is not None and (self.shape is not Shape.TEXT or _is_text(value)):
                yield value

    def rows(self, table: "ir.Table") -> "ir.Table":
        lines: Any = table["lines"] if self.filter is None else self.filter.line_expression(table)
        if self.currency is not None:
            table = table.filter((table["currency"] == self.currency).fill_null(False))
        # The column has a name of its own: in DuckDB a reference to an unnested name would be to the list.
        table = table.mutate(each=lines).drop("lines").unnest("each", offset="position")
        taken: Any = table["each"][self.column]
        return table.mutate(taken=_text(taken) if self.shape is Shape.TEXT else taken)

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({"lines", "currency"})
