"""An import that is killed with SIGKILL again and again ends with every row stored once."""

import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from django.db import connection

from stamgast.activities.importers import running
from stamgast.kit.database import open_cursor

pytestmark = pytest.mark.django_db(transaction=True)

MAPPING = """\
source: till
kind: Order Completed
timestamp: at
identifiers: {user_id: who}
group_by: basket
properties: {order_id: basket, revenue: {sum: paid}}
products: {product_id: article, revenue: {column: paid, type: money}}
"""
PROGRAM = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import django
django.setup()
from stamgast.activities.catalogue import builtin_catalogue
from stamgast.activities.importers import running
from stamgast.activities.importers.mapping import read_mapping
from stamgast.activities.messages import Reader
from stamgast.kit.database import transaction
running.MESSAGES_PER_TRANSACTION = 50
at = datetime(2026, 6, 1, tzinfo=UTC)
edges = running.Edges(transaction, lambda: at, "test", report=lambda done, total: print(done, flush=True))
reader = Reader(builtin_catalogue(), currency="EUR", region=None)
running.import_file(Path(sys.argv[1]), read_mapping(sys.argv[2]), source_name=None, reader=reader, edges=edges)
"""


def test_each_row_is_there_once(imported, tmp_path):
    start = datetime(2026, 1, 1)  # noqa: DTZ001  text for a file
    rows = ["basket,at,who,article,paid"]
    for number in range(6000):
        basket = number % 2000
        paid = "broken" if basket % 400 == 7 else f"{number % 97}.{number % 100:02}"
        rows.append(f"{basket},{start + timedelta(minutes=basket)},{basket % 50 + 1},{number % 11},{paid}")
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(rows) + "\n")
    settings = connection.settings_dict
    address = f"postgresql://{settings['USER']}@/{settings['NAME']}?host={settings['HOST']}&port={settings['PORT'] or 5432}"
    environment = os.environ | {"STAMGAST_DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "stamgast.settings"}
    done = 0
    for round_number in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(path), MAPPING], env=environment, stdout=subprocess.PIPE, text=True
        )
        told = [process.stdout.readline() for _ in range(3 + round_number)]
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        rows_done = [int(line) for line in told]
        assert rows_done == sorted(rows_done)
        assert rows_done[0] > done, "it begins where the last one committed"
        done = rows_done[-1]
    outcome = imported(path, MAPPING)
    assert (outcome.is_finished, outcome.activities_new, outcome.activities_repeated) == (True, 1995, 0)
    assert (outcome.rows, outcome.rows_rejected) == (6000, 15)
    with open_cursor() as cursor:
        stored = cursor.execute("SELECT count(*), sum(amount_minor), sum(line_count) FROM activities_activity").fetchone()
        pending = cursor.execute("SELECT count(*), count(DISTINCT activity_id) FROM activities_pending").fetchone()
    good = [number for number in range(6000) if number % 2000 % 400 != 7]
    assert stored == (1995, sum(number % 97 * 100 + number % 100 for number in good), len(good))
    assert pending == (1995, 1995)
    rejects = (tmp_path / "rows.csv.rejects.csv").read_text().splitlines()
    lines = [int(row.split(",")[0]) for row in rejects[1:]]
    assert sorted(lines) == [number + 2 for number in range(6000) if number % 2000 % 400 == 7]
    assert running.MESSAGES_PER_TRANSACTION == 2_000
