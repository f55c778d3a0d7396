"""Every command, setting and error code is documented, and links between the pages hold."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from django.utils import translation

import stamgast
from stamgast.api.problems import OF_NO_ROUTE, STATUS_OF
from stamgast.cli import COMMANDS
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.upload_words import problem_sentence
from stamgast.kit.configuration import SETTINGS
from stamgast.kit.errors import Kind, StamgastError

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
ROWS = re.findall(r"^\| `([a-z_]+)` \| ([a-z0-9_]+) \| .+ \|$", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
OF_COMMANDS = {
    "audit_running", "backup_damaged", "backup_exists", "backup_failed", "backup_too_new", "bench_failed",
    "checkpoint_key_lost", "checkpoint_unreadable", "database_unavailable", "demo_data_missing", "folder_in_use", "holds_data",
    "invalid_activities", "invalid_configuration", "lake_of_another_server", "naive_moment", "not_migrated", "not_the_demo",
    "unordered_activities",
}  # fmt: skip
"""What only a command, the worker or the library is refused, which speak English."""
OF_ONE_PAGE = {"link_expired", "second_factor_refused", "sign_in_refused", "sign_in_throttled"}
"""What one page catches by its class, and says in its own words."""
BY_THEIR_DETAILS = {
    "invalid_condition", "invalid_consent", "invalid_endpoint", "invalid_identity_rules", "invalid_kind", "invalid_mapping",
    "invalid_partner", "invalid_programme", "invalid_simulation", "invalid_staff", "invalid_trait", "invalid_valuation",
    "invalid_view", "still_refused",
}  # fmt: skip
"""What is said with what is wrong and where: one code is many sentences, tested where they are made."""
NEVER_RAISED = {"ledger_error", "programme_error", "invalid_wanted"}
"""What other errors are, and what only a fault of the program can be refused for."""


def errors():
    for module in pkgutil.walk_packages(stamgast.__path__, "stamgast."):
        if not re.search(r"\.(tests|migrations|__main__|asgi)\b", module.name):
            importlib.import_module(module.name)
    found, waiting = set(), [StamgastError]
    while waiting:
        for one in waiting.pop().__subclasses__():
            found.add(one)
            waiting.append(one)
    return found


def test_every_command_is_described():
    text = (ROOT / "docs/operation.md").read_text() + (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"stamgast {name}" not in text and f"make {name}" not in text] == []


def test_every_setting_is_described():
    text = (ROOT / "docs/settings.md").read_text()
    assert [name for name in SETTINGS if f"`{name}`" not in text] == []


def test_every_error_code_is_described_with_its_kind_in_the_order_of_the_alphabet():
    kinds = {error.code: error.kind.value for error in errors()}
    kinds |= {"unauthorized": "401", "invalid_request": "invalid"} | {code: str(n) for n, (code, _) in OF_NO_ROUTE.items()}
    kinds |= {"file_unusable": "invalid", "forbidden": "forbidden"}  # what commands say of what is no error of ours
    assert dict(ROWS) == kinds
    assert [code for code, _ in ROWS] == sorted(kinds)


def test_every_kind_of_error_is_described_with_its_status():
    text = (ROOT / "docs/errors.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d+) \|$", text, re.MULTILINE)
    assert {Kind(kind): int(status) for kind, status in rows} == STATUS_OF


def test_every_code_that_is_answered_is_said_in_both_languages():
    unsaid = "the message of the room"

    def said(kind_of_error, language):
        error = kind_of_error.__new__(kind_of_error)
        StamgastError.__init__(error, unsaid)
        with translation.override(language):
            return problem_sentence(error.code, {}) or refusal_sentence(error)

    codes = {error.code: [said(error, "en"), said(error, "nl")] for error in errors()}
    elsewhere = OF_COMMANDS | OF_ONE_PAGE | BY_THEIR_DETAILS | NEVER_RAISED
    assert {code for code, sentences in codes.items() if unsaid in sentences} == elsewhere
    assert [code for code, (english, dutch) in codes.items() if code not in elsewhere and english == dutch] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_hold(page):
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_files_to_read_first_are_there():
    named = re.findall(r"`(src/stamgast/[^`]+\.py)`", (ROOT / "ARCHITECTURE.md").read_text())
    assert len(named) == 3
    assert [path for path in named if not (ROOT / path).exists()] == []
