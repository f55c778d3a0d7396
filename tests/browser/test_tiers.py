"""A programme with tiers, multipliers, turns and a card: read aloud, and on a profile, in both languages and at both widths."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import NARROW, WIDE, Shop, findings, open_context, settle, visit
from tests.browser.seed import HOUSEHOLD

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


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
def test_tiers_are_sound(
    browser: Browser, with_tiers: Shop, state: Path, language: str, size: dict[str, int], tmp_path: Path
) -> None:
    with open_context(browser, with_tiers, state, language, size) as context:
        found = visit(context)
        for address in ("/programme", f"/households/{HOUSEHOLD}", "/customers/user_id:918"):
            found.page.goto(address)
            settle(found.page)
            found.page.screenshot(path=tmp_path / f"{language}-{size['width']}{address.replace('/', '-')}.png", full_page=True)
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
