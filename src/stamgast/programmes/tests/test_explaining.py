"""Explanations: the amounts of ``decide``, golden sentences in both languages, and a word for every case."""

import re
import string
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from stamgast.programmes.deciding import decide
from stamgast.programmes.documents import default_document
from stamgast.programmes.explaining import explain
from stamgast.programmes.programme import Programme, compile_programme
from stamgast.programmes.slots import LARGEST
from stamgast.programmes.tests.generated import VERSIONS, Versions, activities, programme_of, table_of
from stamgast.programmes.types import RuleOutcome, Version
from stamgast.programmes.words import WORDS

START = datetime(2000, 1, 1, tzinfo=UTC)
CLUB = """\
programme: club
timezone: Europe/Amsterdam
currencies: {points: {expires: {after: 12 months, at: end of month}}, stamps: {}}
earn:
  - name: purchase
    when: {all: [{activity: Order Completed}, {field: amount, over: 0}]}
    give: {points: {amount: 1, per: 1.00}}
    cap: {points: 200, per: day}
  - name: coffee
    when: {any_line: {category: coffee}}
    give: {stamps: {amount: 2, per: 2.50, of: {lines: {category: coffee}}}}
"""
ORDER = {
    "activity_id": UUID(int=1),
    "customer_id": UUID(int=7),
    "occurred_at": datetime(2026, 1, 31, 12, tzinfo=UTC),
    "kind": "Order Completed",
    "amount_minor": 4120,
    "currency": "EUR",
    "properties": {"size": "L"},
    "lines": [{"product_id": "a", "category": "coffee", "quantity": 1, "amount_minor": 600}],
}


def programme_from(text: str) -> Programme:
    return compile_programme([Version("club", 1, text, "", START, START, "test", "")])


def outcome_of(rule: str, language: str = "en", **changes: Any) -> RuleOutcome:
    explanation = explain(programme_from(CLUB), ORDER | changes, None, language)
    return next(outcome for outcome in explanation.outcomes if outcome.rule == rule)


def test_the_default_programme_in_words() -> None:
    explanation = explain(programme_from(default_document("Europe/Amsterdam")), ORDER)
    assert explanation.sentence == "1 score under version 1 of club."
    purchase, coupon = explanation.outcomes
    assert purchase.sentence == (
        "purchase gave 1 score, because the activity is Order Completed or Till Sale and the amount is over 0."
    )
    assert (purchase.is_applied, purchase.amount, purchase.arithmetic, purchase.more) == (True, 1, "1 per activity", None)
    assert purchase.expires_at == datetime(2028, 1, 31, 12, tzinfo=UTC)
    assert coupon.sentence == "coupon gave nothing: the activity is Order Completed and must be Coupon Redeemed."
    assert (coupon.is_applied, coupon.amount, coupon.expires_at) == (False, 0, None)
    assert coupon.more == "5 more score if the activity is Coupon Redeemed."


@pytest.mark.parametrize(
    ("rule", "language", "changes", "arithmetic", "more"),
    [
        ("purchase", "en", {}, "1 for each 1.00 of the amount: floor(41.20 / 1.00) × 1 = 41", "1 more points from 42.00 on."),
        (
            "purchase",
            "nl",
            {},
            "1 voor elke 1,00 van het bedrag: afgerond omlaag(41,20 / 1,00) × 1 = 41",
            "1 points meer vanaf 42,00.",
        ),
        (
            "purchase",
            "en",
            {"amount_minor": 123456},
            "1 for each 1.00 of the amount: floor(1,234.56 / 1.00) × 1 = 1,234, capped at 200 a day: 200",
            "The cap of 200 a day held back 1,034 points.",
        ),
        (
            "coffee",
            "en",
            {},
            "2 for each 2.50 of the lines for which the category is coffee: floor(6.00 / 2.50) × 2 = 4",
            "2 more stamps from 7.50 on.",
        ),
        (
            "purchase",
            "en",
            {"amount_minor": 0},
            "",
            "1 more points if the activity is Order Completed and the amount is over 0.",
        ),
        (
            "purchase",
            "en",
            {"currency": "JPY"},
            "1 for each 1 of the amount: floor(4,120 / 1) × 1 = 4,120, capped at 200 a day: 200",
            None,
        ),
    ],
)
def test_arithmetic_in_words(rule: str, language: str, changes: dict[str, Any], arithmetic: str, more: str | None) -> None:
    outcome = outcome_of(rule, language, **changes)
    assert outcome.arithmetic == arithmetic
    if more is not None:
        assert outcome.more == more


def test_a_cap_counts_what_was_given_before() -> None:
    programme = programme_from(CLUB)
    earlier = ORDER | {"activity_id": bytes(16), "customer_id": UUID(int=7).bytes, "properties": None, "amount_minor": 18000}
    earlier["occurred_at"] = ORDER["occurred_at"] - timedelta(hours=1)
    before = decide(programme, None, table_of([earlier | {"source": None, "order_id": None}]))
    outcome = explain(programme, ORDER, before.states).outcomes[0]
    assert outcome.amount == 20
    assert outcome.arithmetic.endswith("= 41, capped at 200 a day, of which 180 were given before: 20")
    tomorrow = ORDER | {"occurred_at": ORDER["occurred_at"] + timedelta(days=1)}
    assert explain(programme, tomorrow, before.states).outcomes[0].amount == 41


@pytest.mark.parametrize(
    ("language", "at", "sentence"),
    [
        ("en", "2026-01-31T12:00+01:00", "stars gave nothing: the rule holds from 1 February 2026 on."),
        ("nl", "2026-01-31T12:00+01:00", "stars gaf niets: de regel geldt vanaf 1 februari 2026."),
        ("en", "2026-03-31T18:00+02:00", "stars gave nothing: the rule held before 31 March 2026 18:00."),
        ("nl", "2026-03-31T18:00+02:00", "stars gaf niets: de regel gold tot 31 maart 2026 18:00."),
        (
            "en",
            "2026-03-31T17:00+02:00",
            "stars gave 3 stars, because the activity is Order Completed. It can be used from 14 April 2026 17:00 on.",
        ),
        (
            "nl",
            "2026-03-31T17:00+02:00",
            "stars gaf 3 stars, want de activiteit is Order Completed. Te besteden vanaf 14 april 2026 17:00.",
        ),
    ],
)
def test_a_rule_says_when_it_holds_and_what_waits(language: str, at: str, sentence: str) -> None:
    programme = programme_from("""\
programme: club
timezone: Europe/Amsterdam
currencies: {stars: {pending: 14 days}}
earn:
  - name: stars
    when: {activity: Order Completed}
    from: 2026-02-01
    until: 2026-03-31 18:00
    give: {stars: {amount: 1, per: 2, of: {quantity: {category: coffee}}}}
""")
    cups = [{"product_id": "a", "category": "coffee", "quantity": 7, "amount_minor": 600}]
    changed = ORDER | {"occurred_at": datetime.fromisoformat(at).astimezone(UTC), "lines": cups}
    (outcome,) = explain(programme, changed, None, language).outcomes
    assert outcome.sentence == sentence
    if outcome.amount:
        told = {
            "en": "1 for each 2 of the quantity of the lines for which the category is coffee: floor(7 / 2) × 1 = 3",
            "nl": "1 voor elke 2 van het aantal van de regels waarvoor geldt: de categorie is coffee: "
            "afgerond omlaag(7 / 2) × 1 = 3",
        }
        assert outcome.arithmetic == told[language]


HYBRID = """\
programme: club
timezone: Europe/Amsterdam
currencies: {points: {}, stamps: {}, coffees: {}}
earn:
  - {name: purchase, when: {activity: Order Completed}, give: {points: {amount: 1, per: 1.00}, stamps: 3}}
  - {name: double, when: {activity: Order Completed}, multiply: {points: 2}}
  - {name: welcome, when: {activity: Order Completed}, nth: 2, give: {points: 100}}
  - {name: weeks, when: {activity: Order Completed}, streak: {count: 3, per: week}, give: {points: 100}}
  - name: stores
    when: {activity: Order Completed}
    challenge: {count: 3, different: properties.store, per: month}
    give: {points: 9}
cards:
  - {name: card, of: stamps, each: 10, give: {coffees: 1}}
"""


@pytest.mark.parametrize(
    ("language", "rule", "told"),
    [
        ("en", "double", "2 times 41: 41 more"),
        ("nl", "double", "2 keer 41: 41 meer"),
        ("en", "welcome", "it is number 1, and number 2 gives"),
        ("nl", "welcome", "het is nummer 1, en nummer 2 geeft"),
        ("en", "weeks", "it makes 1 of 3 weeks in a row"),
        ("nl", "weeks", "het maakt 1 van 3 weken op rij"),
        ("en", "stores", "it makes 1 of 3 different values of the property store"),
        ("nl", "stores", "het maakt 1 van 3 verschillende waarden van de eigenschap store"),
        ("en", "card", "3 of 10 stamps are on the card"),
        ("nl", "card", "er staan 3 van 10 stamps op de kaart"),
    ],
)
def test_what_is_counted_is_told(language: str, rule: str, told: str) -> None:
    outcomes = explain(programme_from(HYBRID), ORDER | {"properties": {"store": "North"}}, None, language).outcomes
    outcome = next(outcome for outcome in outcomes if outcome.rule == rule)
    assert (outcome.arithmetic if outcome.is_applied else outcome.failures[0]) == told


def test_what_was_counted_before_is_counted_on() -> None:
    programme = programme_from(HYBRID)
    earlier = ORDER | {"activity_id": bytes(16), "customer_id": UUID(int=7).bytes, "source": None, "order_id": None}
    rows = []
    for number in range(3):
        at = ORDER["occurred_at"] - timedelta(days=7 * (3 - number))
        properties = f'{{"store": {number % 2}}}'
        rows.append(earlier | {"activity_id": number.to_bytes(16, "big"), "occurred_at": at, "properties": properties})
    states = decide(programme, None, table_of(rows)).states
    outcomes = {one.rule: one for one in explain(programme, ORDER | {"properties": {"store": "x"}}, states).outcomes}
    assert outcomes["welcome"].failures == ("it is number 4, and number 2 gives",)
    assert outcomes["weeks"].failures == ("it makes 1 of 3 weeks in a row",)
    assert (outcomes["stores"].is_applied, outcomes["stores"].amount) == (True, 9)
    assert (outcomes["card"].amount, outcomes["card"].arithmetic) == (1, "12 of 10 on the card: 1 full and 2 left")


def test_a_condition_that_fails_is_named() -> None:
    outcome = outcome_of("purchase", amount_minor=0)
    assert outcome.failures == ("the amount is 0.00 and must be over 0",)
    assert outcome_of("coffee", lines=None).failures == ("no line fits: the category must be coffee",)


@pytest.mark.parametrize(
    ("language", "sentence", "cause"),
    [
        ("en", "Nothing, because the whole order came back.", "the whole order came back"),
        ("nl", "Niets, omdat de hele bestelling is teruggekomen.", "de hele bestelling is teruggekomen"),
    ],
)
def test_an_order_that_came_back_whole_says_so(language: str, sentence: str, cause: str) -> None:
    explanation = explain(programme_from(CLUB), ORDER | {"is_returned": True}, None, language)
    assert explanation.sentence == sentence
    assert {(one.amount, one.failures, one.more) for one in explanation.outcomes} == {(0, (cause,), None)}


@pytest.mark.parametrize(
    ("language", "cause"), [("en", "the whole order came back"), ("nl", "de hele bestelling is teruggekomen")]
)
def test_levels_and_cards_name_the_return_too(language: str, cause: str) -> None:
    """Also of who holds the level, and of who has some stamps on the card."""
    tiers = "tiers:\n  qualify_on: points\n  period: {calendar: year}\n"
    levels = "  levels:\n    - {name: Blue, from: 0, multiply: {points: 2}}\n"
    cards = "cards:\n  - {name: cups, of: stamps, each: 10, give: {points: 5}}\n"
    programme = programme_from(CLUB + tiers + levels + cards)
    ids = {"activity_id": UUID(int=2).bytes, "customer_id": UUID(int=7).bytes}
    before = ORDER | ids | {"occurred_at": datetime(2026, 1, 30, tzinfo=UTC), "properties": None}
    states = decide(programme, None, table_of([before])).states
    kept = {one.rule: one for one in explain(programme, ORDER, states, language).outcomes}
    assert kept["Blue"].amount == 41
    assert cause not in kept["cups"].failures
    found = {one.rule: one for one in explain(programme, ORDER | {"is_returned": True}, states, language).outcomes}
    for name in ("Blue", "cups"):
        assert (found[name].is_applied, found[name].failures) == (False, (cause,)), name


def test_a_refund_says_that_the_rule_does_not_name_it() -> None:
    found = outcome_of("coffee", kind="Order Refunded")
    assert found.failures == ("Order Refunded tells of an earlier order, and the rule does not name it",)
    assert outcome_of("coffee", "nl", kind="Till Return").sentence == (
        "coffee gaf niets: Till Return gaat over een eerdere bestelling, en de regel noemt het niet."
    )
    assert "the activity is Order Refunded" in outcome_of("purchase", kind="Order Refunded").sentence


def test_before_any_version() -> None:
    explanation = explain(programme_from(CLUB), ORDER | {"occurred_at": START - timedelta(days=1)})
    assert (explanation.version, explanation.outcomes) == (None, ())
    assert explanation.sentence == "Nothing: no version of club was in force yet."


@settings(max_examples=40, deadline=None)
@given(VERSIONS, activities(most=6))
def test_amounts_are_those_of_decide(versions: Versions, rows: list[dict[str, Any]]) -> None:
    """Each activity explained from the state before it gives what deciding them all gave, in both languages."""
    programme = programme_of(versions)
    decided = {
        (row["activity_id"], row["rule"], row["currency"]): (row["amount"], row["expires_at"])
        for row in decide(programme, None, table_of(rows)).table.to_pylist()
    }
    found = {}
    states: dict[bytes, Any] = {}
    for row in rows:
        before = states.get(row["customer_id"])
        for language in ("en", "nl"):
            for outcome in explain(programme, row, before, language).outcomes:
                assert outcome.sentence.endswith(".")
                assert outcome.is_applied is not bool(outcome.failures)
                if outcome.amount:
                    found[row["activity_id"], outcome.rule, outcome.currency] = (outcome.amount, outcome.expires_at)
        states[row["customer_id"]] = decide(programme, before, table_of([row])).states
    assert found == decided


def test_both_languages_have_the_same_words_with_the_same_places() -> None:
    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    assert WORDS["en"].keys() == WORDS["nl"].keys()
    assert {key: places(text) for key, text in WORDS["en"].items()} == {key: places(text) for key, text in WORDS["nl"].items()}


NUMBER = r"(-?[0-9,]+(?:\.[0-9]+)?)"
ROUND = {"floor": floor, "round": lambda exact: floor(exact + Fraction(1, 2)), "ceil": ceil}


def reckon(arithmetic: str) -> int:
    """What the English words of an outcome come to, reckoned again from the figures in them."""
    words, _, capped = arithmetic.partition(", capped at ")
    if found := re.fullmatch(rf"{NUMBER} per activity", words):
        given = int(number_of(found[1]))
    elif found := re.fullmatch(rf".*: ([a-z]+)\({NUMBER} / {NUMBER}\) × {NUMBER} = {NUMBER}", words):
        units = ROUND[found[1]](number_of(found[2]) / number_of(found[3]))
        amount = int(number_of(found[4]))
        given = max(0, min(units, LARGEST // amount)) * amount
        assert given == number_of(found[5])
    else:
        found = re.fullmatch(rf"{NUMBER} times {NUMBER}: {NUMBER} more", words)
        assert found is not None, arithmetic
        given, more = int(number_of(found[3])), number_of(found[2]) * (number_of(found[1]) - 1)
        assert abs(given - more) <= 1 or more > LARGEST // 1_000  # all multipliers are rounded together, and nothing is larger
    if capped:
        found = re.match(rf"{NUMBER} ", capped)
        used = re.search(rf"of which {NUMBER} were given before", capped)
        last = re.search(rf": {NUMBER}$", capped)
        assert found is not None
        assert last is not None
        left = number_of(found[1]) - (number_of(used[1]) if used else 0)
        given = int(min(given, max(left, 0)))
        assert given == number_of(last[1])
    return given


def number_of(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))


@settings(max_examples=60, deadline=None)
@given(VERSIONS, activities(most=6))
def test_the_figures_in_the_words_come_to_what_was_given(versions: Versions, rows: list[dict[str, Any]]) -> None:
    """Whoever takes a sentence and a calculator gets the amount; and the outcomes of an activity are all that it gave."""
    programme = programme_of(versions)
    states: dict[bytes, Any] = {}
    for row in rows:
        before = states.get(row["customer_id"])
        decisions = decide(programme, before, table_of([row]))
        outcomes = explain(programme, row, before).outcomes
        given = {(one["rule"], one["currency"]): one["amount"] for one in decisions.table.to_pylist()}
        assert {(one.rule, one.currency): one.amount for one in outcomes if one.amount} == given
        for outcome in outcomes:
            if not outcome.is_applied:
                assert (outcome.amount, bool(outcome.failures)) == (0, True)
            elif " on the card: " in outcome.arithmetic:
                found = re.fullmatch(rf"{NUMBER} of {NUMBER} on the card: {NUMBER} full and {NUMBER} left", outcome.arithmetic)
                assert found is not None
                stamps, each, full, left = (int(number_of(text)) for text in found.groups())
                assert (full * each + left, outcome.amount % full) == (stamps, 0)
            else:
                assert reckon(outcome.arithmetic) == outcome.amount
        states[row["customer_id"]] = decisions.states
