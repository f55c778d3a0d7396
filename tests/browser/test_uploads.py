"""A file from somebody's disk becomes activities: its columns chosen, tried, imported; at both widths, in both languages."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import BOTH, WIDE, Shop, findings, open_context, visit

pytestmark = pytest.mark.xdist_group("browser")
WORDS = {
    "en": {
        "source": "Where it comes from", "file": "File", "send": "Send and look at it", "try": "Try the first 1,000 rows",
        "tried": "3 of 4", "start": "Start the import", "done": "2 activities were added", "refused": "Refused rows as CSV",
        "why": "“sold at” is no moment", "too_large": "The file is larger than",
    },
    "nl": {
        "source": "Waar het vandaan komt", "file": "Bestand", "send": "Versturen en bekijken",
        "try": "Probeer de eerste 1.000 rijen", "tried": "3 van 4", "start": "Importeren starten",
        "done": "Er kwamen 2 activiteiten bij", "refused": "Geweigerde rijen als CSV",
        "why": "“sold at” is geen tijdstip", "too_large": "Het bestand is groter dan",
    },
}  # fmt: skip


def sound(page: Page) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return findings(page) + (["wider than the screen"] if wide else [])


def receipts(folder: Path, first: int) -> Path:
    """The export of a till, with numbers of its own, so that each run adds its orders."""
    path = folder / f"receipts-{first}.csv"
    path.write_text(
        "receipt;sold at;card;article;group;pieces;amount\n"
        f"{first};02-03-2026 09:14;D900;K-11;Coffee;2;5,00\n"
        f'{first + 1};02-03-2026 09:15;D901;T-20;"Tart ""large""";1;1.012,50\n'
        f"{first};02-03-2026 09:14;D900;G-03;Pastry;1;0,10\n"
        f"{first + 2};31-02-2026 09:20;D902;K-11;Coffee;1;2,50\n"
    )
    return path


@BOTH
def test_a_file_becomes_activities(
    browser: Browser, shop: Shop, state: Path, tmp_path: Path, language: str, size: dict[str, int]
) -> None:
    words = WORDS[language]
    context = open_context(browser, shop, state, language, size)
    seen = visit(context)
    page = seen.page
    page.goto("/sources")
    page.locator("a[href='/sources/uploads']").click()
    page.get_by_label(words["source"]).fill(f"till {language} {size['width']}")
    page.get_by_label(words["file"], exact=True).set_input_files(receipts(tmp_path, size["width"] * 10))
    page.get_by_role("button", name=words["send"]).click()
    page.wait_for_url("**/sources/uploads/*-*")
    assert sound(page) == []
    assert page.locator("select[name='role 0']").input_value() == "order"
    page.locator("select[name='role 4']").select_option("property")
    expect(page.locator("input[name='name 4']")).to_be_visible()
    page.locator("select[name='role 4']").select_option("category")
    expect(page.locator("input[name='name 4']")).to_be_hidden()
    page.get_by_role("button", name=words["try"]).click()
    expect(page.get_by_text(words["tried"], exact=True)).to_be_visible()
    expect(page.get_by_text(words["why"])).to_be_visible()
    assert sound(page) == []
    page.get_by_role("button", name=words["start"]).click()
    expect(page.get_by_role("heading", name=words["done"])).to_be_visible(timeout=60_000)
    assert sound(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name=words["refused"]).click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == "line;reason;receipt;sold at;card;article;group;pieces;amount"
    assert lines[1].startswith("5;sold at: 31-02-2026 09:20 is not a moment")
    assert seen.complaints == []
    context.close()


def test_a_file_that_is_too_large_is_not_sent(browser: Browser, shop: Shop, state: Path, tmp_path: Path) -> None:
    context = open_context(browser, shop, state, "en", WIDE)
    seen = visit(context)
    page = seen.page
    page.goto("/sources/uploads")
    page.get_by_label("Where it comes from").fill("till")
    path = tmp_path / "large.csv"
    path.write_text("a,b\n1,2\n")
    page.locator("#file").evaluate("field => field.dataset.most = '3'")
    page.locator("#file").set_input_files(path)
    page.get_by_role("button", name="Send and look at it").click()
    expect(page.get_by_role("alert")).to_contain_text("The file is larger than")
    empty = tmp_path / "sheet.csv"
    empty.write_bytes(b"PK\x03\x04 not a table")
    page.reload()
    page.get_by_label("Where it comes from").fill("till")
    page.locator("#file").set_input_files(empty)
    page.get_by_role("button", name="Send and look at it").click()
    expect(page.get_by_role("alert")).to_contain_text("This is a spreadsheet or a zip file.")
    assert page.get_by_label("Where it comes from").input_value() == "till"
    assert [said for said in seen.complaints if "422" not in said] == []
    context.close()
