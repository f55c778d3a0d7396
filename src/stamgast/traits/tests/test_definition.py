"""What is refused and where, windows, shapes, sentences, and the form that is a document."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from string import Formatter
from typing import Any

import pytest

from stamgast.traits.definition import read_definition
from stamgast.traits.errors import InvalidTrait
from stamgast.traits.forms import Fields, read_fields, read_yaml, write_fields
from stamgast.traits.live import average, compute
from stamgast.traits.types import Shape
from stamgast.traits.words import WORDS, number_of, plain_value, say_definition

SHOP = {"zone": "Europe/Amsterdam", "currency": "EUR"}
COUNT = {"name": "orders", "label": "Orders", "aggregate": "count"}
SPENT = {"name": "spent", "label": "Spent", "aggregate": "sum", "of": "amount"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": "Orders"}, "name"), ({"name": ""}, "name"), ({"label": " "}, "label"), ({"label": "a\nb"}, "label"),
        ({"label": "x" * 81}, "label"), ({"aggregate": "mean"}, "aggregate"), ({"aggregate": None}, "aggregate"),
        ({"aggregate": ["count"]}, "aggregate"),
        ({"days": 0}, "days"), ({"days": True}, "days"), ({"days": 3651}, "days"), ({"days": "7"}, "days"),
        ({"of": "amount"}, "of"), ({"aggregate": "sum"}, "of"), ({"aggregate": "sum", "of": "kind"}, "of"),
        ({"aggregate": "sum", "of": "weight"}, "of"), ({"aggregate": "sum", "of": "properties."}, "of"),
        ({"aggregate": "distinct", "of": "amount"}, "of"), ({"aggregate": "sum", "of": "amount", "as": "number"}, "as"),
        ({"aggregate": "sum", "of": "properties.x", "as": "text"}, "of"),
        ({"aggregate": "last", "of": "properties.x", "as": "money"}, "as"),
        ({"currency": "EUR"}, "currency"), ({"aggregate": "sum", "of": "amount", "currency": "euro"}, "currency"),
        ({"lines": {"category": "tea"}}, "lines"), ({"window": 7}, "window"),
        ({"when": {"field": "weekday", "is": "someday"}}, "when.is"),
        ({"when": {"balance": "score", "over": 1}}, "when.balance"),
        ({"aggregate": "sum", "of": "lines.amount", "lines": {"colour": "red"}}, "lines.any_line.colour"),
    ],
)  # fmt: skip
def test_what_is_refused_names_its_place(change: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidTrait) as refused:
        read_definition(COUNT | change, **SHOP)
    assert refused.value.path == path


def test_a_window_is_days_of_the_shop_and_today_is_the_last_of_them() -> None:
    # On 29 March the clocks went forward, so the days before began at another moment in UTC.
    at = datetime(2026, 3, 30, 21, 59, tzinfo=UTC)
    assert read_definition(COUNT | {"days": 1}, **SHOP).since(at) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert read_definition(COUNT | {"days": 3}, **SHOP).since(at) == datetime(2026, 3, 27, 23, tzinfo=UTC)
    later = at + timedelta(minutes=1)
    assert read_definition(COUNT | {"days": 1}, **SHOP).since(later) == datetime(2026, 3, 30, 22, tzinfo=UTC)
    assert read_definition(COUNT, **SHOP).since(at) is None


def test_money_in_another_currency_is_left_out_and_counted() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {"activity_id": bytes([n]), "occurred_at": moment, "amount_minor": amount, "currency": currency}
        for n, (amount, currency) in enumerate([(100, "EUR"), (999, "USD"), (50, "EUR"), (None, None), (7, None)])
    ]
    found = compute(read_definition(SPENT, **SHOP), rows, moment)
    assert (found.value, found.used, found.in_other_currencies, len(found.activities)) == (150, 2, 2, 5)
    assert compute(read_definition(SPENT | {"currency": "USD"}, **SHOP), rows, moment).value == 999


def test_averages_are_rounded_half_away_from_zero_without_a_fraction_on_the_way() -> None:
    assert [average(*pair) for pair in ((5, 2), (-5, 2), (1, 3), (2, 3), (-1, 3), (0, 9), (2 * 10**30 + 1, 2))] == [
        3, -3, 0, 1, 0, 0, 10**30 + 1,
    ]  # fmt: skip
    lines = read_definition(COUNT | {"aggregate": "average", "of": "lines.quantity"}, **SHOP)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    row = {"activity_id": b"", "occurred_at": moment, "lines": [{"quantity": 1}, {"quantity": 2}]}
    assert (lines.shape, compute(lines, [row], moment).value) == (Shape.NUMBER, 1_500_000)
    assert plain_value(lines, 1_500_000) == "1.5"


def test_values_for_machines() -> None:
    spent = read_definition(SPENT | {"currency": "JPY"}, **SHOP)
    assert [plain_value(spent, 500), plain_value(spent, None)] == ["500", None]
    assert plain_value(read_definition(SPENT, **SHOP), 1230) == "12.30"
    assert plain_value(read_definition(COUNT, **SHOP), 3) == 3
    assert [number_of(n) for n in (0, 1, -2_500_000, 10**15)] == [Decimal(0), Decimal("0.000001"), Decimal("-2.5"), 10**9]
    last = read_definition(COUNT | {"aggregate": "last_at"}, **SHOP)
    assert plain_value(last, datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00+00:00"


def test_sentences() -> None:
    document = SPENT | {
        "of": "lines.amount", "lines": {"category": "coffee"}, "when": {"activity": "Order Completed"}, "days": 90,
    }  # fmt: skip
    definition = read_definition(document, **SHOP)
    assert say_definition(definition, "en") == (
        "The sum of the amount of the lines in EUR, of the lines for which the category is coffee, "
        "where the activity is Order Completed, in the last 90 days."
    )
    assert say_definition(definition, "nl").startswith("De som van het bedrag van de regels in EUR, van de regels waarvoor ")
    assert say_definition(read_definition(COUNT | {"days": 1}, **SHOP), "nl") == "Het aantal activiteiten, vandaag."
    assert WORDS["en"].keys() == WORDS["nl"].keys()
    for key, english in WORDS["en"].items():
        places = [{name for _, name, _, _ in Formatter().parse(text)} for text in (english, WORDS["nl"][key])]
        assert places[0] == places[1]


@pytest.mark.parametrize(
    "document",
    [
        COUNT,
        COUNT | {"when": {"activity": "Order Completed"}, "days": 30},
        COUNT | {"when": {"all": [{"activity": "Page"}, {"field": "amount", "over": 1.5}, {"field": "hour", "under": 9}]}},
        COUNT | {"when": {"any": [{"activity": "Page"}, {"field": "date", "over": "2026-01-31"}]}},
        COUNT | {"when": {"all": [{"field": "hour", "under": 9}, {"not": {"activity": "Page"}}]}},
        COUNT | {"when": {"field": "amount", "over": 0, "under": 10}},
        SPENT | {"currency": "USD"},
        COUNT | {"aggregate": "last", "of": "properties.a b.c", "as": "number"},
        COUNT | {"aggregate": "sum", "of": "lines.quantity", "lines": {"category": "tea", "product_id": "7"}},
        COUNT | {"aggregate": "sum", "of": "lines.quantity", "lines": {"category": ["tea", "coffee"]}},
    ],
)  # fmt: skip
def test_a_form_gives_back_the_document_that_it_was_made_of(document: dict[str, Any]) -> None:
    read_definition(document, **SHOP)
    assert write_fields(read_fields(document)) == document


def test_what_a_form_cannot_take() -> None:
    with pytest.raises(InvalidTrait):
        write_fields(Fields(name="a", label="A", days="many"))
    with pytest.raises(InvalidTrait):
        write_fields(Fields(name="a", label="A", over="a lot"))
    with pytest.raises(InvalidTrait):
        write_fields(Fields(name="a", label="A", more="{field: amount"))
    with pytest.raises(InvalidTrait):
        read_yaml("a: &x [1]\nb: *x", "when")
    with pytest.raises(InvalidTrait):
        read_yaml("x" * 20_000, "when")
    with pytest.raises(InvalidTrait):
        write_fields(
            Fields(name="a", label="A", aggregate="sum", of="lines.amount", category="tea", more_lines="{category: tea}")
        )
