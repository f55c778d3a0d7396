"""The history as columns on disk, kept a while: read from PostgreSQL once, so that the next question about it takes moments.

A copy is of one moment, and cut into parts by the buckets of customers, each small enough to hold in memory. It is made part by
part, when a part is first asked for. It holds what people did, so an erasure removes it, and the next question makes another.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings

from stamgast.activities.queries import count_pending
from stamgast.flows.history import read_history
from stamgast.flows.simulation.errors import HistoryGone
from stamgast.insights.simulation import buckets_of
from stamgast.kit.database import Cursor
from stamgast.kit.ids import BUCKETS, new_id
from stamgast.lake.manifest import write_whole
from stamgast.programmes.programme import Programme
from stamgast.programmes.queries import count_decided_by_bucket, list_decided_between
from stamgast.programmes.types import ACTIVITIES

KEPT = timedelta(hours=1)
"""How long a copy is used for new questions. Those that began with it go on with it for as long again."""
FIRST_BUCKETS = BUCKETS // 10
"""The first part, and the sample that a page answers for at first."""
PART_ACTIVITIES = 40_000
PARTS_ON_THE_WAY = 400
"""Customers whose activities are read at once: what Python holds beside the columns."""


class Part(msgspec.Struct, frozen=True):
    """Buckets from ``first`` to before ``end``."""

    first: int
    end: int


class Copy(msgspec.Struct, frozen=True):
    """One copy: its name, of which moment it is, its parts, how many customers are in each bucket, and how many activities
    waited to be decided then, and so are not in it."""

    name: str
    read_at: datetime
    parts: tuple[Part, ...]
    customers: tuple[int, ...]
    waiting: int = 0


def simulation_folder() -> Path:
    """Where copies and answers are: in the data folder, beside the lake."""
    return Path(settings.CONFIGURATION.data) / "simulation"


def find_copy(folder: Path, name: str) -> Copy:
    """A copy that was made before; raises HistoryGone."""
    try:
        return msgspec.json.decode((folder / "history" / name / "copy.json").read_bytes(), type=Copy)
    except (FileNotFoundError, msgspec.DecodeError):
        raise HistoryGone(
            "What this simulation read was removed meanwhile: it grew old, or somebody was erased. Start it once more."
        ) from None


def open_copy(cursor: Cursor, folder: Path, programme: Programme, activities: int, *, at: datetime, is_fresh: bool) -> Copy:
    """The newest copy, or another where there is none that is new enough and has anybody in it, or one is asked for. Reads no
    activities yet."""
    with _alone(folder / "history"):
        copies = sorted(_copies(folder), key=lambda one: one.read_at)
        for one in copies:
            if at - one.read_at > 2 * KEPT:
                shutil.rmtree(folder / "history" / one.name, ignore_errors=True)
        newest = copies[-1] if copies and any(copies[-1].customers) else None  # one without anybody costs nothing to read again
        if newest is not None and not is_fresh and at - newest.read_at <= KEPT:
            return newest
        customers = count_decided_by_bucket(cursor, programme.name)
        each = tuple(customers.get(bucket, 0) for bucket in range(BUCKETS))
        copy = Copy(new_id().hex, at, _plan(activities), each, count_pending(cursor))
        write_whole(folder / "history" / copy.name / "copy.json", msgspec.json.encode(copy))
        return copy


def forget_history(folder: Path) -> None:
    """Removes every copy: somebody was erased, and is in them."""
    shutil.rmtree(folder / "history", ignore_errors=True)


def read_part(cursor: Cursor, folder: Path, copy: Copy, part: Part, programme: Programme, *, with_body: bool) -> pa.Table:
    """The activities of a part's customers, in the columns and order of ``decide``, up to the moment of the copy.

    From the disk, where they were read before with all that is needed. Raises HistoryGone.
    """
    place = folder / "history" / copy.name
    for suffix in ("whole", "columns")[: 1 if with_body else 2]:
        try:
            with pa.memory_map(str(place / f"{part.first}-{suffix}.arrow")) as file:
                table = pa.ipc.open_file(file).read_all()
        except FileNotFoundError:
            continue
        if table.schema.equals(ACTIVITIES):  # a release before may have had other columns
            return table
    find_copy(folder, copy.name)
    customers = list_decided_between(cursor, programme.name, part.first, part.end)
    tables = [
        read_history(
            cursor, programme, customers[start : start + PARTS_ON_THE_WAY], with_body=with_body, received_by=copy.read_at
        )
        for start in range(0, len(customers), PARTS_ON_THE_WAY)
    ]
    # Buckets are a part of an id only, so customers by bucket are not yet in the order of their ids.
    table = pa.concat_tables(tables) if tables else read_history(cursor, programme, [], with_body=with_body)
    order = pc.sort_indices(table, [(name, "ascending") for name in ("customer_id", "occurred_at", "activity_id")])
    table = table.take(order).combine_chunks()
    unfinished = place / f"{new_id().hex}.tmp"
    try:
        with pa.OSFile(str(unfinished), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        unfinished.replace(place / f"{part.first}-{'whole' if with_body else 'columns'}.arrow")
    except FileNotFoundError:
        find_copy(folder, copy.name)
        raise
    return table


def before_bucket(table: pa.Table, end: int) -> pa.Table:
    """Only the activities of customers in buckets before ``end``."""
    return table.filter(pa.array(buckets_of(table["customer_id"]) < end))


def _plan(activities: int) -> tuple[Part, ...]:
    """Parts of about as many activities, the first of them the sample's."""
    each = max(1, min(FIRST_BUCKETS, BUCKETS * PART_ACTIVITIES // max(activities, 1)))
    if activities * FIRST_BUCKETS // BUCKETS <= PART_ACTIVITIES:
        wide = max(FIRST_BUCKETS, BUCKETS * PART_ACTIVITIES // max(activities, 1))
        rest = [Part(first, min(first + wide, BUCKETS)) for first in range(FIRST_BUCKETS, BUCKETS, wide)]
        return (Part(0, FIRST_BUCKETS), *rest)
    return tuple(Part(first, min(first + each, BUCKETS)) for first in range(0, BUCKETS, each))


def _copies(folder: Path) -> list[Copy]:
    found = []
    for place in (folder / "history").glob("*/copy.json"):
        try:
            found.append(find_copy(folder, place.parent.name))
        except HistoryGone:
            continue
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
