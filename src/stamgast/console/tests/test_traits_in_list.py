"""Computed traits in the list of customers: a column, a filter and a file, all of what the worker kept."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.console.tests.test_customer_list import NOW, numbers, read, seed
from stamgast.customers.walking import list_by_id, list_selected
from stamgast.flows.compute_traits import told_value
from stamgast.flows.list_customers import Wanted, select_customers
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import derive_id
from stamgast.traits.definition import read_definition
from stamgast.traits.filters import read_filter
from stamgast.traits.operations import keep_values, remove_trait, save_trait

SHOP = {"zone": "Europe/Amsterdam", "currency": "EUR"}
SPENT = {"name": "spent", "label": "Spent", "aggregate": "sum", "of": "amount"}
QUIET = {"name": "quiet", "label": "Quiet", "aggregate": "days_since_last"}
TEA = {"name": "tea", "label": "Favourite", "aggregate": "most_frequent", "of": "lines.category"}
BEST = {"name": "best", "label": "Best", "aggregate": "max", "of": "properties.x"}
FIRST = {"name": "first", "label": "First", "aggregate": "first_at"}
EVERY = (SPENT, QUIET, TEA, BEST, FIRST)


def keep(document: dict[str, Any], values: dict[int, Any]) -> None:
    """Saves a trait, with the values of some of the seeded customers as the worker keeps them."""
    definition = read_definition(document, **SHOP)
    with transaction() as cursor:
        version = save_trait(cursor, definition, after=None, at=NOW, actor="test")
        rows = [(derive_id("someone", str(number)), value) for number, value in values.items()]
        keep_values(cursor, definition.name, version, rows, but=[], of="", at=NOW, seconds=0)


def rows_of(client: Client, query: str) -> list[dict[str, str]]:
    return read(client.get(f"/customers.csv?{query}"))


@pytest.fixture
def few(signed_in: Client) -> Client:
    seed(5)
    keep(SPENT, {0: 1250, 1: -300, 3: 5000})
    keep(TEA, {0: "tea", 1: "=coffee"})
    return signed_in


def test_a_trait_is_a_column_of_the_list_and_of_the_file(few: Client) -> None:
    text = few.get("/customers?columns=trait.spent,trait.tea").content.decode()
    for cell in ("€\xa012.50", "−€\xa03.00", "€\xa00.00", "=coffee", "Favourite"):
        assert cell in text
    found = {
        row["name"] or row["customer_id"]: (row["spent"], row["tea"]) for row in rows_of(few, "columns=trait.spent,trait.tea")
    }
    assert sorted(found.values()) == [("-3.00", "'=coffee"), ("0.00", ""), ("0.00", ""), ("12.50", "tea"), ("50.00", "")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("trait.spent=12.50..", [0, 3]), ("trait.spent=12,51..", [3]), ("trait.spent=..0", [1, 2, 4]),
        ("trait.spent=-3..0", [1, 2, 4]), ("trait.spent=-3..-0.01", [1]), ("trait.spent=0..12.5", [0, 2, 4]),
        ("trait.spent=12.5", [0]), ("trait.spent=nonsense", [0, 1, 2, 3, 4]), ("trait.spent=", [0, 1, 2, 3, 4]),
        ("trait.tea=tea", [0]), ("trait.tea=%3Dcoffee", [1]), ("trait.tea=cake", []),
        ("trait.tea=tea&trait.spent=0..", [0]), ("trait.spent=0..&at_least=30", [3, 4]),
    ],
)  # fmt: skip
def test_a_trait_is_a_filter(few: Client, query: str, expected: list[int]) -> None:
    assert numbers(few, query) == expected


def test_the_form_makes_an_address_that_says_what_is_asked(few: Client) -> None:
    answer = few.get("/customers?trait=spent&trait_low=10&trait_high=&columns=trait.spent")
    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer["Location"]).query) == {"trait.spent": ["10.."], "columns": ["trait.spent"]}
    text = few.get(answer["Location"]).content.decode()
    assert "Spent of at least EUR\xa010" in text
    assert "2 customers" in text
    assert '<input type="hidden" name="trait.spent" value="10..">' in text
    both = few.get("/customers?trait=tea&trait_low=tea&trait.spent=10..")
    assert parse_qs(urlsplit(both["Location"]).query) == {"trait.spent": ["10.."], "trait.tea": ["tea"]}


def test_while_values_are_worked_out_nobody_fits_and_what_was_removed_is_said(few: Client) -> None:
    with transaction() as cursor:
        save_trait(cursor, read_definition(SPENT | {"days": 9}, **SHOP), after=1, at=NOW, actor="test")
    assert numbers(few, "trait.spent=0..") == []
    text = few.get("/customers?trait.spent=0..&columns=trait.spent").content.decode()
    assert "Spent of at least EUR\xa00 (being worked out)" in text
    assert "not yet" in few.get("/customers?columns=trait.spent").content.decode()
    with transaction() as cursor:
        remove_trait(cursor, "spent", after=2, at=NOW, actor="test")
    assert "The computed trait “spent” is not there any more." in few.get("/customers?trait.spent=0..").content.decode()


def fits(value: Any, low: Any, high: Any) -> bool:
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", [1, 100])
def test_any_range_finds_those_whose_shown_value_is_within(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By looking each one up, and by fetching the few who fit: the same people, and those whom the column shows so."""
    monkeypatch.setattr("stamgast.flows.list_customers.FEW_MATCHES", limit)
    seed(6)
    moments = [NOW - timedelta(days=days, hours=hours) for days, hours in ((0, 0), (1, 12), (1, 13), (2, 13), (9, 0))]
    kept: dict[str, dict[int, Any]] = {
        "spent": {0: 1250, 1: -300, 2: 1251, 3: 10**20},
        "quiet": dict(enumerate(moments)),
        "best": {0: 1_500_000, 1: 0, 2: -1},
        "first": dict(enumerate(moments)),
    }
    documents = {document["name"]: document for document in EVERY}
    for name, values in kept.items():
        keep(documents[name], values)
    who = {derive_id("someone", str(number)): number for number in range(6)}
    ends = {
        "spent": st.none() | st.sampled_from([Decimal(text) for text in ("-3", "0", "12.5", "12.505", "12.51", "1e18")]),
        "quiet": st.none() | st.integers(-1, 10).map(Decimal) | st.just(Decimal("1.5")),
        "best": st.none() | st.sampled_from([Decimal(text) for text in ("0", "1.5", "-0.000001", "-0.0000005")]),
        "first": st.none() | st.integers(0, 10).map(lambda days: date(2026, 3, 2) - timedelta(days=days)),
    }

    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(sorted(kept)).flatmap(lambda name: st.tuples(st.just(name), ends[name], ends[name])))
    def check(asked: tuple[str, Any, Any]) -> None:
        name, low, high = asked
        definition = read_definition(documents[name], **SHOP)
        wanted = read_filter(definition, f"{'' if low is None else low}..{'' if high is None else high}")
        if wanted is None:
            assert low is None
            assert high is None
            return
        assert read_filter(definition, wanted.typed) == wanted
        with open_cursor() as cursor:
            selection = select_customers(cursor, Wanted(traits=((wanted, True),)), at=NOW)
            listed = {who[row.id] for row in list_selected(cursor, selection, after=None, limit=50).rows}
            filed = {who[row.id] for row in list_by_id(cursor, selection, after=UUID(int=0))[0]}
        expected = set()
        for number in range(6):
            value = told_value(definition, kept[name].get(number), NOW)
            shown: Any = value
            if isinstance(value, datetime):
                shown = (value + timedelta(hours=1)).date()  # of Amsterdam, in winter
            elif value is not None and name in ("spent", "best"):
                shown = Decimal(value) / (100 if name == "spent" else 1_000_000)
            if fits(shown, low, high):
                expected.add(number)
        assert listed == filed == expected

    check()
