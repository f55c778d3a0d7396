"""A programme that can decide: all its versions, compiled into small arrays. Pure; knows no database and no clock.

Each version is in force from its ``effective_from`` until that of the next in time. An activity is decided under the version
in force when it occurred, so that publishing a version changes nothing that occurred before it takes effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stamgast.activities.orders import REFERRING_KINDS
from stamgast.conditions import Condition, kinds_of
from stamgast.conditions.fields import PropertyField, TextColumn
from stamgast.conditions.money import MONEY_DIGITS
from stamgast.kit.zones import DAY, Microseconds, to_local
from stamgast.programmes.compiling import Compiler, to_microseconds
from stamgast.programmes.documents import load
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.layout import DAY_PERIOD
from stamgast.programmes.slots import LARGEST, ROUNDINGS, SPEND, TURNS, Base, Gate, Kind, Slot, ratio_of
from stamgast.programmes.terms import Document, Period
from stamgast.programmes.types import ACTIVITIES, Version

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class Programme:
    """Every version of one programme. ``slots`` of version ``i`` are ``slots[slot_starts[i]:slot_starts[i + 1]]``, first what
    gives, then what multiplies, then cards; ``gates`` likewise. ``values`` are what challenges tell apart."""

    name: str
    versions: tuple[Version, ...]
    documents: tuple[Document, ...]
    starts: Microseconds
    in_force: npt.NDArray[np.int64]
    slots: tuple[Slot, ...]
    slot_starts: npt.NDArray[np.int64]
    gates: tuple[Gate, ...]
    gate_starts: npt.NDArray[np.int64]
    bases: tuple[Base, ...]
    values: tuple[TextColumn | PropertyField, ...]
    counters: tuple[str, ...]
    periods: tuple[tuple[str, Period], ...]
    currencies: tuple[str, ...]
    seen_starts: npt.NDArray[np.int64]
    level_names: tuple[str, ...]

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
        for field in self.values:
            used |= field.columns
        return tuple(sorted(used))

    @property
    def reads_birthdays(self) -> bool:
        """Whether any version asks in which month the customer was born."""
        return "birth_month" in self.columns

    @cached_property
    def tests(self) -> tuple[Condition, ...]:
        """What bases ask of an activity, each condition once."""
        return tuple(dict.fromkeys(base.when for base in self.bases if not base.reads_lines))

    @cached_property
    def unnamed(self) -> dict[str, npt.NDArray[np.int64]]:
        """For each kind that tells of an earlier order the places of the bases whose condition does not name it."""
        named = [kinds_of(base.when) for base in self.bases]
        return {
            kind: np.array([place for place, names in enumerate(named) if kind not in names], np.int64)
            for kind in REFERRING_KINDS
        }

    @cached_property
    def sql(self) -> str:
        """Stage 1 as one DuckDB statement over the relation ``activities``: whether each of ``tests`` holds, then the bases
        that read lines, then two columns for each of ``values``."""
        import ibis

        fields = [ACTIVITIES.field(name) for name in self.columns if name in ACTIVITIES.names]
        local = [pa.field(name, pa.timestamp("us")) for name in self.columns if name not in ACTIVITIES.names]
        digits = [pa.field(MONEY_DIGITS, pa.int8())] if "currency" in self.columns else []
        table = ibis.table(ibis.Schema.from_pyarrow(pa.schema([*fields, *local, *digits])), name="activities")
        values: dict[str, ibis.Value] = {f"test{place}": test.expression(table) for place, test in enumerate(self.tests)}
        of_lines = [base for base in self.bases if base.reads_lines]
        values |= {f"base{place}": _express(base, table) for place, base in enumerate(of_lines)}
        for position, field in enumerate(self.values):
            values[f"text{position}"], values[f"number{position}"] = field.identities(table)
        return str(ibis.to_sql(table.select(**values), dialect="duckdb", pretty=False))

    @cached_property
    def numbers(self) -> npt.NDArray[np.int64]:
        """One row a slot, with the columns that ``accrual`` names. What the sequential pass reads."""
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
                slot.kind,
                slot.gate,
                self.currencies.index(slot.currency),
                slot.factor.numerator,
                slot.factor.denominator,
                self.documents[slot.version].stacking == "standing",
                self.currencies.index(slot.source) if slot.source is not None else 0,
                slot.per_milli,
                slot.tier,
            )
            for slot in self.slots
        ]
        return np.array(rows, np.int64).reshape(len(rows), 17)

    @cached_property
    def turns(self) -> npt.NDArray[np.int64]:
        """One row a gate, with the columns that ``accrual`` names."""
        rows = [
            (
                TURNS.index(gate.turn.kind),
                gate.base,
                gate.turn.count,
                gate.counter,
                gate.period,
                gate.value,
                gate.seen,
                gate.begins_at,
                gate.ends_at,
            )
            for gate in self.gates
        ]
        return np.array(rows, np.int64).reshape(len(rows), 9)

    @cached_property
    def has_tiers(self) -> bool:
        """Whether any version has tiers."""
        return any(document.tiers is not None for document in self.documents)

    @cached_property
    def tiers(self) -> npt.NDArray[np.int64]:
        """One row a version, with the columns that ``tiering`` names."""
        rows = np.zeros((len(self.documents), 12), np.int64)
        first = 0
        for row, document in zip(rows, self.documents, strict=True):
            tiers = document.tiers
            if self.has_tiers:
                row[DAY_PERIOD] = self.periods.index((document.timezone, "day"))
            if tiers is not None:
                qualify = self.currencies.index(tiers.currency or SPEND)
                grace = (tiers.grace.days, tiers.grace.months) if tiers.grace is not None else (0, 0)
                row[:DAY_PERIOD] = (
                    *(1, qualify, tiers.is_rolling, tiers.months, tiers.days, tiers.first_month),
                    *(*grace, tiers.is_soft, first, first + len(tiers.levels)),
                )
                first += len(tiers.levels)
        return rows

    @cached_property
    def levels(self) -> npt.NDArray[np.int64]:
        """One row a level of a version: its number, its threshold and the base of its invitation, -1 where there is none."""
        rows = [
            (
                self.level_names.index(level.name),
                -1 if level.threshold is None else level.threshold,
                -1 if level.invited is None else self.bases.index(Base(level.invited, "once", None)),
            )
            for document in self.documents
            if document.tiers is not None
            for level in document.tiers.levels
        ]
        return np.array(rows, np.int64).reshape(len(rows), 3)

    @cached_property
    def ranks(self) -> npt.NDArray[np.int64]:
        """For each version and number of a level its rank there, -1 where the version does not have it."""
        ranks = np.full((len(self.documents), len(self.level_names)), -1, np.int64)
        for row, document in zip(ranks, self.documents, strict=True):
            for rank, level in enumerate(document.tiers.levels if document.tiers is not None else ()):
                row[self.level_names.index(level.name)] = rank
        return ranks

    @cached_property
    def timeline(self) -> npt.NDArray[np.int64]:
        """From which local day on each version is in force, in order, and its place in ``versions``."""
        rows = np.zeros((len(self.starts), 2), np.int64)
        for row, start, place in zip(rows, self.starts, self.in_force, strict=True):
            local = to_local(self.documents[place].timezone, np.array([start], np.int64))
            row[:] = -(-int(local[0]) // DAY), place
        rows[:, 0] = np.maximum.accumulate(rows[:, 0])
        return rows

    @cached_property
    def memories(self) -> dict[int, int]:
        """Of each counter of a challenge the place from which on its values are kept."""
        return {gate.counter: gate.seen for gate in self.gates if gate.turn.kind == "challenge"}

    def ratios(self, currencies: Sequence[str | None]) -> npt.NDArray[np.int64]:
        """For each slot and currency of money the fraction, in lowest terms, that makes units of ``per`` of minor units."""
        ratios = np.ones((len(self.slots), len(currencies), 2), np.int64)
        for place, slot in enumerate(self.slots):
            for column, currency in enumerate(currencies):
                if slot.per_milli and slot.kind == Kind.GIVE:
                    ratios[place, column] = ratio_of(slot, currency)
        return ratios


def compile_programme(versions: Sequence[Version]) -> Programme:
    """The programme of these versions, of one name, in any order."""
    if not versions:
        raise InvalidProgramme("A programme has at least one version.")
    ordered = tuple(sorted(versions, key=lambda version: version.version))
    documents = tuple(load(version.document) for version in ordered)
    timeline = sorted((version.effective_from, place) for place, version in enumerate(ordered))
    compiler = Compiler()
    has_tiers = any(document.tiers is not None for document in documents)
    for place, document in enumerate(documents):
        compiler.add(place, document)
        if has_tiers:
            compiler.count_days(document.timezone)
    return Programme(
        name=ordered[0].programme,
        versions=ordered,
        documents=documents,
        starts=np.array([to_microseconds(moment) for moment, _ in timeline], np.int64),
        in_force=np.array([place for _, place in timeline], np.int64),
        slots=tuple(compiler.slots),
        slot_starts=np.array(compiler.slot_starts, np.int64),
        gates=tuple(compiler.gates),
        gate_starts=np.array(compiler.gate_starts, np.int64),
        bases=tuple(compiler.bases),
        values=tuple(compiler.values),
        counters=tuple(compiler.counters),
        periods=tuple(compiler.periods),
        currencies=tuple(compiler.currencies),
        seen_starts=np.array(compiler.seen_starts, np.int64),
        level_names=tuple(compiler.levels),
    )


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


def _express(base: Base, table: "ibis.Table") -> "ibis.Value":
    """One base that reads lines, as an Ibis expression."""
    lines = base.lines.line_expression(table) if base.lines is not None else table.lines.filter(lambda line: line.notnull())
    value = lines.map(lambda line: line.amount_minor if base.of == "amount" else line.quantity).sums()
    return base.when.expression(table).ifelse(value, 0).fill_null(0).clip(0, LARGEST)
