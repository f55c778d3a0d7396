"""Stage 2 of deciding: one pass over the activities of each customer in order, compiled.

What depends on what came before stands here: rounding, and caps by period. A rule arrives as one row of numbers, so that a
new kind of rule is one branch here and one field of the document.
"""

from typing import Any

import numpy as np

from stamgast.programmes.layout import (
    AMOUNT,
    BASE,
    BEGINS,
    CAP,
    CARD,
    CHALLENGE,
    COUNT,
    COUNTER,
    CURRENCY,
    DAY_PERIOD,
    DENOMINATOR,
    EACH,
    ENDS,
    EVERY,
    GATE,
    GIVE,
    HAS_TIERS,
    HELD,
    IS_STANDING,
    KIND,
    LAST_DAY,
    NEAREST,
    NTH,
    NUMERATOR,
    PERIOD,
    QUALIFY,
    REACHED,
    REVIEW,
    ROUNDING,
    SEEN,
    SOURCE,
    TIER,
    TURN,
    TURN_BASE,
    TURN_BEGINS,
    TURN_COUNTER,
    TURN_ENDS,
    TURN_PERIOD,
    UNTOUCHED,
    UP,
    VALUE,
)
from stamgast.programmes.passes import compile_pass
from stamgast.programmes.tiering import reach, review

HUNDREDTHS = 100
MOST_HUNDREDTHS = 100_000
"""All multipliers of one activity together make at most a thousand times as much, where they stand beside each other."""


@compile_pass
def rounded(whole: int, numerator: int, denominator: int, rounding: int) -> int:
    """``whole`` and a proper fraction, as the programme rounds."""
    if numerator > 0 and (rounding == UP or (rounding == NEAREST and numerator >= denominator - numerator)):
        return whole + 1
    return whole


@compile_pass
def _times(base: int, hundredths: int, rounding: int) -> int:
    """A hundredth of the product, exact beyond what 64 bits would hold."""
    scaled = base % HUNDREDTHS * hundredths
    return rounded(base // HUNDREDTHS * hundredths + scaled // HUNDREDTHS, scaled % HUNDREDTHS, HUNDREDTHS, rounding)


@compile_pass
def take_turn(kind: int, wanted: int, now: int, period: int, used: int) -> tuple[bool, int, int]:
    """Whether it is the turn of an activity that fits in period ``now``; and the counter after it, from the one before."""
    if kind == NTH:
        return used + 1 == wanted, 0, used + 1
    if kind == EVERY:
        return used + 1 >= wanted, 0, 0 if used + 1 >= wanted else used + 1
    if now <= period:  # a streak: this period was counted
        return False, period, used
    run = used + 1 if now == period + 1 else 1
    return run >= wanted, now, 0 if run >= wanted else run


@compile_pass
def meet_challenge(wanted: int, now: int, value: int, period: int, used: int, seen: Any) -> tuple[bool, int, int]:
    """Whether there are ``wanted`` different ones in period ``now``, with ``value``; ``seen`` becomes those seen in it."""
    if now > period:
        period, used = now, 0
    if value == 0 or used == REACHED:
        return False, period, used
    is_new = True
    for place in range(used):
        if seen[place] == value:
            is_new = False
    if is_new:
        seen[used] = value
        used += 1
    # A version may ask for fewer than were seen: it gives at the next one. One that asks for more gives no second time.
    if used >= wanted:
        return True, period, REACHED
    return False, period, used


@compile_pass
def accrue(
    first_of_customer: Any,
    occurred_at: Any,
    version: Any,
    money: Any,
    bases: Any,
    values: Any,
    slot_starts: Any,
    numbers: Any,
    ratios: Any,
    gate_starts: Any,
    turns: Any,
    periods: Any,
    counter_period: Any,
    counter_used: Any,
    seen: Any,
    members: Any,
    entry_starts: Any,
    entry_counts: Any,
    entry_days: Any,
    entry_amounts: Any,
    next_review: Any,
    timeline: Any,
    tiers: Any,
    levels: Any,
    ranks: Any,
    until_day: int,
    currencies: int,
    hidden: int,
    largest: int,
    out_activity: Any,
    out_slot: Any,
    out_amount: Any,
    out_change: Any,
) -> tuple[int, int]:
    """Fills the ``out`` arrays and returns how many decisions and how many changes of tiers it wrote. ``counter_…``, ``seen``,
    ``members`` and what qualified become those after the last activity; reviews after it, up to ``until_day``, are written as
    changes, but are no part of what is kept.

    A cap's counter is touched only by what is given, and a period never goes back: where the wall clock passes midnight twice,
    the repeated minutes count in the newer day.
    """
    count = changes = 0
    has_tiers = tiers[:, HAS_TIERS].any()
    is_open = np.zeros(turns.shape[0], np.bool_)
    given_of = np.zeros(currencies, np.int64)  # of each currency by this activity: all,
    base_of = np.zeros(currencies, np.int64)  # and before any multiplier
    factor_of = np.zeros(currencies, np.int64)  # of multipliers beside each other, in hundredths
    whole_of = np.zeros(currencies, np.int64)  # and of those on each other, what stands, exactly
    rest_of = np.zeros(currencies, np.int64)
    fineness_of = np.zeros(currencies, np.int64)
    for customer in range(len(first_of_customer) - 1):
        member, first_entry = members[customer], entry_starts[customer]
        for activity in range(first_of_customer[customer], first_of_customer[customer + 1]):
            at, place = occurred_at[activity], version[activity]
            if place < 0:
                continue
            day = 0
            # A member is followed from the first activity on that a version with tiers decides: what is known before it of a
            # version to come changes nothing that is kept.
            is_member = has_tiers and (tiers[place, HAS_TIERS] or member[LAST_DAY] != UNTOUCHED)
            if is_member:
                day = max(periods[tiers[place, DAY_PERIOD], activity], member[LAST_DAY])
                member[LAST_DAY] = day
                changes = review(
                    member,
                    day,
                    entry_days,
                    entry_amounts,
                    first_entry,
                    first_entry + entry_counts[customer],
                    timeline,
                    tiers,
                    levels,
                    ranks,
                    customer,
                    out_change,
                    changes,
                )
            for gate in range(gate_starts[place], gate_starts[place + 1]):
                is_open[gate] = False
                if bases[turns[gate, TURN_BASE], activity] <= 0 or not turns[gate, TURN_BEGINS] <= at < turns[gate, TURN_ENDS]:
                    continue
                counter, now = turns[gate, TURN_COUNTER], periods[turns[gate, TURN_PERIOD], activity]
                period, used = counter_period[customer, counter], counter_used[customer, counter]
                if turns[gate, TURN] == CHALLENGE:
                    value, memory = values[turns[gate, VALUE], activity], seen[customer, turns[gate, SEEN] :]
                    is_open[gate], period, used = meet_challenge(turns[gate, COUNT], now, value, period, used, memory)
                else:
                    is_open[gate], period, used = take_turn(turns[gate, TURN], turns[gate, COUNT], now, period, used)
                counter_period[customer, counter], counter_used[customer, counter] = period, used
            given_of[:], base_of[:], factor_of[:], whole_of[:], rest_of[:], fineness_of[:] = 0, 0, HUNDREDTHS, 0, 0, 1
            filled, cards = -1, 0
            for slot in range(slot_starts[place], slot_starts[place + 1]):
                kind, currency, counter = numbers[slot, KIND], numbers[slot, CURRENCY], numbers[slot, COUNTER]
                amount, rounding = numbers[slot, AMOUNT], numbers[slot, ROUNDING]
                gate, tier = numbers[slot, GATE], numbers[slot, TIER]
                given, whole, rest, fineness = 0, 0, 0, 1
                if kind == CARD:
                    if counter != filled:  # the slots of one card stand together
                        filled, each = counter, numbers[slot, EACH]
                        cards = 0
                        # A version may ask for fewer than stand on the card: it is full at the next stamp, and only once.
                        if given_of[numbers[slot, SOURCE]] > 0:
                            stamps = counter_used[customer, counter] + given_of[numbers[slot, SOURCE]]
                            cards = stamps // each
                            counter_period[customer, counter], counter_used[customer, counter] = 0, stamps - cards * each
                    given = min(cards, largest // amount) * amount
                elif (
                    (tier >= 0 and tier != member[HELD])
                    or (gate >= 0 and not is_open[gate])
                    or not numbers[slot, BEGINS] <= at < numbers[slot, ENDS]
                ):
                    continue
                elif tier >= 0 or bases[numbers[slot, BASE], activity] > 0:
                    if kind == GIVE:
                        numerator, denominator = ratios[slot, money[activity], 0], ratios[slot, money[activity], 1]
                        scaled = bases[numbers[slot, BASE], activity] * numerator
                        units = rounded(scaled // denominator, scaled % denominator, denominator, rounding)
                        given = min(units, largest // amount) * amount
                    elif numbers[slot, IS_STANDING]:
                        p, q = numbers[slot, NUMERATOR], numbers[slot, DENOMINATOR]
                        whole, rest, fineness = whole_of[currency], rest_of[currency], fineness_of[currency]
                        finer = (whole % q) * p * fineness + rest * p
                        fineness *= q
                        whole = min(whole // q * p + finer // fineness, largest)
                        rest = finer % fineness
                        given = min(rounded(whole, rest, fineness, rounding), largest) - given_of[currency]
                    else:
                        base, factor = base_of[currency], factor_of[currency]
                        more = numbers[slot, NUMERATOR] * (HUNDREDTHS // numbers[slot, DENOMINATOR]) - HUNDREDTHS
                        factor_of[currency] = min(factor + more, MOST_HUNDREDTHS)
                        given = _times(base, factor_of[currency], rounding) - _times(base, factor, rounding)
                    given = min(given, largest)
                wanted = given
                if kind != CARD and counter >= 0 and given > 0:
                    period = max(periods[numbers[slot, PERIOD], activity], counter_period[customer, counter])
                    used = counter_used[customer, counter] if period == counter_period[customer, counter] else 0
                    given = min(given, max(numbers[slot, CAP] - used, 0))
                    if given > 0:
                        counter_period[customer, counter] = period
                        counter_used[customer, counter] = used + given
                given_of[currency] = min(given_of[currency] + given, largest)
                if kind == GIVE:
                    base_of[currency] = whole_of[currency] = given_of[currency]
                elif whole > 0:
                    if given == wanted:
                        whole_of[currency], rest_of[currency], fineness_of[currency] = whole, rest, fineness
                    else:  # what a cap cut off is no part of what stands
                        whole_of[currency], rest_of[currency], fineness_of[currency] = given_of[currency], 0, 1
                if given > 0 and currency != hidden:
                    out_activity[count] = activity
                    out_slot[count] = slot
                    out_amount[count] = given
                    count += 1
            if is_member:
                if tiers[place, HAS_TIERS] and given_of[tiers[place, QUALIFY]] > 0:
                    last = first_entry + entry_counts[customer] - 1
                    if last < first_entry or entry_days[last] != day:
                        last += 1
                        entry_counts[customer] += 1
                        entry_days[last], entry_amounts[last] = day, 0
                    entry_amounts[last] = min(entry_amounts[last] + given_of[tiers[place, QUALIFY]], largest)
                changes = reach(
                    member,
                    day,
                    activity,
                    bases,
                    entry_days,
                    entry_amounts,
                    first_entry,
                    first_entry + entry_counts[customer],
                    place,
                    tiers,
                    levels,
                    ranks,
                    customer,
                    out_change,
                    changes,
                )
        if has_tiers:
            later = member.copy()
            changes = review(
                later,
                until_day,
                entry_days,
                entry_amounts,
                first_entry,
                first_entry + entry_counts[customer],
                timeline,
                tiers,
                levels,
                ranks,
                customer,
                out_change,
                changes,
            )
            next_review[customer] = later[REVIEW]
    return count, changes
