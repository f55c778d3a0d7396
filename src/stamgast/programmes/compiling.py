"""From checked documents to slots, gates and bases: every version of a programme, numbered together. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from stamgast.conditions import Condition
from stamgast.conditions.fields import PropertyField, TextColumn
from stamgast.programmes.expiry import NEVER
from stamgast.programmes.slots import (
    ALWAYS,
    MOST_DIFFERENT,
    NO_COUNTER,
    NO_GATE,
    SPEND,
    Base,
    Gate,
    Kind,
    Slot,
)
from stamgast.programmes.terms import Document, Period, Rule, Tiers

T = TypeVar("T")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Compiler:
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
        self.levels: dict[str, int] = {}
        self._seen: dict[int, int] = {}
        self._fields: dict[str, str] = {}

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
        if document.tiers is not None and document.tiers.spend is not None:
            self._add_spend(version, document, document.tiers.spend)
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
        if document.tiers is not None:
            self._add_tiers(version, document, document.tiers)
        self._add_cards(version, document)
        self.slot_starts.append(len(self.slots))
        self.gate_starts.append(len(self.gates))

    def count_days(self, timezone: str) -> None:
        """That the days of a zone are counted."""
        _number(self.periods, (timezone, "day"))

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
        stated = document.currencies.get(currency)
        return {
            "currency": currency,
            "version": version,
            "rounding": document.rounding,
            "zone": document.timezone,
            "expiry": stated.expiry if stated is not None else None,
            "pending": stated.pending if stated is not None else None,
        }

    def _add_spend(self, version: int, document: Document, spend: Condition) -> None:
        _number(self.currencies, SPEND)
        slot = Slot(
            Kind.GIVE,
            rule=SPEND,
            base=_number(self.bases, Base(spend, "amount", None)),
            amount=1,
            per_milli=10,
            measure="amount",
            **self._of_currency(version, document, SPEND) | {"rounding": "down"},
        )
        self.slots.append(slot)

    def _add_tiers(self, version: int, document: Document, tiers: Tiers) -> None:
        for level in tiers.levels:
            number = _number(self.levels, level.name)
            if level.invited is not None:
                _number(self.bases, Base(level.invited, "once", None))
            for multiply in level.multiplies:
                self.slots.append(
                    Slot(
                        Kind.MULTIPLY,
                        rule=level.name,
                        base=0,
                        amount=1,
                        per_milli=0,
                        factor=multiply.factor,
                        tier=number,
                        **self._of_currency(version, document, multiply.currency),
                    )
                )

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
        field, name = turn.field, f"{rule.name}/{turn.kind}/{turn.period}"
        # What was seen of another field is of another challenge. That of the first one is what states know by the plain name.
        if field is not None and self._fields.setdefault(name, field.name) != field.name:
            name = f"{name}/{field.name}"
        counter, value, seen = _number(self.counters, name), 0, 0
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
