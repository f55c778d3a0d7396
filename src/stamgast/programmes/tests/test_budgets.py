"""Budgets: what is left, the day on which they will be spent with its interval, and ending a rule in the text."""

from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random

import pytest

from stamgast.programmes.budgets import Budget, budgets_of, forecast
from stamgast.programmes.documents import default_document, load
from stamgast.programmes.forms import end_rule
from stamgast.programmes.linting import lint

TODAY = date(2026, 6, 1)
BUDGET = Budget("coupon", "score", 1_000)
TEXT = default_document("Europe/Amsterdam")


def days(amounts: list[int], until: date = TODAY) -> list[tuple[date, int]]:
    first = until - timedelta(days=len(amounts))
    return [(first + timedelta(days=number), amount) for number, amount in enumerate(amounts) if amount]


def test_a_steady_rule_is_spent_on_its_day() -> None:
    found = forecast(BUDGET, days([10] * 40), TODAY)
    assert (found.given, found.left, found.per_day, found.share) == (400, 600, 10.0, 0.4)
    assert found.day == found.earliest == found.latest == TODAY + timedelta(days=59)
    assert not found.warns(TODAY)
    assert forecast(BUDGET, days([10] * 90), TODAY).warns(TODAY)  # 900 of 1,000
    assert forecast(Budget("a", "b", 500), days([10] * 40), TODAY).warns(TODAY)  # ten days


def test_what_is_spent_was_spent_on_a_day() -> None:
    found = forecast(BUDGET, days([300, 300, 300, 300]), TODAY)
    assert (found.left, found.day, found.latest) == (0, TODAY - timedelta(days=1), TODAY - timedelta(days=1))
    assert found.warns(TODAY)


def test_what_gives_nothing_is_never_spent() -> None:
    for amounts in ([], [500] + [0] * 40):
        found = forecast(BUDGET, days(amounts), TODAY)
        assert (found.day, found.earliest, found.latest) == (None, None, None)


def test_one_day_of_giving_says_little() -> None:
    found = forecast(BUDGET, days([50]), TODAY)
    assert found.day == TODAY + timedelta(days=18)
    assert found.earliest is not None
    assert found.earliest < found.day
    assert found.latest is None


def test_the_interval_holds_the_day_as_often_as_it_says() -> None:
    """Days that vary on their own, many times over: the day on which it really is spent lies within, about 19 times in 20."""
    chance, inside, turns = Random(7), 0, 400
    for _ in range(turns):
        amounts = [max(round(chance.gauss(100, 40)), 0) for _ in range(28 + 400)]
        found = forecast(Budget("a", "b", sum(amounts[:28]) + 4_000), days(amounts[:28]), TODAY)
        sums = accumulate(amounts[28:])
        spent = next(number for number, total in enumerate(sums) if total >= 4_000)
        assert found.earliest is not None
        assert found.latest is not None
        inside += found.earliest <= TODAY + timedelta(days=spent) <= found.latest
    assert 0.92 <= inside / turns <= 0.99


def test_a_budget_is_read_from_the_document_and_gives_the_same() -> None:
    text = TEXT.replace("give: {score: 5}", "give: {score: 5}\n    budget: {score: 1000}")
    document = load(text)
    assert budgets_of(document) == [BUDGET]
    assert document.rules == load(TEXT).rules
    wrong = load(
        TEXT.replace("  score:\n", "  stars: {}\n  score:\n", 1).replace("score: 5}", "score: 5}\n    budget: {stars: 9}")
    )
    findings = lint(wrong, at=datetime(2026, 1, 1, tzinfo=UTC)).findings
    assert [one.code for one in findings] == ["never_given", "budget_of_nothing"]


@pytest.mark.parametrize("rule", ["purchase", "coupon"])
def test_a_rule_is_ended_in_the_text_and_nothing_else_is_changed(rule: str) -> None:
    ended = load(end_rule(load(TEXT), rule, "2026-06-30"))
    by_name = {one.name: one.ends_at for one in ended.rules}
    assert by_name.pop(rule) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert set(by_name.values()) == {None}
    assert ended.text.replace('\n    until: "2026-06-30"', "") == TEXT
    later = load(end_rule(ended, rule, "2026-07-31"))
    assert later.text == ended.text.replace("2026-06-30", "2026-07-31")
