"""The thread that commits what intake has read.

Requests that are read while one group is being committed make the next group, so that one flush of the disk serves many
requests. A future is resolved after the commit and never before: what was answered with 200 is on the disk.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
import structlog

from stamgast.activities import metrics
from stamgast.activities.operations import store
from stamgast.activities.types import NewActivity, Refused, Stored
from stamgast.kit.errors import Kind, StamgastError

Connect = Callable[[], "psycopg.Connection[tuple[object, ...]]"]
log = structlog.get_logger()


class Unavailable(StamgastError):
    """The database cannot be reached, or the process is stopping."""

    code = "unavailable"
    kind = Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Job:
    """What one request wants stored, and who waits for it until when."""

    activities: Sequence[NewActivity]
    refusals: Sequence[Refused]
    future: "asyncio.Future[None]"
    deadline: float

    def __len__(self) -> int:
        return len(self.activities) + len(self.refusals)


class Writer:
    """Groups jobs and commits each group in one transaction on a connection of its own."""

    def __init__(self, connect: Connect, *, most_in_group: int = 2_000, patience_seconds: float = 10.0) -> None:
        self._connect = connect
        self._most_in_group = most_in_group
        self._patience_seconds = patience_seconds
        self._jobs: deque[Job] = deque()
        self._is_waiting = threading.Condition()
        self._is_stopping = False
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.queued_messages = 0

    def start(self) -> None:
        """Starts the thread; futures are resolved on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="intake-writer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Commits what is queued, then ends the thread."""
        with self._is_waiting:
            self._is_stopping = True
            self._is_waiting.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def submit(self, activities: Sequence[NewActivity], refusals: Sequence[Refused]) -> "asyncio.Future[None]":
        """Queues; the future is done when all of it is committed, or fails with Unavailable."""
        if self._loop is None or self._is_stopping:
            raise Unavailable("The server is stopping. Send it again.")
        job = Job(activities, refusals, self._loop.create_future(), time.monotonic() + self._patience_seconds)
        self.queued_messages += len(job)
        with self._is_waiting:
            self._jobs.append(job)
            self._is_waiting.notify()
        return job.future

    def _run(self) -> None:
        while group := self._next_group():
            self._commit_patiently(group)
        self._disconnect()

    def _next_group(self) -> list[Job]:
        with self._is_waiting:
            while not self._jobs and not self._is_stopping:
                self._is_waiting.wait()
            group: list[Job] = []
            size = 0
            while self._jobs and (not group or size + len(self._jobs[0]) <= self._most_in_group):
                group.append(self._jobs.popleft())
                size += len(group[-1])
            return group

    def _commit_patiently(self, group: list[Job]) -> None:
        """Tries until the database takes the group; those who have waited too long are told so and drop out.

        A commit whose answer was lost is simply done again: ids derive from the messages, so it cannot be done twice.
        """
        pause = 0.05
        while group:
            try:
                self._commit(group)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                self._disconnect()
                log.warning("intake_database_lost", error=type(error).__name__, sqlstate=error.sqlstate, waiting=len(group))
                now = time.monotonic()
                late = [job for job in group if job.deadline <= now or self._is_stopping]
                self._resolve(late, Unavailable("The database cannot be reached. Send it again later."))
                group = [job for job in group if job not in late]
                if group:
                    time.sleep(pause)
                    pause = min(pause * 2, 1.0)
            except Exception as error:
                self._disconnect()
                if len(group) > 1:
                    # One request must not fail the others that happened to share its transaction.
                    for job in group:
                        self._commit_patiently([job])
                    return
                log.error("intake_not_stored", error=type(error).__name__, messages=len(group[0]))
                self._resolve(group, error)
                return
            else:
                self._resolve(group, None)
                return

    def _commit(self, group: list[Job]) -> None:
        began = time.perf_counter()
        if self._connection is None:
            self._connection = self._connect()
        activities = [activity for job in group for activity in job.activities]
        refusals = [refusal for job in group for refusal in job.refusals]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            stored = store(cursor, activities, refusals)
        metrics.COMMIT_SECONDS.observe(time.perf_counter() - began)
        _count(stored, refusals)

    def _resolve(self, group: Sequence[Job], error: BaseException | None) -> None:
        if group and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._finish, group, error)

    def _finish(self, group: Sequence[Job], error: BaseException | None) -> None:
        for job in group:
            self.queued_messages -= len(job)
            if job.future.done():
                continue
            if error is None:
                job.future.set_result(None)
            else:
                job.future.set_exception(error)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _count(stored: Stored, refusals: Sequence[Refused]) -> None:
    metrics.NEW.inc(stored.new)
    metrics.REPEATED.inc(stored.repeated)
    for refusal in refusals:
        metrics.REFUSALS.labels(refusal.reason.value).inc()
