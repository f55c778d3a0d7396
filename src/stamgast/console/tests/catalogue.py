"""The texts of the pages: found in templates and modules, and written into the catalogue of translations.

``python -m stamgast.console.tests.catalogue`` brings every ``.po`` file up to date, keeps what was translated, and puts away
what no page says any more. It needs no GNU gettext: Django turns templates into what Babel reads.
"""

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

import stamgast

PACKAGE = Path(stamgast.__file__).parent
LOCALE = PACKAGE / "locale"
CONSOLE = PACKAGE / "console"
VARYING = ('"POT-Creation-Date', '"PO-Revision-Date', '"Last-Translator', '"Report-Msgid', '"Language-Team', '"Generated-By')
KEYWORDS = {**DEFAULT_KEYWORDS, "gettext_noop": None}


def extract_catalog() -> Catalog:
    """Every text that the console says, with where it is said."""
    catalog = Catalog(project="Stamgast", charset="utf-8")
    for path in sorted([*CONSOLE.rglob("*.py"), *CONSOLE.rglob("*.html")]):
        if "tests" in path.parts or "vendor" in path.parts:
            continue
        text = path.read_text()
        source = templatize(text, origin=str(path)) if path.suffix == ".html" else text
        for line, messages, _comments, context in extract("python", io.BytesIO(source.encode()), KEYWORDS):
            place = (str(path.relative_to(PACKAGE)), line if path.suffix == ".py" else None)
            catalog.add(messages, locations=[place], context=context, flags=_flags(messages))
    return catalog


def read_catalog(language: str) -> Catalog:
    """The translations as they stand."""
    with (LOCALE / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def _flags(messages: object) -> list[str]:
    first = messages[0] if isinstance(messages, tuple) else messages
    return ["python-format"] if "%(" in str(first) else []


def update(language: str) -> None:
    """Rewrites one catalogue."""
    path = LOCALE / language / "LC_MESSAGES" / "django.po"
    catalog = read_catalog(language) if path.is_file() else Catalog(locale=language, project="Stamgast", fuzzy=False)
    catalog.update(extract_catalog(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    save(language, catalog)


def save(language: str, catalog: Catalog) -> None:
    """Writes a catalogue in one way, so that a new text is one change and not a hundred."""
    catalog.fuzzy = False
    catalog.header_comment = "# Stamgast's pages in another language. Brought up to date by stamgast.console.tests.catalogue."
    text = io.BytesIO()
    write_po(text, catalog, width=128, include_lineno=False, sort_output=True, ignore_obsolete=True)
    lines = [line for line in text.getvalue().decode().splitlines() if not line.startswith(VARYING)]
    (LOCALE / language / "LC_MESSAGES" / "django.po").write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    update("nl")
