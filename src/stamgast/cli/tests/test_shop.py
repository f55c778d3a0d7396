"""The zone and the currency of the data hold on it, whoever starts on it later; what is named otherwise is said."""

import json
from pathlib import Path

import psycopg
import pytest

from stamgast.cli.tests.test_commands import run
from stamgast.kit.configuration import embedded_url
from stamgast.kit.embedded import running_server

pytestmark = pytest.mark.xdist_group("commands")
DOLLARS = {"STAMGAST_TIMEZONE": "America/New_York", "STAMGAST_CURRENCY": "USD"}


def findings(folder: Path, **settings: str) -> list[tuple[str, str]]:
    done = run(folder, "doctor", "--json", **settings)
    return [(one["state"], one["found"]) for one in json.loads(done.stdout)["findings"] if one["name"] == "shop"]


def order(folder: Path, tmp_path: Path, number: int, **settings: str) -> tuple[str, str]:
    """The currency and the moment (UTC) of an order that names neither currency nor zone."""
    path, mapping = tmp_path / f"{number}.csv", tmp_path / "map.yaml"
    path.write_text(f"nr,who,amount,at\n{number},7,5.00,2026-01-02\n")
    mapping.write_text(
        "source: till\nkind: Order Completed\ntimestamp: at\nidentifiers: {user_id: who}\n"
        "properties: {order_id: nr, revenue: {column: amount, type: money}}\n"
    )
    assert run(folder, "import", str(path), "--mapping", str(mapping), **settings).returncode == 0
    with running_server(folder, "test"), psycopg.connect(embedded_url(folder / "postgres")) as connection:
        row = connection.execute("SELECT currency FROM activities_activity WHERE order_id = %s", (str(number),)).fetchone()
    assert row is not None
    return str(row[0]), str(number)


def test_what_it_was_installed_with_holds_where_nothing_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert run(folder, "migrate", **DOLLARS).returncode == 0
    assert findings(folder) == [("well", "zone America/New_York, currency USD, as the data was installed")]
    assert order(folder, tmp_path, 1) == ("USD", "1")
    assert findings(folder, STAMGAST_CURRENCY="EUR") == [
        ("wrong", "STAMGAST_CURRENCY is EUR, and the data was installed with USD")
    ]
    assert order(folder, tmp_path, 2, STAMGAST_CURRENCY="EUR") == ("EUR", "2")
    said = run(folder, "source", "list", STAMGAST_CURRENCY="EUR")
    assert (said.returncode, "setting_is_not_the_datas" in said.stderr) == (0, True)
    assert "setting_is_not_the_datas" not in run(folder, "source", "list").stderr


def test_of_data_from_before_what_it_shows_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert run(folder, "migrate", **DOLLARS).returncode == 0
    assert order(folder, tmp_path, 1)[0] == "USD"
    with running_server(folder, "test"), psycopg.connect(embedded_url(folder / "postgres")) as connection:
        connection.execute("DELETE FROM activities_shop")
    assert run(folder, "migrate").returncode == 0
    assert findings(folder) == [("well", "zone America/New_York, currency USD, as the data was installed")]
