"""Differences of budgets, cards and turns, told in words and not by their places."""

import pytest
from django.utils import translation

from stamgast.console.programme_words import differences
from stamgast.console.words import currencies_called, currency_label
from stamgast.programmes.documents import load

DOCUMENT = """
programme: club
timezone: Europe/Amsterdam
currencies: {points: {}, stamps: {}, coffees: {}}
earn:
  - {name: purchase, when: {activity: Order Completed}, give: {points: 1}, budget: {points: 9000}}
  - {name: tuesday, when: {field: weekday, is: tuesday}, every: 3, multiply: {points: 2}}
cards:
  - {name: coffee card, of: stamps, each: 10, give: {coffees: 1}}
"""


def said(old: str, new: str, language: str = "en") -> list[str]:
    with translation.override(language):
        return differences(load(old), load(new), language)


def test_a_rule_of_another_name_counts_anew() -> None:
    anew = "Tuesday is called Market day now: its limits, turns and budget begin anew."
    renamed = DOCUMENT.replace("name: tuesday", "name: market day")
    assert said(DOCUMENT, renamed) == [anew]
    assert said(DOCUMENT, renamed, "nl") == [
        "Tuesday heet nu Market day: de grenzen, de beurten en het budget beginnen opnieuw."
    ]
    assert said(DOCUMENT, renamed.replace("multiply: {points: 2}", "multiply: {points: 3}")) == [
        anew,
        "Market day: it gives 3 times as many points. Before: it gives 2 times as many points.",
    ]
    assert said(DOCUMENT.replace(", every: 3", ""), renamed.replace(", every: 3", "")) == ["Tuesday is called Market day now."]
    assert said(DOCUMENT, DOCUMENT.replace("name: purchase", "name: order"))[0] == (
        "Purchase is called Order now: its limits, turns and budget begin anew."
    )
    other = renamed.replace("is: tuesday", "is: friday")
    assert "Tuesday gives nothing any more." in said(DOCUMENT, other)


def test_one_of_a_currency_is_called_as_the_document_says() -> None:
    called = DOCUMENT.replace("coffees: {}", "coffees: {called: {en: [coffee, coffees], nl: [koffie, koffies]}}")
    for language, many, told in (
        (
            "en",
            "10 stamps make 1 coffee. Before: 8 stamps make 1 coffee.",
            "Of coffees one is called “coffee” and more “coffees”.",
        ),
        (
            "nl",
            "10 stempels leveren 1 koffie op. Eerst: 8 stempels leveren 1 koffie op.",
            "Van coffees heet één ‘koffie’ en meer ‘koffies’.",
        ),
    ):
        assert said(called.replace("each: 10", "each: 8"), called, language) == [f"Coffee card: {many}"]
        assert said(DOCUMENT, called, language)[0] == told
    assert currency_label("coffees", 1) == "coffees", "outside of it nothing is left"
    both = load(DOCUMENT.replace("coffees: {}", "coffees: {called: [koffie, koffies]}"))
    with translation.override("en"), currencies_called(lambda: [both]):
        assert [currency_label("coffees", count) for count in (0, 1, -1, 2)] == ["koffies", "koffie", "koffie", "koffies"]
        assert currency_label("coffees") == "koffies"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (", budget: {points: 9000}", "", "Purchase has no budget any more. Before: 9,000 points."),
        ("cards:", "  - {name: noon, when: {field: hour, is: 12}, nth: 1, from: 2026-12-01, give: {points: 5},"
         " cap: {points: 9, per: year}}\ncards:",
         "Noon is new. When the hour is 12, for the first time from 1 December 2026 00:00 on: it gives 5"
         " points, at most 9 a year."),
        ("coffees: {}}", "coffees: {}, miles: {pending: 14 days, spendable: false, expires: {after: 2 years}}}",
         "miles is new. It lasts 2 years. It is only counted, after 14 days."),
        ("points: 9000", "points: 5000", "The budget of Purchase over all members is 5,000 points instead of 9,000 points."),
        ("multiply: {points: 2}", "multiply: {points: 2}, budget: {points: 70}",
         "The budget of Tuesday over all members is 70 points."),
        ("coffees: {}", "coffees: {pending: 14 days}",
         "Of coffees: It can be spent after 14 days. Before: It can be spent at once."),
        ("coffees: {}", "coffees: {spendable: false}", "Of coffees: It is only counted. Before: It can be spent at once."),
        ("earn:", "stacking: standing\nearn:", "Multipliers that meet stand on each other."),
        ("each: 10", "each: 8", "Coffee card: 8 stamps make 1 coffees. Before: 10 stamps make 1 coffees."),
        ("cards:\n  - {name: coffee card, of: stamps, each: 10, give: {coffees: 1}}\n", "", "Coffee card is no card any more."),
        ("coffees: 1}}\n", "coffees: 1}}\n  - {name: bonus, of: coffees, each: 5, give: {points: 50}}\n",
         "Bonus is a new card. 5 coffees make 50 points."),
        ("multiply: {points: 2}", "multiply: {points: 3}",
         "Tuesday: it gives 3 times as many points. Before: it gives 2 times as many points."),
        (", every: 3", "", "Tuesday applies when the weekday is tuesday. Before: when the weekday is tuesday, one in every 3 of"
         " a customer."),
        ("give: {points: 1}", "nth: 1, give: {points: 1}", "Purchase applies when the activity is a completed order, for the"
         " first time. Before: when the activity is a completed order."),
    ],
)  # fmt: skip
def test_each_difference_is_one_sentence(old: str, new: str, sentence: str) -> None:
    assert old in DOCUMENT
    assert said(DOCUMENT, DOCUMENT.replace(old, new)) == [sentence]


def test_the_first_card_is_told_as_one() -> None:
    without = DOCUMENT[: DOCUMENT.index("cards:")]
    assert said(without, DOCUMENT) == ["Coffee card is a new card. 10 stamps make 1 coffees."]
    assert said(without, DOCUMENT, "nl") == ["Coffee card is een nieuwe kaart. 10 stempels leveren 1 coffees op."]
