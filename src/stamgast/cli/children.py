"""Child processes of the supervisor: started, watched, started again with growing patience, and stopped in order."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import NoReturn

import structlog

FIRST_PATIENCE_SECONDS = 0.2
LONGEST_PATIENCE_SECONDS = 5.0
HEALTHY_AFTER_SECONDS = 10.0
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Child:
    """One process that is to run, whatever happens to it."""

    name: str
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    patience: float = FIRST_PATIENCE_SECONDS
    not_before: float = field(default=0.0)

    def keep_running(self, now: float) -> None:
        """Starts it when it does not run and its patience has passed. ``now`` is monotonic."""
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                if now - self.started_at > HEALTHY_AFTER_SECONDS:
                    self.patience = FIRST_PATIENCE_SECONDS
                return
            log.warning("child_died", child=self.name, exit_code=code, restart_in_seconds=self.patience)
            self.process = None
            self.not_before = now + self.patience
            self.patience = min(self.patience * 2, LONGEST_PATIENCE_SECONDS)
        if now >= self.not_before:
            self.start(now)

    def start(self, now: float) -> None:
        """In a session of its own: Ctrl-C in the terminal reaches the supervisor alone, which stops things in order."""
        self.started_at = now
        self.process = subprocess.Popen(
            command_line(self.name, "--under", str(os.getpid())),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def ask_to_stop(self) -> None:
        """Tells it to finish what it has begun."""
        if self.process is not None:
            self.process.terminate()

    def stop(self, seconds: float) -> None:
        """Asks it to finish; after ``seconds`` it is ended, which loses nothing that was accepted."""
        if self.process is None:
            return
        began = time.monotonic()
        self.ask_to_stop()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            log.warning("child_ended_hard", child=self.name)
            self.process.kill()
            self.process.wait()
        log.info("child_stopped", child=self.name, seconds=round(time.monotonic() - began, 2))
        self.process = None


def command_line(*arguments: str) -> list[str]:
    """This program again, with the same interpreter, whatever the working directory holds."""
    return [sys.executable, "-P", "-m", "stamgast", *arguments]


def leave() -> NoReturn:
    """Ends this process at once: everything is committed, and taking the interpreter apart would take seconds."""
    logging.shutdown()
    os._exit(0)


def end_with(supervisor: int | None) -> None:
    """Makes this process end soon after its supervisor dies without a word."""
    if supervisor is None:
        return

    def watch() -> None:
        while os.getppid() == supervisor:
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        os._exit(1)

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()
