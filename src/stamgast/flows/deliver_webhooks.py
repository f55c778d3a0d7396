"""Delivering what was told: a thread of the worker that claims, sends and settles, and never delays deciding.

Sending happens in an event loop of its own, so that a receiver that is slow costs a place and not a thread. The database is
asked between times, in short transactions.
"""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait

import httpx
import structlog
from django.conf import settings

from stamgast.kit.clock import utc_now
from stamgast.kit.configuration import Configuration
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import new_id
from stamgast.webhooks.metrics import DELIVERED, FAILED
from stamgast.webhooks.operations import claim_due, settle, sweep
from stamgast.webhooks.operations.delivering import EACH
from stamgast.webhooks.operations.outbox import CHANNEL
from stamgast.webhooks.queries import find_next_due
from stamgast.webhooks.sending import open_client, send
from stamgast.webhooks.types import Outcome, Parcel, Reach

ACTOR = "worker"
AT_ONCE = 32
EACH_AT_ONCE = 2 * EACH
LONGEST_SLEEP_SECONDS = 0.5
SHORTEST_SLEEP_SECONDS = 0.005
LOOK_AGAIN_SECONDS = 0.1
LAST_WAIT_SECONDS = 2.0
SWEEP_EVERY_SECONDS = 3600.0
log = structlog.get_logger()


def reach_of(configuration: Configuration) -> Reach:
    """Where this installation may send to."""
    return Reach(configuration.webhook_targets, allows_http=configuration.is_demo)


class Deliverer:
    """What is on its way. ``turn`` is called again and again, by one thread; ``close`` at the end.

    ``chance`` gives numbers from 0 to 1, by which retries are spread.
    """

    def __init__(self, reach: Reach, chance: Callable[[], float] = random.random) -> None:
        self.reach, self.chance = reach, chance
        self.flying: dict[Future[Outcome], Parcel] = {}
        self.loop = asyncio.new_event_loop()
        self.client: httpx.AsyncClient | None = None
        self.last_sweep = float("-inf")
        self.thread = threading.Thread(target=self.loop.run_forever, name="webhooks-sending", daemon=True)
        self.thread.start()

    def turn(self, stop: threading.Event) -> None:
        """Settles what came back, takes what is due, and sleeps where there is nothing to do."""
        settled = self._settle_done()
        taken = self._take()
        if self.flying:
            if not settled and not taken:
                wait(self.flying, LOOK_AGAIN_SECONDS, FIRST_COMPLETED)
        elif not taken and not stop.is_set():
            self._sweep()
            _sleep_until_due()

    def close(self) -> None:
        """Waits a moment for what is on its way. What does not come back is sent again when its lease has ended."""
        wait(self.flying, LAST_WAIT_SECONDS)
        self._settle_done()
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(LAST_WAIT_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _take(self) -> int:
        places = AT_ONCE - len(self.flying)
        if places <= 0:
            return 0
        counts = Counter(parcel.endpoint_id for parcel in self.flying.values())
        busy = [endpoint for endpoint, count in counts.items() if count > EACH_AT_ONCE - EACH]
        with transaction() as cursor:
            parcels = claim_due(cursor, new_id(), limit=places, busy=busy, at=utc_now())
        for parcel in parcels:
            self.flying[asyncio.run_coroutine_threadsafe(self._send(parcel), self.loop)] = parcel
        return len(parcels)

    async def _send(self, parcel: Parcel) -> Outcome:
        if self.client is None:
            self.client = open_client()
        return await send(self.client, parcel, reach=self.reach, at=utc_now())

    async def _end(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self.client is not None:
            await self.client.aclose()

    def _settle_done(self) -> int:
        done = [future for future in self.flying if future.done()]
        for future in done:
            parcel, outcome = self.flying[future], _outcome_of(future)
            with transaction() as cursor:
                settle(cursor, parcel, outcome, at=utc_now(), chance=self.chance(), actor=ACTOR)
            del self.flying[future]
            (DELIVERED if outcome.is_delivered else FAILED).inc()
            if not outcome.is_delivered:
                log.info(
                    "webhook_failed",
                    endpoint_id=str(parcel.endpoint_id),
                    event_id=str(parcel.event_id),
                    status=outcome.status,
                    problem=outcome.problem,
                )
        return len(done)

    def _sweep(self) -> None:
        if time.monotonic() - self.last_sweep < SWEEP_EVERY_SECONDS:
            return
        with transaction() as cursor:
            swept = sweep(cursor, at=utc_now())
        if not swept:
            self.last_sweep = time.monotonic()


def _outcome_of(future: Future[Outcome]) -> Outcome:
    """What came back. What broke on our side is an attempt that failed, so that it never stands in the way of the others."""
    try:
        return future.result()
    except Exception:
        log.exception("webhook_not_sent")
        return Outcome(None, "not_sent", "", 0)


def open_deliverer() -> Deliverer:
    """For this installation."""
    return Deliverer(reach_of(settings.CONFIGURATION))


def _sleep_until_due() -> None:
    with open_cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
        due = find_next_due(cursor)
        seconds = LONGEST_SLEEP_SECONDS
        if due is not None:
            seconds = min(seconds, max((due - utc_now()).total_seconds(), SHORTEST_SLEEP_SECONDS))
        for _ in cursor.connection.notifies(timeout=seconds, stop_after=1):
            pass
