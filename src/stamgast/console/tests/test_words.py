"""What is written for the reader: figures in their notation, every text in their language, every icon drawn."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from stamgast.activities.errors import KindNotFound
from stamgast.console import reader
from stamgast.console.programme_words import amount_of
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.tests.catalogue import CONSOLE, extract_catalog, read_catalog
from stamgast.console.words import currency_label, customer_name, initials, with_label
from stamgast.customers.consent.errors import InvalidConsent
from stamgast.customers.errors import InvalidIdentityRules
from stamgast.customers.ruleset import read_rules
from stamgast.kit.errors import StamgastError
from stamgast.programmes.errors import PublishedMeanwhile

ROOT = CONSOLE.parents[2]
NBSP = "\N{NO-BREAK SPACE}"
PLACE = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["1,234,567", "82.4" + NBSP + "%", f"€{NBSP}1,234.50", f"−€{NBSP}0.31", "¥" + NBSP + "500", "+5", "−1"]),
        ("nl", ["1.234.567", "82,4" + NBSP + "%", f"€{NBSP}1.234,50", f"−€{NBSP}0,31", "JP¥" + NBSP + "500", "+5", "−1"]),
    ],
)
def test_figures_are_written_as_the_reader_writes_them(language: str, expected: list[str]) -> None:
    with translation.override(language):
        written = [
            reader.number(1234567), reader.percent(0.824), reader.money(123450, "EUR"), reader.money(-31, "EUR"),
            reader.money(500, "JPY"), reader.signed(5), reader.signed(-1),
        ]  # fmt: skip
    assert [text.replace("JP¥", "¥") for text in written] == [text.replace("JP¥", "¥") for text in expected]


def test_moments_are_in_the_shops_zone() -> None:
    moment = datetime(2025, 11, 19, 23, 42, tzinfo=UTC)
    with translation.override("nl"), timezone.override("Europe/Amsterdam"):
        assert (reader.day(moment), reader.weekday(moment), reader.month(moment)) == (
            "20 nov 2025",
            "do 20 nov 2025 00:42",
            "november 2025",
        )
        assert reader.ago(moment, moment + timedelta(hours=3)) == "3 uur geleden"
    with translation.override("en"), timezone.override("America/New_York"):
        assert reader.day(moment) == "19 Nov 2025"
        assert reader.ago(moment, moment + timedelta(seconds=0)) == "1 second ago"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Noor de Wit", "NW"),
        ("aaltje1@example.org", ""),
        ("Household 900", ""),
        ("Visitor 8f14e45f…", ""),
        ("Cher", "C"),
        ("", ""),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_a_customer_is_called_by_the_best_that_is_known() -> None:
    assert customer_name("Noor", "n@example.org", "user_id:1") == "Noor"
    assert customer_name(None, "n@example.org", "user_id:1") == "n@example.org"
    assert customer_name(None, None, "user_id:1") == "Customer 1"
    assert customer_name(None, None, "anonymous_id:8f14e45f-ceea") == "Visitor 8f14e45f…"


@pytest.mark.parametrize(
    ("error", "dutch"),
    [
        (KindNotFound("There is no kind 'x'."), "Er is geen soort met die naam."),
        (PublishedMeanwhile("Version 3 …"), "Iemand heeft intussen een andere versie gepubliceerd."),
        (InvalidConsent("…", wrong="consent text"), "Schrijf de tekst die mensen te zien krijgen, in minstens één taal."),
    ],
)
def test_what_a_room_refuses_is_said_in_the_readers_language(error: StamgastError, dutch: str) -> None:
    with translation.override("nl"):
        assert refusal_sentence(error).startswith(dutch)


@pytest.mark.parametrize(
    ("document", "dutch"),
    [
        ({"limits": {"email": 0}}, "Geef voor email een heel getal van 1 tot 1000."),
        ({"limits": {"no kind": 1}}, "“no kind” is geen soort identificatie."),
        ({"blocked": {"email": ["**"]}}, "“**” kan niet in de lijst staan"),
    ],
)
def test_what_is_wrong_with_rules_of_identity_is_said_so_too(document: dict[str, object], dutch: str) -> None:
    with pytest.raises(InvalidIdentityRules) as refused, translation.override("nl"):
        read_rules(document)
    with translation.override("nl"):
        assert refusal_sentence(refused.value).startswith(dutch)


def test_every_text_is_translated_and_no_other_is_kept() -> None:
    said = {(message.context, message.id) for message in extract_catalog() if message.id}
    kept = {(message.context, message.id) for message in read_catalog("nl") if message.id}
    assert said - kept == set()
    assert kept - said == set()
    for message in read_catalog("nl"):
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(texts), message.id
        assert "fuzzy" not in message.flags
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        for text in texts if message.id else ():
            assert set(PLACE.findall(text)) <= set(PLACE.findall(" ".join(ids))), message.id
        if message.id:
            assert set(PLACE.findall(texts[-1])) == set(PLACE.findall(ids[-1])), message.id


def test_every_icon_that_a_page_names_is_drawn_and_no_other() -> None:
    drawn = set(json.loads((ROOT / "package.json").read_text())["icons"])
    templates = "".join(path.read_text() for path in CONSOLE.rglob("*.html"))
    modules = "".join(path.read_text() for path in CONSOLE.rglob("*.py") if "tests" not in path.parts)
    looks = re.findall(r'Look\(.*, "([\w-]+)", "\w*"\)', modules)
    assert set(re.findall(r'{% icon "([\w-]+)" %}', templates)) | set(looks) <= drawn
    assert len(looks) > 15
    assert {icon for icon in drawn if f'"{icon}"' not in templates + modules} == set()


def test_the_lock_names_no_machine() -> None:
    lock = (ROOT / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert "http" not in re.sub(r'"(url|funding)": "[^"]+"', "", lock)


def test_preparing_again_changes_nothing() -> None:
    vendor = CONSOLE / "static" / "console" / "vendor"
    subprocess.run([sys.executable, ROOT / "hatch_build.py"], check=True)
    before = {path.name: path.stat().st_mtime_ns for path in vendor.iterdir()}
    subprocess.run([sys.executable, ROOT / "hatch_build.py"], check=True)
    assert {path.name: path.stat().st_mtime_ns for path in vendor.iterdir()} == before
    assert {"tabler.min.css", "htmx.min.js", "vega-embed.min.js", "icons.svg", "figtree-latin.woff2"} <= set(before)


@pytest.mark.parametrize(
    ("sentence", "currency", "expected"),
    [
        ("De grens van 50 per jaar hield 50 points tegen.", "points", "De grens van 50 per jaar hield 50 punten tegen."),
        ("De grens van 5 per dag hield 1 score tegen.", "score", "De grens van 5 per dag hield 1 tegen."),
        ("5 a.b meer vanaf 10 a.b.", "a.b", "5 a.b meer vanaf 10 a.b."),
        ("1 stamps meer vanaf 10.", "stamps", "1 stempel meer vanaf 10."),
        ("11 stamps meer vanaf 1.", "stamps", "11 stempels meer vanaf 1."),
        ("0,1 stars meer.", "stars", "0,1 sterren meer."),
    ],
)
def test_a_sentence_calls_a_currency_as_people_do(sentence: str, currency: str, expected: str) -> None:
    with translation.override("nl"):
        assert with_label(sentence, currency) == expected


@pytest.mark.parametrize(
    ("language", "amount", "currency", "said"),
    [
        ("en", 1, "stamps", "1 stamp"),
        ("en", 0, "stars", "0 stars"),
        ("en", 2, "stamps", "2 stamps"),
        ("nl", 1, "stamps", "1 stempel"),
        ("nl", -1, "points", "-1 punt"),
        ("nl", 1, "stars", "1 ster"),
        ("nl", 2, "points", "2 punten"),
        ("nl", 1, "koffies", "1 koffies"),
    ],
)
def test_one_of_a_currency_is_called_as_one(language: str, amount: int, currency: str, said: str) -> None:
    with translation.override(language):
        assert f"{amount} {currency_label(currency, amount)}" == said


def test_sentences_count_one_as_one() -> None:
    with translation.override("en"):
        assert (amount_of(1, "stamps"), amount_of(2, "stamps")) == ("1 stamp", "2 stamps")
