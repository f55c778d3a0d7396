"""Stamp cards in the programme's form, and what they are filled with: changed, begun, removed; refusals name their field."""

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.console.tests.editing import is_said_at, send_form
from stamgast.programmes.documents import load

DOCUMENT = """\
programme: default
timezone: Europe/Amsterdam
currencies: {stamps: {}, coffees: {}, teas: {}}
earn:
  - {name: purchase, when: {activity: Order Completed}, give: {stamps: 1}}
cards:
  - {name: coffee card, of: stamps, each: 10, give: {coffees: 1, teas: 2}}   # as printed
"""


def sent(client: Client, act: str, draft: str = DOCUMENT, **fields: str) -> tuple[str, str]:
    return send_form(client, act, draft=draft, **fields)


@pytest.mark.parametrize(
    ("act", "fields", "old", "new"),
    [
        ("form", {"card name 0": "bean card"}, "coffee card", "bean card"),
        ("form", {"card each 0": "8"}, "each: 10", "each: 8"),
        ("form", {"card amount 0 1": "3"}, "teas: 2", "teas: 3"),
        ("form", {"card of 0": "teas", "card give 0 1": "stamps"}, "of: stamps, each: 10, give: {coffees: 1, teas: 2}",
         "of: teas, each: 10, give: {coffees: 1, stamps: 2}"),
        ("add-card", {"new card name": "tea card", "new card of": "coffees", "new card each": "3", "new card give": "teas"},
         "# as printed\n", "# as printed\n  - {name: tea card, of: coffees, each: 3, give: {teas: 1}}\n"),
        ("remove-card 0", {}, DOCUMENT[DOCUMENT.index("cards:") :], ""),
        ("add-currency", {"new currency name": "stars"}, "teas: {}}", "teas: {}, stars: {}}"),
    ],
)  # fmt: skip
def test_each_field_changes_its_own_place(
    signed_in: Client, shop: Source, act: str, fields: dict[str, str], old: str, new: str
) -> None:
    _, text = sent(signed_in, act, **fields)
    assert text == DOCUMENT.replace(old, new) != DOCUMENT
    load(text)


@pytest.mark.parametrize(
    ("act", "fields", "field", "said"),
    [
        ("see", {"card each 0": "0"}, "card each 0", "coffee card: “0” does not fit. It is a whole number from 1"),
        ("see", {"card name 0": "purchase"}, "card name 0", "purchase: another rule, card or level is called so."),
        ("see", {"card amount 0 0": "x"}, "card amount 0 0", "coffee card: “x” does not fit."),
        ("see", {"card of 0": "coffees"}, "card give 0 0", "coffee card: a card cannot give what fills it."),
        ("see", {"card give 0 0": "teas"}, "card give 0 0", "coffee card: it gives one thing twice."),
        ("add-card", {"new card name": ""}, "new card name", "A name: its name has 1 to 80 characters"),
        ("add-card", {"new card name": "x", "new card each": "-"}, "new card each", "A new card: “-” does not fit."),
        (
            "add-card",
            {"new card name": "x", "new card give": "stamps"},
            "new card give",
            "x: a card cannot give what fills it.",
        ),
        ("add-currency", {"new currency name": "Stars"}, "new currency name", "its name begins with a small letter"),
        ("add-currency", {"new currency name": "teas"}, "new currency name", "that is given already."),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    signed_in: Client, shop: Source, act: str, fields: dict[str, str], field: str, said: str
) -> None:
    answer, text = sent(signed_in, act, **fields)
    assert is_said_at(answer, field, said)
    assert text == DOCUMENT


def test_a_card_is_begun_from_nothing(signed_in: Client, shop: Source) -> None:
    """A marketer's way: stamps and coffees, what gives a stamp, and the card."""
    answer, text = sent(signed_in, "add-currency", "programme: default\ntimezone: UTC\ncurrencies: {score: {}}\nearn:\n"
                        "  - {name: purchase, when: {activity: Order Completed}, give: {score: 1}}\n",
                        **{"new currency name": "stamps"})  # fmt: skip
    assert "There are no cards." in answer
    _, text = sent(signed_in, "add-currency", text, **{"new currency name": "coffees"})
    _, text = sent(signed_in, "add", text, **{"new kind": "Till Sale", "new amount": "1", "new currency": "stamps"})
    named = {"new card name": "coffee card", "new card of": "stamps", "new card give": "coffees"}
    answer, text = sent(signed_in, "add-card", text, **named)
    (card,) = load(text).cards
    assert (card.source, card.each, card.gives) == ("stamps", 10, {"coffees": 1})
    assert 'name="card each 0" inputmode="numeric" required value="10"' in answer
