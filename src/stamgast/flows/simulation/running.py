"""A simulation as a run that is kept: begun, taken on a part at a time by whoever asks, stopped, and read meanwhile.

Buckets of customers come in the same order each time and are a random sample, so what is known on the way is an estimate of
all, with an interval that narrows, and at the end is all. Nothing runs when nobody asks: a page that is closed stops it.
"""

import fcntl
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stamgast.activities.queries import count_happened
from stamgast.flows.history import needs_body
from stamgast.flows.simulation.errors import InvalidSimulation, UnknownSimulation
from stamgast.flows.simulation.keeping import Copy, Part, before_bucket, open_copy, read_part
from stamgast.flows.weigh_programme import ALWAYS, balances_at, named_for_segments, propose
from stamgast.insights.simulation import given_by_cell, given_by_customer, members_by_month, tiers_at
from stamgast.kit.database import Cursor
from stamgast.kit.ids import BUCKETS, new_id
from stamgast.lake.manifest import write_whole
from stamgast.programmes.compiling import to_microseconds
from stamgast.programmes.deciding import decide
from stamgast.programmes.programme import Programme, compile_programme
from stamgast.programmes.queries import get_programme
from stamgast.segments.queries import get_segment, membership_test

KEPT = timedelta(days=1)
"""How long a run can be read again."""
SEGMENT = "loyal-customers"
SMALLEST_SAMPLE = 0.01
SIDES = ("before", "after")


class State(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class Asked(msgspec.Struct, frozen=True):
    """What a simulation is of. ``since``: the draft takes effect then, and only what occurs from then on counts; None: it takes
    the place of every version. ``sample``: the share of customers to end with. ``worths``: what one of a currency costs, in
    money, as decimal text. ``redemption``: the share in hundredths of a percent that is redeemed; None: as the history fits."""

    document: str
    since: datetime | None = None
    until: datetime | None = None
    sample: float = 1.0
    redemption: int | None = 8_000
    worths: Mapping[str, str] = {}


class Members(msgspec.Struct, frozen=True):
    """How many of those who were gone through hold a level at the end of a month, by either programme."""

    tier: str
    month: int
    before: int
    after: int


class Run(msgspec.Struct, frozen=True):
    """How far a run is. The counts are of the customers in the buckets before ``end``. ``only_counted``: the currencies that
    either side does not let be spent."""

    id: UUID
    asked: Asked
    copy: Copy
    programme: str
    in_force: int
    began_at: datetime
    actor: str
    state: State = State.RUNNING
    done: int = 0
    end: int = 0
    activities: int = 0
    seconds: float = 0.0
    loyal: Mapping[str, int] = {}
    moved: int = 0
    members: tuple[Members, ...] = ()
    only_counted: Mapping[str, tuple[str, ...]] = {}

    @property
    def last_bucket(self) -> int:
        """Where the run ends: buckets before this one are the sample that was asked for."""
        return BUCKETS if self.asked.sample >= 1 else max(1, round(self.asked.sample * BUCKETS))

    @property
    def parts(self) -> list[Part]:
        """The parts of the copy that it goes through."""
        return [part for part in self.copy.parts if part.first < self.last_bucket]

    @property
    def customers(self) -> int:
        """Everybody for whom something was decided."""
        return sum(self.copy.customers)

    @property
    def looked_at(self) -> int:
        """Those who were gone through."""
        return sum(self.copy.customers[: self.end])

    @property
    def is_estimate(self) -> bool:
        """Whether not everybody was gone through."""
        return self.looked_at < self.customers

    @property
    def until(self) -> datetime:
        """Up to when activities count."""
        return min(self.asked.until or self.copy.read_at, self.copy.read_at)


def begin(cursor: Cursor, folder: Path, asked: Asked, *, at: datetime, actor: str, is_fresh: bool = False) -> Run:
    """A new run, of which nothing was worked out yet. Raises InvalidProgramme, InvalidSimulation."""
    in_force = get_programme(cursor)
    proposed = propose(in_force, asked.document, effective_from=asked.since, at=at)
    _refuse_unknown(asked.worths, proposed, in_force)
    if asked.since is not None and asked.since >= (asked.until or at):
        raise InvalidSimulation(
            "The simulation ends before it begins. Choose a first day that lies before the last.", wrong="simulated days"
        )
    if not SMALLEST_SAMPLE <= asked.sample <= 1:
        raise InvalidSimulation("A sample is from 0.01 to 1 of all customers: 0.1 is one in ten.")
    _remove_old(folder, at)
    activities = count_happened(cursor, since=ALWAYS)
    copy = open_copy(cursor, folder, in_force, activities, at=at, is_fresh=is_fresh)
    run = Run(new_id(), asked, copy, in_force.name, in_force.latest, at, actor)
    sides = zip(SIDES, (in_force, proposed), strict=True)
    run = msgspec.structs.replace(run, only_counted={side: _only_counted(one, run.until) for side, one in sides})
    _write(folder, run)
    return run


def find_run(folder: Path, id_: UUID) -> Run:
    """A run as far as it is; raises UnknownSimulation."""
    try:
        return msgspec.json.decode((_place(folder, id_) / "run.json").read_bytes(), type=Run)
    except (FileNotFoundError, msgspec.DecodeError):
        raise UnknownSimulation("There is no such simulation any more. They are kept for a day: start it once more.") from None


def take_on(cursor: Cursor, folder: Path, id_: UUID, *, at: datetime) -> Run:
    """Works out the next part; a run that is done or stopped stays what it is. Two at once do one part each once.

    Raises UnknownSimulation, HistoryGone.
    """
    with _alone(_place(folder, id_)):
        run = find_run(folder, id_)
        if run.state is not State.RUNNING:
            return run
        began = time.monotonic()
        part = run.parts[run.done]
        in_force = _in_force(cursor, run)
        proposed = propose(in_force, run.asked.document, effective_from=run.asked.since, at=run.copy.read_at)
        with_body = needs_body(in_force) or needs_body(proposed)
        table = read_part(cursor, folder, run.copy, part, in_force, with_body=with_body)
        end = min(part.end, run.last_bucket)
        if end < part.end:
            table = before_bucket(table, end)
        both = {name: decide(one, None, table, until=run.until) for name, one in zip(SIDES, (in_force, proposed), strict=True)}
        decided = {name: one.table for name, one in both.items()}
        _keep_part(folder, run, decided, in_force.timezone)
        moved = _keep_tiers(folder, run, {name: one.tiers for name, one in both.items()})
        members = {
            name: members_by_month(one.tiers, in_force.timezone, until=to_microseconds(run.until)) for name, one in both.items()
        }
        run = msgspec.structs.replace(
            run,
            state=State.DONE if run.done + 1 == len(run.parts) else State.RUNNING,
            done=run.done + 1,
            end=end,
            activities=run.activities + table.num_rows,
            seconds=run.seconds + time.monotonic() - began,
            loyal=_count_loyal(cursor, run, decided),
            moved=run.moved + moved,
            members=_added(run.members, members),
        )
        _write(folder, run)
        return run


def stop(folder: Path, id_: UUID) -> Run:
    """Takes the run on no further; what is known stays. Raises UnknownSimulation."""
    with _alone(_place(folder, id_)):
        run = find_run(folder, id_)
        if run.state is State.RUNNING:
            run = msgspec.structs.replace(run, state=State.STOPPED)
            _write(folder, run)
        return run


def read_kept(folder: Path, run: Run, name: str) -> pa.Table:
    """The ``cells``, ``people`` or ``tiers`` of the parts that are done, of both sides."""
    place = _place(folder, run.id)
    try:
        tables = [pa.ipc.open_file(pa.memory_map(str(place / f"{name}-{part}.arrow"))).read_all() for part in range(run.done)]
    except FileNotFoundError:
        find_run(folder, run.id)
        raise
    return pa.concat_tables(tables)


def _refuse_unknown(worths: Mapping[str, str], proposed: Programme, in_force: Programme) -> None:
    known = dict.fromkeys(name for one in (proposed, in_force) for document in one.documents for name in document.currencies)
    for currency in worths:
        if currency not in known:
            raise InvalidSimulation(
                f"Neither the draft nor the programme in force has a currency {currency[:80]!r}. They have {', '.join(known)}.",
                wrong="worth of unknown",
                currency=currency[:80],
                known=", ".join(known),
            )


def _only_counted(programme: Programme, until: datetime) -> tuple[str, ...]:
    """The currencies that cannot be spent, by the last version until then that has them."""
    stated = {
        name: currency
        for start, place in zip(programme.starts, programme.in_force, strict=True)
        if start <= to_microseconds(until)
        for name, currency in programme.documents[place].currencies.items()
    }
    return tuple(name for name, currency in stated.items() if not currency.is_spendable)


def _in_force(cursor: Cursor, run: Run) -> Programme:
    """The programme as it was when the run began: what is published meanwhile would compare parts with each other."""
    known = get_programme(cursor, run.programme)
    if known.latest == run.in_force:
        return known
    return compile_programme([one for one in known.versions if one.version <= run.in_force])


def _keep_part(folder: Path, run: Run, decided: Mapping[str, pa.Table], zone: str) -> None:
    since = None if run.asked.since is None else to_microseconds(run.asked.since)
    until = to_microseconds(run.until)
    cells = [_with_side(given_by_cell(table, zone, since=since, until=until), side) for side, table in decided.items()]
    _write_table(_place(folder, run.id) / f"cells-{run.done}.arrow", pa.concat_tables(cells))
    before, after = (given_by_customer(table, since=since, until=until) for table in decided.values())
    joined = before.join(after, ["customer_id", "currency"], join_type="full outer", right_suffix="_after")
    columns: dict[str, Any] = {
        "customer_id": joined["customer_id"].cast(pa.binary(16)),
        "currency": joined["currency"],
        "before": pc.fill_null(joined["points"], pa.scalar(0)),
        "after": pc.fill_null(joined["points_after"], pa.scalar(0)),
    }
    differing = pa.table(columns).filter(pc.field("before") != pc.field("after"))
    _write_table(_place(folder, run.id) / f"people-{run.done}.arrow", differing)


def _keep_tiers(folder: Path, run: Run, stays: Mapping[str, pa.Table]) -> int:
    """Keeps whose level at the end is another by the draft; returns how many they are."""
    before, after = (tiers_at(one, until=to_microseconds(run.until)) for one in stays.values())
    moved = sorted(who for who in before.keys() | after.keys() if before.get(who) != after.get(who))
    columns: dict[str, Any] = {
        "customer_id": pa.array(moved, pa.binary(16)),
        "before": pa.array([before.get(who) for who in moved], pa.string()),
        "after": pa.array([after.get(who) for who in moved], pa.string()),
    }
    _write_table(_place(folder, run.id) / f"tiers-{run.done}.arrow", pa.table(columns))
    return len(moved)


def _added(known: Sequence[Members], found: Mapping[str, Mapping[tuple[str, int], int]]) -> tuple[Members, ...]:
    """The members of one part more."""
    before, after = (Counter(found[side]) for side in SIDES)
    for one in known:
        before[one.tier, one.month] += one.before
        after[one.tier, one.month] += one.after
    return tuple(Members(*key, before[key], after[key]) for key in sorted(before.keys() | after.keys()))


def _with_side(table: pa.Table, side: str) -> pa.Table:
    return table.append_column("side", pa.array([side] * table.num_rows, pa.string()))


def _count_loyal(cursor: Cursor, run: Run, decided: Mapping[str, pa.Table]) -> dict[str, int]:
    """How many customers were loyal by either programme at the end, and how many enter and leave; added to those before."""
    is_in = membership_test(get_segment(cursor, SEGMENT))
    members = {
        side: {who for who, held in balances_at(table, run.until).items() if is_in(named_for_segments(held))}
        for side, table in decided.items()
    }
    before, after = members["before"], members["after"]
    found = {
        "before": len(before), "after": len(after), "entering": len(after - before), "leaving": len(before - after),
    }  # fmt: skip
    return {name: run.loyal.get(name, 0) + count for name, count in found.items()}


def _place(folder: Path, id_: UUID) -> Path:
    return folder / "runs" / id_.hex


def _write(folder: Path, run: Run) -> None:
    write_whole(_place(folder, run.id) / "run.json", msgspec.json.encode(run))


def _write_table(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _remove_old(folder: Path, at: datetime) -> None:
    for place in (folder / "runs").glob("*/run.json"):
        if datetime.fromtimestamp(place.stat().st_mtime, at.tzinfo) < at - KEPT:
            shutil.rmtree(place.parent, ignore_errors=True)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One at a time takes a run on."""
    if not place.is_dir():
        raise UnknownSimulation("There is no such simulation any more. They are kept for a day: start it once more.")
    with (place / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
