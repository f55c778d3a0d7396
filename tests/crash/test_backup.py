"""A backup of a shop at work: intake and worker never stop, and what is put back elsewhere is whole, right, and goes on."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tests.crash.test_kill import Sender
from tests.installation import PATIENCE_SECONDS, Installation

LAKE_IS_RIGHT = """
import os; os.environ["DJANGO_SETTINGS_MODULE"] = "stamgast.settings"
import django; django.setup()
from stamgast.flows.export_lake import check, export
from stamgast.kit.clock import utc_now
export(at=utc_now())
print(check())
"""


def run(installation: Installation, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = installation.environment | {"STAMGAST_DATA": str(folder)}
    return subprocess.run([sys.executable, "-m", "stamgast", *arguments], env=environment, capture_output=True, text=True)


def wait_until_decided(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as database:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while database.execute("SELECT count(*) FROM activities_pending").fetchone()[0]:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.xdist_group("crash")
def test_a_backup_at_work_is_whole_and_goes_on_elsewhere(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    (folder / "here").mkdir()
    shop, elsewhere, file = Installation(folder / "here"), folder / "elsewhere", folder / "backup.tar"
    stop = threading.Event()
    try:
        shop.wait_until_ready()
        key = json.loads(shop.run("source", "create", "Shop", "--json"))["write_key"]
        senders = [Sender(shop.port, key, f"till-{number}", stop) for number in range(2)]
        for sender in senders:
            sender.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (folder / "here" / "lake" / "manifest.json").exists() or not all(sender.accepted for sender in senders):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        before = {message for sender in senders for message in list(sender.message_ids)}
        made = json.loads(shop.run("backup", "--to", str(file), "--check", "--json"))
        after = sum(len(sender.message_ids) for sender in senders)
        assert after > made["activities"] >= len(before), "intake stood still while the backup was made"
        assert made["is_checked"]
        stop.set()
        for sender in senders:
            sender.join(timeout=PATIENCE_SECONDS)
    finally:
        stop.set()
        shop.stop()

    assert run(shop, folder / "here", "restore", str(file)).returncode == 4, "a folder with data was replaced unasked"
    restored = run(shop, elsewhere, "restore", str(file), "--json")
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["movements"] == made["movements"]
    assert (folder / "here" / "secret_key").read_bytes() not in file.read_bytes()

    again = Installation(elsewhere)
    try:
        again.wait_until_ready()
        with psycopg.connect(again.database_url()) as database:
            stored = {row[0] for row in database.execute("SELECT body::json->>'messageId' FROM activities_activity")}
        assert len(stored) == made["activities"]
        assert before <= stored
        for sender in senders:
            sender.port = again.port
            for body in sender.accepted:
                assert sender.send(body)
        wait_until_decided(again.database_url())
        everything = {message for sender in senders for message in sender.message_ids}
        with psycopg.connect(again.database_url()) as database:
            found = database.execute(
                "SELECT count(*), count(DISTINCT activity_id), sum(amount) FROM ledger_movement"
            ).fetchone()
        assert found == (len(everything),) * 3
        assert json.loads(again.run("audit", "--json"))["is_clean"]
        environment = again.environment | {
            "STAMGAST_DATABASE_URL": again.database_url(),
            "STAMGAST_SECRET_KEY": "s3cret" + os.urandom(32).hex(),
        }
        assert subprocess.check_output([sys.executable, "-c", LAKE_IS_RIGHT], env=environment, text=True) == "[]\n"
    finally:
        again.stop()

    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    (folder / "damaged.tar").write_bytes(content)
    refused = run(shop, folder / "nowhere", "restore", str(folder / "damaged.tar"), "--json")
    assert (refused.returncode, json.loads(refused.stdout)["error"]["code"]) == (2, "backup_damaged")
    assert not (folder / "nowhere" / "postgres").exists()
