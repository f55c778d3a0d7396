"""Every command, setting and error code is documented, and links between the pages hold."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import stamgast
from stamgast.api.problems import OF_NO_ROUTE
from stamgast.cli import COMMANDS
from stamgast.kit.configuration import SETTINGS
from stamgast.kit.errors import StamgastError

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


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


def test_every_error_code_is_described():
    text = (ROOT / "docs/errors.md").read_text()
    documented = set(re.findall(r"^\| `([a-z_]+)` \| [a-z0-9_]+ \| ", text, re.MULTILINE))
    assert documented == {error.code for error in errors()} | {"unauthorized", "invalid_request"} | {
        code for code, _ in OF_NO_ROUTE.values()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_hold(page):
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_files_to_read_first_are_there():
    named = re.findall(r"`(src/stamgast/[^`]+\.py)`", (ROOT / "ARCHITECTURE.md").read_text())
    assert len(named) == 3
    assert [path for path in named if not (ROOT / path).exists()] == []
