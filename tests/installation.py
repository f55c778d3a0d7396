"""A real ``stamgast serve`` for tests: a process of its own, with a data folder of its own, on a free port of this machine."""

import base64
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

PATIENCE_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Installation:
    """A real ``stamgast serve`` in a folder of its own, with the parts of it that can be killed."""

    def __init__(self, folder: Path, **settings: str):
        self.port = free_port()
        self.folder = folder
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("STAMGAST_")} | {
            "STAMGAST_DATA": str(folder),
            "STAMGAST_BIND": f"127.0.0.1:{self.port}",
            **settings,
        }
        self.log = (folder / "serve.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stamgast", "serve"], env=self.environment, stdout=self.log, stderr=self.log
        )

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "stamgast", *arguments], env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)) as connection:
                    connection.request("GET", "/readyz")
                    if connection.getresponse().status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError((self.folder / "serve.log").read_text()[-4000:])

    def database_url(self) -> str:
        options = (self.folder / "postgres" / "postmaster.pid").read_text().splitlines()
        return f"postgresql://postgres@/stamgast?host={options[4]}&port={options[3]}"

    def part(self, name: str) -> psutil.Process:
        """A part of what runs; one that is being started again is waited for."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, psutil.Error):
                if name == "postgres":
                    return psutil.Process(int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0]))
                for child in psutil.Process(self.process.pid).children(recursive=True):
                    if name in child.cmdline():
                        return child
            time.sleep(0.05)
        raise AssertionError(f"there is no {name}: " + (self.folder / "serve.log").read_text()[-4000:])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()

    def request(
        self, method: str, path: str, body: object = None, *, key: str | None = None, name: str | None = None
    ) -> tuple[int, object]:
        """One request with an API key or, for intake, a write key; the status and the JSON of the answer. A write that is done
        once has a ``name``."""
        headers = {"Content-Type": "application/json"}
        if name is not None:
            headers["Idempotency-Key"] = name
        if key is not None:
            is_write_key = key.startswith("sgw_")
            headers["Authorization"] = (
                "Basic " + base64.b64encode(f"{key}:".encode()).decode() if is_write_key else f"Bearer {key}"
            )
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
