"""Tiers as values in a form: changed, begun, added to and taken away, and every other character stays."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.programmes.documents import default_document, load
from stamgast.programmes.forms import BenefitValues, NewLevel, Span, TierValues, rewrite, values_of

TIERS = """\
programme: club
timezone: Europe/Amsterdam
currencies: {points: {}, stars: {}}
earn:
  - {name: purchase, when: {activity: Order Completed}, give: {points: 1}}
tiers:
  qualify_on: points   # and not stars
  period: {calendar: year}
  grace: 30 days   # as the terms say
  levels:
    # everybody
    - {name: Blue, from: 0}
    - name: Gold
      from: 600   # half of the year before
      multiply: {points: 1.5}
      benefits: {lounge: {en: the lounge, nl: de lounge}}
    # by letter
    - {name: Friends, invited: {activity: Tier Invited}}
"""
JSON = (
    '{"programme": "club", "timezone": "UTC", "currencies": {"points": {}, "stars": {}},'
    ' "earn": [{"name": "a", "when": {"activity": "A"}, "give": {"points": 1}}],'
    ' "tiers": {"qualify_on": "points", "period": {"rolling": "12 months"},'
    ' "levels": [{"name": "Blue", "from": 0}, {"name": "Gold", "from": 10, "multiply": {"points": 2}}]}}'
)


def tiers_of(text: str) -> TierValues:
    tiers = values_of(load(text)).tiers
    assert tiers is not None
    return tiers


def written(text: str, tiers: TierValues) -> str:
    document = load(text)
    return rewrite(document, replace(values_of(document), tiers=tiers))


@pytest.mark.parametrize("text", [TIERS, JSON])
def test_what_is_not_changed_stays_to_the_letter(text: str) -> None:
    assert written(text, tiers_of(text)) == text


def test_each_change_is_written_in_its_own_place() -> None:
    tiers = tiers_of(TIERS)
    blue, gold, friends = tiers.levels
    levels = (
        replace(blue, name="Azure", multiplies=(("stars", Decimal("1.25")),)),
        replace(gold, threshold=800, multiplies=()),
        friends,
    )
    new = replace(tiers, rolling=Span(6, "month"), grace=None, is_soft=True, levels=levels)
    assert (
        written(TIERS, new)
        == TIERS.replace("{calendar: year}", "{rolling: 6 months}")
        .replace("  grace: 30 days   # as the terms say\n", "")
        .replace("{name: Blue, from: 0}", "{name: Azure, from: 0, multiply: {stars: 1.25}}")
        .replace("from: 600 ", "from: 800 ")
        .replace("      multiply: {points: 1.5}\n", "")
        + "  downgrade: one level\n"
    )
    new = replace(tiers, currency="stars", calendar="quarter", month="april", grace=Span(1, "month"))
    assert written(TIERS, new) == TIERS.replace("qualify_on: points ", "qualify_on: stars ").replace(
        "{calendar: year}", "{calendar: quarter, from: april}"
    ).replace("grace: 30 days ", "grace: 1 month ")


def test_levels_are_added_where_they_belong_and_taken_away() -> None:
    document = load(TIERS)
    values = values_of(document)
    silver = "    - name: Silver\n      from: 200\n"
    text = rewrite(document, values, added=[NewLevel("Silver", 200)])
    assert text == TIERS.replace("    - name: Gold", "    - {name: Silver, from: 200}\n    - name: Gold")
    assert silver not in text  # like the one before it, on one line
    text = rewrite(document, values, added=[NewLevel("Platinum", 5000)])
    assert text == TIERS + "    - {name: Platinum, from: 5000}\n"
    text = rewrite(document, values, removed=[("tiers", "levels", 1)])
    assert [level.name for level in tiers_of(text).levels] == ["Blue", "Friends"]
    assert "# by letter" in text
    for place in (2, 1):
        text = rewrite(load(text), values_of(load(text)), removed=[("tiers", "levels", place - 1)])
    assert load(text).tiers is None
    assert "tiers" not in text
    json = load(JSON)
    text = rewrite(json, values_of(json), added=[NewLevel("Silver", 5)])
    assert [level.name for level in tiers_of(text).levels] == ["Blue", "Silver", "Gold"]
    assert '{"name": "Silver", "from": 5}' in text


@pytest.mark.parametrize("text", [default_document("UTC"), JSON[: JSON.index(', "tiers"')] + "}"])
def test_tiers_begin_with_the_first_level(text: str) -> None:
    document = load(text)
    begun = rewrite(document, values_of(document), added=[NewLevel("Gold: first", 100, None, ("Order Completed", "Till Sale"))])
    tiers = load(begun).tiers
    assert tiers is not None
    assert tiers.spend is not None
    assert [(level.name, level.threshold) for level in tiers.levels] == [("Gold: first", 10_000)]
    assert begun.startswith(text.removesuffix("}").rstrip("\n"))
    on_a_currency = rewrite(document, values_of(document), added=[NewLevel("Gold", 9, next(iter(document.currencies)))])
    assert tiers_of(on_a_currency).currency == next(iter(document.currencies))


def test_benefits_are_written_each_in_its_own_place() -> None:
    blue, gold, friends = tiers_of(TIERS).levels
    (lounge,) = gold.benefits

    def with_benefits(text: str, *benefits: BenefitValues) -> str:
        return written(text, replace(tiers_of(text), levels=(blue, replace(gold, benefits=benefits), friends)))

    delivery = BenefitValues("delivery", "free delivery", "gratis bezorging")
    assert with_benefits(TIERS, replace(lounge, nl="de zaal")) == TIERS.replace("nl: de lounge", "nl: de zaal")
    assert with_benefits(TIERS, lounge, delivery) == TIERS.replace(
        "de lounge}}", "de lounge}, delivery: {en: free delivery, nl: gratis bezorging}}"
    )
    assert with_benefits(TIERS, replace(lounge, en="lounge", nl="lounge")) == TIERS.replace(
        "{en: the lounge, nl: de lounge}", "lounge"
    )
    assert with_benefits(TIERS) == TIERS.replace("      benefits: {lounge: {en: the lounge, nl: de lounge}}\n", "")
    one_text = TIERS.replace("{en: the lounge, nl: de lounge}", "lounge   # in Utrecht\n      ")
    one = BenefitValues("lounge", "lounge", "lounge")
    assert tiers_of(one_text).levels[1].benefits == (one,)
    assert with_benefits(one_text, one) == one_text
    assert with_benefits(one_text, replace(one, nl="zaal")) == one_text.replace(
        "{lounge: lounge", "{lounge: {en: lounge, nl: zaal}"
    )


spans = st.builds(Span, st.integers(1, 12), st.sampled_from(["day", "week", "month"]))
words = st.text("abc '\"#:é", max_size=9)
benefits = st.builds(BenefitValues, st.sampled_from(["lounge", "delivery", "on"]), words, words)
factors = st.integers(101, 900).map(lambda hundredths: Decimal(hundredths) / 100)


@settings(max_examples=60)
@given(st.data(), st.sampled_from([TIERS, JSON]))
def test_any_tiers_that_are_written_are_read_back(data: st.DataObject, text: str) -> None:
    tiers = tiers_of(text)
    thresholds = sorted(data.draw(st.lists(st.integers(0, 10**6), min_size=3, max_size=3, unique=True)))
    levels = tuple(
        replace(
            level,
            name=data.draw(st.text("abc: '\"#é-", min_size=1, max_size=9)) + str(place),
            threshold=None if level.threshold is None else thresholds[place],
            multiplies=tuple(data.draw(st.dictionaries(st.sampled_from(["points", "stars"]), factors)).items()),
            benefits=tuple(data.draw(st.lists(benefits, max_size=2, unique_by=lambda one: one.name))),
        )
        for place, level in enumerate(tiers.levels)
    )
    rolling = data.draw(st.none() | spans)
    wanted = replace(
        tiers,
        currency=data.draw(st.sampled_from(["points", "stars"])),
        rolling=rolling,
        calendar="year" if rolling else data.draw(st.sampled_from(["year", "half year", "quarter", "month"])),
        month="january" if rolling else data.draw(st.sampled_from(["january", "april"])),
        grace=data.draw(st.none() | spans),
        is_soft=data.draw(st.booleans()),
        levels=levels,
    )
    again = tiers_of(written(text, wanted))
    plain = [
        replace(tiers, levels=tuple(replace(level, multiplies=(), benefits=()) for level in tiers.levels))
        for tiers in (again, wanted)
    ]
    assert plain[0] == plain[1]
    assert [dict(level.multiplies) for level in again.levels] == [dict(level.multiplies) for level in levels]
    assert [set(level.benefits) for level in again.levels] == [set(level.benefits) for level in levels]
