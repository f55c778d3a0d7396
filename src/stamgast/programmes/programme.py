"""A programme that can decide: all its versions, compiled into small arrays. Pure; knows no database and no clock.

Each version is in force from its ``effective_from`` until that of the next in time. An activity is decided under the version
in force when it occurred, so that publishing a version changes nothing that occurred before it takes effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stamgast.conditions.fields import PropertyField, TextColumn
from stamgast.kit.zones import DAY, Microseconds, to_local
from stamgast.programmes.documents import load
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.expiry import NEVER
from stamgast.programmes.slots import (
    ALWAYS,
    LARGEST,
    MOST_DIFFERENT,
    NO_COUNTER,
    NO_GATE,
    ROUNDINGS,
    TURNS,
    Base,
    Gate,
    Kind,
    Slot,
    ratio_of,
)
from stamgast.programmes.terms import Document, Period, Rule
from stamgast.programmes.types import ACTIVITIES, Version

T = TypeVar("T")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


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

    @cached_property
    def sql(self) -> str:
        """Stage 1 as one DuckDB statement over the relation ``activities``."""
        fields = [ACTIVITIES.field(name) for name in self.columns if name in ACTIVITIES.names]
        local = [pa.field(name, pa.timestamp("us")) for name in self.columns if name not in ACTIVITIES.names]
        table = ibis.table(ibis.Schema.from_pyarrow(pa.schema([*fields, *local])), name="activities")
        values = {f"base{position}": _express(base, table) for position, base in enumerate(self.bases)}
        for position, field in enumerate(self.values):
            values[f"text{position}"], values[f"number{position}"] = field.identities(table)
        return str(ibis.to_sql(table.select(**values), dialect="duckdb"))

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
            )
            for slot in self.slots
        ]
        return np.array(rows, np.int64).reshape(len(rows), 16)

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
    compiler = _Compiler()
    for place, document in enumerate(documents):
        compiler.add(place, document)
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
    )


class _Compiler:
    """Numbers what the documents of all versions name: the same base, counter, period or value gets the same number."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.slot_starts = [0]
        self.gates: list[Gate] = []
        self.gate_starts = [0]
        self.bases: dict[Base, int] = {}
        self.values: dict[TextColumn | PropertyField, int] = {}
        self.counters: dict[str, int] = {}
        self.periods: dict[tuple[str, Period], int] = {}
        self.currencies: dict[str, int] = {}
        self.seen_starts = [0]
        self._seen: dict[int, int] = {}

    def add(self, version: int, document: Document) -> None:
        """The slots and gates of one version."""
        for currency in document.currencies:
            _number(self.currencies, currency)
        gates = {rule.name: self._gate(version, document, rule) for rule in document.rules if rule.turn is not None}
        for rule in document.rules:
            for give in rule.gives:
                slot = Slot(
                    Kind.GIVE,
                    base=_number(self.bases, Base(rule.when, give.of, give.lines)),
                    amount=give.amount,
                    per_milli=give.per_milli or 0,
                    measure=give.of,
                    **self._of_rule(version, document, rule, give.currency, gates),
                )
                self.slots.append(slot)
        for rule in document.rules:
            for multiply in rule.multiplies:
                slot = Slot(
                    Kind.MULTIPLY,
                    base=_number(self.bases, Base(rule.when, "once", None)),
                    amount=1,
                    per_milli=0,
                    factor=multiply.factor,
                    **self._of_rule(version, document, rule, multiply.currency, gates),
                )
                self.slots.append(slot)
        self._add_cards(version, document)
        self.slot_starts.append(len(self.slots))
        self.gate_starts.append(len(self.gates))

    def _of_rule(self, version: int, document: Document, rule: Rule, currency: str, gates: Mapping[str, int]) -> dict[str, Any]:
        cap = rule.caps.get(currency)
        counter = NO_COUNTER
        if cap is not None and rule.cap_period is not None:
            counter = _number(self.counters, f"{rule.name}/{currency}/{rule.cap_period}")
            _number(self.periods, (document.timezone, rule.cap_period))
        return self._of_currency(version, document, currency) | {
            "rule": rule.name,
            "cap": cap or 0,
            "cap_period": rule.cap_period if cap is not None else None,
            "counter": counter,
            "gate": gates.get(rule.name, NO_GATE),
            "begins_at": ALWAYS if rule.begins_at is None else to_microseconds(rule.begins_at),
            "ends_at": NEVER if rule.ends_at is None else to_microseconds(rule.ends_at),
        }

    def _of_currency(self, version: int, document: Document, currency: str) -> dict[str, Any]:
        return {
            "currency": currency,
            "version": version,
            "rounding": document.rounding,
            "zone": document.timezone,
            "expiry": document.currencies[currency].expiry,
            "pending": document.currencies[currency].pending,
        }

    def _add_cards(self, version: int, document: Document) -> None:
        for card in document.cards:
            counter = _number(self.counters, f"{card.name}/card")
            for currency, amount in card.gives.items():
                slot = Slot(
                    Kind.CARD,
                    rule=card.name,
                    base=0,
                    amount=amount,
                    per_milli=card.each,
                    counter=counter,
                    source=card.source,
                    **self._of_currency(version, document, currency),
                )
                self.slots.append(slot)

    def _gate(self, version: int, document: Document, rule: Rule) -> int:
        turn = rule.turn
        assert turn is not None
        counter, value, seen = _number(self.counters, f"{rule.name}/{turn.kind}/{turn.period}"), 0, 0
        field = turn.field
        if isinstance(field, TextColumn | PropertyField):
            value = _number(self.values, field)
            if counter not in self._seen:
                self._seen[counter] = self.seen_starts[-1]
                self.seen_starts.append(self.seen_starts[-1] + MOST_DIFFERENT)
            seen = self._seen[counter]
        gate = Gate(
            turn=turn,
            version=version,
            base=_number(self.bases, Base(rule.when, "once", None)),
            counter=counter,
            period=_number(self.periods, (document.timezone, turn.period)),
            value=value,
            seen=seen,
            begins_at=ALWAYS if rule.begins_at is None else to_microseconds(rule.begins_at),
            ends_at=NEVER if rule.ends_at is None else to_microseconds(rule.ends_at),
        )
        self.gates.append(gate)
        return len(self.gates) - 1


def _number(numbers: dict[T, int], what: T) -> int:
    """The number of something, the next one where it is new."""
    return numbers.setdefault(what, len(numbers))


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
