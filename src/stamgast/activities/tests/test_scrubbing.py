"""What is left of a message without anybody in it, and what is found in one that was refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.activities.orders import read_lines, read_order
from stamgast.activities.scrubbing import identifiers_in, scrub_body, without_values


def scrub(message: object, kept: dict[tuple[str, ...], set[str]] | None = None) -> dict[str, object]:
    body = msgspec.json.encode(message).decode()
    text = scrub_body(body, kept_properties=kept or {}, order_of=lambda one: f"no {one}")
    return msgspec.json.decode(text)  # type: ignore[no-any-return]


def test_what_stays_is_listed_and_everything_else_goes() -> None:
    message = {
        "type": "track", "event": "Order Completed", "messageId": "m-anna", "userId": "anna",
        "timestamp": "2026-03-01T12:00:00Z",
        "context": {"ip": "10.0.0.1"}, "traits": {"email": "anna@example.org"},
        "properties": {
            "order_id": 7, "revenue": "12.30", "currency": "EUR", "note": "for anna", "channel": "app", "who": "anna",
            "depth": {"of": 3, "name": "anna", "list": [1]}, "total": {"anna": 1},
            "products": [{"product_id": "p", "price": 1.10, "quantity": 2, "engraving": "anna", "name": {"anna": 1}},
                         None, "anna"],
        },
    }  # fmt: skip
    paths = {
        ("channel",): {"app"}, ("who",): {"x"}, ("depth", "of"): set(), ("depth", "name"): {"nn"}, ("depth", "list"): set(),
        ("note", "x"): set(), ("none",): set(),
    }  # fmt: skip
    assert scrub(message, paths) == {
        "type": "track", "event": "Order Completed", "timestamp": "2026-03-01T12:00:00Z",
        "properties": {
            "revenue": "12.30", "currency": "EUR", "order_id": "no 7", "channel": "app", "who": "erased",
            "depth": {"of": 3, "name": "erased nn", "list": []},
            "products": [{"product_id": "p", "price": 1.10, "quantity": 2}, {}, {}],
        },
    }  # fmt: skip


@pytest.mark.parametrize("body", ["", "[]", "null", "{", '"x"'])
def test_what_cannot_be_read_is_nothing(body: str) -> None:
    assert scrub_body(body, kept_properties={}, order_of=str) == "{}"


AMOUNTS = st.one_of(st.none(), st.decimals(0, 999, places=2).map(str), st.integers(0, 999))
ORDERS = st.fixed_dictionaries(
    {"order_id": st.text(min_size=1, max_size=5)},
    optional={
        "revenue": AMOUNTS,
        "total": AMOUNTS,
        "products": st.lists(
            st.fixed_dictionaries(
                {"product_id": st.sampled_from("abc")},
                optional={"price": AMOUNTS, "quantity": st.integers(1, 9), "category": st.text(max_size=3), "note": st.text()},
            ),
            max_size=4,
        ),
    },
)


@given(ORDERS)
def test_an_order_is_worth_the_same_without_anybody_in_it(properties: dict[str, object]) -> None:
    kept = scrub({"type": "track", "properties": properties})["properties"]
    before, after = read_order("Order Completed", properties, "EUR"), read_order("Order Completed", kept, "EUR")  # type: ignore[arg-type]
    assert (before.amount_minor, before.currency, before.line_count) == (after.amount_minor, after.currency, after.line_count)
    lines = [read_lines(msgspec.json.encode(one), "EUR") for one in (properties, kept)]
    assert lines[0] == lines[1]


def test_identifiers_are_found_wherever_a_message_names_them() -> None:
    body = (
        '{"userId": 7, "anonymousId": "visitor", "traits": {"phone": "06 12 34 56 78", "note": "mail me: A@Example.org."},'
        '"context": {"externalIds": [{"id": "c1", "type": "card_number"}]}, "previousId": "old"}'
    )
    assert identifiers_in(body, region="NL") == {
        "user_id:7", "anonymous_id:visitor", "phone:+31612345678", "email:a@example.org", "card_number:c1", "user_id:old",
        "anonymous_id:old",
    }  # fmt: skip
    assert identifiers_in("{not JSON, from a@example.org", region=None) == {"email:a@example.org"}


def test_values_go_and_numbers_stay_as_they_were() -> None:
    message = {"a": "x", "b": ["y", "x", 1], "c": {"x": None, "d": "x"}}
    assert without_values(message, lambda text: text == "x") == {"a": None, "b": ["y", None, 1], "c": {"x": None, "d": None}}
