"""Computed traits in the browser: every page, from a form with its preview to the why of a profile and a filter of the list."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import BOTH, NARROW, WIDE, Shop, findings, open_context, visit

pytestmark = pytest.mark.xdist_group("browser")
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
PAGES = (
    "/traits", "/traits/new-trait", "/traits/spent_90", "/traits/first_till", "/customers/user_id:918/traits",
    "/customers/user_id:918/traits/spent_90",
    "/customers?columns=trait.spent_90,trait.favourite,trait.quiet_days&trait.spent_90=1..",
)  # fmt: skip


@BOTH
def test_every_page_is_sound(browser: Browser, shop: Shop, state: Path, language: str, size: dict[str, int]) -> None:
    context = open_context(browser, shop, state, language, size)
    wrong = {}
    seen = visit(context)
    for address in PAGES:
        seen.complaints.clear()
        response = seen.page.goto(address)
        assert response is not None
        assert response.status == 200
        seen.page.wait_for_load_state()
        if seen.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            seen.complaints.append("wider than the screen")
        complaints = findings(seen.page) + seen.complaints
        if complaints:
            wrong[address] = complaints
    context.close()
    assert wrong == {}


@SIZES
def test_from_a_form_to_the_profile_and_the_list(browser: Browser, shop: Shop, state: Path, size: dict[str, int]) -> None:
    context = open_context(browser, shop, state, "en", size)
    seen = visit(context)
    page = seen.page
    page.goto("/traits/new-trait")
    label = f"Coffee at the till {size['width']}"
    page.get_by_label("Label").fill(label)
    page.get_by_label("Kind").select_option("Till Sale")
    page.get_by_label("in the last").fill("365")
    page.get_by_label("How it is worked out").select_option("sum")
    page.get_by_label("What is taken of each activity").select_option("lines.amount")
    page.get_by_text("Only some lines of an order").click()
    page.get_by_label("of the category").fill("coffee")
    page.get_by_label("Try it on one customer").fill("user_id:918")
    page.get_by_role("button", name="See what it would give").last.click()
    expect(page.get_by_role("heading", name="What it would give")).to_be_visible()
    expect(page.locator("main")).to_contain_text("of the lines for which the category is coffee")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert findings(page) == []
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(label)
    page.goto("/customers/user_id:918")
    card = page.locator("section", has=page.get_by_role("heading", name="Computed traits"))
    expect(card).to_contain_text(label)
    card.locator(".sg-why").last.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog")
    expect(panel).to_contain_text("activities count")
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.goto("/customers?view=")
    page.get_by_text("Filters").first.click()
    page.get_by_label("Computed trait").select_option("quiet_days")
    page.get_by_label("which is, or is at least").fill("1")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("main")).to_contain_text("Days since the last visit of at least 1")
    assert findings(page) + seen.complaints == []
    context.close()
