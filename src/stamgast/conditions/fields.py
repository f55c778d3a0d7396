"""Fields: where a condition finds a value, in one row and in a table. A catalogue is the set of fields of one kind of row.

Each class below gives one value two ways, and both must mean the same; ``tests/test_parity.py`` generates the proof.
"""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from stamgast.conditions.types import Literal, Operator, Says, Type

if TYPE_CHECKING:
    import ibis.expr.types as ir

Row: TypeAlias = Mapping[str, Any]
Labels: TypeAlias = tuple[tuple[str, str], ...]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LARGEST, SMALLEST = 2**63 - 1, -(2**63)


class Columns(Protocol):
    """What a field reads in a set: a table, or one line of a table's lists."""

    def __getitem__(self, name: str, /) -> Any: ...


class Field(ABC):
    """One thing that can be compared. ``type`` is None where the literal decides."""

    name: str
    type: Type | None
    labels: Labels
    choices: tuple[str, ...] = ()
    says: Says = ()
    holds_doubles = False

    @abstractmethod
    def value(self, row: Row) -> object | None:
        """The value in one row: text, int, float, Decimal, bool or date; None where it is missing."""

    @abstractmethod
    def compare(self, columns: Columns, operator: Operator, literal: Literal) -> "ir.BooleanValue":
        """The comparison over a set. Null where the value is missing, which the caller takes as false."""

    @abstractmethod
    def is_present(self, columns: Columns) -> "ir.BooleanValue":
        """Whether there is a value, over a set. Never null."""

    @property
    @abstractmethod
    def columns(self) -> frozenset[str]:
        """The columns that it reads."""


def compare_values(value: Any, operator: Operator, literal: Any) -> "ir.BooleanValue":
    """One Ibis comparison of a value with a literal that the engine holds exactly."""
    comparisons: dict[Operator, Callable[[], Any]] = {
        Operator.IS: lambda: value == literal,
        Operator.IS_NOT: lambda: value != literal,
        Operator.IN: lambda: value.isin(list(literal)),
        Operator.OVER: lambda: value > literal,
        Operator.AT_LEAST: lambda: value >= literal,
        Operator.UNDER: lambda: value < literal,
        Operator.AT_MOST: lambda: value <= literal,
        Operator.CONTAINS: lambda: value.contains(literal),
    }
    result: ir.BooleanValue = comparisons[operator]()
    return result


def compare_whole(value: Any, operator: Operator, literal: Literal) -> "ir.BooleanValue":
    """A column of whole numbers with any decimal, in whole numbers only: over 1.5 is over 1, at least 1.5 is at least 2."""
    if operator is Operator.IN:
        assert isinstance(literal, tuple)
        return reduce(lambda a, b: a | b, (compare_whole(value, Operator.IS, one) for one in literal))
    assert isinstance(literal, Decimal)
    if operator in (Operator.IS, Operator.IS_NOT):
        if literal != int(literal) or not SMALLEST <= literal <= LARGEST:
            return _always(value, operator is Operator.IS_NOT)
        return compare_values(value, operator, int(literal))
    bound = math.floor(literal) if operator in (Operator.OVER, Operator.AT_MOST) else math.ceil(literal)
    if not SMALLEST <= bound <= LARGEST:
        is_below = bound < SMALLEST
        return _always(value, is_below == (operator in (Operator.OVER, Operator.AT_LEAST)))
    return compare_values(value, operator, bound)


def _always(value: Any, answer: bool) -> "ir.BooleanValue":
    """The answer wherever there is a value."""
    import ibis

    present: ir.BooleanValue = value.notnull()
    return present & ibis.literal(answer)


@dataclass(frozen=True)
class TextColumn(Field):
    """A column of text."""

    name: str
    column: str
    labels: Labels
    choices: tuple[str, ...] = ()
    type: Type | None = Type.TEXT

    def value(self, row: Row) -> object | None:
        return row.get(self.column)

    def identity(self, row: Row) -> str | float | None:
        """What tells one value from another: text, or a number as a double; None where there is neither."""
        value = row.get(self.column)
        return value if isinstance(value, str) else None

    def identities(self, columns: Columns) -> tuple[Any, Any]:
        """The same over a set: a column of text and one of doubles, of which at most one has a value."""
        import ibis

        return columns[self.column], ibis.null("float64")

    def compare(self, columns: Columns, operator: Operator, literal: Literal) -> "ir.BooleanValue":
        return compare_values(columns[self.column], operator, literal)

    def is_present(self, columns: Columns) -> "ir.BooleanValue":
        present: ir.BooleanValue = columns[self.column].notnull()
        return present

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({self.column})


@dataclass(frozen=True)
class WholeColumn(Field):
    """A column of whole numbers. ``absent`` is what a missing value counts as, where it counts as something."""

    name: str
    column: str
    labels: Labels
    absent: int | None = None
    type: Type | None = Type.NUMBER

    def value(self, row: Row) -> object | None:
        value = row.get(self.column)
        return self.absent if value is None else value

    def _column(self, columns: Columns) -> Any:
        column = columns[self.column]
        return column if self.absent is None else column.fill_null(self.absent)

    def compare(self, columns: Columns, operator: Operator, literal: Literal) -> "ir.BooleanValue":
        return compare_whole(self._column(columns), operator, literal)

    def is_present(self, columns: Columns) -> "ir.BooleanValue":
        present: ir.BooleanValue = self._column(columns).notnull()
        return present

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({self.column})


def local_column(zone: str) -> str:
    """The name of the column that has ``occurred_at`` on the wall clock of a zone, without an offset."""
    return f"local_at {zone}"


@dataclass(frozen=True)
class LocalField(Field):
    """Weekday, hour or date of ``occurred_at`` on the wall clock of a zone.

    Over sets it reads the column ``local_column(zone)``, which is computed before, so that no engine's own table of
    time zones has a say.
    """

    name: str
    zone: str
    labels: Labels

    @property
    def type(self) -> Type:  # type: ignore[override]
        return {"weekday": Type.TEXT, "hour": Type.NUMBER, "date": Type.DATE}[self.name]

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        return WEEKDAYS if self.name == "weekday" else ()

    def value(self, row: Row) -> object | None:
        moment = row.get("occurred_at")
        if moment is None:
            return None
        assert isinstance(moment, datetime)
        local = moment.astimezone(_zone(self.zone))
        return {"weekday": WEEKDAYS[local.weekday()], "hour": local.hour, "date": local.date()}[self.name]

    def compare(self, columns: Columns, operator: Operator, literal: Literal) -> "ir.BooleanValue":
        local = columns[local_column(self.zone)]
        if self.name == "hour":
            return compare_whole(local.hour().cast("int64"), operator, literal)
        if self.name == "date":
            return compare_values(local.date(), operator, literal)
        if operator is Operator.CONTAINS:
            assert isinstance(literal, str)
            return local.day_of_week.index().isin([i for i, day in enumerate(WEEKDAYS) if literal in day])
        if operator is Operator.IN:
            assert isinstance(literal, tuple)
            return local.day_of_week.index().isin([WEEKDAYS.index(str(day)) for day in literal])
        return compare_values(local.day_of_week.index(), operator, WEEKDAYS.index(str(literal)))

    def is_present(self, columns: Columns) -> "ir.BooleanValue":
        present: ir.BooleanValue = columns[local_column(self.zone)].notnull()
        return present

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({local_column(self.zone)})


_zone = lru_cache(maxsize=64)(ZoneInfo)


@dataclass(frozen=True)
class BirthdayMonth(Field):
    """Whether ``occurred_at``, on the wall clock of a zone, lies in the month of ``birth_month``; missing where that is."""

    name: str
    zone: str
    labels: Labels
    says: Says
    type: Type | None = Type.BOOLEAN

    def value(self, row: Row) -> object | None:
        month, moment = row.get("birth_month"), row.get("occurred_at")
        if month is None or moment is None:
            return None
        assert isinstance(moment, datetime)
        return bool(moment.astimezone(_zone(self.zone)).month == month)

    def compare(self, columns: Columns, operator: Operator, literal: Literal) -> "ir.BooleanValue":
        return compare_values(columns[local_column(self.zone)].month() == columns["birth_month"], operator, literal)

    def is_present(self, columns: Columns) -> "ir.BooleanValue":
        present: ir.BooleanValue = columns["birth_month"].notnull()
        return present

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({local_column(self.zone), "birth_month"})


@dataclass(frozen=True)
class PropertyField(Field):
    """A value inside the JSON text of ``properties``, typed by the literal that it is compared with.

    Numbers are compared as doubles, as JSON's readers hold them. A literal has at most fifteen digits, so that this gives
    the same answer as decimals for every number of JSON that a double holds.
    """

    name: str
    path: tuple[str, ...]
    labels: Labels
    type: Type | None = None
    holds_doubles = True

    def value(self, row: Row) -> object | None:
        value = decode_properties(row.get("properties"))
        for key in self.path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return value

    def identity(self, row: Row) -> str | float | None:
        """What tells one value from another: text, or a number as a double; None where there is neither."""
        value = self.value(row)
        if isinstance(value, str):
            return value
        return _as_double(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def identities(self, columns: Columns) -> tuple[Any, Any]:
        """The same over a set: a column of text and one of doubles, of which at most one has a value."""
        value = self._json(columns)
        return value.unwrap_as("string"), value.unwrap_as("float64")

    def _json(self, columns: Columns) -> Any:
        return reduce(lambda value, key: value[key], self.path, columns["properties"].try_cast("json"))

    def compare(self, columns: Columns, operator: Operator, literal: Literal) -> "ir.BooleanValue":
        value = self._json(columns)
        sample = literal[0] if isinstance(literal, tuple) else literal
        if isinstance(sample, bool):
            return compare_values(value.unwrap_as("boolean"), operator, literal)
        if isinstance(sample, str):
            return compare_values(self.text(columns), operator, literal)
        assert isinstance(sample, Decimal)
        doubles = [float(str(one)) for one in literal] if isinstance(literal, tuple) else float(str(literal))
        return compare_values(self.double(columns), operator, doubles)

    def text(self, columns: Columns) -> Any:
        """The text over a set; null where there is none, or something else."""
        return self._json(columns).unwrap_as("string")

    def double(self, columns: Columns) -> Any:
        """The number over a set; null where there is none, or something else."""
        return self._json(columns).unwrap_as("float64")

    def is_present(self, columns: Columns) -> "ir.BooleanValue":
        text = self._json(columns).cast("string")
        present: ir.BooleanValue = (text.notnull() & (text != "null")).fill_null(False)
        return present

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({"properties"})


def _as_double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def decode_properties(properties: object) -> object:
    """Properties as a mapping, from JSON text or as they are. Text that is not JSON has no properties."""
    if not isinstance(properties, str):
        return properties
    try:
        return msgspec.json.decode(properties)
    except (msgspec.DecodeError, UnicodeError):
        return _decode_leniently(properties)


def _decode_leniently(properties: str) -> object:
    """Numbers beyond a double are infinite, as they are in a set; the fast decoder refuses them."""
    try:
        return json.loads(properties, parse_int=float, parse_float=float, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


@dataclass(frozen=True)
class Catalogue:
    """The fields of one kind of row.

    ``families`` make a field from the rest of its name: ``balance.score`` from ``balance``. ``shorthands`` are fields that
    may stand as a key of their own: ``{activity: Order Completed}``. ``lines`` are the fields of ``any_line``.
    """

    fields: Mapping[str, Field]
    families: Mapping[str, Callable[[str], Field | None]] = dataclass_field(default_factory=dict)
    shorthands: Mapping[str, str] = dataclass_field(default_factory=dict)
    lines: "Catalogue | None" = None

    def find(self, name: str) -> Field | None:
        """The field of that name."""
        if name in self.fields:
            return self.fields[name]
        family, _, rest = name.partition(".")
        return self.families[family](rest) if family in self.families and rest else None

    def names(self) -> list[str]:
        """What may be written, for the sentence that says so."""
        return [*self.fields, *(f"{family}.…" for family in self.families)]
