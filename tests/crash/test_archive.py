"""``kill -9`` of the archiving and of the database under it: every message is in the table or in the archive."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.installation import PATIENCE_SECONDS, Installation

MONTHS = 6
BATCHES, BATCH = 12, 1_000
KILLS = 4
READ_ALL = """
import os; os.environ["DJANGO_SETTINGS_MODULE"] = "stamgast.settings"
import django; django.setup()
import hashlib, json
from stamgast.activities.archive import find_damage, list_archive, read_bodies
from stamgast.kit.database import open_cursor
with open_cursor() as cursor:
    rows = cursor.execute("SELECT id, anchor_id, received_at, body FROM activities_activity").fetchall()
    archived = read_bodies(cursor, {row[0]: (row[1], row[2]) for row in rows if row[3] is None})
    damage = [find_damage(month) for month in list_archive(cursor)]
bodies = {str(row[0]): row[3] or archived[row[0]] for row in rows}
digest = hashlib.sha256(json.dumps(bodies, sort_keys=True).encode()).hexdigest()
print(json.dumps([len(rows), len(archived), digest, damage]))
"""


def fill(shop: Installation) -> None:
    """Messages that came in over half a year; how they came in is what the tests of intake are about."""
    key = json.loads(shop.run("source", "create", "Shop", "--json"))["write_key"]
    for batch in range(BATCHES):
        messages = [
            {
                "type": "track",
                "event": "Coupon Redeemed",
                "messageId": f"{batch}-{i}",
                "userId": f"u{i % 97}",
                "properties": {"n": i},
            }
            for i in range(BATCH)
        ]
        assert shop.request("POST", "/v1/batch", {"batch": messages}, key=key)[0] == 200
    with psycopg.connect(shop.database_url(), autocommit=True) as database:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while database.execute("SELECT count(*) FROM activities_pending").fetchone() != (0,):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        database.execute(
            "UPDATE activities_activity SET received_at = received_at - (hashtext(id::text) & 7) %% %s * interval '31 days'",
            (MONTHS,),
        )


def files(folder: Path) -> set[str]:
    """What is in the archive at this moment, half a file included."""
    return {path.name for path in folder.glob("lake/archive/*.parquet*")}


def look(shop: Installation) -> list[object]:
    environment = shop.environment | {
        "STAMGAST_DATABASE_URL": shop.database_url(),
        "STAMGAST_SECRET_KEY": "a1B2c3D4e5F6g7H8i9J0" * 4,
    }
    said = subprocess.check_output([sys.executable, "-c", READ_ALL], env=environment, text=True)
    looked: list[object] = json.loads(said)
    return looked


@pytest.mark.xdist_group("crash")
def test_a_killed_archiving_loses_nothing_and_goes_on(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("archive")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    shop, dice = Installation(folder), random.Random(1)
    command = [sys.executable, "-m", "stamgast", "archive", "--keep", "1", "--json"]
    try:
        shop.wait_until_ready()
        fill(shop)
        count, archived, digest, _ = look(shop)
        assert (count, archived) == (BATCHES * BATCH, 0)
        was_at_work = 0
        for number in range(KILLS):
            before = files(folder)
            archiving = subprocess.Popen(command, env=shop.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while archiving.poll() is None and files(folder) == before:
                time.sleep(0.005)
            time.sleep(dice.random() / 5)
            was_at_work += archiving.poll() is None
            (shop.part("postgres") if number % 4 == 3 else archiving).kill()
            archiving.wait(timeout=PATIENCE_SECONDS)
            shop.wait_until_ready()
        assert was_at_work > 0, "nothing was killed while it worked"
        shop.run("archive", "--keep", "1", "--json")
        after = look(shop)
        assert after[:3:2] == [count, digest]
        assert after[1] > count / 2
        assert set(after[3]) == {None}
        erased = shop.run("erase", "user_id:u5", "--reason", "asked", "--yes")
        assert erased
        assert json.loads(shop.run("audit", "--json"))["is_clean"]
        assert shop.run("archive", "--keep", "1") == "There is nothing to archive.\n"
    finally:
        shop.stop()
