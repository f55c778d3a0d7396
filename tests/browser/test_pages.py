"""What people do on the pages, in a browser."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import BOTH, NARROW, WIDE, Shop, findings, open_context, settle, visit
from tests.browser.seed import EMAIL, PASSWORD

pytestmark = pytest.mark.xdist_group("browser")


@pytest.mark.parametrize("address", ["/", "/customers/user_id:918", "/insights/retention"])
def test_dark_is_as_readable_as_light(browser: Browser, shop: Shop, state: Path, address: str) -> None:
    context = browser.new_context(base_url=shop.address, storage_state=state, color_scheme="dark", viewport=WIDE)
    seen = visit(context)
    seen.page.goto(address)
    settle(seen.page)
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 26, 23)"
    assert findings(seen.page) + seen.complaints == []
    context.close()


def test_what_a_page_says_aside_is_readable(browser: Browser, shop: Shop) -> None:
    """In every colour, by day and by night: which of them a page shows depends on what happened."""
    context = open_context(browser, shop, None, "en", WIDE)
    seen = visit(context)
    seen.page.goto("/sign-in")
    seen.page.locator("main").evaluate(
        "main => main.insertAdjacentHTML('beforeend', ['danger', 'info', 'warning']"
        ".map(one => `<p class='alert alert-${one}'>This was decided.</p>`).join(''))"
    )
    assert seen.page.locator(".alert").count() == 3
    for scheme in ("light", "dark"):
        seen.page.emulate_media(color_scheme=scheme)
        assert findings(seen.page) + seen.complaints == []
    context.close()


@pytest.mark.parametrize(("language", "title", "button"), [("en", "Sign in", "Sign in"), ("nl", "Aanmelden", "Aanmelden")])
def test_the_door(browser: Browser, shop: Shop, language: str, title: str, button: str) -> None:
    """In the browser's language; what is wrong is said and what was typed is kept; then in, to the page that was asked for."""
    context = open_context(browser, shop, None, language, NARROW)
    seen = visit(context)
    page = seen.page
    page.goto("/segments")
    expect(page).to_have_title(f"{title} · Stamgast")
    assert findings(page) + seen.complaints == []
    page.locator("#email").fill(EMAIL)
    page.locator("#password").fill("a wrong one")
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.locator("#email").input_value() == EMAIL
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name=button).click()
    page.wait_for_url(f"{shop.address}/segments")
    context.close()


def test_why_opens_an_explanation_and_gives_the_focus_back(browser: Browser, shop: Shop, state: Path) -> None:
    context = open_context(browser, shop, state, "en", WIDE)
    seen = visit(context)
    page = seen.page
    page.goto("/customers/user_id:918")
    page.locator(".sg-why[href^='/movements/']").first.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("heading", name="Because of the rule “Purchase”")).to_be_visible()
    expect(panel).to_contain_text("Lasts until")
    expect(panel).to_contain_text("What would have given more")
    assert findings(page) + seen.complaints == []
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert page.evaluate("document.activeElement.className").split()[0] == "sg-why"
    context.close()


def test_an_activity_shows_by_itself(browser: Browser, shop: Shop, state: Path) -> None:
    """Sent over the public intake, decided by the worker, seen on the open page without touching it; and not while paused."""
    context = open_context(browser, shop, state, "en", WIDE)
    seen = visit(context)
    page = seen.page
    page.goto("/")
    settle(page)
    seen_today = page.locator("#today-1 .sg-figure")
    before = int(seen_today.inner_text())
    _buy(context.request, shop, "first", "2001")
    expect(seen_today).to_have_text(str(before + 1), timeout=15_000)
    page.get_by_role("button", name="Pause").click()
    _buy(context.request, shop, "second", "2002")
    page.wait_for_timeout(4_000)
    expect(seen_today).to_have_text(str(before + 1))
    page.get_by_role("button", name="Go on").click()
    expect(seen_today).to_have_text(str(before + 2), timeout=15_000)
    page.goto("/customers/user_id:2001")
    expect(page.locator("#timeline")).to_contain_text("Order of € 12.30")
    assert seen.complaints == []
    context.close()


def _buy(request: object, shop: Shop, order: str, who: str) -> None:
    import base64
    import urllib.request

    message = {"userId": who, "event": "Order Completed", "messageId": order,
               "properties": {"order_id": order, "revenue": "12.30", "currency": "EUR"}}  # fmt: skip
    asked = urllib.request.Request(f"{shop.address}/v1/track", json.dumps(message).encode())
    asked.add_header("Content-Type", "application/json")
    asked.add_header("Authorization", "Basic " + base64.b64encode(f"{shop.write_key}:".encode()).decode())
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 200


def test_the_menu_on_a_telephone(browser: Browser, shop: Shop, state: Path) -> None:
    context = open_context(browser, shop, state, "nl", NARROW)
    seen = visit(context)
    page = seen.page
    page.goto("/")
    menu = page.get_by_role("button", name="Menu")
    expect(page.get_by_role("link", name="Klanten", exact=True)).to_be_hidden()
    menu.click()
    expect(menu).to_have_attribute("aria-expanded", "true")
    assert findings(page) == []
    page.get_by_role("link", name="Klanten", exact=True).click()
    page.wait_for_url(f"{shop.address}/customers")
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.url == f"{shop.address}/customers"
    context.close()


def test_a_source_from_its_name_to_its_revoked_key(browser: Browser, shop: Shop, state: Path) -> None:
    context = open_context(browser, shop, state, "en", WIDE)
    seen = visit(context)
    page = seen.page
    page.goto("/sources")
    page.get_by_label("Name").fill("kiosk")
    page.get_by_role("button", name="Add and get the key").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Here is the key of kiosk")
    key = page.locator(".sg-key code").inner_text()
    assert key.startswith("sgw_")
    assert findings(page) == []
    page.get_by_role("link", name="See what arrives").click()
    assert key not in page.content()
    page.get_by_role("link", name="Revoke").click()
    page.get_by_label("Type the name").fill("till")
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was revoked")
    page.get_by_label("Type the name").fill("kiosk")
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.locator(".sg-rows")).to_contain_text("revoked")
    assert [text for text in seen.complaints if "422" not in text] == []
    context.close()


def test_a_refusal_is_corrected_and_sent_again(browser: Browser, shop: Shop, state: Path) -> None:
    context = open_context(browser, shop, state, "en", WIDE)
    seen = visit(context)
    page = seen.page
    page.goto("/sources/refusals")
    page.locator("tbody").get_by_role("link", name="It does not keep to the schema of its kind").first.click()
    body = page.get_by_label("Correct it here")
    message = json.loads(body.input_value())
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert json.loads(body.input_value()) == message
    message["properties"] = {"order_id": "mended", "revenue": "12.30", "currency": "EUR"}
    body.fill(json.dumps(message))
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status").first).to_contain_text("Sent again and accepted")
    context.close()


def test_more_of_a_long_list(browser: Browser, shop: Shop, state: Path) -> None:
    context = open_context(browser, shop, state, "en", WIDE)
    seen = visit(context)
    page = seen.page
    page.goto("/customers/user_id:940")
    rows = page.locator("#timeline > li")
    before = rows.count()
    page.get_by_role("link", name="More", exact=True).click()
    expect(rows).not_to_have_count(before)
    titles = page.locator("#timeline time").evaluate_all("all => all.map(one => one.dateTime)")
    assert titles == sorted(titles, reverse=True)
    assert len(titles) >= 50
    assert seen.complaints == []
    context.close()


def test_a_chart_is_saved_with_its_title_and_its_figures(browser: Browser, shop: Shop, state: Path, tmp_path: Path) -> None:
    context = open_context(browser, shop, state, "en", WIDE)
    seen = visit(context)
    page = seen.page
    page.goto("/insights/best-customers")
    settle(page)
    saved = {}
    for kind in ("PNG", "SVG", "CSV"):
        with page.expect_download() as download:
            page.get_by_role("button", name=kind).click()
        assert download.value.suggested_filename == f"best-customers.{kind.lower()}"
        path = tmp_path / kind
        download.value.save_as(path)
        saved[kind] = path.read_bytes()
    assert saved["PNG"].startswith(b"\x89PNG")
    assert b"How much comes from how few" in saved["SVG"]
    assert b"var(--" not in saved["SVG"]
    lines = saved["CSV"].decode().splitlines()
    assert lines[0] == '"Customers","How many","Each spent at least","Together","Share of revenue"'
    assert lines[-1].startswith('"100","')
    assert lines[-1].endswith('"1.0"')
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("the best 1")


@BOTH
def test_a_webhook_from_its_address_to_its_log(
    browser: Browser, shop: Shop, state: Path, language: str, size: dict[str, int]
) -> None:
    """Added with a secret, tried at an address inside, which is refused, and looked at; every step with axe."""
    english = language == "en"
    context = open_context(browser, shop, state, language, size)
    seen = visit(context)
    page = seen.page

    def look() -> None:
        wider = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert (findings(page), wider) == ([], False)

    page.goto("/webhooks")
    look()
    page.locator("#name").fill(f"mail program {language}")
    page.locator("#url").fill("https://localhost.localdomain:9/hooks")
    page.get_by_role("button", name="Add and get the secret" if english else "Toevoegen en het geheim krijgen").click()
    assert page.locator(".sg-key code").inner_text().startswith("whsec_")
    look()
    page.get_by_role("link", name="On to the log" if english else "Naar het logboek").click()
    look()
    page.get_by_role("button", name="Send a test" if english else "Stuur een test").click()
    log = page.locator("[data-live]")
    expect(log).to_contain_text("given up" if english else "opgegeven", timeout=20_000)
    look()
    log.get_by_role("link", name="A test" if english else "Een test").click()
    panel = page.get_by_role("dialog")
    expect(panel).to_contain_text('"type": "webhook.test"')
    look()
    page.keyboard.press("Escape")
    page.get_by_text("Address and events" if english else "Adres en berichten").click()
    look()
    page.goto("/webhooks")
    look()
    assert seen.complaints == []
    context.close()


@BOTH
def test_a_change_of_the_programme_is_weighed(
    browser: Browser, shop: Shop, state: Path, language: str, size: dict[str, int]
) -> None:
    context = open_context(browser, shop, state, language, size)
    seen = visit(context)
    page = seen.page
    page.goto("/programme/edit")
    page.locator("summary:has(#rule-1)").click()
    page.locator('[name="amount 1 score"]').fill("60")
    page.locator('[name="act"][value="see"]:visible').last.click()
    expect(page.locator("#effect")).to_be_visible()
    assert page.locator('[name="amount 1 score"]').input_value() == "60"
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert findings(page) + seen.complaints == []
    context.close()


@BOTH
def test_form_and_document_show_what_the_other_changes(
    browser: Browser, shop: Shop, state: Path, language: str, size: dict[str, int]
) -> None:
    context = open_context(browser, shop, state, language, size)
    seen = visit(context)
    page = seen.page
    page.goto("/programme/edit")
    document, amount = page.locator("#document"), page.locator('[name="amount 1 score"]')
    page.locator("summary:has(#rule-1)").click()
    amount.fill("61")
    page.keyboard.press("Tab")
    expect(document).to_have_value(re.compile("score: 61"))
    assert page.evaluate("document.activeElement.name") == "of 1 score"  # the keyboard is where it was
    text = document.input_value()
    assert text.startswith("# ")  # comments are kept
    document.fill("# mine\n" + text.replace("score: 61", "score: 62"))
    expect(amount).to_have_value("62")
    assert document.input_value().startswith("# mine")
    document.fill(text.replace("score: 61", "score: many"))
    expect(page.locator("#fields[disabled]")).to_have_count(1)
    expect(page.locator(".sg-line-error")).to_have_count(1)
    page.locator("#findings [data-line]").first.click()
    assert "many" in page.evaluate(
        "getSelection().toString() || document.activeElement.value.slice("
        "document.activeElement.selectionStart, document.activeElement.selectionEnd)"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert findings(page) + seen.complaints == []
    context.close()


def test_what_is_open_in_the_form_stays_open(browser: Browser, shop: Shop, state: Path) -> None:
    """When the page is drawn again, and when the document draws the fields; also what has just got another name."""
    context = open_context(browser, shop, state, "en", WIDE)
    seen = visit(context)
    page = seen.page
    page.goto("/programme/edit")
    page.locator("summary:has(#rule-1)").click()
    page.locator("details:has(#rule-1) .sg-when summary").click()
    page.locator('[name="name 1"]').fill("thanks")
    page.locator('[name="act"][value="see"]:visible').last.click()
    expect(page.locator("#effect")).to_be_visible()
    expect(page.locator('[name="name 1"]')).to_be_visible()
    expect(page.locator('[name="name 0"]')).to_be_hidden()
    document = page.locator("#document")
    first = "\nearn:\n  - {name: more, when: {activity: App Opened}, give: {score: 1}}\n"
    document.fill(document.input_value().replace("\nearn:\n", first))
    expect(page.locator('[name="name 2"]')).to_have_value("thanks")
    expect(page.locator('[name="name 2"]')).to_be_visible()
    expect(page.locator('[name="name 1"]')).to_be_hidden()
    assert seen.complaints == []
    context.close()


@BOTH
def test_a_simulation_answers_and_its_page_is_sound(
    browser: Browser, shop: Shop, state: Path, language: str, size: dict[str, int]
) -> None:
    """From the form to figures, charts and the people behind them, by keyboard where it counts."""
    context = open_context(browser, shop, state, language, size)
    seen = visit(context)
    page = seen.page
    page.goto("/programme/simulation")
    text = page.locator("#document").input_value()
    page.locator("#document").fill(text.replace("score: 5", "score: 50"))
    page.locator("input[name^=worth]").first.fill("0.05")
    page.locator("form[action='/programme/simulation'] .btn-primary").press("Enter")
    page.wait_for_url("**/programme/simulation/*-*")
    page.wait_for_selector("html[data-charts=drawn]", timeout=60_000)
    page.wait_for_selector("progress", state="detached", timeout=60_000)
    expect(page.locator("h1")).to_contain_text("score")
    assert page.locator("[data-chart] svg").count() >= 2
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert findings(page) + seen.complaints == []
    page.goto(page.url + "/people?side=more")
    assert findings(page) + seen.complaints == []
    context.close()
