"""A programme that can decide: all its versions, compiled into small arrays. Pure; knows no database and no clock.

Each version is in force from its ``effective_from`` until that of the next in time. An activity is decided under the version
in force when it occurred, so that publishing a version changes nothing that occurred before it takes effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from math import gcd

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stamgast.conditions import Condition
from stamgast.conditions.fields import digits_of
from stamgast.conditions.tree import AnyLine
from stamgast.kit.zones import DAY, Microseconds, to_local
from stamgast.programmes.documents import load
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.expiry import NEVER, Expiry
from stamgast.programmes.terms import MILLI, Document, Measure, Period, Rounding
from stamgast.programmes.types import ACTIVITIES, Version

LARGEST = 10**15
"""The most that one rule gives for one activity, and the largest amount in minor units that is looked at."""
NO_COUNTER = -1
ALWAYS = np.iinfo(np.int64).min
ROUNDINGS: tuple[Rounding, ...] = ("down", "nearest", "up")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Base:
    """What stage 1 computes for each activity: where ``when`` holds, one, the amount or the quantity, of all lines or of some;
    else zero. Never below zero or above ``LARGEST``."""

    when: Condition
    of: Measure
    lines: AnyLine | None


@dataclass(frozen=True, slots=True)
class Slot:
    """One rule's give of one currency in one version. ``per_milli`` is zero where it gives once. It holds from ``begins_at`` on
    and before ``ends_at``, in microseconds."""

    rule: str
    currency: str
    version: int
    base: int
    amount: int
    per_milli: int
    rounding: Rounding
    cap: int
    cap_period: Period | None
    counter: int
    zone: str
    expiry: Expiry | None
    pending: Expiry | None
    begins_at: int
    ends_at: int
    measure: Measure


@dataclass(frozen=True)
class Programme:
    """Every version of one programme. ``slots`` of version ``i`` are ``slots[slot_starts[i]:slot_starts[i + 1]]``."""

    name: str
    versions: tuple[Version, ...]
    documents: tuple[Document, ...]
    starts: Microseconds
    in_force: npt.NDArray[np.int64]
    slots: tuple[Slot, ...]
    slot_starts: npt.NDArray[np.int64]
    bases: tuple[Base, ...]
    counters: tuple[str, ...]

    @property
    def latest(self) -> int:
        """The number of the newest version, in force or not."""
        return self.versions[-1].version

    @property
    def timezone(self) -> str:
        """The zone of the newest version."""
        return self.documents[-1].timezone

    def version_at(self, occurred_at: Microseconds) -> npt.NDArray[np.int64]:
        """The place in ``versions`` of the one in force at each moment, or -1 before the first."""
        found = np.searchsorted(self.starts, occurred_at, side="right") - 1
        result: npt.NDArray[np.int64] = np.where(found < 0, -1, self.in_force[found])
        return result

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of ACTIVITIES that stage 1 reads, and of local times."""
        used = {"amount_minor"}
        for base in self.bases:
            used |= base.when.columns | (base.lines.columns if base.lines else frozenset())
            used |= {"lines"} if base.of == "quantity" else set()
        return tuple(sorted(used))

    @cached_property
    def sql(self) -> str:
        """Stage 1 as one DuckDB statement over the relation ``activities``."""
        fields = [ACTIVITIES.field(name) for name in self.columns if name in ACTIVITIES.names]
        local = [pa.field(name, pa.timestamp("us")) for name in self.columns if name not in ACTIVITIES.names]
        table = ibis.table(ibis.Schema.from_pyarrow(pa.schema([*fields, *local])), name="activities")
        values = {f"base{position}": _express(base, table) for position, base in enumerate(self.bases)}
        return str(ibis.to_sql(table.select(**values), dialect="duckdb"))

    @cached_property
    def periods(self) -> tuple[tuple[str, Period], ...]:
        """The pairs of zone and period that caps count in."""
        return tuple(dict.fromkeys((slot.zone, slot.cap_period) for slot in self.slots if slot.cap_period is not None))

    @cached_property
    def numbers(self) -> npt.NDArray[np.int64]:
        """One row a slot: base, amount, rounding, cap, counter, place in ``periods``, first moment, moment of its end.
        What the sequential pass reads."""
        places = {pair: place for place, pair in enumerate(self.periods)}
        rows = [
            (
                slot.base,
                slot.amount,
                ROUNDINGS.index(slot.rounding),
                slot.cap,
                slot.counter,
                places[slot.zone, slot.cap_period] if slot.cap_period is not None else 0,
                slot.begins_at,
                slot.ends_at,
            )
            for slot in self.slots
        ]
        return np.array(rows, np.int64).reshape(len(rows), 8)

    def ratios(self, currencies: Sequence[str | None]) -> npt.NDArray[np.int64]:
        """For each slot and currency of money the fraction, in lowest terms, that makes units of ``per`` of minor units."""
        ratios = np.ones((len(self.slots), len(currencies), 2), np.int64)
        for place, slot in enumerate(self.slots):
            for column, currency in enumerate(currencies):
                if slot.per_milli:
                    ratios[place, column] = ratio_of(slot, currency)
        return ratios


def ratio_of(slot: Slot, currency: str | None) -> tuple[int, int]:
    """Of 1.00 EUR: one unit for each hundred minor units, so 1 / 100. Pieces have no minor units."""
    divisor = slot.per_milli * (1 if slot.measure == "quantity" else 10 ** digits_of(currency))
    shared = gcd(MILLI, divisor)
    return MILLI // shared, divisor // shared


def period_numbers(zone: str, period: Period, occurred_at: Microseconds) -> npt.NDArray[np.int64]:
    """Which local day, ISO week, month or year each moment is in, as a number that grows with time."""
    if period == "lifetime":
        return np.zeros(len(occurred_at), np.int64)
    days = to_local(zone, occurred_at) // DAY
    if period == "day":
        return days
    if period == "week":
        result: npt.NDArray[np.int64] = (days + 3) // 7
        return result
    return days.view("datetime64[D]").astype("datetime64[Y]" if period == "year" else "datetime64[M]").astype(np.int64)


def compile_programme(versions: Sequence[Version]) -> Programme:
    """The programme of these versions, of one name, in any order."""
    if not versions:
        raise InvalidProgramme("A programme has at least one version.")
    ordered = tuple(sorted(versions, key=lambda version: version.version))
    documents = tuple(load(version.document) for version in ordered)
    timeline = sorted((version.effective_from, place) for place, version in enumerate(ordered))
    slots: list[Slot] = []
    slot_starts = [0]
    bases: dict[Base, int] = {}
    counters: dict[str, int] = {}
    for place, document in enumerate(documents):
        for rule in document.rules:
            for give in rule.gives:
                base = bases.setdefault(Base(rule.when, give.of, give.lines), len(bases))
                cap = rule.caps.get(give.currency)
                counter = NO_COUNTER
                if cap is not None:
                    counter = counters.setdefault(f"{rule.name}/{give.currency}/{rule.cap_period}", len(counters))
                slots.append(
                    Slot(
                        rule=rule.name,
                        currency=give.currency,
                        version=place,
                        base=base,
                        amount=give.amount,
                        per_milli=give.per_milli or 0,
                        rounding=document.rounding,
                        cap=cap or 0,
                        cap_period=rule.cap_period if cap is not None else None,
                        counter=counter,
                        zone=document.timezone,
                        expiry=document.currencies[give.currency].expiry,
                        pending=document.currencies[give.currency].pending,
                        begins_at=ALWAYS if rule.begins_at is None else to_microseconds(rule.begins_at),
                        ends_at=NEVER if rule.ends_at is None else to_microseconds(rule.ends_at),
                        measure=give.of,
                    )
                )
        slot_starts.append(len(slots))
    return Programme(
        name=ordered[0].programme,
        versions=ordered,
        documents=documents,
        starts=np.array([to_microseconds(moment) for moment, _ in timeline], np.int64),
        in_force=np.array([place for _, place in timeline], np.int64),
        slots=tuple(slots),
        slot_starts=np.array(slot_starts, np.int64),
        bases=tuple(bases),
        counters=tuple(counters),
    )


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970 in UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _express(base: Base, table: ibis.Table) -> ibis.Value:
    """One base as an Ibis expression."""
    holds = base.when.expression(table)
    if base.of == "once":
        return holds.ifelse(1, 0)
    value = table.amount_minor
    if base.lines is not None or base.of == "quantity":
        lines = base.lines.line_expression(table) if base.lines is not None else table.lines.filter(lambda line: line.notnull())
        value = lines.map(lambda line: line.amount_minor if base.of == "amount" else line.quantity).sums()
    return holds.ifelse(value, 0).fill_null(0).clip(0, LARGEST)
