"""Looks through all customers for those who are likely one person, and keeps what it finds for people to decide."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pyarrow as pa

from stamgast.customers.copies import ALL_CUSTOMERS, IDENTIFIERS_OF_ALL, traits_of_all
from stamgast.customers.histories import list_differences
from stamgast.duplicates.gathering import ADDRESS, ADDRESS_PARTS, TRAITS, gather
from stamgast.duplicates.operations import (
    GIVEN_UP,
    begin_search,
    claim_search,
    end_search,
    keep_part,
    pause_search,
    want_search,
)
from stamgast.duplicates.queries import find_last_search
from stamgast.duplicates.types import Likely, Search
from stamgast.flows.export_lake import database_address
from stamgast.kit.database import open_cursor, transaction

CUSTOMERS_PER_PART = 200_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search came to. ``closed`` are proposals that it did not find again; not finished where it was told to stop."""

    customers: int
    found: int
    closed: int
    is_finished: bool
    left_out: list[tuple[str, int]]


def find_duplicates(
    *,
    clock: Callable[[], datetime],
    actor: str,
    region: str | None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
    threads: int | None = None,
) -> Outcome:
    """Goes on with the search that was stopped or asked for, or begins one. Reads one moment, locks nothing that decides.

    What a person said are two people is not proposed again. Told to stop, it ends after the part at hand. Raises SearchRunning.
    """
    with transaction() as cursor:
        want_search(cursor, at=clock(), actor=actor)
        search = claim_search(cursor, at=clock())
    assert search is not None, "there is an open search, for one was asked for"
    try:
        return _search(search, clock, region, progress, should_stop, threads)
    except BaseException:
        _pause(search.id)
        raise


def search_if_due(
    *,
    clock: Callable[[], datetime],
    actor: str,
    region: str | None,
    every: timedelta | None,
    should_stop: Callable[[], bool],
) -> Outcome | None:
    """What the worker does: a search where somebody asked for one, or where the last began so long ago; None else."""
    with open_cursor() as cursor:
        last = find_last_search(cursor)
    is_asked = last is not None and last.ended_at is None and (last.beat_at is None or clock() - last.beat_at > GIVEN_UP)
    is_due = every is not None and (last is None or (last.ended_at is not None and clock() - last.wanted_at >= every))
    if not is_asked and not is_due:
        return None
    return find_duplicates(clock=clock, actor=actor, region=region, should_stop=should_stop, threads=1)


def _search(
    search: Search,
    clock: Callable[[], datetime],
    region: str | None,
    progress: Callable[[int, int], None],
    should_stop: Callable[[], bool],
    threads: int | None,
) -> Outcome:
    from stamgast.duplicates.matching import Matcher

    progress(0, 0)
    records = _read_records(region)
    if should_stop():
        _pause(search.id)
        return Outcome(records.num_rows, search.found, 0, False, [])
    with Matcher(records, threads=threads) as matcher:
        if search.learnt is None or search.customers != records.num_rows:
            learnt, done, found = matcher.learn(), 0, 0
        else:
            learnt, done, found = dict(search.learnt), search.parts_done, search.found
            matcher.use(learnt)
        parts = max(1, math.ceil(records.num_rows / CUSTOMERS_PER_PART))
        left_out = [(one.block, one.records) for one in matcher.left_out]
        with transaction() as cursor:
            begin_search(
                cursor,
                search.id,
                customers=records.num_rows,
                parts=parts,
                done=done,
                learnt=learnt,
                left_out=left_out,
                at=clock(),
            )
        for part in range(done, parts):
            if should_stop():
                _pause(search.id)
                return Outcome(records.num_rows, found, 0, False, left_out)
            likely = matcher.likely(part=part, parts=parts)
            with transaction() as cursor:
                kept = _allowed(likely, list_differences(cursor))
                keep_part(cursor, search, kept, part=part, at=clock())
            found += len(kept)
            progress(part + 1, parts)
    with transaction() as cursor:
        closed = end_search(cursor, search.id, at=clock())
    return Outcome(records.num_rows, found, closed, True, left_out)


def _allowed(pairs: Iterable[Likely], differences: Iterable[tuple[UUID, UUID]]) -> list[Likely]:
    refused = {frozenset((str(one), str(other))) for one, other in differences}
    return [pair for pair in pairs if frozenset((pair.one_id, pair.other_id)) not in refused]


def _pause(search: UUID) -> None:
    with transaction() as cursor:
        pause_search(cursor, search)


def _read_records(region: str | None) -> pa.Table:
    """One record a customer, as all were at one moment."""
    from adbc_driver_postgresql import dbapi  # loads pandas and Polars wherever they are installed

    with dbapi.connect(database_address()) as connection, connection.cursor() as cursor:
        tables = []
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for query in (ALL_CUSTOMERS, traits_of_all(TRAITS, ADDRESS, ADDRESS_PARTS), IDENTIFIERS_OF_ALL):
            cursor.execute(query)
            tables.append(cursor.fetch_arrow_table())
    return gather(*tables, region=region)
