"""A condition: one meaning, a closure for one row and an Ibis expression for sets, and what to say about both.

Every comparison is true or false, never unknown: a missing value makes it false. So ``not`` of it is true.
"""

import operator as python
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

from stamgast.conditions.fields import Columns, Field, Row
from stamgast.conditions.types import PRESENCE, Failure, Literal, Operator, Outcome, Type
from stamgast.conditions.words import AND, ANY_LINE, NOT, OR, join, say_comparison, say_truth

if TYPE_CHECKING:
    import ibis.expr.types as ir

_PYTHON: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.IS: python.eq,
    Operator.IS_NOT: python.ne,
    Operator.IN: lambda value, literal: value in literal,
    Operator.OVER: python.gt,
    Operator.AT_LEAST: python.ge,
    Operator.UNDER: python.lt,
    Operator.AT_MOST: python.le,
    Operator.CONTAINS: python.contains,
}
_CLASSES: dict[Type, tuple[type, ...]] = {
    Type.TEXT: (str,),
    Type.NUMBER: (int, float, Decimal),
    Type.BOOLEAN: (bool,),
    Type.DATE: (date,),
}


class Condition(ABC):
    """What is true or false of a row."""

    @abstractmethod
    def closure(self) -> Callable[[Row], bool]:
        """A function of one row."""

    @abstractmethod
    def expression(self, columns: Columns) -> "ir.BooleanValue":
        """An Ibis boolean over a table of such rows. Never null."""

    @abstractmethod
    def failures(self, row: Row, *, is_negated: bool = False) -> tuple[Failure, ...]:
        """The comparisons because of which it does not hold; with ``is_negated``, because of which it does."""

    @abstractmethod
    def sentence(self, language: str, *, is_nested: bool = False) -> str:
        """The condition in words, without a full stop."""

    @abstractmethod
    def comparisons(self) -> Iterator["Comparison"]:
        """Every comparison in it."""

    @property
    @abstractmethod
    def columns(self) -> frozenset[str]:
        """The columns that it reads."""

    def explain(self, row: Row) -> Outcome:
        """Whether it holds, and if not, which comparisons are why."""
        failures = self.failures(row)
        return Outcome(not failures, failures)


@dataclass(frozen=True)
class Comparison(Condition):
    """One field compared with one literal."""

    path: str = dataclass_field(compare=False)
    field: Field
    operator: Operator
    literal: Literal | None
    type: Type | None

    def closure(self) -> Callable[[Row], bool]:
        read = self.field.value
        if self.operator is Operator.EXISTS:
            return lambda row: read(row) is not None
        if self.operator is Operator.MISSING:
            return lambda row: read(row) is None
        assert self.type is not None
        classes, compare, literal = _CLASSES[self.type], _PYTHON[self.operator], self.literal
        if self.type is Type.NUMBER:
            convert = _to_double if self.field.holds_doubles else _to_exact
            number = tuple(map(convert, literal)) if isinstance(literal, tuple) else convert(literal)

            def test_number(row: Row) -> bool:
                value = read(row)
                return isinstance(value, classes) and not isinstance(value, bool) and compare(convert(value), number)

            return test_number

        def test(row: Row) -> bool:
            value = read(row)
            return isinstance(value, classes) and compare(value, literal)

        return test

    def expression(self, columns: Columns) -> "ir.BooleanValue":
        if self.operator in PRESENCE:
            present = self.field.is_present(columns)
            return present if self.operator is Operator.EXISTS else ~present
        assert self.literal is not None
        return self.field.compare(columns, self.operator, self.literal).fill_null(False)

    def failures(self, row: Row, *, is_negated: bool = False) -> tuple[Failure, ...]:
        if self.closure()(row) != is_negated:
            return ()
        return (self._failure(self.field.value(row), is_negated, False),)

    def _failure(self, actual: object, is_negated: bool, is_in_lines: bool) -> Failure:
        return Failure(
            self.path,
            self.field.name,
            self.operator,
            self.literal,
            actual,
            is_negated,
            is_in_lines,
            self.field.labels,
            self.field.says,
        )

    def failure_in_lines(self) -> Failure:
        """That no line fits it."""
        return self._failure(None, False, True)

    def sentence(self, language: str, *, is_nested: bool = False) -> str:
        if self.field.says:
            return say_truth(self.field.says, self.operator, self.literal, language)
        return say_comparison(dict(self.field.labels)[language], self.operator, self.literal, language)

    def comparisons(self) -> Iterator["Comparison"]:
        yield self

    @property
    def columns(self) -> frozenset[str]:
        return self.field.columns


def _to_exact(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, float) else value


def _to_double(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


@dataclass(frozen=True)
class AllOf(Condition):
    """Every part holds."""

    parts: tuple[Condition, ...]

    def closure(self) -> Callable[[Row], bool]:
        tests = tuple(part.closure() for part in self.parts)
        return lambda row: all(test(row) for test in tests)

    def expression(self, columns: Columns) -> "ir.BooleanValue":
        return reduce(lambda left, right: left & right, (part.expression(columns) for part in self.parts))

    def failures(self, row: Row, *, is_negated: bool = False) -> tuple[Failure, ...]:
        if self.closure()(row) != is_negated:
            return ()
        return tuple(failure for part in self.parts for failure in part.failures(row, is_negated=is_negated))

    def sentence(self, language: str, *, is_nested: bool = False) -> str:
        text = join([part.sentence(language, is_nested=True) for part in self.parts], AND, language)
        return f"({text})" if is_nested and len(self.parts) > 1 else text

    def comparisons(self) -> Iterator[Comparison]:
        for part in self.parts:
            yield from part.comparisons()

    @property
    def columns(self) -> frozenset[str]:
        return frozenset().union(*(part.columns for part in self.parts))


@dataclass(frozen=True)
class AnyOf(Condition):
    """At least one part holds."""

    parts: tuple[Condition, ...]

    def closure(self) -> Callable[[Row], bool]:
        tests = tuple(part.closure() for part in self.parts)
        return lambda row: any(test(row) for test in tests)

    def expression(self, columns: Columns) -> "ir.BooleanValue":
        return reduce(lambda left, right: left | right, (part.expression(columns) for part in self.parts))

    def failures(self, row: Row, *, is_negated: bool = False) -> tuple[Failure, ...]:
        if self.closure()(row) != is_negated:
            return ()
        return tuple(failure for part in self.parts for failure in part.failures(row, is_negated=is_negated))

    def sentence(self, language: str, *, is_nested: bool = False) -> str:
        text = join([part.sentence(language, is_nested=True) for part in self.parts], OR, language)
        return f"({text})" if is_nested and len(self.parts) > 1 else text

    def comparisons(self) -> Iterator[Comparison]:
        for part in self.parts:
            yield from part.comparisons()

    @property
    def columns(self) -> frozenset[str]:
        return frozenset().union(*(part.columns for part in self.parts))


@dataclass(frozen=True)
class Not(Condition):
    """The part does not hold."""

    part: Condition

    def closure(self) -> Callable[[Row], bool]:
        test = self.part.closure()
        return lambda row: not test(row)

    def expression(self, columns: Columns) -> "ir.BooleanValue":
        return ~self.part.expression(columns)

    def failures(self, row: Row, *, is_negated: bool = False) -> tuple[Failure, ...]:
        return self.part.failures(row, is_negated=not is_negated)

    def sentence(self, language: str, *, is_nested: bool = False) -> str:
        return NOT[language].format(self.part.sentence(language))

    def comparisons(self) -> Iterator[Comparison]:
        return self.part.comparisons()

    @property
    def columns(self) -> frozenset[str]:
        return self.part.columns


class _LineColumns:
    """The columns of one line inside a set: its own, and the currency of the activity that it belongs to."""

    def __init__(self, line: Any, columns: Columns) -> None:
        self._line = line
        self._columns = columns

    def __getitem__(self, name: str, /) -> Any:
        return self._columns[name] if name == "currency" else self._line[name]


@dataclass(frozen=True)
class AnyLine(Condition):
    """At least one line of the activity holds."""

    part: Condition

    def line_closure(self) -> Callable[[Row], list[Mapping[str, Any]]]:
        """The lines of a row that hold."""
        test = self.part.closure()

        def matching(row: Row) -> list[Mapping[str, Any]]:
            currency = row.get("currency")
            lines = ({**line, "currency": currency} for line in row.get("lines") or () if line is not None)
            return [line for line in lines if test(line)]

        return matching

    def line_expression(self, columns: Columns) -> "ir.ArrayValue":
        """The lines of a set's rows that hold, as lists."""
        lines: ir.ArrayValue = columns["lines"]
        return lines.filter(lambda line: line.notnull() & self.part.expression(_LineColumns(line, columns)))

    def closure(self) -> Callable[[Row], bool]:
        matching = self.line_closure()
        return lambda row: bool(matching(row))

    def expression(self, columns: Columns) -> "ir.BooleanValue":
        import ibis

        return (self.line_expression(columns).length() > 0).fill_null(ibis.literal(False))

    def failures(self, row: Row, *, is_negated: bool = False) -> tuple[Failure, ...]:
        matching = self.line_closure()(row)
        if is_negated:
            return tuple(failure for line in matching for failure in self.part.failures(line, is_negated=True))
        return () if matching else tuple(comparison.failure_in_lines() for comparison in self.part.comparisons())

    def sentence(self, language: str, *, is_nested: bool = False) -> str:
        return ANY_LINE[language].format(self.part.sentence(language, is_nested=True))

    def comparisons(self) -> Iterator[Comparison]:
        return self.part.comparisons()

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({"lines", "currency"})
