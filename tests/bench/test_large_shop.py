"""The benches that stand on a large shop, on a small one: what they make is a shop, and every page and profile in it opens."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from stamgast.bench import big_shop, pages, profile
from stamgast.bench.scratch import scratch_database
from stamgast.flows.export_lake import DATASETS
from stamgast.lake.export import export

CUSTOMERS = 160
FIGURES = {"name", "throughput_per_second", "p50_ms", "p95_ms", "p99_ms", "baseline", "ratio"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("large-shop")


@pytest.fixture(scope="module")
def shop(folder: Path) -> Iterator[str]:
    with scratch_database() as address:
        big_shop.make(address, customers=CUSTOMERS, at=datetime.now(UTC))
        export(address, folder / "lake", DATASETS, at=datetime.now(UTC))
        yield address


@pytest.mark.xdist_group("large shop")
def test_what_is_made_adds_up(shop: str) -> None:
    with psycopg.connect(shop) as database:

        def count(query: str) -> int:
            row = database.execute(query).fetchone()
            assert row is not None
            return int(row[0])

        assert count("SELECT count(*) FROM activities_activity") == CUSTOMERS * big_shop.ACTIVITIES_EACH
        assert count("SELECT count(*) FROM activities_activity WHERE occurred_at > now()") == 0
        assert count("SELECT count(*) FROM segments_stay") == CUSTOMERS // big_shop.LOYAL_EVERY
        given = "SELECT sum(amount) FROM ledger_movement"
        assert count("SELECT sum(available) FROM ledger_balance") == count("SELECT sum(given) FROM ledger_lot") == count(given)
        assert count("SELECT count(*) FROM pg_indexes WHERE indexname IN ('activities_activity_pkey', 'link_one_open')") == 2


@pytest.mark.xdist_group("large shop")
def test_profiles_and_pages_are_measured(shop: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAMGAST_DATA", str(folder))
    read = profile.measure(shop, CUSTOMERS, seconds=0.4)
    opened = pages.measure(shop, CUSTOMERS, times=2)
    assert read.keys() >= FIGURES
    assert opened.keys() >= FIGURES
    assert read["p95_ms"] > 0
    assert all(milliseconds > 0 for milliseconds in opened["pages"].values())
