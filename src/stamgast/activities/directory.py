"""What intake looks up while requests come in: whose a write key is, the catalogue and the rules of identity in force.

Both are remembered for a few seconds, so that a request costs no query; a revoked key and a new schema take effect within
that time. When the database is away, what was known a minute ago is still believed, so that requests can wait for it.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
import structlog

from stamgast.activities.catalogue import Catalogue, builtin_catalogue
from stamgast.activities.messages import Reader
from stamgast.activities.operations import KEY_PREFIX, digest_of
from stamgast.activities.queries import find_source_by_digest, load_schemas
from stamgast.activities.types import Source
from stamgast.activities.writer import Connect, Unavailable
from stamgast.customers.identity import get_identity_rules
from stamgast.customers.ruleset import DEFAULT
from stamgast.kit.database import Cursor

FRESH_SECONDS = 3.0
BELIEVED_SECONDS = 60.0
MOST_REMEMBERED = 10_000
MOST_WAITING = 100
LONGEST_KEY = 200
Found = TypeVar("Found")
log = structlog.get_logger()


class Directory:
    """Sources by write key, and the reader of messages, kept fresh on a thread with a connection of its own."""

    def __init__(self, connect: Connect, *, currency: str, region: str | None, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._connect = connect
        self._currency = currency
        self._region = region
        self._fresh_seconds = fresh_seconds
        self._connection: psycopg.Connection[Any] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="intake-directory")
        self._sources: dict[str, tuple[Source | None, float]] = {}
        self._asking: dict[str, asyncio.Task[Source | None]] = {}
        self._schemas: dict[str, Any] = {}
        self._identity = DEFAULT
        self._refreshing: asyncio.Task[None] | None = None
        self.reader = Reader(builtin_catalogue(), currency=currency, region=region)

    async def start(self) -> None:
        """Loads the catalogue and keeps it fresh."""
        await self._refresh_catalogue()
        self._refreshing = asyncio.create_task(self._keep_fresh())

    async def stop(self) -> None:
        """Ends the thread and closes its connection."""
        if self._refreshing is not None:
            self._refreshing.cancel()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    def find_known_source(self, write_key: str) -> tuple[bool, Source | None]:
        """Whether the answer is known and fresh, and the answer: the path of nearly every request, without a task."""
        known = self._sources.get(write_key)
        if known is None or time.monotonic() - known[1] > self._fresh_seconds:
            return False, None
        return True, known[0]

    async def find_source(self, write_key: str) -> Source | None:
        """The source of a write key in force, or None. Raises Unavailable when the database must be asked and is away."""
        is_known, source = self.find_known_source(write_key)
        if is_known:
            return source
        if not write_key.startswith(KEY_PREFIX) or len(write_key) > LONGEST_KEY:
            return None
        task = self._asking.get(write_key)
        if task is None:
            if len(self._asking) >= MOST_WAITING:
                if (known := self._believed(write_key)) is not None:
                    return known  # somebody guesses keys: those who have one must not suffer
                raise Unavailable("Too many unknown write keys at once. Send it again later.")
            task = self._asking[write_key] = asyncio.create_task(self._ask(write_key))
            task.add_done_callback(lambda _: self._asking.pop(write_key, None))
        return await asyncio.shield(task)

    async def _ask(self, write_key: str) -> Source | None:
        digest = digest_of(write_key)
        try:
            source = await self._read(lambda cursor: find_source_by_digest(cursor, digest))
        except psycopg.Error:
            if (known := self._believed(write_key)) is not None:
                return known
            raise Unavailable("The database cannot be reached. Send it again later.") from None
        if len(self._sources) >= MOST_REMEMBERED:
            self._sources = {key: found for key, found in self._sources.items() if found[0] is not None}
        self._sources[write_key] = (source, time.monotonic())
        return source

    def _believed(self, write_key: str) -> Source | None:
        source, asked_at = self._sources.get(write_key, (None, 0.0))
        return source if time.monotonic() - asked_at < BELIEVED_SECONDS else None

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._fresh_seconds)
            await self._refresh_catalogue()

    async def _refresh_catalogue(self) -> None:
        try:
            schemas, identity = await self._read(lambda cursor: (load_schemas(cursor), get_identity_rules(cursor)))
            if schemas != self._schemas or identity.version != self._identity.version:
                self.reader = Reader(Catalogue(schemas), currency=self._currency, region=self._region, identity=identity)
                self._schemas, self._identity = schemas, identity
        except (psycopg.Error, ValueError) as error:
            log.warning("intake_catalogue_not_refreshed", error=type(error).__name__)

    async def _read(self, query: Callable[[Cursor], Found]) -> Found:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read_now, query)

    def _read_now(self, query: Callable[[Cursor], Found]) -> Found:
        """Runs the query; a connection that turns out to be dead is replaced once."""
        for is_last in (False, True):
            try:
                if self._connection is None:
                    self._connection = self._connect()
                with self._connection.transaction(), self._connection.cursor() as cursor:
                    return query(cursor)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                self._disconnect()
                if is_last:
                    raise
        raise AssertionError

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
