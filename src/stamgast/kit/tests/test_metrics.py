import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

COUNTING = """
import sys
from pathlib import Path
from stamgast.kit.metric_files import share_through
share_through(Path(sys.argv[1]))
from stamgast.kit import metrics
count = metrics.counter("things_total", "Things.", "source")
spread = metrics.histogram("wait_seconds", "Waits.")
count.labels("till").inc(int(sys.argv[2]))
spread.observe(0.3)
"""
ASKING = """
import sys
from pathlib import Path
from stamgast.kit.metric_files import share_through
share_through(Path(sys.argv[1]))
from stamgast.kit import metrics
metrics.at_scrape("depth", "Depth.", lambda: [(("a",), 3.0), (("b",), 4.0)], "lane")
sys.stdout.buffer.write(metrics.exposition())
"""


def run(program: str, *arguments: str) -> str:
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True).stdout


def test_counts_of_processes_that_are_gone_add_up_and_gauges_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    run(COUNTING, str(folder), "2")
    run(COUNTING, str(folder), "40")
    families = {family.name: family for family in text_string_to_metric_families(run(ASKING, str(folder)))}
    values = {
        (sample.name, tuple(sample.labels.values())): sample.value for family in families.values() for sample in family.samples
    }
    assert values["things_total", ("till",)] == 42
    assert values["wait_seconds_count", ()] == 2
    assert values["wait_seconds_bucket", ("0.25",)] == 0
    assert values["wait_seconds_bucket", ("0.5",)] == 2
    assert values["depth", ("a",)] == 3
    assert values["depth", ("b",)] == 4


def test_counts_of_an_earlier_start_are_forgotten(tmp_path: Path) -> None:
    from stamgast.kit.metric_files import forget

    run(COUNTING, str(tmp_path), "2")
    (tmp_path / "note.txt").write_text("stays")
    forget(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]
