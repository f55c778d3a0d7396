"""The code of the guide to the library runs as it stands there, without a server, and gives what the guide says."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NO_DJANGO = "\nimport sys\nassert 'django' not in sys.modules and 'psycopg' not in sys.modules\n"


def test_who_follows_the_guide_gets_what_it_says(tmp_path: Path) -> None:
    blocks = FENCE.findall((ROOT / "docs/guides/library.md").read_text("utf-8"))
    first, second = (code for language, code in blocks if language == "python")
    [said] = [code for language, code in blocks if language == "text"]
    [commands] = [code for language, code in blocks if language == "bash"]
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "activities").mkdir()
    for number in range(3):
        rows = {
            "customer_id": [number],
            "activity_id": [number],
            "occurred_at": [datetime(2026, 3, 3, 9, tzinfo=UTC)],
            "kind": ["Order Completed"],
            "amount_minor": [1000],
            "currency": ["EUR"],
        }
        pq.write_table(pa.table(rows), tmp_path / "activities" / f"{number}.parquet")

    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STAMGAST_", "DJANGO_"))}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def run(*command: str, code: str) -> str:
        done = subprocess.run(
            command, input=code, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run(sys.executable, "-", code=first + NO_DJANGO) == said
    assert run(sys.executable, "-", code=second + NO_DJANGO).splitlines() == ["0 of 3", "3 of 3", "60"]
    answer = run("bash", "-euo", "pipefail", code=commands).splitlines()[-1]
    assert json.loads(answer)["given"] == {"points": {"Tuesday": 30, "purchase": 30}}
    assert pq.read_table(tmp_path / "decisions.parquet").num_rows == 6
