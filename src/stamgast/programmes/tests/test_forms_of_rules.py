"""What rules give and multiply, and when, as values in a form: changed, begun, and every other character stays."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.programmes.documents import load
from stamgast.programmes.forms import (
    ConditionValues,
    MultiplyValues,
    NewRule,
    Span,
    Values,
    rewrite,
    values_of,
)

RULES = """\
programme: club
timezone: Europe/Amsterdam
round: down   # in favour of nobody
currencies:
  points: {expires: {after: 12 months}, pending: 14 days}   # as the terms say
  stars: {}
earn:
  - name: purchase   # in the shop
    when: {activity: Order Completed}
    give: {points: {amount: 1, per: 1.00}, stars: 1}
  - name: double
    from: 2026-12-01   # with the lights
    when: {field: weekday, is: tuesday}
    until: '2026-12-31 18:00'
    multiply:
      points: 2   # twice
    cap: {points: 500, per: day}   # enough
    budget: {points: 90000}
  - name: cups
    when: {activity: Till Sale}
    give: {stars: {amount: 1, per: 2, of: quantity}}
"""
JSON = (
    '{"programme": "club", "timezone": "UTC", "currencies": {"points": {}, "stars": {"spendable": false}},'
    ' "earn": [{"name": "a", "when": {"activity": "A"}, "give": {"points": 1}, "from": "2026-01-01"},'
    ' {"name": "b", "when": {"activity": "B"}, "multiply": {"points": 1.5}},'
    ' {"name": "c", "when": {"activity": "C"}, "give": {"stars": {"amount": 2, "per": 3}}}]}'
)


def read_back(text: str) -> Values:
    return values_of(load(text))


def with_rule(text: str, place: int, **changes: Any) -> str:
    values = read_back(text)
    rules = [replace(rule, **changes) if number == place else rule for number, rule in enumerate(values.rules)]
    written = rewrite(load(text), replace(values, rules=tuple(rules)))
    assert read_back(written).rules == tuple(rules)
    return written


@pytest.mark.parametrize("text", [RULES, JSON])
def test_what_is_not_changed_stays_to_the_letter(text: str) -> None:
    assert rewrite(load(text), read_back(text)) == text


def test_what_multiplies_is_changed_in_its_own_place() -> None:
    (twice,) = read_back(RULES).rules[1].multiplies
    assert twice == MultiplyValues("points", Decimal(2), 500, 90_000)
    more = replace(twice, factor=Decimal("2.5"), cap=600, budget=80_000)
    assert with_rule(RULES, 1, multiplies=(more,)) == RULES.replace("points: 2 ", "points: 2.5 ").replace(
        "{points: 500, per", "{points: 600, per"
    ).replace("90000", "80000")
    stars = MultiplyValues("stars", Decimal(3))
    assert with_rule(RULES, 1, multiplies=(twice, stars)) == RULES.replace("# twice\n", "# twice\n      stars: 3\n")
    free = replace(twice, cap=None, budget=None)
    assert with_rule(RULES, 1, multiplies=(free,), cap_period=None) == RULES.replace(
        "    cap: {points: 500, per: day}   # enough\n    budget: {points: 90000}\n", ""
    )


def test_when_a_rule_holds_is_changed_in_its_own_place() -> None:
    assert with_rule(RULES, 1, name="Twice", begins="2026-12-05") == RULES.replace("name: double", "name: Twice").replace(
        "from: 2026-12-01 ", 'from: "2026-12-05" '
    )
    assert with_rule(RULES, 1, ends="2026-12-24") == RULES.replace("'2026-12-31 18:00'", "'2026-12-24'")
    assert with_rule(RULES, 1, begins=None) == RULES.replace("    from: 2026-12-01   # with the lights\n", "")
    assert with_rule(RULES, 2, begins="2027-01-01") == RULES + '    from: "2027-01-01"\n'


def test_for_what_a_rule_gives_is_changed_in_its_own_place() -> None:
    points, stars = read_back(RULES).rules[0].gives
    once = replace(points, of="once", per=None)
    assert with_rule(RULES, 0, gives=(once, stars)) == RULES.replace("{amount: 1, per: 1.00}", "1")
    pieces = replace(stars, of="quantity", per=Decimal(3))
    assert with_rule(RULES, 0, gives=(points, pieces)) == RULES.replace(
        "stars: 1}", "stars: {amount: 1, per: 3, of: quantity}}"
    )
    (cups,) = read_back(RULES).rules[2].gives
    assert with_rule(RULES, 2, gives=(replace(cups, of="amount"),)) == RULES.replace("of: quantity", "of: amount")


def test_currencies_and_counting_are_changed_in_their_own_place() -> None:
    values = read_back(RULES)
    points, stars = values.lives
    assert (points.pending, points.is_spendable) == (Span(14, "day"), True)
    lives = replace(points, pending=Span(3, "week")), replace(stars, pending=Span(1, "day"), is_spendable=False)
    new = replace(values, lives=lives, stacking="standing", rounding="up")
    text = rewrite(load(RULES), new)
    assert (
        text
        == RULES.replace("14 days", "3 weeks")
        .replace("stars: {}", "stars: {pending: 1 day, spendable: false}")
        .replace("round: down ", "round: up ")
        + "stacking: standing\n"
    )
    assert read_back(text) == new
    assert rewrite(load(RULES), replace(values, lives=(replace(points, pending=None), stars))) == RULES.replace(
        ", pending: 14 days", ""
    )


def test_multipliers_are_added() -> None:
    when = ConditionValues(kinds=("Till Sale",), weekdays=("tuesday",))
    new = NewRule("Double day", when, "points", factor=Decimal(2), begins="2026-12-01", ends="2026-12-24")
    text = rewrite(load(RULES), read_back(RULES), added=[new])
    assert text == RULES + (
        "  - name: Double day\n    when:\n      all:\n        - {activity: Till Sale}\n"
        "        - {field: weekday, is: tuesday}\n"
        '    from: "2026-12-01"\n    until: "2026-12-24"\n    multiply: {points: 2}\n'
    )
    added = read_back(text).rules[-1]
    assert (added.when, added.multiplies) == (when, (MultiplyValues("points", Decimal(2)),))
    assert read_back(rewrite(load(JSON), read_back(JSON), added=[new])).rules[-1] == added


numbers = st.integers(1, 10**6)
factors = st.integers(101, 900).map(lambda hundredths: Decimal(hundredths) / 100)
names = st.text("abc '\"#:é-", min_size=1, max_size=9)
dates = st.dates(date(2, 1, 1), date(9998, 12, 30))  # beyond these there is no such moment in every zone
days = st.none() | dates.map(str) | dates.map(lambda day: f"{day} 12:30")


@settings(max_examples=60)
@given(st.data(), st.sampled_from([RULES, JSON]))
def test_any_rules_that_are_written_are_read_back(data: st.DataObject, text: str) -> None:
    for _ in range(2):
        values, rules = read_back(text), []
        for place, rule in enumerate(values.rules):
            gives = []
            for give in rule.gives:
                of = data.draw(st.sampled_from(["once", "amount", "quantity"]))
                per = None if of == "once" else Decimal(data.draw(st.integers(1, 50)))
                limits = data.draw(st.tuples(numbers, st.none() | numbers, st.none() | numbers))
                gives.append(replace(give, of=of, per=per, amount=limits[0], cap=limits[1], budget=limits[2]))
            multiplies = rule.multiplies and tuple(
                MultiplyValues(currency, *data.draw(st.tuples(factors, st.none() | numbers, st.none() | numbers)))
                for currency in data.draw(st.sampled_from([("points",), ("stars",), ("points", "stars")]))
            )
            begins = data.draw(days)
            changed = replace(
                rule, name=f"{data.draw(names)}{place}", gives=tuple(gives), multiplies=multiplies, begins=begins,
                ends=None if begins else data.draw(days), cap_period=data.draw(st.sampled_from(["day", "lifetime"])),
            )  # fmt: skip
            rules.append(changed if changed.caps else replace(changed, cap_period=None))
        new = rewrite(load(text), replace(values, rules=tuple(rules)))
        again, wanted = (
            [(one.name, one.gives, one.begins, one.ends, one.caps, one.cap_period, one.budgets) for one in ones]
            for ones in (read_back(new).rules, rules)
        )
        assert again == wanted
        assert [set(one.multiplies) for one in read_back(new).rules] == [set(one.multiplies) for one in rules]
        text = new
