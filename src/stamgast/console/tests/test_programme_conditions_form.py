"""When a rule applies as plain fields: each changes its own place of the document, and what is not simple stays."""

import re
from typing import Any

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.console.tests.editing import ADDRESS, is_said_at, send_form
from stamgast.programmes.documents import load

DOCUMENT = """\
programme: default
timezone: Europe/Amsterdam
currencies: {points: {}}
sets: {breakfast: {category: [bread, coffee]}}
earn:
  - name: purchase
    when:
      all:
        - {activity: [Order Completed, Till Sale]}   # both
        - {field: amount, over: 0}
    give: {points: 1}
  - {name: till, when: {activity: Till Sale}, nth: 3, give: {points: 2}}
  - {name: odd, when: {any: [{activity: A}, {activity: B}]}, streak: {count: 3, per: week}, give: {points: 3}}
"""
FIRST = {"when 0": "simple", "kind 0": ["Order Completed", "Till Sale"], "over 0": "over", "least 0": "0"}
SECOND = {"when 1": "simple", "kind 1": ["Till Sale", ""]}


def sent(client: Client, act: str, **fields: Any) -> tuple[str, str]:
    return send_form(client, act, **{"draft": DOCUMENT, **fields})


@pytest.mark.parametrize(
    ("fields", "old", "new"),
    [
        (FIRST, "", ""),
        (FIRST | {"kind 0": ["Order Completed"]}, "[Order Completed, Till Sale]", "[Order Completed]"),
        (FIRST | {"least 0": "2,50"}, "over: 0}", "over: 2.50}"),
        (FIRST | {"least 0": "5", "over 0": "least"}, "{field: amount, over: 0}", "{field: amount, at_least: 5}"),
        (FIRST | {"least 0": ""}, "        - {field: amount, over: 0}\n", ""),
        (
            FIRST | {"weekday 0": ["friday", "monday"]},
            "over: 0}\n",
            "over: 0}\n        - {field: weekday, in: [monday, friday]}\n",
        ),
        (SECOND, "", ""),
        (
            SECOND | {"hour from 1": "9", "hour until 1": "17"},
            "{activity: Till Sale},",
            "{all: [{activity: Till Sale}, {field: hour, at_least: 9, under: 17}]},",
        ),
        (
            SECOND | {"set 1": "breakfast", "category 1": "tea"},
            "{activity: Till Sale},",
            "{all: [{activity: Till Sale}, {any_line: {set: breakfast, category: tea}}]},",
        ),
        (
            SECOND | {"store 1": "12, 13", "source 1": "till", "channel 1": "app"},
            "{activity: Till Sale},",
            "{all: [{activity: Till Sale}, {field: source, is: till}, {field: properties.store_id, in: [\"12\", \"13\"]},"
            " {field: properties.channel, is: app}]},",
        ),
        ({"turn 1": "first"}, "nth: 3", "nth: 1"),
        ({"turn 1": "nth", "count 1": "4"}, "nth: 3", "nth: 4"),
        ({"turn 1": "each"}, " nth: 3,", ""),
        ({"turn 1": "every", "count 1": "10"}, "nth: 3, give: {points: 2}", "give: {points: 2}, every: 10"),
        ({"turn 0": "first"}, "give: {points: 1}\n", "give: {points: 1}\n    nth: 1\n"),
        (SECOND | {"birthday 1": "on"}, "{activity: Till Sale},", "{all: [{activity: Till Sale}, {birthday_month: true}]},"),
        ({"turn 2": "streak", "count 2": "4", "streak 2": "month"}, "{count: 3, per: week}", "{count: 4, per: month}"),
        (
            {"turn 1": "challenge", "count 1": "3", "different 1": "kind", "challenge 1": "year"},
            "nth: 3, give: {points: 2}",
            "give: {points: 2}, challenge: {count: 3, different: kind, per: year}",
        ),
        (
            {"turn 1": "streak", "count 1": "", "streak 1": "x"},
            "nth: 3, give: {points: 2}",
            "give: {points: 2}, streak: {count: 3, per: week}",
        ),
        ({"when 2": "simple", "kind 2": ["X"]}, "", ""),
    ],
)  # fmt: skip
def test_each_field_changes_its_own_place(
    signed_in: Client, shop: Source, fields: dict[str, object], old: str, new: str
) -> None:
    _, text = sent(signed_in, "form", **fields)
    assert text == DOCUMENT.replace(old, new)
    assert old in DOCUMENT
    assert not old or text != DOCUMENT
    load(text)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        (SECOND | {"kind 1": [""]}, "kind 1", "Till: say when it applies"),
        (SECOND | {"hour from 1": "24"}, "hour from 1", "Till: “24” does not fit. It is a whole number from 0 to 23."),
        (SECOND | {"hour from 1": "9", "hour until 1": "9"}, "hour until 1", "Till: these hours end before they begin."),
        (SECOND | {"least 1": "a lot"}, "least 1", "Till: “a lot” is not an amount of money."),
        (SECOND | {"store 1": "x" * 600}, "store 1", "Till: that is too long"),
        ({"turn 1": "every", "count 1": "0"}, "count 1", "Till: “0” does not fit. It is a whole number from 1"),
        ({"turn 1": "challenge", "count 1": "51"}, "count 1", "Till: “51” does not fit. It is a whole number from 2 to 50."),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    signed_in: Client, shop: Source, fields: dict[str, object], field: str, said: str
) -> None:
    answer, text = sent(signed_in, "see", **fields)
    assert is_said_at(answer, field, said)
    assert text == DOCUMENT
    assert len(re.findall(r'<details class="sg-when"[^>]* open>', answer)) == 1


def test_what_nobody_touched_stays_as_it_stands(signed_in: Client, shop: Source) -> None:
    store = "Oude\u00a0Markt"  # with a blank that does not break, which cannot be typed
    other = f"{{all: [{{field: weekday, in: [sunday, saturday]}}, {{field: properties.store_id, is: {store}}}]}}"
    document = DOCUMENT.replace("{any: [{activity: A}, {activity: B}]}", other)
    fields = {"when 2": "simple", "weekday 2": ["saturday", "sunday"], "store 2": store, "amount 2 points": "4"}
    _, text = sent(signed_in, "form", **{"draft": document, **fields})
    assert text == document.replace("give: {points: 3}", "give: {points: 4}")


def test_what_is_not_simple_is_said_in_words(signed_in: Client, shop: Source) -> None:
    answer = signed_in.post(ADDRESS, {"document": DOCUMENT, "after": "1", "act": "document"}).content.decode()
    assert "When the activity is A or the activity is B, 3 weeks in a row:" in answer
    assert "This condition says more than fields can" in answer
    assert 'name="when 2"' not in answer
    assert re.search(r'name="turn 2">.*?value="streak" selected', answer, re.DOTALL)
    part = signed_in.post(
        ADDRESS, {"draft": DOCUMENT, "act": "form", **SECOND, "hour from 1": "9"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert 'id="when-1" hx-swap-oob="true">When the activity is a sale at the till and the hour is at least 9' in part


def test_what_was_typed_stays_where_something_else_is_wrong(signed_in: Client, shop: Source) -> None:
    answer, _ = sent(signed_in, "see", **SECOND | {"weekday 1": ["sunday"], "turn 1": "every", "least 1": "a lot"})
    assert 'name="weekday 1" value="sunday" checked' in answer
    assert '<option value="every" selected>' in answer
    assert 'value="a lot"' in answer
