"""What rules give and multiply, when they hold and how they are called, as fields of the programme's form."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.console.tests.editing import ADDRESS, is_said_at, open_in, send_form
from stamgast.programmes.documents import load

DOCUMENT = """\
programme: default
timezone: Europe/Amsterdam
currencies: {points: {expires: {after: 12 months}}, stars: {}}
earn:
  - {name: purchase, when: {activity: Order Completed}, give: {points: {amount: 1, per: 2.50}, stars: 1}}
  - name: double   # on tuesdays
    when: {field: weekday, is: tuesday}
    until: '2026-12-31 18:00:00'
    multiply: {points: 2}   # twice
  - {name: cups, when: {activity: Till Sale}, give: {stars: {amount: 1, per: 2, of: {quantity: {category: coffee}}}}}
tiers:
  qualify_on: points
  period: {calendar: year}
  levels:
    - {name: Gold, from: 600, multiply: {points: 1.5}}
cards:
  - {name: coffee card, of: stars, each: 10, give: {points: 1}}
"""
TIMES = {"times 1 0": "2", "times of 1 0": "points"}


def sent(client: Client, act: str, draft: str = DOCUMENT, **fields: Any) -> tuple[str, str]:
    return send_form(client, act, draft=draft, **fields)


@pytest.mark.parametrize(
    ("fields", "old", "new"),
    [
        (TIMES | {"times 1 1": "", "times of 1 1": "stars"}, "", ""),
        (TIMES | {"times 1 0": "2,5"}, "{points: 2}", "{points: 2.5}"),
        (TIMES | {"times of 1 0": "stars"}, "{points: 2}", "{stars: 2}"),
        (TIMES | {"times 1 1": "3", "times of 1 1": "stars"}, "{points: 2}", "{points: 2, stars: 3}"),
        (TIMES | {"times cap 1 0": "500", "period 1": "week"}, "# twice\n", "# twice\n    cap: {points: 500, per: week}\n"),
        (TIMES | {"times budget 1 0": "9000"}, "# twice\n", "# twice\n    budget: {points: 9000}\n"),
        ({"budget 0 points": "9000"}, "stars: 1}}", "stars: 1}, budget: {points: 9000}}"),
        ({"of 0 points": "once"}, "{amount: 1, per: 2.50}", "1"),
        ({"of 0 stars": "amount", "per 0 stars": "10"}, "stars: 1}", "stars: {amount: 1, per: 10}}"),
        ({"of 0 points": "quantity", "per 0 points": "3"}, "per: 2.50", "per: 3, of: quantity"),
        ({"of 2 stars": "once", "per 2 stars": "3"}, "per: 2,", "per: 3,"),
        ({"name 1": "Double tuesday"}, "name: double ", "name: Double tuesday "),
        ({"begins 1": "2026-12-01", "begins 1 time": ""}, "# twice\n", '# twice\n    from: "2026-12-01"\n'),
        ({"ends 1": "2026-12-31", "ends 1 time": "18:00:00"}, "", ""),
        ({"ends 1": "2026-12-24", "ends 1 time": ""}, "'2026-12-31 18:00:00'", "'2026-12-24'"),
        ({"ends 1": "", "ends 1 time": ""}, "    until: '2026-12-31 18:00:00'\n", ""),
        ({"stacking": "standing"}, "give: {points: 1}}\n", "give: {points: 1}}\nstacking: standing\n"),
        ({"rounding": "nearest", "stacking": "base"}, "give: {points: 1}}\n", "give: {points: 1}}\nround: nearest\n"),
        ({"wait points": "14", "wait unit points": "day"}, "12 months}}", "12 months}, pending: 14 days}"),
        ({"use stars": "count"}, "stars: {}}", "stars: {spendable: false}}"),
        ({"use stars": "spend", "wait stars": "", "wait unit stars": "week"}, "", ""),
    ],
)
def test_each_field_changes_its_own_place(signed_in: Client, shop: Source, fields: dict[str, str], old: str, new: str) -> None:
    _, text = sent(signed_in, "form", **fields)
    assert text == DOCUMENT.replace(old, new, 1)
    assert old in DOCUMENT
    assert not old or text != DOCUMENT
    load(text)


@pytest.mark.parametrize(
    ("act", "fields", "field", "said"),
    [
        ("see", TIMES | {"times 1 0": "1"}, "times 1 0", "Double: “1” does not fit. It is a number above 1"),
        ("see", TIMES | {"times 1 0": ""}, "times 1 0", "Double: say how many times as many it gives."),
        ("see", TIMES | {"times 1 1": "2", "times of 1 1": "points"}, "times of 1 1", "Double: it multiplies one thing"),
        ("see", TIMES | {"times cap 1 0": "x"}, "times cap 1 0", "Double: “x” does not fit."),
        (
            "see",
            {"per 0 points": "2.5555"},
            "per 0 points",
            "Purchase: “2.5555” is not an amount of at least",
        ),
        (
            "see",
            {"of 0 points": "quantity", "per 0 points": "2.5"},
            "per 0 points",
            "Purchase: “2.5” does not fit.",
        ),
        ("see", {"budget 0 points": "0"}, "budget 0 points", "Purchase: “0” does not fit."),
        ("see", {"name 0": "Gold"}, "name 0", "Gold: another rule, card or level is called so."),
        ("see", {"name 0": "a/b"}, "name 0", "a/b: its name has 1 to 80 characters, and no slash."),
        ("see", {"begins 1": "", "begins 1 time": "10:00"}, "begins 1", "Double: “10:00” is not a day, or a day and a time."),
        ("see", {"begins 1": "2026-12-32"}, "begins 1", "Double: “2026-12-32” is not a day"),
        ("see", {"begins 1": "2026-12-31", "begins 1 time": "18:00"}, "ends 1", "Double: it ends before it begins."),
        (
            "see",
            {"wait points": "12", "wait unit points": "month"},
            "wait points",
            "points: it would expire before",
        ),
        ("see", {"wait stars": "101", "wait unit stars": "year"}, "wait stars", "stars: that is longer than a hundred years."),
        ("see", {"life points": "101", "unit points": "year"}, "life points", "points: that is longer than a hundred years."),
        ("add", {"new kind": "Till Sale", "new name": "coffee card"}, "new name", "coffee card: another rule, card or level"),
        ("add", {}, "new kind", "Something else: choose the kind of activity"),
        ("add-more", {"more times": "2"}, "more kind", "Days on which there is more: say when it applies"),
        (
            "add-more",
            {"more times": "0", "more weekday": "monday"},
            "more times",
            "“0” does not fit.",
        ),
        ("add-more", {"more times": "2", "more weekday": "monday", "more begins": "x"}, "more begins", "“x” is not a day"),
        ("add-more", {"more times": "2", "more kind": "A", "more name": "Gold"}, "more name", "Gold: another rule, card"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    signed_in: Client, shop: Source, act: str, fields: dict[str, str], field: str, said: str
) -> None:
    answer, text = sent(signed_in, act, **fields)
    assert is_said_at(answer, field, said)
    assert text == DOCUMENT
    dutch, _ = send_form(signed_in, act, draft=DOCUMENT, language="nl", **fields)
    assert said.split(": ", 1)[-1] not in html.unescape(dutch)
    assert re.search(r'name="([^"]*)"[^>]* aria-invalid="true"', dutch)


def test_days_on_which_there_is_more_are_added(signed_in: Client, shop: Source) -> None:
    fields = {
        "more name": "Dubbele dinsdag", "more times": "2", "more of": "points", "more weekday": ["friday", "tuesday"],
        "more kind": "Till Sale", "more begins": "2026-12-01", "more ends": "2026-12-24",
    }  # fmt: skip
    answer, text = sent(signed_in, "add-more", **fields)
    rule = load(text).rules[-1]
    assert (rule.name, rule.multiplies[0].factor) == ("Dubbele dinsdag", 2)
    assert "{field: weekday, in: [tuesday, friday]}" in text
    assert 'from: "2026-12-01"' in text
    assert text.replace(text[text.index("  - {name: Dubbele") : text.index("tiers:")], "") == DOCUMENT
    assert 'name="times 3 0" inputmode="decimal" value="2"' in answer
    assert "in the order of the document: Double, Dubbele dinsdag, Gold." in html.unescape(answer)


def test_a_new_rule_is_called_by_a_free_name(signed_in: Client, shop: Source) -> None:
    document = DOCUMENT.replace("name: Gold", "name: till sale").replace("coffee card", "till sale 2")
    _, text = sent(signed_in, "add", draft=document, **{"new kind": "Till Sale", "new amount": "3"})
    assert load(text).rules[-1].name == "till sale 3"
    _, text = sent(signed_in, "add", draft=document, **{"new kind": "Till Sale", "new name": " At  the till "})
    assert load(text).rules[-1].name == "At the till"
    _, text = sent(signed_in, "form", draft=text, **{"name 3": "At our till"})
    assert load(text).rules[-1].name == "At our till"
    part = signed_in.post(ADDRESS, {"draft": text, "act": "form"}, headers={"HX-Request": "true"}).content.decode()
    assert '<span id="rule-3" hx-swap-oob="true">At our till</span>' in part


def test_what_was_typed_stays_where_something_else_is_wrong(signed_in: Client, shop: Source) -> None:
    fields = TIMES | {"times 1 0": "7", "begins 1": "2026-12-02", "turn 0": "challenge", "count 0": "4", "wait points": "many"}
    answer, _ = sent(signed_in, "see", **fields, **{"more name": "Summer", "stacking": "standing", "use stars": "count"})
    assert 'name="times 1 0" inputmode="decimal" value="7"' in answer
    assert 'name="begins 1" value="2026-12-02"' in answer
    assert 'value="many"' in answer
    assert 'value="Summer"' in answer
    for chosen in ("challenge", "standing", "count"):
        assert f'<option value="{chosen}" selected>' in answer


def test_each_rule_is_folded_to_a_line_and_the_one_that_is_wrong_is_open(signed_in: Client, shop: Source) -> None:
    def opened(answer: str) -> list[bool]:
        return [f"name {place}" in open_in(answer, "rule") for place in range(3)]

    answer, _ = sent(signed_in, "document", document=DOCUMENT)
    assert opened(answer) == [False, False, False]
    lines = [html.unescape(line) for line in re.findall(r'id="said-rule-\d+">(.*?)</span>', answer)]
    assert lines[:2] == [
        "When the activity is a completed order: it gives 1 point for each whole 2.50 spent; it gives 1 star.",
        "When the weekday is tuesday before 31 December 2026 18:00: it gives 2 times as many points.",
    ]
    for field, value in (("amount 0 stars", "many"), ("per 0 points", "few"), ("cap 0 points", "all")):
        assert opened(sent(signed_in, "see", **{field: value})[0]) == [True, False, False], field
    assert opened(sent(signed_in, "see", **TIMES | {"times 1 0": "no"})[0]) == [False, True, False]
    assert not any(opened(sent(signed_in, "see", **{"card each 0": "many"})[0]))
    part = signed_in.post(ADDRESS, {"draft": DOCUMENT, "act": "form"}, headers={"HX-Request": "true"}).content.decode()
    assert 'id="said-rule-0" hx-swap-oob="true">When ' in part


def test_what_is_open_stays_open_by_its_name(signed_in: Client, shop: Source) -> None:
    """Whatever is drawn again: after a look at what it would do, an error elsewhere, another name, and what came or went."""
    stood = {"open": ["rule cups", "condition  cups "]}
    for act, fields in (
        ("see", {}), ("see", {"amount 0 stars": "many"}), ("document", {"document": DOCUMENT}), ("remove 0", {}),
        ("add", {"new kind": "Till Sale", "new name": "mine"}), ("add", {}),
    ):  # fmt: skip
        answer, text = sent(signed_in, act, **stood, **fields)
        place = text.index("name: cups") > text.index("name: double") and (1 if act == "remove 0" else 2)
        wrong = ["name 0"] if "amount 0 stars" in fields else []
        added = ["name 3"] if "new name" in fields else []
        assert open_in(answer, "rule") == [*wrong, f"name {place}", *added], act
        assert open_in(answer, "condition") == [f"name {place}"], act
    answer, _ = sent(signed_in, "see", **{"name 2": "Big  cups", "open": "rule Big  cups"})
    assert open_in(answer, "rule") == ["name 2"]
    answer, _ = sent(signed_in, "see", **{"name 2": "Big  cups", "open": "rule Big  cups", "amount 0 stars": "many"})
    assert open_in(answer, "rule") == ["name 0", "name 2"]


@pytest.mark.parametrize(
    ("kind", "field", "said"),
    [
        ("card", "card each 0", "10 stars make 1 point."),
        ("level", "level from 0", "From 600 points in a period on: it gives 1.5 times as many points."),
        (
            "levels",
            "tier rolling",
            "Levels are reached by points. A level is reached and held a year by the calendar, from January on.",
        ),
        ("currency points", "wait points", "It lasts 12 months. It can be spent at once."),
        ("currency stars", "life stars", "It never expires. It can be spent at once."),
    ],
)
def test_levels_cards_and_currencies_are_folded_like_rules(
    signed_in: Client, shop: Source, kind: str, field: str, said: str
) -> None:
    """To a line, open where something is wrong or where they were open; a change shows in the line at once."""

    def opened(**fields: str) -> list[str]:
        return re.findall(
            r'<details class="sg-part sg-folds" data-fold="([^"]*)"[^>]* open>', sent(signed_in, "see", **fields)[0]
        )

    answer, _ = sent(signed_in, "see")
    assert said in html.unescape(answer)
    assert opened() == []
    assert opened(**{field: "many", "tier period": "rolling"}) == [kind]
    names = {"card": "coffee card", "level": "Gold"}
    assert opened(open=f"{kind} {names.get(kind, '')}") == [kind]


def test_the_line_follows_its_fields(signed_in: Client, shop: Source) -> None:
    fields = {"draft": DOCUMENT, "act": "form", "level from 0": "700", "life stars": "3", "unit stars": "day"}
    part = signed_in.post(ADDRESS, fields, headers={"HX-Request": "true"}).content.decode()
    assert 'id="said-level-0" hx-swap-oob="true">From 700 points in a period on: ' in part
    assert 'id="said-currency-stars" hx-swap-oob="true">It lasts 3 days. ' in part


@pytest.mark.parametrize(
    ("fields", "old", "new"),
    [
        ({"one en stars": "star"}, "stars: {}", "stars: {called: [star, star]}"),
        ({"one en stars": "star", "many en stars": "stars"}, "stars: {}", "stars: {called: [star, stars]}"),
        (
            {"one en stars": "star", "many en stars": "stars", "one nl stars": "ster", "many nl stars": "sterren"},
            "stars: {}",
            "stars: {called: {en: [star, stars], nl: [ster, sterren]}}",
        ),
        ({"one en stars": "", "many en stars": "", "one nl stars": " ", "many nl stars": ""}, "", ""),
        ({"many nl stars": "x" * 41}, "", ""),
    ],
)
def test_what_a_currency_is_called_is_written(
    signed_in: Client, shop: Source, fields: dict[str, str], old: str, new: str
) -> None:
    _, text = sent(signed_in, "form", **fields)
    assert text == DOCUMENT.replace(old, new)
    load(text)


def test_what_a_currency_is_called_is_changed_in_its_own_place(signed_in: Client, shop: Source) -> None:
    stars = "stars: {called: {en: [star, stars], nl: [ster, sterren]}, spendable: false}"
    document = DOCUMENT.replace("stars: {}", stars)
    words = {"one en stars": "star", "many en stars": "stars", "one nl stars": "ster", "many nl stars": "sterren"}
    answer, text = sent(signed_in, "document", draft=document, document=document)
    for field, word in words.items():
        assert re.search(rf'name="{field}"[^>]* lang="{field.split()[1]}" value="{word}"', answer), field
    assert sent(signed_in, "form", draft=document)[1] == sent(signed_in, "form", draft=document, **words)[1] == document
    _, text = sent(signed_in, "form", draft=document, **words | {"many nl stars": "sterretjes"})
    assert text == document.replace("sterren", "sterretjes")
    _, text = sent(signed_in, "form", draft=document, **dict.fromkeys(words, ""))
    assert text == DOCUMENT.replace("stars: {}", "stars: {spendable: false}")
    answer, text = sent(signed_in, "see", draft=document, **words | {"one nl stars": "x" * 41})
    assert is_said_at(answer, "one nl stars", "stars: that is too long")
    assert text == document


def test_what_is_open_stays_open_in_a_draft(signed_in: Client, shop: Source) -> None:
    fields = {"draft": DOCUMENT, "after": "1", "title": "mine", "open": ["rule double", "rule nothing"]}
    kept = signed_in.post(ADDRESS, fields | {"act": "keep"})
    assert open_in(signed_in.get(kept["Location"]).content.decode(), "rule") == ["name 1"]
    assert open_in(signed_in.get(kept["Location"].partition("?")[0]).content.decode(), "rule") == []
    assert "?" not in signed_in.post(ADDRESS, fields | {"act": "keep", "open": []})["Location"]


def test_fields_are_written_as_the_reader_writes_numbers(signed_in: Client, shop: Source) -> None:
    document = DOCUMENT.replace("{points: 2}", "{points: 2.5}")
    for language, values in (("en", ["1.5", "2.5", "2.5"]), ("nl", ["1,5", "2,5", "2,5"])):
        answer, _ = send_form(signed_in, "document", draft=document, document=document, language=language)
        found = [
            re.search(rf'name="{field}"[^>]* value="([^"]*)"', answer)
            for field in ("level times 0 0", "per 0 points", "times 1 0")
        ]
        assert [one and one[1] for one in found] == values
    answer, text = send_form(
        signed_in, "see", draft=document, language="nl", **{"per 0 points": "2,50", "level times 0 0": "1,5"}
    )
    assert text == document
