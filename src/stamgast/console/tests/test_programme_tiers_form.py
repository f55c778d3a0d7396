"""The tiers of the programme as a form: every field changes its own place of the document, and refusals name theirs."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.console.tests.editing import ADDRESS, send_form
from stamgast.programmes.documents import load
from stamgast.programmes.terms import Tiers

DOCUMENT = """\
programme: default
timezone: Europe/Amsterdam
currencies: {points: {}, stars: {}}
earn:
  - {name: purchase, when: {activity: Order Completed}, give: {points: 1}}
tiers:
  qualify_on: points   # and not stars
  period: {calendar: year, from: january}
  levels:
    - {name: Blue, from: 0}
    - {name: Gold, from: 600, multiply: {points: 1.5}, benefits: {lounge: {en: the lounge, nl: de lounge}}}
    - {name: Friends, invited: {activity: Tier Invited}}
"""


def sent(client: Client, act: str, **fields: Any) -> tuple[str, str]:
    return send_form(client, act, **{"draft": DOCUMENT, **fields})


def tiers(text: str) -> Tiers:
    found = load(text).tiers
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("fields", "old", "new"),
    [
        ({"level name 1": "Golden"}, "name: Gold", "name: Golden"),
        ({"level from 1": "800"}, "from: 600", "from: 800"),
        ({"level times 1 0": "2,25", "level of 1 0": "points"}, "points: 1.5", "points: 2.25"),
        ({"level times 1 0": "1.5", "level of 1 0": "stars"}, "{points: 1.5}", "{stars: 1.5}"),
        ({"level times 1 0": "", "level of 1 0": "points"}, " multiply: {points: 1.5},", ""),
        ({"level times 0 0": "2", "level of 0 0": "stars"}, "Blue, from: 0", "Blue, from: 0, multiply: {stars: 2}"),
        ({"tier on": "stars"}, "qualify_on: points ", "qualify_on: stars "),
        ({"tier period": "quarter", "tier month": "april"}, "year, from: january", "quarter, from: april"),
        (
            {"tier period": "rolling", "tier rolling": "6", "tier rolling unit": "month"},
            "calendar: year, from: january",
            "rolling: 6 months",
        ),
        ({"tier grace": "1", "tier grace unit": "week"}, "Invited}}\n", "Invited}}\n  grace: 1 week\n"),
        ({"tier down": "soft"}, "Invited}}\n", "Invited}}\n  downgrade: one level\n"),
    ],
)
def test_each_field_changes_its_own_place(signed_in: Client, shop: Source, fields: dict[str, str], old: str, new: str) -> None:
    _, text = sent(signed_in, "form", **fields)
    assert text == DOCUMENT.replace(old, new) != DOCUMENT
    load(text)


def test_levels_are_added_and_removed(signed_in: Client, shop: Source) -> None:
    answer, text = sent(signed_in, "add-level", **{"new level name": "Silver", "new level from": "200"})
    assert text == DOCUMENT.replace("    - {name: Gold", "    - {name: Silver, from: 200}\n    - {name: Gold")
    assert 'value="Silver"' in answer
    answer, text = sent(signed_in, "remove-level 1")
    assert [level.name for level in tiers(text).levels] == ["Blue", "Friends"]
    assert "the lounge" not in answer


def test_tiers_begin_in_the_form(signed_in: Client, shop: Source) -> None:
    begin = {"draft": DOCUMENT[: DOCUMENT.index("tiers:")], "new level name": "Gold", "new level from": "100"}
    _, text = sent(signed_in, "add-level", **begin, **{"new level on": "money Order Completed, Till Sale"})
    assert (tiers(text).currency, tiers(text).months, tiers(text).levels[0].threshold) == (None, 12, 10_000)
    _, text = sent(signed_in, "add-level", **begin, **{"new level on": "stars"})
    assert (tiers(text).currency, tiers(text).levels[0].threshold) == ("stars", 100)


@pytest.mark.parametrize(
    ("act", "fields", "field", "said"),
    [
        ("form", {"level from 1": "many"}, "level from 1", "Gold: “many” does not fit"),
        ("see", {"level from 1": "0"}, "level from 1", "Gold: it has to need more than Blue, which needs 0."),
        ("see", {"level name 1": " "}, "level name 1", "A name: its name has 1 to 80 characters"),
        ("see", {"level name 1": "Blue"}, "level name 1", "Blue: another rule, card or level is called so."),
        ("see", {"level times 1 0": "0.5"}, "level times 1 0", "Gold: “0.5” does not fit. It is a number above 1"),
        ("see", {"tier grace": "400"}, "tier grace", "Levels: “400” does not fit."),
        ("see", {"tier period": "rolling", "tier rolling": "-1"}, "tier rolling", "Levels: “-1” does not fit."),
        ("add-level", {"new level name": "purchase"}, "new level name", "purchase: another rule, card or level"),
        ("add-level", {"new level name": "X", "new level from": "600"}, "new level from", "there is a level that is reached"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    signed_in: Client, shop: Source, act: str, fields: dict[str, str], field: str, said: str
) -> None:
    answer, text = sent(signed_in, act, **fields)
    assert said in html.unescape(answer)
    assert text == DOCUMENT
    marked = re.findall(r'<(?:input|select)[^>]* name="([^"]*)"[^>]* aria-invalid="true" aria-describedby="problem"', answer)
    assert marked == [field]
    part = signed_in.post(
        ADDRESS, {"draft": DOCUMENT, "act": "form", **fields}, headers={"HX-Request": "true"}
    ).content.decode()
    assert act == "add-level" or f'data-field="{field}"' in part


def test_what_only_the_document_can_change_is_said_in_words(signed_in: Client, shop: Source) -> None:
    answer, _ = sent(signed_in, "document", document=DOCUMENT.replace("points   #", "{spend: {activity: Till Sale}}   #"))
    assert "They are reached by what is spent when" in answer
    assert "and besides: the lounge" in answer
    assert "by invitation, when the activity is Tier Invited" in answer
