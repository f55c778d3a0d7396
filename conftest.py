"""One PostgreSQL for the whole run: an embedded server on a folder of its own, or the one that the environment names."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import django
import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Starts the server in the process that pytest was started in; its workers inherit the address.

    The settings are named here and not in pyproject.toml, because pytest-django would read them before there is a server.
    """
    if not hasattr(config, "workerinput"):
        os.environ["DJANGO_SETTINGS_MODULE"] = "stamgast.settings"
        os.environ.setdefault("STAMGAST_SECRET_KEY", "only-for-tests-and-long-enough-to-be-accepted-as-a-secret")
        folder = Path(tempfile.mkdtemp(prefix="stamgast-test-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["STAMGAST_DATA"] = str(folder)
        if "STAMGAST_DATABASE_URL" not in os.environ and not config.option.collectonly:
            os.environ["STAMGAST_DATABASE_URL"] = _start_server(folder / "postgres")
    django.setup()


def _start_server(folder: Path) -> str:
    """Not durable, because nothing outlives the run: the crash tests start servers of their own."""
    from stamgast.kit.embedded import EmbeddedServer

    server = EmbeddedServer(folder, is_durable=False, memory_bytes=1024**3)
    server.start()
    atexit.register(server.stop)
    return server.url()
