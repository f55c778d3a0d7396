"""The release that landed last, with data in it, brought to this one: nothing is lost, and everything comes out the same."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from stamgast.kit.embedded import programs

from .make_landed import SECRET

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LANDED = json.loads((HERE / "landed.json").read_text())
UNKNOWN_TO_OLD_SERVERS = "SET transaction_timeout = 0;\n"
LOOK = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "stamgast.settings"
import django; django.setup()
from stamgast.flows.export_lake import check, export, lake_folder
from tests.upgrade import make_landed as landed
{first}
export(at=landed.NOW)
differences = [str(difference) for difference in check()]
print(json.dumps({{"rows": landed.rows(), "digests": landed.digests(), "measures": landed.measures(lake_folder()),
    "differences": differences}}))
"""
DECIDE_THE_REST = "from stamgast.flows.work import drain; drain(lambda done, total: None)"


class Shop:
    """The commands of this version on the database of the other."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.environment = os.environ | {
            "STAMGAST_DATABASE_URL": url,
            "STAMGAST_DATA": str(folder),
            "STAMGAST_SECRET_KEY_FALLBACKS": SECRET,
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, *arguments]
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        said, sorry = process.communicate(timeout=120)
        assert process.returncode == 0, sorry
        return said

    def look(self, first: str = "") -> dict[str, dict[str, int]]:
        looked: dict[str, dict[str, int]] = json.loads(self.run("-c", LOOK.format(first=first)))
        return looked


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A database as ``landed.sql`` says, in the form in which the last release left it."""
    address, name = os.environ["STAMGAST_DATABASE_URL"], f"landed_{secrets.token_hex(4)}"
    with psycopg.connect(address, autocommit=True) as administration:
        administration.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = urlsplit(address)._replace(path=f"/{name}").geturl()
        role = "DO $$ BEGIN CREATE ROLE stamgast_app NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n"
        text = role + (HERE / "landed.sql").read_text().replace(UNKNOWN_TO_OLD_SERVERS, "")
        psql = [str(programs() / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={url}"]
        subprocess.run(psql, input=text, text=True, check=True, stdout=subprocess.DEVNULL)
        yield Shop(url, tmp_path)
        administration.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.xdist_group("upgrade")
def test_nothing_is_lost_and_two_that_start_at_once_migrate_once(shop: Shop) -> None:
    both = [shop.start("-m", "stamgast", "migrate") for _ in range(2)]
    said = sorted(process.communicate(timeout=120)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said[1] == "The database is of this version.\n"
    after = shop.look()
    is_newer = after["rows"]["django_migrations"] > LANDED["rows"]["django_migrations"]
    assert said[0].endswith(" migrations done.\n") is is_newer
    assert after["digests"] == LANDED["digests"]
    lost = {table: rows for table, rows in LANDED["rows"].items() if after["rows"].get(table, 0) < rows}
    assert lost == {}
    assert after["differences"] == []
    audit = json.loads(shop.run("-m", "stamgast", "audit", "--json"))
    assert audit == {"is_clean": True, "movements": LANDED["rows"]["ledger_movement"], "findings": []}
    assert after["measures"] == LANDED["measures"]


@pytest.mark.xdist_group("upgrade")
def test_what_waited_is_decided_afterwards(shop: Shop) -> None:
    shop.run("-m", "stamgast", "migrate")
    after = shop.look(first=DECIDE_THE_REST)
    assert LANDED["rows"]["activities_pending"] > 0
    assert after["rows"]["activities_pending"] == 0
    assert after["rows"]["ledger_movement"] > LANDED["rows"]["ledger_movement"]
    assert after["measures"] == LANDED["measures"]
    assert json.loads(shop.run("-m", "stamgast", "audit", "--json"))["is_clean"]


@pytest.mark.xdist_group("upgrade")
def test_a_lost_row_would_be_seen(shop: Shop) -> None:
    """The control: the look that finds nothing above finds a movement and orders that are not there."""
    with psycopg.connect(shop.url) as database:
        database.execute(
            "DELETE FROM ledger_movement WHERE movement_id = (SELECT min(movement_id::text)::uuid FROM ledger_movement)"
        )
        database.execute("DELETE FROM activities_activity WHERE kind = 'Order Completed' AND occurred_at > '2026-06-01'")
    shop.run("-m", "stamgast", "migrate")
    after = shop.look()
    changed = {table for table, digest in after["digests"].items() if digest != LANDED["digests"][table]}
    assert changed == {"ledger_movement", "activities_activity"}
    assert after["measures"] != LANDED["measures"]
    process = shop.start("-m", "stamgast", "audit", "--json")
    assert not json.loads(process.communicate(timeout=120)[0])["is_clean"]
