"""Works out the computed traits of all customers, in sets, and keeps the values for lists and filters.

What reads neither properties nor lines is read from the lake, in one pass of DuckDB; the rest from PostgreSQL, some thousand
customers at a time, because the lake has no messages. Both give one expression the columns that live reading has.
"""

import fcntl
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
from django.conf import settings

from stamgast.conditions import local_column
from stamgast.customers.erasure.queries import list_erased
from stamgast.customers.queries import list_ids
from stamgast.flows.compute_traits import definitions_of, read_rows
from stamgast.insights.decided import decided
from stamgast.insights.orders import local_in_zone
from stamgast.kit.database import open_cursor, transaction
from stamgast.lake.errors import LakeNotThere
from stamgast.lake.manifest import get_manifest
from stamgast.lake.reading import keep, open_lake
from stamgast.traits.definition import Definition
from stamgast.traits.operations import forget_removed, keep_values
from stamgast.traits.queries import get_standing, list_all_traits
from stamgast.traits.sets import compute_all, expression, values_of
from stamgast.traits.types import Trait, Value

CHUNK = 2_000
REST = 20
"""What took a second is not worked out again within this many, unless its definition or the day changed."""


def traits_folder() -> Path:
    """Where this works: in the data folder."""
    return Path(settings.CONFIGURATION.data) / "traits"


def refresh_traits(
    lake: Path,
    folder: Path,
    *,
    zone: str,
    currency: str,
    at: datetime,
    rest: int = REST,
    progress: Callable[[int], None] = lambda customers: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Works out what is due: another definition, another day, or another state of the lake. Returns how many traits were.

    ``progress`` is told of customers that were looked at. One process at a time; another returns at once. Stopped or killed
    anywhere, each trait has its former values or its new ones. ``folder`` is for what does not fit in memory. Raises
    LakeNotThere.
    """
    with open_cursor() as cursor:
        traits = list_all_traits(cursor)
    with transaction() as cursor:
        forget_removed(cursor)
    if not traits:
        return 0
    manifest = get_manifest(lake)
    if manifest.exported_at is None:
        raise LakeNotThere("Nothing has been exported to the lake yet. The worker does it every minute once it runs.")
    day = at.astimezone(ZoneInfo(zone)).date()
    state = f"{manifest.begun_at.isoformat()}/{manifest.version} {day} {zone}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "traits.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        due = [trait for trait in traits if _is_due(trait, state, at, rest)]
        definitions = definitions_of(due, zone=zone, currency=currency)
        pairs = list(zip(due, definitions, strict=True))
        done = _refresh_from_lake([pair for pair in pairs if not pair[1].needs_body], lake, folder, state, at, should_stop)
        return done + _refresh_from_messages(
            [pair for pair in pairs if pair[1].needs_body], state, at, progress, should_stop
        )  # fmt: skip


def _is_due(trait: Trait, state: str, at: datetime, rest: int) -> bool:
    with open_cursor() as cursor:
        standing = get_standing(cursor, trait.name)
    if standing.version != trait.version or standing.at is None:
        return True
    is_rested = at >= standing.at + timedelta(seconds=standing.seconds * rest)
    is_of_today = standing.of.partition(" ")[2] == state.partition(" ")[2]
    return standing.of != state and (is_rested or not is_of_today)


def _refresh_from_lake(
    due: Sequence[tuple[Trait, Definition]],
    lake: Path,
    folder: Path,
    state: str,
    at: datetime,
    should_stop: Callable[[], bool],
) -> int:
    if not due:
        return 0
    scratch = folder / "scratch"
    try:
        began = time.monotonic()
        activities, people = _open(lake, scratch, [definition for _, definition in due])
        opening = (time.monotonic() - began) / len(due)
        for done, (trait, definition) in enumerate(due):
            if should_stop():
                return done
            began = time.monotonic()
            values = _of_lake(definition, activities, people, at)
            _keep(trait, values, state, at, opening + time.monotonic() - began)
        return len(due)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _open(lake: Path, scratch: Path, definitions: Sequence[Definition]) -> tuple[ir.Table, ir.Table]:
    """Everybody's activities as deciding sees them, under numbers of customers, and whose the numbers are."""
    tables = open_lake(lake, scratch=scratch)
    links = tables["links"]
    number = (ibis.dense_rank().over(order_by=links.customer_id) + 1).cast("int32")
    numbered = keep(links.select("anchor_id", person=links.customer_id, customer_id=number), "trait_links")
    activities = decided(tables["activities"], numbered.drop("person"))
    columns = frozenset[str]().union(*(definition.columns for definition in definitions))
    zones = {definition.zone for definition in definitions if local_column(definition.zone) in columns}
    wanted = columns & set(activities.columns)
    needs_turn = any(definition.taking is not None for definition in definitions)
    activities = activities.select(
        "customer_id",
        "occurred_at",
        *sorted(wanted - {"occurred_at"}),
        *(("activity_id",) if needs_turn else ()),
        **{local_column(zone): local_in_zone(activities.occurred_at, zone) for zone in zones},
    )
    return keep(activities, "trait_activities"), numbered.select("customer_id", "person").distinct()


def _of_lake(definition: Definition, activities: ir.Table, people: ir.Table, at: datetime) -> list[tuple[UUID, Value]]:
    found = expression(definition, activities, at).join(people, "customer_id").drop("customer_id")
    rows: Any = found.rename(customer_id="person").to_pyarrow()
    return [(UUID(customer), value) for customer, value in values_of(definition, rows, at, is_kept=True)]


def _refresh_from_messages(
    due: Sequence[tuple[Trait, Definition]],
    state: str,
    at: datetime,
    progress: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> int:
    if not due:
        return 0
    definitions = [definition for _, definition in due]
    began = time.monotonic()
    found: dict[str, list[tuple[UUID, Value]]] = {definition.name: [] for definition in definitions}
    after: UUID | None = UUID(int=0)
    while after is not None:
        if should_stop():
            return 0
        with open_cursor() as cursor:
            customers = list_ids(cursor, after=after, limit=CHUNK)
            rows = read_rows(cursor, customers, definitions)
        for name, values in compute_all(definitions, rows, at, is_kept=True).items():
            found[name] += [(UUID(bytes=customer), value) for customer, value in values.items()]
        progress(len(customers))
        after = customers[-1] if len(customers) == CHUNK else None
    seconds = (time.monotonic() - began) / len(due)
    for trait, definition in due:
        _keep(trait, found.pop(definition.name), state, at, seconds)
    return len(due)


def _keep(trait: Trait, values: Sequence[tuple[UUID, Value]], state: str, at: datetime, seconds: float) -> None:
    with transaction() as cursor:
        keep_values(
            cursor, trait.name, trait.version, values, but=list_erased(cursor), of=state, at=at, seconds=seconds
        )  # fmt: skip
