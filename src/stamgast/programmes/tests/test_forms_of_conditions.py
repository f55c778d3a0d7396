"""Conditions of rules as plain values in a form: read where they are simple, written back, and all else stays."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.programmes.documents import default_document, load
from stamgast.programmes.forms import ConditionValues, rewrite, values_of
from stamgast.programmes.forms.conditions import condition_values

RULES = """\
programme: club
timezone: Europe/Amsterdam
currencies: {points: {}}
sets: {breakfast: {category: [bread, coffee]}}
earn:
  - name: first
    when:
      all:
        # what counts as buying
        - {field: kind, in: [Order Completed, Till Sale]}   # both
        - {field: amount, over: 0}
        - {properties: store_id, is: "12"}
    give: {points: 1}
  - {name: second, when: {activity: Till Sale}, give: {points: 1}}
"""


def written(text: str, place: int, when: ConditionValues) -> str:
    document = load(text)
    values = values_of(document)
    rules = [replace(rule, when=when) if number == place else rule for number, rule in enumerate(values.rules)]
    return rewrite(document, replace(values, rules=tuple(rules)))


def when_of(text: str, place: int) -> ConditionValues:
    when = values_of(load(text)).rules[place].when
    assert when is not None
    return when


def test_a_simple_condition_has_values() -> None:
    assert when_of(RULES, 0) == ConditionValues(
        kinds=("Order Completed", "Till Sale"), amount=Decimal(0), is_over=True, stores=("12",)
    )
    assert when_of(RULES, 1) == ConditionValues(kinds=("Till Sale",))
    assert when_of(default_document("UTC"), 0).is_over
    assert condition_values({"field": "birthday_month", "is": True}) == ConditionValues(is_birthday=True)


@pytest.mark.parametrize(
    "when",
    [
        {"any": [{"activity": "A"}, {"activity": "B"}]},
        {"not": {"activity": "A"}},
        {"all": [{"activity": "A"}, {"activity": "B"}]},
        {"all": [{"activity": "A"}, {"all": [{"field": "amount", "over": 0}]}]},
        {"field": "amount", "under": 3},
        {"field": "amount", "over": 3, "under": 5},
        {"field": "hour", "is": 3},
        {"field": "weekday", "is_not": "monday"},
        {"field": "kind", "contains": "a"},
        {"field": "date", "is": "2026-01-01"},
        {"any_line": {"product_id": "A"}},
        {"any_line": {"field": "amount", "over": 3}},
        {"properties": "store_id", "is": 12},
        {"properties": "rating", "is": "good"},
        {"activity": ["A, B"]},
        {"birthday_month": False},
        {"field": "birthday_month", "missing": True},
    ],
)
def test_any_other_condition_has_none_and_stays(when: dict[str, Any]) -> None:
    assert condition_values(when) is None
    text = RULES.replace("{activity: Till Sale}", json.dumps(when))
    assert written(text, 1, ConditionValues(kinds=("X",))) == text


DASHES = """\
programme: club
timezone: Europe/Amsterdam
currencies: {points: {}}
earn:
- name: first
  when:
    activity:
    - Order Completed
    - Till Sale
  give: {points: 1}
"""


def test_a_list_with_its_dashes_right_under_its_name_is_changed() -> None:
    text = written(DASHES, 0, ConditionValues(kinds=("Till Sale",)))
    assert text == DASHES.replace("    - Order Completed\n    - Till Sale\n", "      [Till Sale]\n")
    assert when_of(text, 0) == ConditionValues(kinds=("Till Sale",))


def test_what_is_taken_out_of_a_row_leaves_the_remark_about_its_neighbour() -> None:
    row = "{all: [{activity: A}, # by mail too\n    {field: source, is: x}]}"
    text = RULES.replace("when: {activity: Till Sale}", f"when: {row}")
    text = written(text, 1, ConditionValues(kinds=("A",)))
    assert "{activity: A}, # by mail too\n    ]}" in text
    assert when_of(text, 1) == ConditionValues(kinds=("A",))


def test_each_change_is_written_in_its_own_place() -> None:
    when = when_of(RULES, 0)
    assert written(RULES, 0, replace(when, kinds=("Order Completed",))) == RULES.replace(
        "[Order Completed, Till Sale]", "[Order Completed]"
    )
    assert written(RULES, 0, replace(when, amount=Decimal("2.50"))) == RULES.replace("over: 0}", "over: 2.50}")
    assert written(RULES, 0, replace(when, stores=("12", "13"))) == RULES.replace(
        '{properties: store_id, is: "12"}', '{properties: store_id, in: ["12", "13"]}'
    )
    assert written(RULES, 0, replace(when, amount=None, is_over=False, weekdays=("tuesday",))) == RULES.replace(
        "        - {field: amount, over: 0}\n", ""
    ).replace('is: "12"}\n', 'is: "12"}\n        - {field: weekday, is: tuesday}\n')
    one = when_of(RULES, 1)
    assert written(RULES, 1, replace(one, kinds=("Coffee Bought",))) == RULES.replace(
        "{activity: Till Sale}", "{activity: Coffee Bought}"
    )
    assert written(RULES, 1, replace(one, hour_from=9, hour_until=17, product_set="breakfast")) == RULES.replace(
        "{activity: Till Sale}",
        "{all: [{activity: Till Sale}, {field: hour, at_least: 9, under: 17}, {any_line: {set: breakfast}}]}",
    )


words = st.text("abc '\"#:é", min_size=1, max_size=8).map(str.strip).filter(bool)
lists = st.lists(words, max_size=3, unique=True).map(tuple)
conditions = st.builds(
    ConditionValues,
    kinds=lists,
    weekdays=st.lists(st.sampled_from(["monday", "friday", "sunday"]), max_size=3, unique=True).map(tuple),
    hour_from=st.none() | st.integers(0, 23),
    hour_until=st.none() | st.integers(1, 24),
    product_set=st.none() | st.just("breakfast"),
    categories=lists,
    sources=lists,
    stores=lists,
    channels=lists,
    amount=st.none() | st.integers(0, 10**6).map(lambda cents: Decimal(cents) / 100),
    is_birthday=st.booleans(),
).filter(lambda when: not when.is_empty)


@settings(max_examples=80)
@given(conditions, conditions, st.sampled_from([0, 1]), st.booleans())
def test_any_condition_that_is_written_is_read_back(
    first: ConditionValues, second: ConditionValues, place: int, is_over: bool
) -> None:
    first = replace(first, is_over=is_over and first.amount is not None)
    text = written(RULES, place, first)
    assert when_of(text, place) == first
    text = written(text, place, second)
    assert when_of(text, place) == second
    other = 1 - place
    assert when_of(text, other) == when_of(RULES, other)
