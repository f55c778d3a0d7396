from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.activities.orders import OrderRead, read_lines, read_order
from stamgast.activities.types import Line
from stamgast.kit.money import InvalidMoney


def read(kind: str, text: str) -> OrderRead:
    properties: dict[str, Any] = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode(text)
    return read_order(kind, properties, "EUR")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ('{"order_id": "1", "revenue": 12.30, "total": 15}', 1230),
        ('{"order_id": "1", "revenue": "12.30"}', 1230),
        ('{"order_id": "1", "revenue": null, "total": 15.005}', 1501),
        ('{"order_id": "1", "revenue": "", "subtotal": 9}', 900),
        ('{"order_id": "1", "products": [{"price": 1.10, "quantity": 3}, {"price": "0.05"}]}', 335),
        ('{"order_id": "1", "products": [{"price": 9.99, "quantity": 2, "revenue": 15}]}', 1500),
        ('{"order_id": "1", "revenue": 0}', 0),
        ('{"order_id": "1"}', None),
        # 0.1 + 0.2 as a float would be 0.30000000000000004, and 1.005 as a float is 1.00499999999999989.
        ('{"order_id": "1", "products": [{"price": 0.1}, {"price": 0.2}]}', 30),
        ('{"order_id": "1", "revenue": 1.005}', 101),
        # Rounded to 28 digits first, and then to cents, it would be 1.
        ('{"order_id": "1", "revenue": 0.00499999999999999999999999999999999}', 0),
    ],
)
def test_amount_of_an_order(text: str, amount: int | None) -> None:
    assert read("Order Completed", text).amount_minor == amount


@pytest.mark.parametrize("text", ["123456789012345678901234567890", "1e400", "-1e16", "10000000000000.01"])
def test_an_amount_that_is_too_large_is_called_so(text: str) -> None:
    with pytest.raises(InvalidMoney, match="larger than any order can be"):
        read("Order Completed", f'{{"order_id": "1", "revenue": {text}}}')


def test_minor_units_are_those_of_the_currency() -> None:
    assert read("Order Completed", '{"revenue": 1234, "currency": "jpy"}') == OrderRead(None, 1234, "JPY", 0)
    assert read("Till Sale", '{"order_id": 7, "revenue": 1.5, "currency": "KWD"}') == OrderRead("7", 1500, "KWD", 0)


@pytest.mark.parametrize("kind", ["Order Refunded", "Order Cancelled", "Till Return"])
def test_a_refund_is_what_was_given_back_and_none_is_all_of_it(kind: str) -> None:
    assert read(kind, '{"order_id": "1", "total": -5.00, "revenue": 100}').amount_minor == 500
    assert read(kind, '{"order_id": "1", "products": [{"price": 2.5}]}').amount_minor == 250
    assert read(kind, '{"order_id": "1"}').amount_minor is None


@pytest.mark.parametrize(
    "text",
    [
        '{"revenue": "free"}',
        '{"revenue": 1e400}',
        '{"revenue": 1e999999}',
        '{"revenue": 1, "currency": "XXZ"}',
        '{"revenue": []}',
    ],
)
def test_an_order_whose_amount_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(InvalidMoney):
        read("Order Completed", text)


def test_another_kind_may_call_anything_revenue() -> None:
    assert read("Button Clicked", '{"revenue": "a lot"}') == OrderRead(None, None, None, 0)
    assert read("Plan Bought", '{"revenue": "9.50"}') == OrderRead(None, 950, "EUR", 0)


def test_lines() -> None:
    text = (
        '{"products": [{"product_id": 7, "category": "tea", "price": "1.50", "quantity": 2}, null,'
        ' {"sku": "x", "price": 0.333, "quantity": 3}]}'
    )
    assert read_lines(text, "EUR") == [Line("7", "tea", 2, 300), Line("x", "", 3, 100)]
    assert read_lines("{}", "EUR") is None
    assert read_lines('{"products": "all of them"}', "EUR") is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@given(
    st.dictionaries(
        st.sampled_from(("revenue", "total", "subtotal", "currency", "order_id", "products")),
        json_values | st.lists(st.dictionaries(st.sampled_from(("price", "quantity", "revenue")), json_values), max_size=3),
    )
)
def test_nothing_but_an_amount_or_an_invalid_amount(properties: dict[str, Any]) -> None:
    for kind in ("Order Completed", "Order Refunded", "Anything"):
        try:
            order = read_order(kind, properties, "EUR")
        except InvalidMoney:
            assert kind != "Anything"
        else:
            assert order.amount_minor is None or isinstance(order.amount_minor, int)
