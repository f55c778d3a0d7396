"""What is read from the properties of an activity about money: order, amount, currency, lines. Pure.

Amounts come as decimal text or number and stay exact: JSON numbers are decoded as ``Decimal``, never as float.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, DecimalException, InvalidOperation
from typing import Any

import msgspec

from stamgast.activities.types import Line
from stamgast.kit.money import InvalidMoney, minor_digits, to_minor

ORDER_KINDS = frozenset(("Order Completed", "Order Updated", "Till Sale"))
REFUND_KINDS = frozenset(("Order Refunded", "Order Cancelled", "Till Return"))
REFERRING_KINDS = REFUND_KINDS | {"Order Updated"}
"""Kinds that change what an earlier order of the same customer is worth, and are no purchase of their own."""
LONGEST_ORDER_ID = 255
LARGEST_WHOLE = 10**15
NUMBERS = (str, int, Decimal)
ZERO, ONE = Decimal(0), Decimal(1)


class OrderRead(msgspec.Struct, frozen=True, gc=False):
    """What an activity says about an order. A refund's amount is what was given back, above zero; None is all of it."""

    order_id: str | None
    amount_minor: int | None
    currency: str | None
    line_count: int


class _Product(msgspec.Struct):
    product_id: Any = None
    sku: Any = None
    category: Any = None
    price: Any = None
    quantity: Any = None
    revenue: Any = None


class _Lines(msgspec.Struct):
    products: list[_Product | None] | None = None


_decode_lines = msgspec.json.Decoder(_Lines, float_hook=Decimal).decode


def read_order(kind: str, properties: Mapping[str, Any], default_currency: str) -> OrderRead:
    """Order id, amount, currency and number of lines. Raises InvalidMoney when an order's amount cannot be read.

    The amount is ``revenue``, else ``total``, else, for orders and refunds, ``subtotal`` and then the sum of the lines. Of
    other kinds an amount that cannot be read is no amount, because nobody said what their properties mean.
    """
    products = properties.get("products")
    line_count = sum(product is not None for product in products) if isinstance(products, list) else 0
    order_id = _order_id(properties.get("order_id"))
    is_refund = kind in REFUND_KINDS
    if kind not in ORDER_KINDS and not is_refund:
        if "revenue" not in properties and "total" not in properties:
            return OrderRead(order_id, None, None, line_count)
        try:
            currency = read_currency(properties, default_currency)
            return OrderRead(order_id, _amount(properties, ("revenue", "total"), currency), currency, line_count)
        except InvalidMoney:
            return OrderRead(order_id, None, None, line_count)
    currency = read_currency(properties, default_currency)
    if is_refund:
        # Beside a refund's own total, plug-ins repeat the order's revenue; so the total goes first.
        amount = _amount(properties, ("total", "revenue", "subtotal"), currency)
    else:
        amount = _amount(properties, ("revenue", "total", "subtotal"), currency)
    if amount is None and isinstance(products, list) and products:
        amount = _sum_of_lines(products, currency)
    if is_refund and amount is not None:
        amount = abs(amount)
    return OrderRead(order_id, amount, currency, line_count)


def read_currency(properties: Mapping[str, Any], default_currency: str) -> str:
    """The currency of the properties, else the shop's own. Raises InvalidMoney for what is not in ISO 4217."""
    given = properties.get("currency")
    if given is None or given == "":
        return default_currency
    if not isinstance(given, str):
        raise InvalidMoney("The currency is a code of ISO 4217, such as EUR.")
    currency = given.strip().upper()
    minor_digits(currency)
    return currency


def read_lines(properties: bytes | str, currency: str | None) -> Sequence[Line] | None:
    """The lines of an order from its properties as JSON text, or None when there are none.

    A line's amount is its ``revenue``, else its price times its quantity, rounded once. What cannot be read counts as zero.
    """
    try:
        products = _decode_lines(properties).products
    except msgspec.DecodeError:
        return None
    if not products:
        return None
    digits = minor_digits(currency) if currency else 2
    return [_line(product, digits) for product in products if product is not None]


def _line(product: _Product, digits: int) -> Line:
    quantity, amount = _number(product.quantity), _number(product.revenue)
    if quantity is None:
        quantity = ONE
    if amount is None:
        amount = (_number(product.price) or ZERO) * quantity
    identity = product.product_id if product.product_id is not None else product.sku
    category = product.category
    return Line(
        "" if identity is None else str(identity),
        "" if category is None else str(category),
        _whole(quantity),
        _whole(amount.scaleb(digits)),
    )


def _whole(value: Decimal) -> int:
    whole = int(value.to_integral_value(ROUND_HALF_UP))
    return whole if -LARGEST_WHOLE <= whole <= LARGEST_WHOLE else 0


def _number(value: object) -> Decimal | None:
    if not isinstance(value, NUMBERS) or isinstance(value, bool):
        return None
    try:
        number = Decimal(value)
    except (InvalidOperation, ValueError):
        return None
    # Beyond this, arithmetic on what somebody typed is slow and means nothing.
    return number if number.is_finite() and -20 < number.adjusted() < 20 else None


def _amount(properties: Mapping[str, Any], names: Sequence[str], currency: str) -> int | None:
    for name in names:
        value = properties.get(name)
        if value is not None and value != "":
            try:
                return to_minor(value, currency)
            except DecimalException:
                raise InvalidMoney("The amount is larger than any order can be.") from None
    return None


def _sum_of_lines(products: list[Any], currency: str) -> int:
    digits = minor_digits(currency)
    total = 0
    for product in products:
        if isinstance(product, Mapping):
            read = _Product(price=product.get("price"), quantity=product.get("quantity"), revenue=product.get("revenue"))
            total += _line(read, digits).amount_minor
    return total


def _order_id(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int) and value.bit_length() > 256:
        return None
    text = str(value).replace("\x00", "").strip()
    return text[:LONGEST_ORDER_ID] or None
