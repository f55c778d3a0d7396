"""Whether any activity can fit a condition. What is said to be impossible is; what is not may still be.

A condition is written as the cases in which it holds, each a list of comparisons that hold or do not. Comparisons of one field
are tried on values that stand for all: each number that is named, one between each two, and one beyond each end. Fields are
taken to be independent, but for those of the clock: a day has one weekday. So some that is impossible is let through, and
nothing that is possible is refused.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise, product
from typing import Any

from stamgast.conditions import Condition
from stamgast.conditions.fields import WEEKDAYS, Columns, Field, LocalField, PropertyField, Row
from stamgast.conditions.tree import AllOf, AnyLine, AnyOf, Comparison, Not
from stamgast.conditions.types import PRESENCE, Literal, Operator, Type

MOST_CASES = 256
"""Cases of one condition that are looked at; what has more is taken to be possible."""
ALWAYS_THERE = frozenset({"kind"})
Days = tuple[date | None, date | None]
_Case = tuple[tuple[Condition, bool], ...]
_WEEK = 8
_DIGITS = 100  # more than any number that a document can name


class _TooMany(Exception):
    pass


def can_hold(condition: Condition, days: Days = (None, None)) -> bool:
    """False only where no activity on any of the days, both included, can fit it."""
    try:
        return any(_fits(case, days) for case in _cases(condition, is_negated=False))
    except _TooMany:
        return True


def hours_of(condition: Condition) -> frozenset[int]:
    """The hours of the day in which it can hold, as far as comparisons of the hour say."""
    try:
        cases = _cases(condition, is_negated=False)
    except _TooMany:
        return frozenset(range(24))
    return frozenset(hour for case in cases if _fits(case, (None, None)) for hour in _hours(_of_field(case, "hour")))


def least_amount(condition: Condition) -> Decimal | None:
    """The least amount of an activity that fits it, as far as comparisons of the amount say; None where it may have none."""
    try:
        cases = _cases(condition, is_negated=False)
    except _TooMany:
        return None
    bounds = []
    for case in cases:
        if _fits(case, (None, None)):
            bounds.append(max((_least(one, is_not) for one, is_not in _of_field(case, "amount")), default=None, key=_order))
    found = [bound for bound in bounds if bound is not None]
    return min(found) if found and len(found) == len(bounds) else None


def values_of(condition: Condition, name: str) -> frozenset[object] | None:
    """The values that a field can have where the condition holds; None where one case of it does not say which."""
    try:
        cases = _cases(condition, is_negated=False)
    except _TooMany:
        return None
    found: set[object] = set()
    for case in cases:
        if _fits(case, (None, None)):
            listed = [one for one, is_not in _of_field(case, name) if one.operator in (Operator.IS, Operator.IN) and not is_not]
            if not listed:
                return None
            found |= set(_literals(listed[0].literal))
    return frozenset(found)


def _order(bound: Decimal | None) -> Decimal:
    return Decimal("-Infinity") if bound is None else bound


def _least(comparison: Comparison, is_negated: bool) -> Decimal | None:
    lower = (Operator.IS, Operator.AT_LEAST, Operator.OVER, Operator.IN)
    if is_negated or comparison.operator not in lower:
        return None
    return min(one for one in _literals(comparison.literal) if isinstance(one, Decimal))


def _cases(condition: Condition, *, is_negated: bool) -> list[_Case]:
    if isinstance(condition, Not):
        return _cases(condition.part, is_negated=not is_negated)
    if isinstance(condition, AllOf | AnyOf):
        parts = [_cases(part, is_negated=is_negated) for part in condition.parts]
        if isinstance(condition, AnyOf) is not is_negated:
            cases = [case for part in parts for case in part]
        else:
            cases = [()]
            for part in parts:
                if len(cases) * len(part) > MOST_CASES:
                    raise _TooMany
                cases = [(*before, *case) for before, case in product(cases, part)]
        if len(cases) > MOST_CASES:
            raise _TooMany
        return cases
    return [((condition, is_negated),)]


def _of_field(case: _Case, name: str) -> list[tuple[Comparison, bool]]:
    return [(one, is_not) for one, is_not in case if isinstance(one, Comparison) and one.field.name == name]


def _fits(case: _Case, days: Days) -> bool:
    fields: dict[str, list[tuple[Comparison, bool]]] = {}
    clock: list[tuple[Comparison, bool]] = []
    lines = [one for one, is_negated in case if isinstance(one, AnyLine) and not is_negated]
    no_lines = [Not(one.part) for one, is_negated in case if isinstance(one, AnyLine) and is_negated]
    for one, is_negated in case:
        if isinstance(one, Comparison):
            into = clock if isinstance(one.field, LocalField) else fields.setdefault(one.field.name, [])
            into.append((one, is_negated))
    return (
        _fits_clock(clock, days)
        and all(_fits_field(comparisons) for comparisons in fields.values())
        and all(can_hold(AllOf((line.part, *no_lines))) for line in lines)
    )


def _literals(literal: Literal | None) -> tuple[Any, ...]:
    return literal if isinstance(literal, tuple) else () if literal is None else (literal,)


@dataclass(frozen=True)
class _Cell(Field):
    """A field that is there to be tried: its value is the one that is tried."""

    name: str
    type: Type | None
    labels: tuple[tuple[str, str], ...]
    holds_doubles: bool

    def value(self, row: Row) -> object | None:
        tried: object | None = row["tried"]
        return tried

    def compare(self, columns: Columns, operator: Operator, literal: Literal) -> Any:
        raise NotImplementedError

    def is_present(self, columns: Columns) -> Any:
        raise NotImplementedError

    @property
    def columns(self) -> frozenset[str]:
        return frozenset()


def _tests(comparisons: Iterable[tuple[Comparison, bool]]) -> Callable[[object], bool]:
    """Whether a value of the field fits all comparisons, by the closures that decide."""
    tests = []
    for one, is_negated in comparisons:
        cell = _Cell(one.field.name, one.field.type, one.field.labels, one.field.holds_doubles)
        tests.append((replace(one, field=cell).closure(), is_negated))
    return lambda value: all(test({"tried": value}) is not is_negated for test, is_negated in tests)


def _fits_field(comparisons: Sequence[tuple[Comparison, bool]]) -> bool:
    fits, field = _tests(comparisons), comparisons[0][0].field
    if any(fits(value) for value in _values(comparisons, field)):
        return True
    # Texts that contain this and not that cannot all be tried, unless a list says which texts there are.
    is_listed = any(one.operator in (Operator.IS, Operator.IN) and not is_not for one, is_not in comparisons)
    return not is_listed and any(one.operator is Operator.CONTAINS for one, _ in comparisons)


def _values(comparisons: Sequence[tuple[Comparison, bool]], field: Field) -> list[object]:
    """A value for each way in which the comparisons can come out."""
    literals = [value for one, _ in comparisons for value in _literals(one.literal)]
    numbers = sorted({value for value in literals if isinstance(value, Decimal)} | {Decimal(0)})
    with localcontext(prec=_DIGITS):
        between = [(low + high) / 2 for low, high in pairwise(numbers)]
        beyond = [2 * numbers[0] - 1, 2 * numbers[-1] + 1]
    texts = [value for value in literals if isinstance(value, str)]
    values: list[object] = [*numbers, *between, *beyond, *texts, *(f"{text}\uffff" for text in texts)]
    values += ["", "\uffff", "".join(dict.fromkeys(texts)), True, False]
    if isinstance(field, PropertyField):
        values.append([])  # what is neither text nor a number: no comparison holds, and it is there
    if field.name not in ALWAYS_THERE:
        values.append(None)
    of_type = {Type.TEXT: str, Type.NUMBER: Decimal, Type.BOOLEAN: bool, Type.DATE: date}
    if field.type is None:
        return values
    return [value for value in values if value is None or isinstance(value, of_type[field.type])]


def _hours(comparisons: Sequence[tuple[Comparison, bool]]) -> list[int]:
    fits = _tests(comparisons)
    return [hour for hour in range(24) if fits(hour)]


def _fits_clock(comparisons: Sequence[tuple[Comparison, bool]], days: Days) -> bool:
    """An hour, and a day that has the weekday and the date at once, among the days there are."""
    by_name = {name: [pair for pair in comparisons if pair[0].field.name == name] for name in ("hour", "weekday", "date")}
    if not _hours(by_name["hour"]):
        return False
    first, last = days
    if first is not None and last is not None and first > last:
        return False
    fits_weekday, fits_date = _tests(by_name["weekday"]), _tests(by_name["date"])
    edges = [value for one, _ in by_name["date"] if one.operator not in PRESENCE for value in _literals(one.literal)]
    edges += [day for day in days if day is not None] or [date(2000, 1, 1)]
    tried = {day for edge in edges for day in _around(edge)}
    return any(
        fits_date(day) and fits_weekday(WEEKDAYS[day.weekday()])
        for day in tried
        if (first is None or day >= first) and (last is None or day <= last)
    )


def _around(edge: date) -> Iterable[date]:
    """A week on both sides: between two edges lie all the days there are, or a whole week of them."""
    for step in range(-_WEEK, _WEEK + 1):
        try:
            yield edge + timedelta(days=step)
        except OverflowError:
            continue
