"""Amounts of money as a field: kept in minor units, compared in major units, of which each currency has its own."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from babel.core import get_global

from stamgast.conditions.fields import Columns, Field, Labels, Row, compare_whole
from stamgast.conditions.types import Literal, Operator, Type

if TYPE_CHECKING:
    import ibis.expr.types as ir

DEFAULT_DIGITS = 2
MONEY_DIGITS = "currency_digits"  # a set may have this column, so that not every comparison looks the currency up


@lru_cache(maxsize=1)
def _codes_by_digits() -> dict[int, tuple[str, ...]]:
    fractions = get_global("currency_fractions")
    groups: dict[int, list[str]] = {}
    for code in sorted(get_global("all_currencies")):
        digits = int(fractions.get(code, fractions["DEFAULT"])[0])
        if digits != DEFAULT_DIGITS:
            groups.setdefault(digits, []).append(code)
    return {digits: tuple(codes) for digits, codes in sorted(groups.items())}


@lru_cache(maxsize=4096)
def digits_of(currency: str | None) -> int:
    """Digits after the point of a currency; two where it is missing or unknown, so that a comparison is never an error."""
    return next((digits for digits, codes in _codes_by_digits().items() if currency in codes), DEFAULT_DIGITS)


@dataclass(frozen=True)
class MoneyColumn(Field):
    """An amount in minor units, compared in major units. Whole numbers are compared, never a quotient."""

    name: str
    column: str
    labels: Labels
    type: Type | None = Type.NUMBER

    def value(self, row: Row) -> object | None:
        minor = row.get(self.column)
        return None if minor is None else Decimal(minor).scaleb(-digits_of(row.get("currency")))

    def compare(self, columns: Columns, operator: Operator, literal: Literal) -> "ir.BooleanValue":
        import ibis

        def compare_with(digits: int) -> "ir.BooleanValue":
            scaled = tuple(_scale(one, digits) for one in literal) if isinstance(literal, tuple) else _scale(literal, digits)
            return compare_whole(columns[self.column], operator, scaled)

        known = columns[MONEY_DIGITS] if isinstance(columns, ibis.Table) and MONEY_DIGITS in columns.columns else None
        tests = {n: columns["currency"].isin(c) if known is None else known == n for n, c in _codes_by_digits().items()}
        special = [(test, compare_with(digits)) for digits, test in tests.items()]
        return ibis.cases(*special, else_=compare_with(DEFAULT_DIGITS))

    def is_present(self, columns: Columns) -> "ir.BooleanValue":
        present: ir.BooleanValue = columns[self.column].notnull()
        return present

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({self.column, "currency"})


def _scale(literal: object, digits: int) -> Decimal:
    assert isinstance(literal, Decimal)
    sign, figures, exponent = literal.as_tuple()
    assert isinstance(exponent, int)
    return Decimal((sign, figures, exponent + digits))
