"""Tiers within the pass of deciding, compiled: what a member reached, and what is left of it when a period is reviewed.

Everything is counted in local days (days since 1970): a level is reached at an activity and reviewed at the first moment of a
day. What qualifies is kept as one entry a day. Levels have a rank in their version, of which the lowest is 0, and a number over
all versions.
"""

from typing import Any

from stamgast.programmes.layout import (
    ACTIVITY,
    CAUSE,
    CUSTOMER,
    DAY,
    DAYS,
    END_LEVEL,
    FIRST_LEVEL,
    FIRST_MONTH,
    GRACE_DAYS,
    GRACE_MONTHS,
    HAS_TIERS,
    HELD,
    INVITATION,
    INVITED,
    INVITED_ON,
    IS_ROLLING,
    IS_SOFT,
    LEVEL,
    MONTHS,
    NO_REVIEW,
    NOBODY,
    NUMBER,
    PERIOD_END,
    PERIOD_FROM,
    REVIEW,
    THRESHOLD,
    VERSION,
)
from stamgast.programmes.passes import compile_pass

REACHED, KEPT_LESS, WAS_INVITED, CHANGED_RULES = range(4)


@compile_pass
def add_months(day: int, months: int) -> int:
    """The same day of a later or earlier month, or its last."""
    year, month, of_month = civil(day)
    total = year * 12 + month - 1 + months
    first = first_of_month(total)
    return first + min(of_month, first_of_month(total + 1) - first) - 1


@compile_pass
def civil(day: int) -> tuple[int, int, int]:
    """Year, month and day of the month. The calendar is counted from 1 March of the year 0, so that leap days come last."""
    shifted = day + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * of_year + 2) // 153
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    return year_of_era + era * 400 + (1 if month <= 2 else 0), month, of_year - (153 * shifted_month + 2) // 5 + 1


@compile_pass
def first_of_month(total: int) -> int:
    """The first day of a month, counted in months since the year 0."""
    year, month = total // 12, total % 12 + 1
    year -= 1 if month <= 2 else 0
    era = year // 400
    year_of_era = year - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + of_year - 719_468


@compile_pass
def add_period(rules: Any, day: int, sign: int) -> int:
    """One rolling period later, or earlier."""
    return add_months(day, sign * rules[MONTHS]) if rules[MONTHS] else day + sign * rules[DAYS]


@compile_pass
def period_from(rules: Any, day: int) -> tuple[int, int]:
    """The period that begins on a day or, of the calendar, in which it lies."""
    if rules[IS_ROLLING]:
        return day, add_period(rules, day, 1)
    year, month, _ = civil(day)
    first = (year * 12 + month - 1 - rules[FIRST_MONTH]) // rules[MONTHS] * rules[MONTHS] + rules[FIRST_MONTH]
    return first_of_month(first), first_of_month(first + rules[MONTHS])


@compile_pass
def rank_for(rules: Any, levels: Any, total: int) -> int:
    """The highest level that so much reaches."""
    for level in range(rules[END_LEVEL] - 1, rules[FIRST_LEVEL] - 1, -1):
        if 0 <= levels[level, THRESHOLD] <= total:
            return int(level - rules[FIRST_LEVEL])
    return NOBODY


@compile_pass
def total_of(days: Any, amounts: Any, first: int, end: int, since: int, before: int) -> int:
    """What qualified on the days from ``since`` on and before ``before``. Entries stand in order of their days."""
    total = 0
    for place in range(end - 1, first - 1, -1):
        if days[place] < since:
            break
        if days[place] < before:
            total += amounts[place]
    return total


@compile_pass
def begin_period(state: Any, rules: Any, levels: Any, rank: int, begin: int) -> None:
    """The period for which a member holds a level, and when it is reviewed; never, where nothing could be lost."""
    state[PERIOD_FROM], state[PERIOD_END] = period_from(rules, begin)
    state[REVIEW] = NO_REVIEW
    if rank > rank_for(rules, levels, 0):
        end = state[PERIOD_END] + rules[GRACE_DAYS]
        state[REVIEW] = add_months(end, rules[GRACE_MONTHS]) if rules[GRACE_MONTHS] else end


@compile_pass
def write_change(out: Any, count: int, customer: int, activity: int, day: int, level: int, cause: int, version: int) -> int:
    """Adds one change; how many there are."""
    out[CUSTOMER, count], out[ACTIVITY, count], out[DAY, count] = customer, activity, day
    out[LEVEL, count], out[CAUSE, count], out[VERSION, count] = level, cause, version
    return count + 1


@compile_pass
def review(
    state: Any,
    day: int,
    days: Any,
    amounts: Any,
    first: int,
    end: int,
    timeline: Any,
    tiers: Any,
    levels: Any,
    ranks: Any,
    customer: int,
    out: Any,
    count: int,
) -> int:
    """Holds every review that is due by the beginning of ``day``, under the version in force on its own day."""
    while state[REVIEW] <= day:
        due, version = state[REVIEW], NOBODY
        for place in range(timeline.shape[0]):
            if timeline[place, 0] <= due:
                version = timeline[place, 1]
        if version < 0 or not tiers[version, HAS_TIERS]:
            state[HELD], state[REVIEW] = NOBODY, NO_REVIEW
            return write_change(out, count, customer, -1, due, NOBODY, CHANGED_RULES, max(version, 0))
        rules = tiers[version]
        rank = ranks[version, state[HELD]]
        earned = rank_for(rules, levels, total_of(days, amounts, first, end, state[PERIOD_FROM], due))
        if state[INVITED] >= 0 and state[INVITED_ON] >= state[PERIOD_FROM]:
            earned = max(earned, ranks[version, state[INVITED]])
        kept = earned if rank < 0 else min(earned, rank)  # what was earned in a grace lifts nobody
        if rules[IS_SOFT] and kept < rank - 1:
            kept = rank - 1
            while kept > earned and levels[rules[FIRST_LEVEL] + kept, THRESHOLD] < 0:
                kept -= 1
        number = levels[rules[FIRST_LEVEL] + kept, NUMBER] if kept >= 0 else NOBODY
        if number != state[HELD]:
            count = write_change(out, count, customer, -1, due, number, KEPT_LESS, version)
        state[HELD] = number
        begin_period(state, rules, levels, kept, state[PERIOD_END])
    return count


@compile_pass
def reach(
    state: Any,
    day: int,
    activity: int,
    bases: Any,
    days: Any,
    amounts: Any,
    first: int,
    end: int,
    version: int,
    tiers: Any,
    levels: Any,
    ranks: Any,
    customer: int,
    out: Any,
    count: int,
) -> int:
    """What a member reaches, or is invited to, by an activity; at once."""
    rules = tiers[version]
    held = ranks[version, state[HELD]] if state[HELD] >= 0 else NOBODY
    if not rules[HAS_TIERS]:
        if state[HELD] >= 0:
            state[HELD], state[REVIEW] = NOBODY, NO_REVIEW
            count = write_change(out, count, customer, activity, day, NOBODY, CHANGED_RULES, version)
        return count
    since = add_period(rules, day + 1, -1) if rules[IS_ROLLING] else period_from(rules, day)[0]
    earned = rank_for(rules, levels, total_of(days, amounts, first, end, since, day + 1))
    invited = NOBODY
    for level in range(rules[FIRST_LEVEL], rules[END_LEVEL]):
        if levels[level, INVITATION] >= 0 and bases[levels[level, INVITATION], activity] > 0:
            invited = level - rules[FIRST_LEVEL]
    earlier = ranks[version, state[INVITED]] if state[INVITED] >= 0 and state[INVITED_ON] >= state[PERIOD_FROM] else NOBODY
    if invited >= max(earlier, 0):  # one to a lower level takes nothing away
        state[INVITED], state[INVITED_ON] = levels[rules[FIRST_LEVEL] + invited, NUMBER], day
    rank = max(held, earned, invited)
    number = levels[rules[FIRST_LEVEL] + rank, NUMBER] if rank >= 0 else NOBODY
    if number != state[HELD]:
        cause = CHANGED_RULES if state[HELD] >= 0 and held < 0 else WAS_INVITED if invited > earned else REACHED
        count = write_change(out, count, customer, activity, day, number, cause, version)
        state[HELD] = number
        begin_period(state, rules, levels, rank, day + 1 if rules[IS_ROLLING] else day)
    elif rank >= 0 and state[REVIEW] == NO_REVIEW:
        begin_period(state, rules, levels, rank, day + 1 if rules[IS_ROLLING] else day)
    return count
