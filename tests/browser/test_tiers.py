"""A programme with tiers, multipliers, turns and a card: read aloud, and on a profile, in both languages and at both widths."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import BOTH, WIDE, Shop, findings, open_context, settle, visit
from tests.browser.seed import HOUSEHOLD

pytestmark = pytest.mark.xdist_group("tiers")
DOCUMENT = """
programme: default
timezone: Europe/Amsterdam
currencies:
  score: {expires: {after: 24 months}, spendable: false}
  stamps: {spendable: false}
  coffees: {}
earn:
  - {name: purchase, when: {activity: [Order Completed, Till Sale]}, give: {score: 1, stamps: 1}}
  - {name: coupon, when: {activity: Coupon Redeemed}, give: {score: 5}}
  - {name: welcome, when: {activity: Order Completed}, nth: 1, give: {score: 10}}
  - {name: three weeks, when: {activity: Till Sale}, streak: {count: 3, per: week}, give: {score: 3}}
  - {name: tuesday, when: {field: weekday, is: tuesday}, multiply: {score: 2}, cap: {score: 20, per: week}}
cards:
  - {name: coffee card, of: stamps, each: 10, give: {coffees: 1}}
tiers:
  qualify_on: {spend: {activity: [Order Completed, Till Sale]}}
  period: {rolling: 12 months}
  levels:
    - {name: Blue, from: 0}
    - {name: Gold, from: 100, multiply: {score: 1.5}, benefits: {delivery: {en: free delivery, nl: gratis bezorging}}}
    - {name: Black, from: 1000000}
"""


@pytest.fixture(scope="module")
def with_tiers(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    document = tmp_path_factory.mktemp("programme") / "tiers.yaml"
    document.write_text(DOCUMENT)
    command = [sys.executable, "-m", "stamgast", "programme", "publish", str(document)]
    # For what was bought, and again from now on: the shop has a version of today.
    for since in (["--effective-from", "2020-01-01"], []):
        subprocess.run([*command, *since], env=dict(shop.environment), check=True, stdout=subprocess.DEVNULL)
    return shop


@BOTH
def test_tiers_are_sound(browser: Browser, with_tiers: Shop, state: Path, language: str, size: dict[str, int]) -> None:
    with open_context(browser, with_tiers, state, language, size) as context:
        found = visit(context)
        donating = "/customers/user_id:918/donations"  # there is something to give here, and nowhere else
        for address in ("/programme", f"/households/{HOUSEHOLD}", donating, "/customers/user_id:918"):
            found.page.goto(address)
            settle(found.page)
            assert findings(found.page) == []
            width = found.page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"]
        words = {
            "en": ("Tier", "Gold", "free delivery", "more for Black"),
            "nl": ("Niveau", "Gold", "gratis bezorging", "tot Black"),
        }
        text = found.page.locator("main").inner_text()
        assert [word for word in words[language] if word not in text] == []
        assert found.complaints == []


@BOTH
def test_levels_are_changed_in_the_form(
    browser: Browser, with_tiers: Shop, state: Path, language: str, size: dict[str, int]
) -> None:
    """By keyboard: a change shows in the document, a refusal marks its field, a level comes and goes."""
    with open_context(browser, with_tiers, state, language, size) as context:
        found = visit(context)
        page = found.page
        page.goto("/programme/edit")
        document, needs = page.locator("#document"), page.locator('[name="level from 1"]')
        for summary in ("summary:has(#levels-held)", "summary:has(#level-1)"):
            page.locator(summary).focus()
            page.keyboard.press("Enter")
        needs.fill("150")
        page.keyboard.press("Tab")
        expect(document).to_have_value(re.compile("name: Gold, from: 150,"))
        assert page.evaluate("document.activeElement.name") == "level times 1 0"
        if size is WIDE:  # the document stays beside what is changed, at the line
            pane = page.locator(".sg-beside").bounding_box()
            assert pane is not None
            assert 0 <= pane["y"] < 100
            assert page.locator(".sg-beside").evaluate("one => one.scrollTop") > 0
        needs.fill("0")
        page.keyboard.press("Tab")
        expect(page.locator("#problem")).to_contain_text("Gold: ")
        expect(page.locator("[aria-invalid]")).to_have_count(1)
        assert needs.get_attribute("aria-describedby") == "problem"
        assert findings(page) == []
        needs.fill("200")
        page.keyboard.press("Tab")
        expect(page.locator("#problem")).to_be_hidden()
        expect(page.locator("[aria-invalid]")).to_have_count(0)
        expect(page.locator(".sg-calendar")).to_be_hidden()
        page.locator('[name="tier period"]').select_option("quarter")
        expect(document).to_have_value(re.compile("period: {calendar: quarter, from: january}"))
        expect(page.locator(".sg-calendar")).to_be_visible()
        for name, text in (("new level name", "Silver"), ("new level from", "50")):
            page.locator(f'[name="{name}"]').fill(text)
            with page.expect_response("**/programme/edit"):  # or it would be broken off
                page.keyboard.press("Tab")
        page.locator('[value="add-level"]').press("Enter")
        expect(page.locator('[name="level name 1"]')).to_have_value("Silver")
        assert page.evaluate("document.querySelector('#levels').getBoundingClientRect().top < innerHeight")
        expect(page.locator('[name="level name 2"]')).to_be_visible()  # Gold is open still, and so is what was just added
        expect(page.locator('[name="level name 1"]')).to_be_visible()
        page.locator("summary:has(#level-0)").press("Enter")
        page.locator('[value="remove-level 0"]').press("Enter")
        expect(page.locator('[name="level name 0"]')).to_have_value("Silver")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert findings(page) + found.complaints == []


@BOTH
def test_when_a_rule_applies_is_changed_in_the_form(
    browser: Browser, with_tiers: Shop, state: Path, language: str, size: dict[str, int]
) -> None:
    """By keyboard: the fields open, a day shows in the document and in words, and a refusal marks its field."""
    with open_context(browser, with_tiers, state, language, size) as context:
        found = visit(context)
        page = found.page
        page.goto("/programme/edit")
        document = page.locator("#document")
        for summary in ("summary:has(#rule-1)", "details:has(#rule-1) .sg-when summary"):
            page.locator(summary).focus()
            page.keyboard.press("Enter")
        friday = page.locator('[name="weekday 1"][value=friday]')
        friday.focus()
        page.keyboard.press("Space")
        expect(document).to_have_value(re.compile("{activity: Coupon Redeemed}, {field: weekday, is: friday}"))
        expect(page.locator("#when-1")).to_contain_text({"en": "friday", "nl": "vrijdag"}[language])
        assert page.evaluate("document.activeElement.value") == "friday"
        expect(page.locator('[name="count 1"]')).to_be_hidden()
        page.locator('[name="turn 1"]').select_option("every")
        expect(document).to_have_value(re.compile("every: 10"))
        page.locator('[name="hour from 1"]').fill("99")
        page.keyboard.press("Tab")
        expect(page.locator('[name="hour from 1"][aria-invalid]')).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert findings(page) + found.complaints == []


@BOTH
def test_a_card_is_made_in_the_form(
    browser: Browser, with_tiers: Shop, state: Path, language: str, size: dict[str, int]
) -> None:
    """By keyboard: something new to give, a card of it, and what a full one gives."""
    with open_context(browser, with_tiers, state, language, size) as context:
        found = visit(context)
        page = found.page
        page.goto("/programme/edit")
        document = page.locator("#document")
        page.locator("summary:has(#card-0)").press("Enter")
        page.locator('[name="card each 0"]').fill("8")
        page.keyboard.press("Tab")
        expect(document).to_have_value(re.compile("of: stamps, each: 8,"))
        page.locator('[name="new currency name"]').fill("teas")
        with page.expect_response("**/programme/edit"):  # or it would be broken off
            page.keyboard.press("Tab")
        page.locator('[value="add-currency"]').press("Enter")
        expect(document).to_have_value(re.compile("  teas: {}\\n"))
        for name, wanted in (("new card of", "coffees"), ("new card give", "teas")):
            with page.expect_response("**/programme/edit"):
                page.locator(f'[name="{name}"]').select_option(wanted)
        page.locator('[name="new card name"]').fill("tea card")
        with page.expect_response("**/programme/edit"):
            page.keyboard.press("Tab")
        page.locator('[value="add-card"]').press("Enter")
        expect(document).to_have_value(re.compile("name: tea card, of: coffees, each: 10, give: {teas: 1}}"))
        expect(page.locator('[name="card name 1"]')).to_have_value("tea card")
        assert page.evaluate("document.querySelector('#cards').getBoundingClientRect().top < innerHeight")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert findings(page) + found.complaints == []
