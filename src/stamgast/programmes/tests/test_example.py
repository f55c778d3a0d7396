"""The hybrid of ``examples/``: points, stars, stamps and a tier in one document, decided, explained, checked by the oracle."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from stamgast.programmes.deciding import decide
from stamgast.programmes.documents import load
from stamgast.programmes.explaining import explain
from stamgast.programmes.linting import lint
from stamgast.programmes.matching import match_few, match_many
from stamgast.programmes.programme import compile_programme
from stamgast.programmes.reading import read
from stamgast.programmes.tests import oracle
from stamgast.programmes.tests.generated import in_order, table_of
from stamgast.programmes.types import ACTIVITIES, Version

TEXT = (Path(__file__).parents[4] / "examples" / "hybrid.yaml").read_text("utf-8")
START = datetime(2026, 1, 1, tzinfo=UTC)
PROGRAMME = compile_programme([Version("hoekje-club", 1, TEXT, "", START, START, "test", "")])
VERSIONS: Any = [(1, START, read(TEXT.replace("{set: coffee}", "{category: coffee}"))[0])]
KINDS = ["Till Sale"] * 6 + ["Order Completed"] * 3 + ["Referral Completed", "Survey Answered", "Tier Invited"]


def history(chance: Random, count: int) -> list[dict[str, Any]]:
    """Activities of three customers over two years."""
    rows = []
    for number in range(count):
        kind, cups = chance.choice(KINDS), chance.randrange(4)
        line = {"product_id": "c", "category": chance.choice(["coffee", "tea"]), "quantity": cups, "amount_minor": cups * 350}
        properties = {"store": chance.choice(["North", "South", "West"]), "first_order": chance.random() < 0.5}
        is_sale = kind in ("Till Sale", "Order Completed")
        customer = chance.randrange(3)
        rows.append(
            dict.fromkeys(ACTIVITIES.names)
            | {
                "activity_id": number.to_bytes(16, "big"),
                "customer_id": bytes([*[0] * 15, customer]),
                "occurred_at": START + timedelta(minutes=chance.randrange(60 * 24 * 730)),
                "kind": kind,
                "amount_minor": chance.randrange(9000) if is_sale else None,
                "currency": "EUR" if is_sale else None,
                "properties": msgspec.json.encode(properties).decode(),
                "lines": [line] if is_sale else None,
                "birth_month": [None, 2, 12][customer],
            }
        )
    return in_order(rows)


@pytest.mark.parametrize("seed", range(4))
def test_the_hybrid_gives_what_the_oracle_says(seed: int) -> None:
    rows = history(Random(seed), 400)
    until = START + timedelta(days=1500)
    decisions = decide(PROGRAMME, None, table_of(rows), until=until)
    names = ["activity_id", "rule", "currency", "amount", "available_at", "expires_at", "version"]
    expected = [
        (one.activity, one.rule, one.currency, one.amount, one.available_at, one.expires_at, one.version)
        for one in oracle.decide_all(VERSIONS, rows)
    ]
    found = [tuple(row[name] for name in names) for row in decisions.table.to_pylist()]
    assert found == expected
    assert len({rule for _, rule, *_ in found}) >= 14  # every rule, the card and both levels have given
    changes = [(row["customer_id"], row["since"], row["tier"], row["cause"]) for row in decisions.tiers.to_pylist()]
    assert changes == oracle.changes_of(VERSIONS, rows, until.date())
    assert {cause for *_, cause in changes} == {"reached", "invited", "reviewed"}


def test_both_ways_of_stage_one_see_the_same() -> None:
    table = table_of(history(Random(9), 400))
    for few, many in zip(match_few(PROGRAMME, table), match_many(PROGRAMME, table), strict=True):
        assert (few == many).all()


@pytest.mark.parametrize("language", ["en", "nl"])
def test_each_activity_is_explained_with_the_amounts_that_it_gave(language: str) -> None:
    rows = history(Random(5), 60)
    states: dict[bytes, Any] = {}
    for row in rows:
        before = states.get(row["customer_id"])
        decisions = decide(PROGRAMME, before, table_of([row]))
        outcomes = explain(PROGRAMME, row, before, language).outcomes
        given = {(one.rule, one.currency): one.amount for one in outcomes if one.amount}
        assert given == {(one["rule"], one["currency"]): one["amount"] for one in decisions.table.to_pylist()}
        assert all(one.sentence.endswith(".") for one in outcomes)
        states[row["customer_id"]] = decisions.states


def test_the_linter_finds_nothing_that_cannot_be_meant() -> None:
    assert not lint(load(TEXT), at=START).has_errors
