"""The whole of it as one command: started, attacked, stopped. Real processes on a folder and a port of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.xdist_group("serve")
UP_SECONDS = 120
STOP_SECONDS = 10


class Serving:
    """``stamgast serve`` on a folder and a port."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("STAMGAST_")} | {
            "STAMGAST_DATA": str(folder),
            "STAMGAST_BIND": f"127.0.0.1:{self.port}",
        }
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder.parent / "serve.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "stamgast", "serve"], env=self.environment, stderr=log)

    def log(self) -> str:
        return (self.folder.parent / "serve.log").read_text()

    def get(self, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read(), {name.lower(): value for name, value in answer.headers.items()}
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), {}
        except OSError:
            return 0, b"", {}

    def wait_until_ready(self) -> None:
        until = time.monotonic() + UP_SECONDS
        while self.get("/readyz")[0] != 200:
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < until, self.log()
            time.sleep(0.1)

    def children(self) -> dict[str, int]:
        names = {}
        for child in psutil.Process(self.process.pid).children():
            try:
                line = child.cmdline()
            except (psutil.ZombieProcess, psutil.NoSuchProcess):
                continue
            name = next((word for word in ("web", "worker") if word in line), "postgres" if "-D" in line else None)
            if name:
                names[name] = child.pid
        return names

    def has_all(self) -> bool:
        """Whether all three run, in the end: a worker that lost its database at the wrong moment is started again too."""
        until = time.monotonic() + UP_SECONDS
        while self.children().keys() != {"web", "worker", "postgres"} and time.monotonic() < until:
            time.sleep(0.1)
        return self.children().keys() == {"web", "worker", "postgres"}

    def wait_for_another(self, name: str, former: int) -> None:
        until = time.monotonic() + UP_SECONDS
        while self.children().get(name, former) == former:
            assert time.monotonic() < until, self.log()
            time.sleep(0.05)

    def leftovers(self) -> list[str]:
        return [
            " ".join(process.info["cmdline"])
            for process in psutil.process_iter(["cmdline", "status"])
            if process.info["status"] != psutil.STATUS_ZOMBIE
            and process.info["cmdline"]
            and (str(self.folder) in " ".join(process.info["cmdline"]) or str(self.process.pid) in process.info["cmdline"])
        ]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    serving = Serving(tmp_path_factory.mktemp("serve") / "data")
    serving.wait_until_ready()
    yield serving
    if serving.process.poll() is None:
        serving.process.terminate()
        serving.process.wait(60)


def test_probes_metrics_and_request_ids(serving: Serving) -> None:
    assert serving.get("/healthz")[:2] == (200, b"ok\n")
    status, _, headers = serving.get("/sign-in", **{"X-Request-Id": "mine-0001"})
    assert (status, headers["x-request-id"]) == (200, "mine-0001")
    assert len(serving.get("/sign-in")[2]["x-request-id"]) == 32
    status, text, headers = serving.get("/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(text.decode())}
    assert families["stamgast_pending_activities"].samples[0].value == 0
    assert families["stamgast_pending_oldest_age_seconds"].samples[0].value == 0


def test_static_files_are_kept_for_a_year_under_a_path_that_names_their_content(serving: Serving) -> None:
    page = serving.get("/sign-in")[1].decode()
    path = next(part for part in page.split('"') if part.startswith("/static/") and part.endswith("console.css"))
    status, body, headers = serving.get(path)
    assert status == 200
    assert b"{" in body
    assert headers["cache-control"] == "max-age=31536000"


def test_second_server_on_the_folder_refuses(serving: Serving) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stamgast", "serve"], env=serving.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert f"in use by stamgast serve (process {serving.process.pid})" in done.stderr
    assert serving.get("/readyz")[0] == 200


def test_second_server_on_the_address_refuses(serving: Serving, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stamgast", "serve"],
        env=serving.environment | {"STAMGAST_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"cannot listen at 127.0.0.1:{serving.port}: another program listens there" in done.stderr


def test_application_may_not_change_movements(serving: Serving) -> None:
    import psycopg

    from stamgast.kit.configuration import embedded_url

    with psycopg.connect(embedded_url(serving.folder / "postgres")) as connection:
        roles = connection.execute(
            "SELECT has_table_privilege('stamgast_app', 'ledger_movement', p) FROM unnest(%s::text[]) p",
            (["INSERT", "UPDATE", "DELETE", "TRUNCATE"],),
        )
        assert [row[0] for row in roles] == [True, False, False, False]
        connection.execute("SET ROLE stamgast_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM ledger_movement")


@pytest.mark.parametrize("name", ["worker", "web", "postgres"])
def test_what_is_killed_comes_back(serving: Serving, name: str) -> None:
    serving.wait_until_ready()
    former = serving.children()[name]
    os.kill(former, signal.SIGKILL)
    serving.wait_for_another(name, former)
    serving.wait_until_ready()
    assert serving.has_all(), serving.log()


def test_other_commands_use_the_running_database(serving: Serving) -> None:
    before = serving.children()["postgres"]
    done = subprocess.run(
        [sys.executable, "-m", "stamgast", "source", "create", "till", "--json"],
        env=serving.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert serving.children()["postgres"] == before


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_stops_in_ten_seconds_and_leaves_no_process(tmp_path: Path, how: signal.Signals) -> None:
    folder = tmp_path / "data"
    serving = Serving(folder)
    try:
        serving.wait_until_ready()
        began = time.monotonic()
        serving.process.send_signal(how)
        code = serving.process.wait(STOP_SECONDS)
        while serving.leftovers() and time.monotonic() - began < STOP_SECONDS:
            time.sleep(0.1)
        assert serving.leftovers() == []
        assert code == (-9 if how is signal.SIGKILL else 0)
    finally:
        if serving.process.poll() is None:
            serving.process.kill()
            serving.process.wait()
