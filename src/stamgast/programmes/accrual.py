"""Stage 2 of deciding: one pass over the activities of each customer in order, compiled.

What depends on what came before stands here: rounding, and caps by period. A rule arrives as one row of numbers, so that a
new kind of rule is one branch here and one field of the document.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])
UNTOUCHED = np.iinfo(np.int64).min
DOWN, NEAREST, UP = 0, 1, 2


def compile_pass(function: Function) -> Function:
    """Compiled and kept on disk; only in memory where no folder can be written."""
    try:
        return cast(Function, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:
        return cast(Function, numba.njit(nogil=True)(function))


@compile_pass
def accrue(
    first_of_customer: Any,
    occurred_at: Any,
    version: Any,
    money: Any,
    bases: Any,
    slot_starts: Any,
    numbers: Any,
    ratios: Any,
    periods: Any,
    counter_period: Any,
    counter_used: Any,
    largest: int,
    out_activity: Any,
    out_slot: Any,
    out_amount: Any,
) -> int:
    """Fills the three ``out`` arrays and returns how many rows it wrote; ``counter_…`` become those after the last activity.

    A counter is touched only by what is given, and its period never goes back: where the wall clock passes midnight twice,
    the repeated minutes count in the newer day.
    """
    count = 0
    for customer in range(len(first_of_customer) - 1):
        for activity in range(first_of_customer[customer], first_of_customer[customer + 1]):
            if version[activity] < 0:
                continue
            for slot in range(slot_starts[version[activity]], slot_starts[version[activity] + 1]):
                base = bases[numbers[slot, 0], activity]
                if base <= 0 or not numbers[slot, 6] <= occurred_at[activity] < numbers[slot, 7]:
                    continue
                amount, rounding, cap = numbers[slot, 1], numbers[slot, 2], numbers[slot, 3]
                numerator, denominator = ratios[slot, money[activity], 0], ratios[slot, money[activity], 1]
                units = base * numerator // denominator
                rest = base * numerator - units * denominator
                if rest > 0 and (rounding == 2 or (rounding == 1 and rest >= denominator - rest)):
                    units += 1
                given = min(units, largest // amount) * amount
                counter = numbers[slot, 4]
                if counter >= 0:
                    period = max(periods[numbers[slot, 5], activity], counter_period[customer, counter])
                    used = counter_used[customer, counter] if period == counter_period[customer, counter] else 0
                    given = min(given, max(cap - used, 0))
                    if given > 0:
                        counter_period[customer, counter] = period
                        counter_used[customer, counter] = used + given
                if given > 0:
                    out_activity[count] = activity
                    out_slot[count] = slot
                    out_amount[count] = given
                    count += 1
    return count
