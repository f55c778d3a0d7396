"""What the documents of a programme are compiled into: bases for stage 1, slots and gates for the pass. Pure."""

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from math import gcd
from typing import get_args

import numpy as np

from stamgast.conditions import Condition
from stamgast.conditions.money import digits_of
from stamgast.conditions.tree import AnyLine
from stamgast.programmes.expiry import NEVER, Expiry
from stamgast.programmes.terms import MILLI, Measure, Period, Rounding, Turn, TurnKind

LARGEST = 10**15
"""The most that one rule gives for one activity, and the largest amount in minor units that is looked at."""
NO_COUNTER = NO_GATE = NO_TIER = -1
SPEND = "/spend"
"""The currency that no document names: money that tiers are reached by, in hundredths."""
MOST_DIFFERENT = 50
"""The most different values that a challenge asks for."""
ALWAYS = np.iinfo(np.int64).min
ROUNDINGS: tuple[Rounding, ...] = ("down", "nearest", "up")
TURNS: tuple[TurnKind, ...] = get_args(TurnKind)


@dataclass(frozen=True, slots=True)
class Base:
    """What stage 1 computes for each activity: where ``when`` holds, one, the amount or the quantity, of all lines or of some;
    else zero. Never below zero or above ``LARGEST``."""

    when: Condition
    of: Measure
    lines: AnyLine | None

    @property
    def reads_lines(self) -> bool:
        """Whether it is a sum over lines."""
        return self.of == "quantity" or (self.of == "amount" and self.lines is not None)


class Kind(IntEnum):
    """What a slot does with the activity."""

    GIVE = 0
    MULTIPLY = 1
    CARD = 2


@dataclass(frozen=True, slots=True)
class Gate:
    """One rule's ``turn`` in one version: the numbers of its counter, of its period, and of the values that it tells apart."""

    turn: Turn
    version: int
    base: int
    counter: int
    period: int
    value: int
    seen: int
    begins_at: int
    ends_at: int


@dataclass(frozen=True, slots=True)
class Slot:
    """One rule's give, or multiplying, of one currency in one version. ``per_milli`` is zero where it gives once. It holds from
    ``begins_at`` on and before ``ends_at``, in microseconds. A card has no base; ``per_milli`` is what fills it.
    ``tier`` is the number of the level whose members it is for."""

    kind: Kind
    rule: str
    currency: str
    version: int
    base: int
    amount: int
    per_milli: int
    rounding: Rounding
    zone: str
    expiry: Expiry | None
    pending: Expiry | None
    measure: Measure = "once"
    cap: int = 0
    cap_period: Period | None = None
    counter: int = NO_COUNTER
    gate: int = NO_GATE
    factor: Fraction = Fraction(1)
    source: str | None = None
    tier: int = NO_TIER
    begins_at: int = ALWAYS
    ends_at: int = NEVER


def ratio_of(slot: Slot, currency: str | None) -> tuple[int, int]:
    """Of 1.00 EUR: one unit for each hundred minor units, so 1 / 100. Pieces have no minor units."""
    divisor = slot.per_milli * (1 if slot.measure == "quantity" else 10 ** digits_of(currency))
    shared = gcd(MILLI, divisor)
    return MILLI // shared, divisor // shared
