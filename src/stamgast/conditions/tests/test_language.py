"""What documents may say, what is refused and where, and how conditions read."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from stamgast.conditions import CUSTOMER_FIELDS, ConditionError, activity_fields, parse, rule_fields, say_failure

FIELDS = activity_fields("Europe/Amsterdam")
ORDER = {"kind": "Order Completed", "amount_minor": 4120, "currency": "EUR", "properties": '{"coupon": null, "size": "L"}'}


@pytest.mark.parametrize(
    ("document", "path", "word"),
    [
        ({"field": "colour", "is": "red"}, "when.field", "no field 'colour'"),
        ({"all": [{"activity": "X"}, {"field": "amonut", "over": 0}]}, "when.all[1].field", "amonut"),
        ({"field": "amount", "over": "much"}, "when.over", "a number"),
        ({"field": "kind", "over": "A"}, "when.over", "does not compare text"),
        ({"field": "amount"}, "when", "compared with nothing"),
        ({"over": 0}, "when", "names no field"),
        ({}, "when", "names no field"),
        ([], "when", "is a mapping"),
        (None, "when", "is a mapping"),
        ({"all": []}, "when.all", "list of 1"),
        ({"all": [{"activity": "X"}], "any": [{"activity": "Y"}]}, "when", "stands alone"),
        ({"activity": "X", "field": "amount", "over": 0}, "when", "more than one thing"),
        ({"activity": "X", "over": 0}, "when", "takes no comparison"),
        ({"colour": "red"}, "when.colour", "not known here"),
        ({"field": "weekday", "is": "dinsdag"}, "when.is", "not one of monday"),
        ({"field": "weekday", "in": ["monday", "x"]}, "when.in[1]", "not one of monday"),
        ({"field": "date", "over": "2026-02-30"}, "when.over", "not a date"),
        ({"field": "kind", "in": "X"}, "when.in", "list of 1"),
        ({"field": "properties.a", "in": ["x", 1]}, "when.in", "different types"),
        ({"field": "properties.a", "over": "x"}, "when.over", "does not compare text"),
        ({"field": "properties.a", "is": Decimal("0.1234567890123456")}, "when.is", "15 digits"),
        ({"field": "properties.", "is": 1}, "when.field", "no field"),
        ({"field": "properties.$[0]", "is": 1}, "when.field", "no field"),
        ({"field": "kind", "is": "a\x00b"}, "when.is", "characters"),
        ({"field": "kind", "is": None}, "when.is", "not text"),
        ({"field": "amount", "over": float("inf")}, "when.over", "too large"),
        ({"field": "amount", "exists": False}, "when.exists", "opposite is 'missing'"),
        ({"any_line": {"colour": "red"}}, "when.any_line.colour", "no field"),
        ({"any_line": {}}, "when.any_line", "line filter"),
        ({"not": {"any_line": {"field": "quantity", "over": True}}}, "when.not.any_line.over", "is a number"),
    ],
)
def test_a_refusal_names_its_place(document: object, path: str, word: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(document, FIELDS, "when")
    assert caught.value.path == path
    assert word in caught.value.problem
    assert caught.value.message == f"{path}: {caught.value.problem}"
    assert caught.value.code == "invalid_condition"


def test_nesting_has_an_end() -> None:
    document: dict[str, Any] = {"activity": "X"}
    for _ in range(50):
        document = {"not": document}
    with pytest.raises(ConditionError, match="nested 16 deep"):
        parse(document, FIELDS)


def test_a_segment_has_no_lines_and_no_activity() -> None:
    with pytest.raises(ConditionError, match="no lines"):
        parse({"any_line": {"category": "coffee"}}, CUSTOMER_FIELDS)
    with pytest.raises(ConditionError, match="'activity' is not known"):
        parse({"activity": "X"}, CUSTOMER_FIELDS)


@pytest.mark.parametrize("document", [{"balance": "score", "over": 100}, {"field": "balance.score", "over": 100}])
def test_both_ways_to_write_a_balance(document: dict[str, Any]) -> None:
    closure = parse(document, CUSTOMER_FIELDS).closure()
    assert [closure({"balance.score": score}) for score in (99, 100, 101, None)] == [False, False, True, False]


@pytest.mark.parametrize(
    ("document", "english", "dutch"),
    [
        ({"activity": "Order Completed"}, "the activity is Order Completed", "de activiteit is Order Completed"),
        (
            {"all": [{"activity": ["Order Completed", "Till Sale"]}, {"field": "amount", "over": 0}]},
            "the activity is Order Completed or Till Sale and the amount is over 0",
            "de activiteit is Order Completed of Till Sale en het bedrag is hoger dan 0",
        ),
        (
            {"any": [{"field": "weekday", "is": "tuesday"}, {"not": {"field": "amount", "under": Decimal("1234.50")}}]},
            "the weekday is tuesday or not (the amount is under 1,234.50)",
            "de weekdag is dinsdag of niet (het bedrag is lager dan 1.234,50)",
        ),
        (
            {"any_line": {"category": "coffee", "product_id": "7"}},
            "there is a line for which (the category is coffee and the product is 7)",
            "er is een regel waarvoor geldt: (de categorie is coffee en het product is 7)",
        ),
        (
            {"field": "properties.gift", "is": True, "exists": True},
            "the property gift is yes and the property gift is known",
            "de eigenschap gift is ja en de eigenschap gift is bekend",
        ),
        (
            {"field": "date", "at_least": "2026-12-01"},
            "the date is at least December 1, 2026",
            "de datum is minstens 1 december 2026",
        ),
    ],
)
def test_sentences(document: dict[str, Any], english: str, dutch: str) -> None:
    condition = parse(document, FIELDS)
    assert condition.sentence("en") == english
    assert condition.sentence("nl") == dutch


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"field": "amount", "over": 50}, [("when.field", "the amount is 41.20 and must be over 50")]),
        ({"not": {"field": "amount", "under": 50}}, [("when.not.field", "the amount is 41.20 and must be at least 50")]),
        (
            {"field": "properties.coupon", "exists": True},
            [("when.field", "the property coupon is not known and must be known")],
        ),
        ({"field": "properties.size", "over": 3}, [("when.field", "the property size is L and must be over 3")]),
        ({"any_line": {"category": "coffee"}}, [("when.any_line.category", "no line fits: the category must be coffee")]),
        (
            {"any": [{"activity": "A"}, {"all": [{"activity": "Order Completed"}, {"field": "amount", "is": 1}]}]},
            [
                ("when.any[0].activity", "the activity is Order Completed and must be A"),
                ("when.any[1].all[1].field", "the amount is 41.20 and must be 1"),
            ],
        ),
        ({"field": "amount", "over": 1}, []),
    ],
)
def test_an_explanation_names_what_failed(document: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    outcome = parse(document, FIELDS, "when").explain(ORDER)
    assert [(failure.path, say_failure(failure, "en")) for failure in outcome.failures] == expected
    assert outcome.holds is not bool(expected)
    assert all(say_failure(failure, "nl") for failure in outcome.failures)


@pytest.mark.parametrize(
    ("document", "english", "dutch"),
    [
        ({"birthday_month": True}, "it is the member's birthday month", "het is de verjaardagsmaand van het lid"),
        (
            {"field": "birthday_month", "is": False},
            "it is not the member's birthday month",
            "het is niet de verjaardagsmaand van het lid",
        ),
        (
            {"field": "birthday_month", "is_not": True},
            "it is not the member's birthday month",
            "het is niet de verjaardagsmaand van het lid",
        ),
        (
            {"field": "birthday_month", "exists": True},
            "the member's birthday is known",
            "de verjaardag van het lid is bekend",
        ),
        (
            {"field": "birthday_month", "missing": True},
            "the member's birthday is not known",
            "de verjaardag van het lid is niet bekend",
        ),
    ],
)
def test_a_birthday_in_words(document: dict[str, Any], english: str, dutch: str) -> None:
    condition = parse(document, rule_fields("Europe/Amsterdam"))
    assert (condition.sentence("en"), condition.sentence("nl")) == (english, dutch)


@pytest.mark.parametrize(
    ("document", "month", "sentence"),
    [
        ({"birthday_month": True}, 5, None),
        ({"birthday_month": True}, 4, "it is not the member's birthday month"),
        ({"birthday_month": True}, None, "the member's birthday is not known"),
        ({"birthday_month": False}, None, "the member's birthday is not known"),
        ({"birthday_month": False}, 5, "it is the member's birthday month"),
        ({"not": {"birthday_month": True}}, 5, "it is the member's birthday month"),
        ({"field": "birthday_month", "missing": True}, 4, "the member's birthday is known"),
        ({"not": {"field": "birthday_month", "exists": True}}, 5, "the member's birthday is known"),
    ],
)
def test_why_it_is_no_birthday_month(document: dict[str, Any], month: int | None, sentence: str | None) -> None:
    row = {"occurred_at": datetime(2026, 4, 30, 22, tzinfo=UTC), "birth_month": month}  # the first of May in Amsterdam
    failures = parse(document, rule_fields("Europe/Amsterdam")).failures(row)
    assert [say_failure(failure, "en") for failure in failures] == ([sentence] if sentence else [])


def test_only_rules_ask_for_birthdays() -> None:
    with pytest.raises(ConditionError):
        parse({"field": "birthday_month", "is": True}, FIELDS)


def test_text_that_is_no_json_has_no_properties() -> None:
    row = {**ORDER, "properties": "{"}
    assert parse({"field": "properties.size", "missing": True}, FIELDS).closure()(row)
