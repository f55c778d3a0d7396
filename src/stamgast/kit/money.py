"""Money as integers of the currency's minor unit, from text or number, never through a float."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from babel.core import get_global

from stamgast.kit.errors import StamgastError

LARGEST_MINOR = 10**15
LARGEST_EXPONENT = 15


class InvalidMoney(StamgastError):
    """The value is not an amount of money, or the currency is not one of ISO 4217."""

    code = "invalid_money"


@lru_cache(maxsize=512)
def minor_digits(currency: str) -> int:
    """Digits after the decimal point of an ISO 4217 currency: 2 for EUR, 0 for JPY, 3 for KWD."""
    known = get_global("all_currencies")
    if currency not in known:
        raise InvalidMoney(f"{currency[:8]!r} is not a currency code of ISO 4217.", currency=currency[:8])
    fractions = get_global("currency_fractions")
    return int(fractions.get(currency, fractions["DEFAULT"])[0])


def to_minor(value: object, currency: str) -> int:
    """``"12.30"`` EUR gives 1230. Accepts text, int and Decimal; a float is refused, because it has already lost digits.

    Digits beyond the minor unit are rounded half away from zero, once, here.
    """
    if isinstance(value, bool | float) or not isinstance(value, str | int | Decimal):
        raise InvalidMoney(f"An amount is decimal text or a number, not {type(value).__name__}.")
    digits = minor_digits(currency)
    try:
        exact = Decimal(value)
    except (InvalidOperation, ValueError):
        exact = Decimal("NaN")
    if not exact.is_finite():
        raise InvalidMoney("The amount is not a decimal number.")
    if exact.adjusted() > LARGEST_EXPONENT:
        raise InvalidMoney("The amount is larger than any order can be.")
    # quantize() looks at every digit; arithmetic before it would round to 28 of them, and then it would be twice.
    minor = int(exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP).scaleb(digits))
    if abs(minor) > LARGEST_MINOR:
        raise InvalidMoney("The amount is larger than any order can be.")
    return minor


def to_major(minor: int, currency: str) -> Decimal:
    """1230 EUR gives ``Decimal("12.30")``."""
    return Decimal(minor).scaleb(-minor_digits(currency))
