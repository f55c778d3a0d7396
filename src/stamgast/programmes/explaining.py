"""``explain``: why one activity gave what it gave, rule by rule, in words. Pure.

The amounts are those of ``decide`` itself, made again for the one activity; only the words are made here.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast
from uuid import UUID

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stamgast.conditions import say_failure
from stamgast.conditions.words import say_number
from stamgast.programmes.compiling import to_microseconds
from stamgast.programmes.deciding import decide, review_tiers
from stamgast.programmes.layout import REACHED
from stamgast.programmes.matching import Matched, match
from stamgast.programmes.programme import Programme, period_numbers
from stamgast.programmes.saying import say, say_arithmetic, say_moment, say_next, say_out_of_time, say_turn
from stamgast.programmes.slots import LARGEST, MOST_DIFFERENT, NO_GATE, NO_TIER, SPEND, TURNS, Gate, Kind, Slot, ratio_of
from stamgast.programmes.states import TIER
from stamgast.programmes.terms import Rounding
from stamgast.programmes.types import ACTIVITIES, Explanation, RuleOutcome
from stamgast.programmes.words import WORDS


def explain(
    programme: Programme, activity: Mapping[str, Any], states: pa.Table | None = None, language: str = "en"
) -> Explanation:
    """What each rule of the version in force made of one activity, and what would have given more.

    ``activity`` has the columns of ACTIVITIES, ids as bytes or UUID. ``states`` holds the state of its customer before it, from
    ``decide`` of what came before; without it caps count from nothing.
    """
    words = WORDS[language]
    table = _table_of(activity)
    (row,) = table.to_pylist()
    moment = table["occurred_at"].cast(pa.int64()).to_numpy()
    place = int(programme.version_at(moment)[0])
    if place < 0:
        return Explanation(programme.name, None, (), words["no_version"].format(programme=programme.name))
    decided = {(d["rule"], d["currency"]): d for d in decide(programme, states, table).table.to_pylist()}
    counters = _counters_before(states, row["customer_id"])
    level = _level_before(programme, states, row["customer_id"], row["occurred_at"])
    teller = _Teller(programme, row, match(programme, table), counters, decided, level, language)
    slots = programme.slots[programme.slot_starts[place] : programme.slot_starts[place + 1]]
    outcomes = [teller.tell(slot) for slot in slots if slot.currency != SPEND]
    totals: dict[str, int] = {}
    for outcome in outcomes:
        totals[outcome.currency] = totals.get(outcome.currency, 0) + outcome.amount
    total = words["and"].join(f"{say_number(Decimal(value), language)} {name}" for name, value in totals.items() if value)
    version = programme.versions[place].version
    key = "given" if total else "nothing_of_returned" if row["is_returned"] else "nothing"
    sentence = words[key].format(total=total, version=version, programme=programme.name)
    return Explanation(programme.name, version, tuple(outcomes), sentence)


def _table_of(activity: Mapping[str, Any]) -> pa.Table:
    row = {name: activity.get(name) for name in ACTIVITIES.names}
    for name in ("activity_id", "customer_id"):
        value = row[name]
        row[name] = value.bytes if isinstance(value, UUID) else value
    if row["properties"] is not None and not isinstance(row["properties"], str):
        row["properties"] = msgspec.json.encode(row["properties"]).decode()
    return pa.Table.from_pylist([row], schema=ACTIVITIES)


def _counters_before(states: pa.Table | None, customer_id: bytes) -> dict[str, list[Any]]:
    for state in states.to_pylist() if states is not None else ():
        if state["customer_id"] == customer_id:
            return msgspec.json.decode(state["counters"], type=dict[str, list[Any]])
    return {}


def _level_before(programme: Programme, states: pa.Table | None, customer_id: bytes, at: datetime) -> str | None:
    """The level that the customer holds when an activity occurs, after the reviews that are due by then."""
    if states is None or not programme.has_tiers:
        return None
    own = states.filter(pc.field("customer_id") == pa.scalar(customer_id, pa.binary(16)))
    changes = review_tiers(programme, own, until=at).tiers.to_pylist()
    if changes:
        return cast(str | None, changes[-1]["tier"])
    kept = _counters_before(own, customer_id).get(TIER)
    return kept[0] if kept else None


class _Teller:
    """Tells what each slot made of one activity, in their order: a multiplier multiplies what stands by then."""

    def __init__(
        self,
        programme: Programme,
        row: Mapping[str, Any],
        matched: Matched,
        counters: Mapping[str, list[Any]],
        decided: Mapping[tuple[str, str], Mapping[str, Any]],
        level: str | None,
        language: str,
    ) -> None:
        self.programme = programme
        self.row = row
        self.bases = matched.bases[:, 0]
        self.values = matched.values[:, 0]
        self.counters = counters
        self.decided = decided
        self.level = level
        self.language = language
        self.words = WORDS[language]
        self.at = to_microseconds(row["occurred_at"])
        self.given: dict[str, int] = {}
        self.base: dict[str, int] = {}
        self.factor: dict[str, Fraction] = {}
        self.standing: dict[str, Fraction] = {}

    def tell(self, slot: Slot) -> RuleOutcome:
        """The outcome of one slot, which counts for those after it."""
        if slot.kind == Kind.CARD:
            outcome = self._tell_card(slot)
        elif slot.tier != NO_TIER:
            outcome = self._tell_level(slot)
        else:
            outcome = self._tell_rule(slot)
        self.given[slot.currency] = self.given.get(slot.currency, 0) + outcome.amount
        if slot.kind == Kind.GIVE:
            self.base[slot.currency] = self.given[slot.currency]
            self.standing[slot.currency] = Fraction(self.given[slot.currency])
        return outcome

    def _tell_rule(self, slot: Slot) -> RuleOutcome:
        when = self.programme.bases[slot.base].when
        condition = when.sentence(self.language)
        if self.row["is_returned"]:
            return self._outcome(slot, False, "", condition, (self.words["returned"],), None)
        failures = tuple(say_failure(failure, self.language) for failure in when.explain(self.row).failures)
        failures += say_out_of_time(slot, self.at, self.language)
        if not failures and slot.base in self.programme.unnamed.get(self.row["kind"], ()):
            unnamed = self.words["unnamed"].format(kind=self.row["kind"])
            return self._outcome(slot, False, "", condition, (unnamed,), None)
        if not failures and slot.gate != NO_GATE:
            failures += self._not_its_turn(self.programme.gates[slot.gate])
        given = self._given_by(slot)
        if failures:
            more = None
            if slot.kind == Kind.GIVE:
                worth = say(slot.amount, self.language)
                more = self.words["more_condition"].format(worth=worth, currency=slot.currency, condition=condition)
            return self._outcome(slot, False, "", condition, failures, more)
        if slot.kind == Kind.GIVE:
            before_cap = _value_of(slot, int(self.bases[slot.base]), self.row["currency"])
            lines = self.programme.bases[slot.base].lines
            base, currency = int(self.bases[slot.base]), self.row["currency"]
            arithmetic = say_arithmetic(slot, lines, base, before_cap, currency, self.language)
        else:
            before_cap, arithmetic = self._multiply(slot, given)
        more = None
        if slot.cap_period is not None and given < before_cap:
            used = self._used(slot)
            cap, period = say(slot.cap, self.language), self.words[slot.cap_period]
            arithmetic += self.words["capped_used" if used else "capped"].format(
                cap=cap, period=period, used=say(used, self.language), given=say(given, self.language)
            )
            held = say(before_cap - given, self.language)
            more = self.words["more_cap"].format(cap=cap, period=period, held=held, currency=slot.currency)
        elif slot.per_milli:
            basis = say_next(slot, before_cap, self.row["currency"], self.language)
            amount = say(slot.amount, self.language)
            more = self.words["more_amount"].format(amount=amount, currency=slot.currency, basis=basis)
        return self._outcome(slot, True, arithmetic, condition, (), more)

    def _tell_card(self, slot: Slot) -> RuleOutcome:
        assert slot.source is not None
        new = self.given.get(slot.source, 0)
        _, before = self.counters.get(self.programme.counters[slot.counter], (0, 0))
        cards, left = divmod(before + new, slot.per_milli) if new else (0, before)
        stated = {
            "each": say(slot.per_milli, self.language),
            "stamps": say(before + new, self.language),
            "currency": slot.source,
            "cards": say(cards, self.language),
            "left": say(left, self.language),
        }
        failure = self.words["returned"] if self.row["is_returned"] else self.words["card_not_full"].format(**stated)
        failures = () if cards else (failure,)
        arithmetic = self.words["card"].format(**stated) if cards else ""
        condition = self.words["card_condition"].format(**stated)
        return self._outcome(slot, bool(cards), arithmetic, condition, failures, None)

    def _tell_level(self, slot: Slot) -> RuleOutcome:
        condition = self.words["level_condition"].format(level=slot.rule)
        if self.row["is_returned"]:
            return self._outcome(slot, False, "", condition, (self.words["returned"],), None)
        if self.level != slot.rule:
            failure = self.words["level" if self.level else "no_level"].format(level=self.level)
            return self._outcome(slot, False, "", condition, (failure,), None)
        _, arithmetic = self._multiply(slot, self._given_by(slot))
        return self._outcome(slot, True, arithmetic, condition, (), None)

    def _multiply(self, slot: Slot, given: int) -> tuple[int, str]:
        """What a multiplier comes to before its cap, and how; what stands after it is remembered."""
        factor = self.factor.get(slot.currency, Fraction(1))
        if self.programme.documents[slot.version].stacking == "standing":
            standing = self.standing.get(slot.currency, Fraction(0))
            after = min(standing * slot.factor, Fraction(LARGEST))
        else:
            base = Fraction(self.base.get(slot.currency, 0))
            standing, after = base * factor, base * (factor + slot.factor - 1)
            self.factor[slot.currency] = factor + slot.factor - 1
        before_cap = round_exactly(after, slot.rounding) - round_exactly(standing, slot.rounding)
        total = self.given.get(slot.currency, 0) + given
        self.standing[slot.currency] = after if given == before_cap else Fraction(total)
        stands = standing if self.programme.documents[slot.version].stacking == "standing" else base
        arithmetic = self.words["multiplied"].format(
            factor=say(slot.factor, self.language), standing=say(stands, self.language), given=say(before_cap, self.language)
        )
        return before_cap, arithmetic

    def _not_its_turn(self, gate: Gate) -> tuple[str, ...]:
        from stamgast.programmes.accrual import meet_challenge, take_turn  # here, because it loads the compiler

        turn = gate.turn
        period, used, *seen = self.counters.get(self.programme.counters[gate.counter], [np.iinfo(np.int64).min, 0])
        zone, name = self.programme.periods[gate.period]
        now = int(period_numbers(zone, name, np.array([self.at]))[0])
        if turn.kind == "challenge":
            memory = np.zeros(MOST_DIFFERENT, np.int64)
            memory[: len(seen)] = seen
            is_turn, _, count = meet_challenge(turn.count, now, int(self.values[gate.value]), period, used, memory)
            count = turn.count if count == REACHED else count
        else:
            is_turn, _, count = take_turn(TURNS.index(turn.kind), turn.count, now, period, used)
        return () if is_turn else (say_turn(turn, int(count), self.language),)

    def _given_by(self, slot: Slot) -> int:
        decision = self.decided.get((slot.rule, slot.currency))
        return int(decision["amount"]) if decision else 0

    def _used(self, slot: Slot) -> int:
        """What was given before in the period of the activity."""
        assert slot.cap_period is not None
        period, used = self.counters.get(self.programme.counters[slot.counter], (np.iinfo(np.int64).min, 0))
        return used if period >= int(period_numbers(slot.zone, slot.cap_period, np.array([self.at]))[0]) else 0

    def _outcome(
        self, slot: Slot, is_applied: bool, arithmetic: str, condition: str, failures: tuple[str, ...], more: str | None
    ) -> RuleOutcome:
        decision, given = self.decided.get((slot.rule, slot.currency)), self._given_by(slot)
        key = "not_applied" if not is_applied else "applied" if given else "applied_nothing"
        sentence = self.words[key].format(
            rule=slot.rule,
            given=say(given, self.language),
            currency=slot.currency,
            condition=condition,
            failures=self.words["and"].join(failures),
        )
        available_at: datetime | None = decision["available_at"] if decision else None
        expires_at: datetime | None = decision["expires_at"] if decision else None
        if available_at is not None:
            sentence += " " + self.words["pending"].format(moment=say_moment(available_at, slot.zone, self.language))
        return RuleOutcome(
            slot.rule,
            slot.currency,
            is_applied,
            given,
            arithmetic,
            sentence,
            condition,
            failures,
            more,
            available_at,
            expires_at,
        )


def _value_of(slot: Slot, base: int, currency: str | None) -> int:
    """What the rule comes to before its cap."""
    if base <= 0:
        return 0
    if not slot.per_milli:
        return slot.amount
    units = round_exactly(Fraction(base) * Fraction(*ratio_of(slot, currency)), slot.rounding)
    return min(units, LARGEST // slot.amount) * slot.amount


def round_exactly(exact: Fraction, rounding: Rounding) -> int:
    """A whole number, as the programme rounds."""
    down, rest = divmod(exact, 1)
    is_up = rest > 0 and (rounding == "up" or (rounding == "nearest" and rest >= Fraction(1, 2)))
    return int(down) + is_up
