"""A document as values in a form: what was changed is written, and every other character stays."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.programmes.documents import default_document, load
from stamgast.programmes.forms import ConditionValues, NewRule, Values, rewrite, values_of

COMMENTED = """\
# The club of the Hoekje
programme: club
timezone: Europe/Amsterdam   # days end here
currencies:
  points:
    # as the terms say
    expires: {after: 12 months, at: end of month}
  stamps: {}
  score:
    expires:
      after: 24 months  # two years
    spendable: false
earn:
  # buying
  - name: purchase
    when: {activity: Order Completed}
    give:
      points: {amount: 1, per: 1.00}  # one a euro
      score: 5
    cap:
      points: 200   # enough
      per: day
  - when:
      activity: Coffee Bought
    give: {stamps: {amount: 1, per: 2.50, of: {lines: {category: coffee}}}}
    name: "coffee"

  # looking
  - name: review
    when: {activity: Product Reviewed}
    give: {score: 3}   # thanks
"""
JSON = (
    '{"programme": "club", "timezone": "UTC", "currencies": {"score": {"expires": {"after": "1 year"}}, "stars": {}},'
    ' "earn": [{"name": "a", "when": {"activity": "A"}, "give": {"score": 1}, "cap": {"score": 3, "per": "day"}},'
    ' {"name": "b", "when": {"activity": "B"}, "give": {"score": 2, "stars": {"amount": 1, "per": 2}}}]}'
)
DOCUMENTS = [COMMENTED, JSON, default_document("Europe/Amsterdam"), COMMENTED.replace("   # enough", "").rstrip()]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_what_is_not_changed_stays_to_the_letter(text: str) -> None:
    document = load(text)
    assert rewrite(document, values_of(document)) == text


def test_changes_leave_comments_and_everything_else() -> None:
    document = load(COMMENTED)
    values = values_of(document)
    purchase, coffee, review = values.rules
    points, score = purchase.gives
    purchase = replace(purchase, gives=(replace(points, amount=2, per=Decimal("0.50"), cap=150), score), cap_period="week")
    review = replace(review, gives=(replace(review.gives[0], cap=9),), cap_period="day")
    lives = (values.lives[0], replace(values.lives[1], count=1, unit="year"), replace(values.lives[2], count=18))
    text = rewrite(document, Values((purchase, coffee, review), lives, None, ()))
    assert text == COMMENTED.replace("{amount: 1, per: 1.00}", "{amount: 2, per: 0.50}").replace(
        "points: 200   # enough\n      per: day", "points: 150   # enough\n      per: week"
    ).replace("{score: 3}   # thanks\n", "{score: 3}   # thanks\n    cap: {score: 9, per: day}\n").replace(
        "stamps: {}", "stamps: {expires: {after: 1 year}}"
    ).replace("after: 24 months  # two", "after: 18 months  # two")
    assert values_of(load(text)) == Values((purchase, coffee, review), lives, None, ())


def test_rules_are_taken_out_and_put_in() -> None:
    document = load(COMMENTED)
    new = NewRule("wine: tasting", ConditionValues(kinds=("Wine Tasting",)), "score", 7)
    text = rewrite(document, values_of(document), removed=[("earn", 1)], added=[new])
    assert [rule.name for rule in load(text).rules] == ["purchase", "review", "wine: tasting"]
    assert text.endswith('  - name: "wine: tasting"\n    when: {activity: Wine Tasting}\n    give: {score: 7}\n')
    assert all(comment in text for comment in ("# buying", "# looking", "# thanks", "# enough"))
    json = load(JSON)
    text = rewrite(json, values_of(json), removed=[("earn", 1)], added=[new])
    assert [rule.name for rule in load(text).rules] == ["a", "wine: tasting"]
    assert [rule.name for rule in load(rewrite(json, values_of(json), removed=[("earn", 0)])).rules] == ["b"]


numbers = st.integers(1, 10**9)


@settings(max_examples=40)
@given(st.data(), st.sampled_from(DOCUMENTS))
def test_any_values_that_are_written_are_read_back(data: st.DataObject, text: str) -> None:
    document = load(text)
    values = values_of(document)
    rules = []
    for rule in values.rules:
        gives = tuple(
            replace(
                give,
                amount=data.draw(numbers),
                per=give.per and Decimal(data.draw(st.integers(10, 10**6))) / 1000,
                cap=data.draw(st.none() | numbers),
            )
            for give in rule.gives
        )
        is_capped = any(give.cap for give in gives)
        period = data.draw(st.sampled_from(["day", "week", "month", "lifetime"])) if is_capped else None
        rules.append(replace(rule, gives=gives, cap_period=period))
    lives = []
    for life in values.lives:
        count = data.draw(st.none() | st.integers(1, 90))
        unit = data.draw(st.sampled_from(["day", "week", "month", "year"])) if count else "month"
        at = data.draw(st.sampled_from(["exact", "end of day", "end of month"])) if count else "exact"
        lives.append(replace(life, count=count, unit=unit, at=at))
    wanted = Values(tuple(rules), tuple(lives), values.tiers, values.cards)
    written = rewrite(document, wanted)
    assert values_of(load(written)) == wanted
    again = rewrite(load(written), values)
    assert values_of(load(again)) == values
