"""Cards, turns and currencies as values in a form: changed, begun and taken away, and every other character stays."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.programmes.documents import default_document, load
from stamgast.programmes.forms import CardValues, NewCard, NewCurrency, TurnValues, Values, rewrite, values_of

CARDS = """\
programme: club
timezone: Europe/Amsterdam
currencies:
  stamps: {}
  coffees: {}
  teas: {}   # for who does not
earn:
  - {name: purchase, when: {activity: Order Completed}, give: {stamps: 1}}
  - every: 5   # the fifth
    name: fifth
    when: {activity: Till Sale}
    give: {stamps: 2}
  - {name: weeks, when: {activity: Till Sale}, streak: {count: 3, per: week}, give: {stamps: 3}}
cards:
  # ten, and the next is free
  - name: coffee card
    of: stamps
    each: 10   # as printed
    give: {coffees: 1}
  - {name: tea card, of: coffees, each: 3, give: {teas: 2}}
"""


def read_back(text: str) -> Values:
    return values_of(load(text))


def test_what_is_not_changed_stays_to_the_letter() -> None:
    assert rewrite(load(CARDS), read_back(CARDS)) == CARDS


def test_cards_are_changed_added_and_removed() -> None:
    document, values = load(CARDS), read_back(CARDS)
    coffee, tea = values.cards
    changed = replace(coffee, name="bean card", each=8, gives=(("coffees", 2),)), replace(tea, gives=(("stamps", 5),))
    text = rewrite(document, replace(values, cards=changed))
    assert text == CARDS.replace("coffee card", "bean card").replace("each: 10 ", "each: 8 ").replace(
        "{coffees: 1}", "{coffees: 2}"
    ).replace("give: {teas: 2}", "give: {stamps: 5}")
    new = NewCard(CardValues("Big: card", "teas", 20, (("coffees", 5),)))
    text = rewrite(document, values, added=[new])
    assert text == CARDS + '  - {name: "Big: card", of: teas, each: 20, give: {coffees: 5}}\n'
    text = rewrite(document, values, removed=[("cards", 0)])
    assert read_back(text).cards == (tea,)
    text = rewrite(load(text), read_back(text), removed=[("cards", 0)])
    assert read_back(text).cards == ()
    assert "cards:" not in text
    assert rewrite(load(text), read_back(text), added=[new]).endswith(
        'cards:\n  - {name: "Big: card", of: teas, each: 20, give: {coffees: 5}}\n'
    )


def test_a_currency_is_added() -> None:
    text = rewrite(load(CARDS), read_back(CARDS), added=[NewCurrency("stars")])
    assert text == CARDS.replace("# for who does not\n", "# for who does not\n  stars: {}\n")
    default = default_document("UTC")
    assert list(load(rewrite(load(default), read_back(default), added=[NewCurrency("stars")])).currencies) == ["score", "stars"]


@pytest.mark.parametrize(
    ("place", "turn", "old", "new"),
    [
        (0, TurnValues("nth", 1), "give: {stamps: 1}}", "give: {stamps: 1}, nth: 1}"),
        (1, TurnValues("every", 6), "every: 5 ", "every: 6 "),
        (1, TurnValues("each", 1), "every: 5   # the fifth\n    ", ""),
        (1, TurnValues("nth", 2), "every: 5   # the fifth\n    ", ""),
        (2, TurnValues("streak", 4, "week"), "{count: 3, per: week}", "{count: 4, per: week}"),
        (2, TurnValues("streak", 3, "day"), "{count: 3, per: week}", "{count: 3, per: day}"),
        (2, TurnValues("each", 1), " streak: {count: 3, per: week},", ""),
        (0, TurnValues("streak", 2, "month"), "{stamps: 1}}", "{stamps: 1}, streak: {count: 2, per: month}}"),
        (0, TurnValues("challenge", 3, "year", "properties.store"), "{stamps: 1}}",
         "{stamps: 1}, challenge: {count: 3, different: properties.store, per: year}}"),
        (2, TurnValues("challenge", 3, "day", "kind"), "streak: {count: 3, per: week}, give: {stamps: 3}",
         "give: {stamps: 3}, challenge: {count: 3, different: kind, per: day}"),
    ],
)  # fmt: skip
def test_turns_are_changed(place: int, turn: TurnValues, old: str, new: str) -> None:
    document, values = load(CARDS), read_back(CARDS)
    rules = tuple(replace(rule, turn=turn) if number == place else rule for number, rule in enumerate(values.rules))
    text = rewrite(document, replace(values, rules=rules))
    ending = "{stamps: 2}\n    nth: 2\n" if turn == TurnValues("nth", 2) else "{stamps: 2}\n"
    assert text == CARDS.replace(old, new).replace("{stamps: 2}\n", ending)
    assert read_back(text).rules == rules


names = st.text("abc '\"#:é", min_size=1, max_size=8).map(lambda text: f"{text}.")
turns = (
    st.just(TurnValues("each", 1))
    | st.builds(TurnValues, st.sampled_from(["nth", "every"]), st.integers(1, 99))
    | st.builds(TurnValues, st.just("streak"), st.integers(1, 99), st.sampled_from(["day", "week", "month"]))
    | st.builds(
        TurnValues, st.just("challenge"), st.integers(2, 50), st.sampled_from(["day", "lifetime"]),
        st.sampled_from(["kind", "properties.a.b"]),
    )
)  # fmt: skip


@settings(max_examples=60)
@given(st.data())
def test_any_cards_and_turns_that_are_written_are_read_back(data: st.DataObject) -> None:
    text = CARDS
    for _ in range(2):
        values = read_back(text)
        cards = []
        for place, card in enumerate(values.cards):
            of, *others = data.draw(st.permutations(["stamps", "coffees", "teas"]))
            gives = tuple((one, data.draw(st.integers(1, 9))) for one in others[: data.draw(st.integers(1, 2))])
            cards.append(replace(card, name=f"{data.draw(names)}{place}", currency=of, gives=gives))
        rules = tuple(replace(rule, turn=data.draw(turns)) for rule in values.rules)
        wanted = replace(values, cards=tuple(cards), rules=rules)
        text = rewrite(load(text), wanted)
        again = read_back(text)
        assert again.rules == wanted.rules
        assert [replace(card, gives=tuple(sorted(card.gives))) for card in again.cards] == [
            replace(card, gives=tuple(sorted(card.gives))) for card in wanted.cards
        ]
