"""The embedded server on folders of its own: these start real servers."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from stamgast.kit.claims import Claim, DatabaseUnavailable
from stamgast.kit.embedded import EmbeddedServer, check_version, running_server
from stamgast.kit.tuning import server_settings

GIB = 1024**3


@pytest.fixture
def server(tmp_path: Path):
    server = EmbeddedServer(tmp_path / "data" / "postgres", memory_bytes=GIB)
    yield server
    server.stop()


def postgres_of(folder: Path) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres" and str(folder) in (process.info["cmdline"] or [])
    ]


def test_starts_keeps_and_stops(server: EmbeddedServer) -> None:
    server.start()
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]
            for name in ("fsync", "synchronous_commit", "jit", "timezone")
        }
        assert shown == {"fsync": "on", "synchronous_commit": "on", "jit": "off", "timezone": "UTC"}
        assert connection.execute("SELECT lower('ÄÉ')").fetchone() == ("äé",)
        assert connection.execute("SHOW shared_buffers").fetchone() == ("256MB",)
    server.stop()
    assert not server.is_running()
    assert postgres_of(server.folder) == []
    server.start()
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_starts_again_after_kill_and_keeps_what_was_committed(server: EmbeddedServer) -> None:
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        assert not server.is_running()
        server.start()
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_stale_pid_file_that_names_a_living_stranger_is_no_hindrance(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    (server.folder / "postmaster.pid").write_text(f"{os.getpid()}\n{server.folder}\n1\n5432\n{server.folder}\n\n 1 1\nready\n")
    server.start()
    assert check_version(server.url()).startswith("18.")


def test_server_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    code = f"""
import time
from pathlib import Path
from stamgast.kit.embedded import EmbeddedServer
EmbeddedServer(Path({str(folder)!r}), memory_bytes=2**30).start()
print("up", flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        while "up" not in owner.stdout.readline():
            assert owner.poll() is None
        assert len(postgres_of(folder)) == 1
        owner.kill()
    until = time.monotonic() + 20
    while postgres_of(folder) and time.monotonic() < until:
        time.sleep(0.1)
    assert postgres_of(folder) == []


def test_folder_of_another_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("16\n")
    with pytest.raises(DatabaseUnavailable, match="made by PostgreSQL 16, and this release brings 18"):
        EmbeddedServer(folder).start()
    assert [path.name for path in folder.iterdir()] == ["PG_VERSION"]


def test_folder_with_other_files_is_refused_and_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(DatabaseUnavailable, match="not of a PostgreSQL server"):
        EmbeddedServer(folder).start()
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_damaged_settings_are_named(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    with (server.folder / "postgresql.conf").open("a") as file:
        file.write("max_connections = many\n")
    with pytest.raises(DatabaseUnavailable, match=r"did not start: .*configuration file"):
        server.start()


def test_second_owner_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    first, second = Claim(tmp_path), Claim(tmp_path)
    assert first.take("stamgast serve")
    assert not second.take("stamgast serve")
    assert f"in use by stamgast serve (process {os.getpid()})" in second.refusal().message
    first.release()
    assert second.take("stamgast serve")
    second.release()


def test_commands_share_the_running_server_and_the_last_one_stops_it(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    with running_server(tmp_path, "first"):
        owner = postgres_of(folder)
        with running_server(tmp_path, "second"):
            assert postgres_of(folder) == owner
        assert postgres_of(folder) == owner
    assert postgres_of(folder) == []


def test_unreachable_server_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseUnavailable) as refused:
        check_version("postgresql://me:hunter2@127.0.0.1:1/shop")
    assert "127.0.0.1:1, database shop" in refused.value.message
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize(
    ("memory_bytes", "shared", "cache", "work"),
    [
        (512 * 1024**2, "128MB", "307MB", "4MB"),
        (24 * GIB, "6144MB", "14745MB", "61MB"),
        (256 * GIB, "8192MB", "157286MB", "64MB"),
    ],
)
def test_settings_follow_the_machine(tmp_path: Path, memory_bytes: int, shared: str, cache: str, work: str) -> None:
    lines = server_settings(tmp_path, memory_bytes, is_durable=True).splitlines()
    assert f"shared_buffers = '{shared}'" in lines
    assert f"effective_cache_size = '{cache}'" in lines
    assert f"work_mem = '{work}'" in lines
    assert "fsync = 'on'" in lines


def test_quotes_in_a_path_do_not_break_the_settings(tmp_path: Path) -> None:
    folder = tmp_path / "o'brien"
    folder.mkdir()
    assert f"unix_socket_directories = '{tmp_path}/o''brien'" in server_settings(folder, GIB, is_durable=True).splitlines()
