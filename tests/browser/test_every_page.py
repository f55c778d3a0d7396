"""Every page in both languages and at both widths: no complaints, nothing wider than its screen, no serious findings of axe."""

import os
import re
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Response

from stamgast.customers.consent.tokens import sign_withdrawal
from tests.browser.conftest import NARROW, WIDE, Shop, Visit, findings, open_context, settle, visit
from tests.browser.seed import DRAFTS, DUPLICATE, HOUSEHOLD

PAGES = (
    "/", "/customers", "/customers?search=noor", "/customers?segment=loyal-customers&at_least=1&seen_to=2036-10-01",
    "/customers?columns=spend,id.email,last_source,segments&choose=1", "/customers?at_least=1&keep=Mine", "/customers/views",
    "/customers?has_phone=1&at_least=999999", "/customers?search=nobody-at-all", "/customers/user_id:918",
    "/customers/user_id:901", "/customers/user_id:918?kind=Order+Completed&from=2026-01-01",
    "/customers/user_id:918/adjustments", "/customers/user_id:918/donations", "/customers/user_id:918/redemptions",
    "/customers/user_id:918/issues", "/customers/user_id:918/links",
    "/customers/user_id:918/merge?search=9",
    "/customers/user_id:918/merge?other=user_id:901", "/segments", "/segments/loyal-customers",
    "/segments/loyal-customers?weeks=52&by=month", "/programme", "/programme/budgets", "/programme/edit",
    "/programme/simulation", "/programme/versions", "/programme/versions?from=1&to=2",
    *(f"/programme/drafts/{draft}" for draft in DRAFTS),
    "/insights/retention", "/insights/retention?weeks=26&segment=loyal-customers", "/insights/customers?part=new",
    "/insights/cohorts?weeks=52", "/insights/cohorts?weeks=26&by=week&count=or-later", "/insights/repeat-purchase?weeks=52",
    "/insights/best-customers",
    "/ledger", "/ledger/movements", "/ledger/movements?kind=expire&currency=score", "/ledger/liability", "/ledger/audit",
    "/ledger/settlement", "/ledger/settlement?month=2020-02&partner=bakery", "/ledger/partners",
    "/ledger/adjustments", "/ledger/adjustments?show=decided",
    "/customers/user_id:918/statement", "/customers/user_id:918/statement?clock=happened&from=2020-01-01&at=2026-01-01T12:00",
    "/sources", "/sources/3", "/sources/uploads",
    "/webhooks", "/sources/refusals", "/sources/refusals?settled=1", "/sources/kinds", "/sources/identity",
    "/sources/kinds/Wine Tasting Booked", "/account", "/account/second-factor", "/staff", "/staff/1", "/keys", "/trail",
    f"/households/{HOUSEHOLD}", "/till", "/till?q=918", "/customers/user_id:nobody",
)  # fmt: skip
CONSENT_PAGES = (
    "/customers/user_id:918/consents", "/customers/user_id:901/consents", "/customers/consent-texts",
    "/consent/withdraw/{withdraw_token}", "/duplicates", "/duplicates?show=decided", "/duplicates/{duplicate}",
    "/erasures", "/customers/user_id:901/erase",
)  # fmt: skip


def withdraw_token() -> str:
    """What the link in a message to somebody holds: signed with the secret that the served processes were given as well."""
    return sign_withdrawal(UUID(int=1), "newsletter", "email", os.environ["STAMGAST_SECRET_KEY"])


def look(seen: Visit, language: str) -> None:
    """Writes down what is wrong with the page as it stands: with axe in one language, because it takes longest."""
    settle(seen.page)
    if seen.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        seen.complaints.append("wider than the screen")
    if seen.page.locator("html").get_attribute("lang") != language:
        seen.complaints.append("in another language")
    if language == "en":
        seen.complaints += findings(seen.page)


@pytest.mark.xdist_group("pages")
@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_page_is_sound(browser: Browser, shop: Shop, state: Path, language: str) -> None:
    context = open_context(browser, shop, state, language, NARROW)
    wrong: dict[str, list[str]] = {}
    seen = visit(context)  # one for all: what starts a page anew costs more than most pages
    for address in (*PAGES, *CONSENT_PAGES):
        seen.complaints.clear()
        seen.page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
        response = seen.page.goto(address.format(withdraw_token=withdraw_token(), duplicate=DUPLICATE))
        assert isinstance(response, Response)
        if response.status != (404 if address.endswith(":nobody") else 200):
            seen.complaints.append(f"status {response.status}")
        look(seen, language)
        seen.page.set_viewport_size({"width": WIDE["width"], "height": WIDE["height"]})
        if seen.page.locator("[data-chart]").count():
            seen.page.reload()  # a chart is drawn for the width that it finds
        look(seen, language)
        expected = re.compile(r"error: Failed to load resource: the server responded with a status of 404")
        complaints = [text for text in seen.complaints if response.status != 404 or not expected.match(text)]
        if complaints:
            wrong[address] = complaints
    context.close()
    assert wrong == {}
