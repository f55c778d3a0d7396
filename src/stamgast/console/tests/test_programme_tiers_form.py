"""The tiers of the programme as a form: every field changes its own place of the document, and refusals name theirs."""

from typing import Any

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.console.tests.editing import ADDRESS, is_said_at, send_form
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
LOUNGE = {"benefit 1 0": "lounge", "benefit en 1 0": "the lounge", "benefit nl 1 0": "de lounge"}


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
        (LOUNGE | {"benefit nl 1 0": "de zaal"}, "nl: de lounge", "nl: de zaal"),
        (
            LOUNGE | {"benefit 1 1": "", "benefit en 1 1": "Free  delivery", "benefit nl 1 1": ""},
            "de lounge}",
            "de lounge}, free_delivery: Free delivery",
        ),
        (
            {"benefit 0 0": "", "benefit en 0 0": "10 % off", "benefit nl 0 0": "10 % korting"},
            "Blue, from: 0",
            'Blue, from: 0, benefits: {benefit_10_off: {en: "10 % off", nl: "10 % korting"}}',
        ),
        (
            LOUNGE | {"benefit en 1 0": "", "benefit nl 1 0": ""},
            ", benefits: {lounge: {en: the lounge, nl: de lounge}}",
            "",
        ),
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
)  # fmt: skip
def test_each_field_changes_its_own_place(signed_in: Client, shop: Source, fields: dict[str, str], old: str, new: str) -> None:
    _, text = sent(signed_in, "form", **fields)
    assert text == DOCUMENT.replace(old, new) != DOCUMENT
    load(text)


def test_a_name_that_cannot_be_typed_stays(signed_in: Client, shop: Source) -> None:
    document = DOCUMENT.replace("name: Gold", '"name": "Gold\u00a0 plus "').replace("the lounge", '"the\u00a0lounge"')
    fields = {"level name 1": "Gold\u00a0 plus ", "benefit 1 0": "lounge", "benefit en 1 0": "the\u00a0lounge"}
    _, text = sent(signed_in, "form", draft=document, **fields, **{"benefit nl 1 0": "de lounge", "level from 1": "700"})
    assert text == document.replace("from: 600", "from: 700")
    _, text = sent(signed_in, "form", draft=document, **{"level name 1": "Gold\u00a0 max "})
    assert tiers(text).levels[1].name == "Gold max"


def test_a_new_benefit_is_one_while_it_is_typed(signed_in: Client, shop: Source) -> None:
    text = DOCUMENT
    for en, nl in (("", "gratis bezorging"), ("free delivery", "gratis bezorging"), ("free coffee", "gratis koffie")):
        _, text = sent(
            signed_in, "form", draft=text, **LOUNGE, **{"benefit 1 1": "", "benefit en 1 1": en, "benefit nl 1 1": nl}
        )
        assert {"en": en or nl, "nl": nl} in tiers(text).levels[1].benefits.values()
        assert len(tiers(text).levels[1].benefits) == 2
    gone = LOUNGE | {"benefit 1 1": "", "benefit en 1 0": "", "benefit nl 1 0": ""}
    _, text = sent(signed_in, "form", draft=text, **gone, **{"benefit en 1 1": "free coffee", "benefit nl 1 1": "koffie"})
    assert list(tiers(text).levels[1].benefits) == ["free_coffee"]


def test_levels_are_added_and_removed(signed_in: Client, shop: Source) -> None:
    answer, text = sent(signed_in, "add-level", **{"new level name": "Silver", "new level from": "200"})
    assert text == DOCUMENT.replace("    - {name: Gold", "    - {name: Silver, from: 200}\n    - {name: Gold")
    assert 'value="Silver"' in answer
    answer, text = sent(signed_in, "remove-level 1")
    assert [level.name for level in tiers(text).levels] == ["Blue", "Friends"]
    assert "the lounge" not in answer.split('id="fields"')[1]


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
        ("see", {"benefit en 1 0": "x" * 201}, "benefit en 1 0", "Gold: that is too long"),
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
    assert is_said_at(answer, field, said)
    assert text == DOCUMENT
    part = signed_in.post(
        ADDRESS, {"draft": DOCUMENT, "act": "form", **fields}, headers={"HX-Request": "true"}
    ).content.decode()
    assert act == "add-level" or f'data-field="{field}"' in part


def test_what_only_the_document_can_change_is_said_in_words(signed_in: Client, shop: Source) -> None:
    answer, _ = sent(signed_in, "document", document=DOCUMENT.replace("points   #", "{spend: {activity: Till Sale}}   #"))
    assert "They are reached by what is spent when" in answer
    assert "by invitation, when the activity is Tier Invited" in answer
