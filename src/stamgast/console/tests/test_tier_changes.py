"""Differences of tiers told as a whole, as a marketer would say them."""

import pytest
from django.utils import translation

from stamgast.console.programme_words import differences
from stamgast.programmes.documents import load

BASE = """
programme: club
timezone: Europe/Amsterdam
currencies:
  points: {}
earn:
  - {name: purchase, when: {activity: Order Completed}, give: {points: 1}}
"""
TIERS = """
tiers:
  qualify_on: points
  period: {calendar: year, from: january}
  grace: 30 days
  levels:
    - {name: Blue, from: 0}
    - name: Gold
      from: 600
      multiply: {points: 1.5}
      benefits: {lounge: {en: the lounge, nl: de lounge}}
"""


def said(before: str, after: str, language: str = "en") -> list[str]:
    with translation.override(language):
        return differences(load(BASE + before), load(BASE + after), language)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("from: 600", "from: 800", "Gold now needs 800 points a year instead of 600 points."),
        ("points: 1.5", "points: 2", "Gold gives 2 times as many points instead of 1.5 times."),
        ("      multiply: {points: 1.5}\n", "", "Gold gives 1 times as many points instead of 1.5 times."),
        ("the lounge,", "the bar,", "Gold brings “the bar” instead of “the lounge”."),
        ("      benefits: {lounge: {en: the lounge, nl: de lounge}}\n", "", "Gold brings “the lounge” no longer."),
        ("{name: Blue, from: 0}", "{name: Blue, from: 0}\n    - {name: Silver, from: 100}",
         "Silver is a new level: it needs 100 points a year."),
        ("30 days", "2 months", "After a period a level is held 2 months longer instead of 30 days longer."),
        ("  grace: 30 days\n", "", "After a period a level is held no longer instead of 30 days longer."),
        ("  grace:", "  downgrade: one level\n  grace:",
         "At the end of a period nobody goes down more than one level any more."),
        ("{calendar: year, from: january}", "{rolling: 6 months}",
         "A level is reached and held in 6 months, counted back from each day instead of a year by the calendar, from January"
         " on."),
        ("from: january", "from: april",
         "A level is reached and held a year by the calendar, from April on instead of a year by the calendar, from January"
         " on."),
    ],
)  # fmt: skip
def test_each_difference_is_one_sentence(old: str, new: str, sentence: str) -> None:
    assert old in TIERS
    assert said(TIERS, TIERS.replace(old, new)) == [sentence]


def test_tiers_that_come_and_go_are_named() -> None:
    assert said("", TIERS.replace("  grace:", "  downgrade: one level\n  grace:")) == [
        "There are tiers now: Blue, Gold.",
        "Levels are reached by points.",
        "A level is reached and held a year by the calendar, from January on.",
        "After a period a level is held 30 days longer.",
        "At the end of a period nobody goes down more than one level.",
        "Blue is a new level: it needs nothing.",
        "Gold is a new level: it needs 600 points a year.",
        "Gold gives 1.5 times as many points.",
        "Gold brings “the lounge”.",
    ]
    assert said(TIERS, "") == ["There are no tiers any more: Blue, Gold."]


def test_tiers_by_money_and_by_invitation() -> None:
    spend = TIERS.replace("qualify_on: points", "qualify_on: {spend: {activity: Order Completed}}")
    first, second = said(TIERS, spend)
    assert first.startswith("Levels are reached by what is spent when")
    assert first.endswith("instead of by points.")
    assert second == "Gold now needs €\N{NO-BREAK SPACE}600.00 a year instead of 600 points."
    invited = TIERS.replace("from: 600", "invited: {activity: Order Completed}")
    (told,) = said(TIERS, invited)
    assert told.startswith("Gold now needs an invitation, when")
    assert told.endswith("instead of 600 points a year.")


def test_in_dutch() -> None:
    raised = TIERS.replace("from: 600", "from: 800")
    assert said("", TIERS, "nl")[-3:] == [
        "Gold is een nieuw niveau: er is 600 punten per jaar voor nodig.",
        "Gold geeft 1,5 keer zoveel punten.",
        "Gold geeft ‘de lounge’.",
    ]
    assert said(TIERS, raised, "nl") == ["Voor Gold is nu 800 punten per jaar nodig in plaats van 600 punten."]
