"""``stamgast serve``: the supervisor of database, web and worker on one machine."""

import contextlib
import errno
import signal
import socket
import subprocess
import threading
import time

import click
import structlog

from stamgast.cli.children import FIRST_PATIENCE_SECONDS, LONGEST_PATIENCE_SECONDS, Child, command_line
from stamgast.cli.setting_up import check_server, read_settings
from stamgast.kit.claims import Claim, DatabaseUnavailable
from stamgast.kit.configuration import Configuration, InvalidConfiguration
from stamgast.kit.embedded import EmbeddedServer
from stamgast.kit.metric_files import forget

LOOK_EVERY_SECONDS = 0.1
WEB_STOP_SECONDS = 4.0
WORKER_STOP_SECONDS = 4.0
log = structlog.get_logger(__name__)


@click.command("serve")
def command() -> None:
    """Start everything: the database (embedded, unless STAMGAST_DATABASE_URL names another), web and worker."""
    run()


def run(greeting: str = "") -> None:
    """Serves until it is told to stop. ``greeting`` is said when the console answers, so that nobody comes too early."""
    configuration = read_settings()
    claim = Claim(configuration.data)
    if not claim.take("stamgast serve"):
        raise claim.refusal()
    try:
        require_free_address(configuration.bind_host, configuration.bind_port)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        supervise(configuration, stop, greeting)
    finally:
        claim.release()


def supervise(configuration: Configuration, stop: threading.Event, greeting: str = "") -> None:
    """Runs until ``stop`` is set. The claim on the data folder is the caller's."""
    server = EmbeddedServer(configuration.postgres) if configuration.is_embedded else None
    web = [Child("web") for _ in range(configuration.web_processes)]
    worker = Child("worker")
    try:
        if server:
            server.start()
        check_server(configuration)
        _migrate()
        forget(configuration.data / "metrics")
        patience = FIRST_PATIENCE_SECONDS
        told = False
        while not stop.is_set():
            now = time.monotonic()
            if server and not server.is_running():
                log.warning("postgres_died")
                try:
                    server.start()
                    patience = FIRST_PATIENCE_SECONDS
                except DatabaseUnavailable as error:
                    log.error("postgres_not_started", reason=error.message, retry_in_seconds=patience)
                    stop.wait(patience)
                    patience = min(patience * 2, LONGEST_PATIENCE_SECONDS)
                    continue
            for child in (*web, worker):
                child.keep_running(now)
            if not told and _answers(configuration):
                click.echo(f"{greeting}Stamgast is at {address(configuration)} (stop with Ctrl-C)", err=True)
                told = True
            stop.wait(LOOK_EVERY_SECONDS)
        log.info("stopping")
    finally:
        for child in web:
            child.ask_to_stop()
        for child in web:
            child.stop(WEB_STOP_SECONDS)
        worker.stop(WORKER_STOP_SECONDS)
        if server:
            server.stop()


def require_room(configuration: Configuration) -> None:
    """Raises when a server could not start: for who has long work to do before it, so that nobody waits in vain."""
    claim = Claim(configuration.data)
    if not claim.take("stamgast"):
        raise claim.refusal()
    claim.release()
    require_free_address(configuration.bind_host, configuration.bind_port)


def require_free_address(host: str, port: int) -> None:
    """Raises when somebody listens there. Web processes share an address, so they would not notice themselves."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = {
                errno.EADDRINUSE: "another program listens there",
                errno.EACCES: "only root may use ports below 1024",
                errno.EADDRNOTAVAIL: "this machine has no such address",
            }.get(error.errno or 0, error.strerror)
            raise InvalidConfiguration(
                f"Stamgast cannot listen at {host}:{port}: {why}. Set STAMGAST_BIND to another address."
            ) from None


def address(configuration: Configuration) -> str:
    """Where a browser on this machine finds the console."""
    host = "127.0.0.1" if configuration.bind_host in ("0.0.0.0", "::") else configuration.bind_host  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{configuration.bind_port}"


def _answers(configuration: Configuration) -> bool:
    host, port = address(configuration).removeprefix("http://").rsplit(":", 1)
    with contextlib.suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout=0.2):
        return True
    return False


def _migrate() -> None:
    """In a process of its own, so that this one, which only watches, stays small."""
    done = subprocess.run(command_line("migrate"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)  # it has said why
