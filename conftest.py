"""One PostgreSQL for each process of the run: an embedded server on a folder of its own, or the one that the environment names.

STAMGAST_TEST_POSTGRES names the programs of another PostgreSQL to start instead of the embedded one's, such as
/usr/lib/postgresql/15/bin. STAMGAST_DATABASE_URL names a server that runs already.
"""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test.utils import setup_databases, teardown_databases
from django.utils import timezone, translation
from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine and nothing about the code.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """Starts the server: one a worker, so that an open transaction of one never holds up what another waits for.

    The settings are named here and not in pyproject.toml or the environment of the workers, because pytest-django would read
    them before there is a server.
    """
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    if config.option.numprocesses and not hasattr(config, "workerinput"):
        return
    folder = Path(tempfile.mkdtemp(prefix="stamgast-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.setdefault("STAMGAST_SECRET_KEY", "only-for-tests-and-long-enough-to-be-accepted-as-a-secret")
    os.environ["STAMGAST_DATA"] = str(folder)
    if "STAMGAST_DATABASE_URL" not in os.environ and not config.option.collectonly:
        os.environ["STAMGAST_DATABASE_URL"] = _start_server(folder / "postgres")
    os.environ["DJANGO_SETTINGS_MODULE"] = "stamgast.settings"
    django.setup()
    _make_passwords_cheap()


def _make_passwords_cheap() -> None:
    """A real hash takes a quarter of a second, on purpose, and hundreds of tests sign somebody in: the same, of less memory."""
    Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1


def _start_server(folder: Path) -> str:
    """Not durable, because nothing outlives the run: the crash tests start servers of their own."""
    named = os.environ.get("STAMGAST_TEST_POSTGRES")
    if named:
        return _start_other(Path(named), folder)
    from stamgast.kit.embedded import EmbeddedServer

    server = EmbeddedServer(folder, is_durable=False, memory_bytes=1024**3)
    server.start()
    atexit.register(server.stop)
    return server.url()


def _start_other(programs: Path, folder: Path) -> str:
    """A server of other programs, as the account postgres when the run is root's, on a socket in its own folder."""
    folder.mkdir()
    account = []
    if os.geteuid() == 0:
        folder.parent.chmod(0o755)
        shutil.chown(folder, "postgres")
        account = ["runuser", "-u", "postgres", "--"]
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    commands = (
        [programs / "initdb", "-D", folder, "-U", "postgres", "--auth", "trust", "-E", "UTF8", "--locale", "C", "--no-sync"],
        [programs / "pg_ctl", "-D", folder, "-o", options, "-l", folder / "log", "-w", "start"],
        [programs / "createdb", "-h", folder, "-U", "postgres", "stamgast"],
    )
    for command in commands:
        subprocess.run([*account, *map(str, command)], check=True, stdout=subprocess.DEVNULL, cwd="/")
    stop = [*account, str(programs / "pg_ctl"), "-D", str(folder), "-m", "immediate", "stop"]
    atexit.register(subprocess.run, stop, stdout=subprocess.DEVNULL, cwd="/", check=False)
    return f"postgresql://postgres@/stamgast?host={folder}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long begins first, so that no worker ends with a minute of work while another has none.

    That is what has a group, except what looks at the clock: it comes later, where the other worker has short tests.
    """

    def turn(item: pytest.Item) -> int:
        group = item.get_closest_marker("xdist_group")
        if group is None:
            return 1 if "tests" in item.path.relative_to(config.rootpath).parts[:1] else 2
        return 1 if group.args == ("live",) else 0

    items.sort(key=turn)
    # pytest-xdist tells of a group in the name, and with a pytest that it does not know it says nothing and knows none.
    if getattr(config.option, "loadgroup", False):
        assert all("@" in item.nodeid for item in items if item.get_closest_marker("xdist_group")), "groups are not known"


def pytest_collection_finish(session: pytest.Session) -> None:
    """As every process of ours does: a run holds all modules and all tests, and the collector would go through them all."""
    from stamgast.kit.garbage import settle

    settle()


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """The test database, whichever tests are asked for: pytest-django's own makes it only where a mark names it."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases=["default"])
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture(autouse=True)
def _no_reader() -> Iterator[None]:
    """A page that a test asked for leaves its reader's language and zone behind in the thread, for the test that comes next."""
    yield
    translation.deactivate()
    timezone.deactivate()
