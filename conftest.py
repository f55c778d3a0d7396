"""One PostgreSQL for the whole run: an embedded server on a folder of its own, or the one that the environment names."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Starts the server in the process that pytest was started in; its workers inherit the address.

    It is not durable, because nothing outlives the run: the crash tests start servers of their own.
    """
    os.environ.setdefault("STAMGAST_SECRET_KEY", "only-for-tests-and-long-enough-to-be-accepted-as-a-secret")
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    folder = Path(tempfile.mkdtemp(prefix="stamgast-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["STAMGAST_DATA"] = str(folder)
    if "STAMGAST_DATABASE_URL" in os.environ:
        return
    from stamgast.kit.embedded import EmbeddedServer

    server = EmbeddedServer(folder / "postgres", is_durable=False, memory_bytes=1024**3)
    server.start()
    atexit.register(server.stop)
    os.environ["STAMGAST_DATABASE_URL"] = server.url()
