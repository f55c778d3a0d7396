"""``stamgast export`` and ``stamgast erase`` as an operator calls them, on a customer who came in and was decided."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .test_commands import run

COME_IN = """
import json
from stamgast.cli.setting_up import database
from stamgast.kit.clock import utc_now
with database("test"):
    from stamgast.activities.operations import ensure_source, store
    from stamgast.activities.queries import load_reader
    from stamgast.flows.decide_pending import decide_pending
    from stamgast.kit.database import transaction
    at = utc_now()
    message = {"type": "track", "event": "Order Completed", "messageId": "1", "userId": "anna",
               "context": {"traits": {"email": "anna@example.org"}}, "properties": {"order_id": "1", "revenue": "5.00"}}
    with transaction() as cursor:
        reader = load_reader(cursor, currency="EUR", timezone="Europe/Amsterdam")
        source = ensure_source(cursor, "shop", at=at, actor="test")
        body = json.dumps(message).encode()
        store(cursor, [reader.read_message(body, source=source, received_at=at, fallback_id="x")], [])
    decide_pending(at=at, actor="test", limit=10)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("persons") / "data"
    assert run(folder, "migrate").returncode == 0
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STAMGAST_")}
    environment["STAMGAST_DATA"] = str(folder)
    subprocess.run([sys.executable, "-c", COME_IN], check=True, env=environment)
    return folder


@pytest.mark.xdist_group("persons")
def test_a_person_is_exported_and_then_erased(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "anna.zip"
    done = run(folder, "export", "email:Anna@example.org", "--to", str(file), "--language", "nl", "--json")
    assert (done.returncode, json.loads(done.stdout)["file"]) == (0, str(file)), done.stderr
    assert oct(file.stat().st_mode)[-3:] == "600"
    with zipfile.ZipFile(file) as archive:
        assert [json.loads(one["message"])["userId"] for one in json.loads(archive.read("data.json"))["activities"]] == ["anna"]
    asked = run(folder, "erase", "user_id:anna", stdin="n\n")
    assert (asked.returncode, "cannot be undone" in asked.stderr, "--yes" in asked.stderr) == (2, True, True)
    erased = run(folder, "erase", "user_id:anna", "--yes", "--json")
    assert (erased.returncode, json.loads(erased.stdout)["removed"]["activities"]) == (0, 1), erased.stderr
    for command in (("erase", "user_id:anna", "--yes"), ("export", "email:anna@example.org")):
        gone = run(folder, *command)
        assert gone.returncode != 0
        assert "No customer has this id or identifier" in gone.stderr
        assert "Traceback" not in gone.stderr
    assert run(folder, "audit").returncode == 0
