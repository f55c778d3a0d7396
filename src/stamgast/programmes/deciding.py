"""``decide``: what activities are worth. A pure function of a programme, states and activities, all columns.

Reads no clock, no database and no random source. How it works is told in ``docs/algorithms/deciding.md``.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import numpy as np
import pyarrow as pa

from stamgast.kit.zones import DAY, to_local
from stamgast.programmes.compiling import to_microseconds
from stamgast.programmes.documents import default_document
from stamgast.programmes.errors import UnorderedActivities
from stamgast.programmes.expiry import NEVER, Expiry, expires_at
from stamgast.programmes.layout import ACTIVITY, BASE, CARD, CAUSE, CUSTOMER, KIND, LEVEL, TIER, UNTOUCHED, VERSION
from stamgast.programmes.layout import DAY as DAY_OF_CHANGE
from stamgast.programmes.matching import match, match_many
from stamgast.programmes.programme import Programme, compile_programme, period_numbers
from stamgast.programmes.slots import LARGEST, SPEND
from stamgast.programmes.states import Integers, Keys, is_after, keys_of, moments_of, read_states, review_moments, write_states
from stamgast.programmes.types import ACTIVITIES, DECISIONS, MOMENT, STATES, TIERS, Decisions, Version

CAUSES = ("reached", "reviewed", "invited", "rules")
AT_ONCE = 2
"""Tables that ``decide_parts`` decides beside each other; each one more costs the memory of its decisions."""


def decide(programme: Programme, states: pa.Table | None, activities: pa.Table, *, until: datetime | None = None) -> Decisions:
    """The wanted total of every cause among the activities, the new state of every customer that they have, and the changes of
    tiers, with those at reviews up to ``until``.

    ``activities`` are of the schema ACTIVITIES, sorted by customer, occurred_at and activity id, and later than the state
    of their customer. A customer without a state begins from nothing. An activity that gives nothing has no row. Reviews after
    the last activity are no part of the state: what comes in later may still lie before them. Raises UnorderedActivities.
    """
    from stamgast.programmes.accrual import accrue  # here, because it loads the compiler

    activities = activities.combine_chunks()
    count = activities.num_rows
    if not count:
        return Decisions(DECISIONS.empty_table(), STATES.empty_table())
    occurred_at = activities["occurred_at"].cast(pa.int64()).to_numpy()
    customers, ids = keys_of(activities["customer_id"]), keys_of(activities["activity_id"])
    first_of_customer = _order(customers, occurred_at, ids)
    owners = activities["customer_id"].take(first_of_customer[:-1])
    held = read_states(programme, states, owners, occurred_at, ids, first_of_customer)
    version = programme.version_at(occurred_at)
    # An order of which all came back is decided by no version, so that everything goes on as if it had never been.
    is_returned: Any = activities["is_returned"]
    version[is_returned.fill_null(False).to_numpy()] = -1
    bases, values = match(programme, activities)
    money = activities["currency"].combine_chunks().dictionary_encode()
    codes = [*money.dictionary.to_pylist(), None]
    indices = money.indices.fill_null(len(codes) - 1).cast(pa.int64()).to_numpy(zero_copy_only=False)
    money_of = np.require(indices, requirements=["C", "W"])
    is_any = (programme.numbers[:, KIND] == CARD) | (programme.numbers[:, TIER] >= 0)
    rows = int(np.where(is_any, count, np.count_nonzero(bases, axis=1)[programme.numbers[:, BASE]]).sum())
    changes = np.empty((6, _most_changes(programme, count, len(owners))), np.int64)
    out = np.empty((3, rows), np.int64)
    written, changed = accrue(
        first_of_customer,
        np.require(occurred_at, requirements=["C", "W"]),  # a read-only array would be compiled for once more
        version,
        money_of,
        bases,
        values,
        programme.slot_starts,
        programme.numbers,
        programme.ratios(codes),
        programme.gate_starts,
        programme.turns,
        _periods(programme, occurred_at),
        *held,
        programme.timeline,
        programme.tiers,
        programme.levels,
        programme.ranks,
        _day_of(programme, until),
        len(programme.currencies),
        programme.currencies.index(SPEND) if SPEND in programme.currencies else -1,
        LARGEST,
        out[0],
        out[1],
        out[2],
        changes,
    )
    chosen, slots, amounts = out[0, :written], out[1, :written], out[2, :written]
    return Decisions(
        _decisions(programme, activities, occurred_at, chosen, slots, amounts),
        partial(write_states, programme, activities, owners, first_of_customer, held),
        _tiers(programme, owners, activities["activity_id"].combine_chunks(), occurred_at, changes[:, :changed]),
    )


def decide_parts(programme: Programme, parts: Iterable[pa.Table]) -> Iterator[Decisions]:
    """``decide`` from nothing for each of some tables, whose customers are whole, in their order, some tables at a time.

    The pass, DuckDB and Arrow let go of the interpreter's lock, so that threads use the cores. No more than ``AT_ONCE`` tables
    and what came of them are held.
    """
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="decide") as threads:
        waiting: deque[Future[Decisions]] = deque()
        for part in parts:
            waiting.append(threads.submit(decide, programme, None, part))
            if len(waiting) == AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def review_tiers(programme: Programme, states: pa.Table, *, until: datetime) -> Decisions:
    """The changes of tiers at reviews after the states, up to a moment, and the states with their next review."""
    from stamgast.programmes.accrual import accrue  # here, because it loads the compiler

    none = ACTIVITIES.empty_table()
    if not states.num_rows:
        return Decisions(DECISIONS.empty_table(), states)
    states = states.combine_chunks()
    owners, moments = states["customer_id"], np.empty(0, np.int64)
    first = np.zeros(len(owners) + 1, np.int64)
    held = read_states(programme, states, owners, moments, np.empty((0, 2), np.uint64), first)
    changes = np.empty((6, _most_changes(programme, 0, len(owners))), np.int64)
    bases = np.zeros((len(programme.bases), 0), np.int64)
    _, changed = accrue(
        first,
        moments,
        moments,
        moments,
        bases,
        np.zeros((len(programme.values), 0), np.int64),
        programme.slot_starts,
        programme.numbers,
        programme.ratios([None]),
        programme.gate_starts,
        programme.turns,
        np.zeros((len(programme.periods), 0), np.int64),
        *held,
        programme.timeline,
        programme.tiers,
        programme.levels,
        programme.ranks,
        _day_of(programme, until),
        len(programme.currencies),
        -1,
        LARGEST,
        moments,
        moments,
        moments,
        changes,
    )
    place = states.schema.get_field_index("review_at")
    reviewed = states.set_column(place, STATES.field(place), review_moments(programme, held))
    return Decisions(
        DECISIONS.empty_table(),
        reviewed,
        _tiers(programme, owners, none["activity_id"].combine_chunks(), moments, changes[:, :changed]),
    )


def _most_changes(programme: Programme, activities: int, customers: int) -> int:
    """Each activity lifts once, and each level that was gained can be lost once."""
    most = max((len(document.tiers.levels) for document in programme.documents if document.tiers is not None), default=0)
    return activities * (most + 2) + customers * (most + 2) if most else 0


def _day_of(programme: Programme, until: datetime | None) -> int:
    if until is None:
        return int(UNTOUCHED)
    moment = np.array([to_microseconds(until)], np.int64)
    place = max(int(programme.version_at(moment)[0]), 0)
    return int(to_local(programme.documents[place].timezone, moment)[0] // DAY)


def _tiers(programme: Programme, owners: Any, ids: Any, occurred_at: Integers, changes: Integers) -> pa.Table:
    if not changes.shape[1]:
        return TIERS.empty_table()
    is_of_activity = changes[ACTIVITY] >= 0
    since = moments_of(programme, np.where(is_of_activity, 0, changes[DAY_OF_CHANGE]))
    since[is_of_activity] = occurred_at[changes[ACTIVITY, is_of_activity]]
    names = [*programme.level_names, None]  # the number of none is -1
    return pa.Table.from_arrays(
        [
            owners.take(pa.array(changes[CUSTOMER])),
            pa.array(since).cast(MOMENT),
            pa.array([names[number] for number in changes[LEVEL].tolist()], pa.string()),
            pa.array([CAUSES[cause] for cause in changes[CAUSE].tolist()], pa.string()),
            ids.take(pa.array(changes[ACTIVITY], mask=~is_of_activity)),
            pa.array([programme.versions[place].version for place in changes[VERSION].tolist()], pa.int32()),
        ],
        schema=TIERS,
    )


@cache
def warm() -> None:
    """Compiles, or reads what was compiled, before the first activity waits, once: one order, both ways of stage 1."""
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    version = Version("warm", 1, default_document("UTC").replace("default", "warm"), "", moment, moment, "", "")
    programme = compile_programme([version])
    row = dict.fromkeys(ACTIVITIES.names) | {
        "activity_id": bytes(16),
        "customer_id": bytes(16),
        "occurred_at": moment,
        "kind": "Coupon Redeemed",
    }
    activities = pa.Table.from_pylist([row], schema=ACTIVITIES)
    match_many(programme, activities)
    decide(programme, None, activities)


def _order(customers: Keys, occurred_at: Integers, ids: Keys) -> Integers:
    """Where each customer begins, and the end. Refuses what is not sorted or stands twice."""
    is_same = (customers[1:] == customers[:-1]).all(axis=1)
    step = np.diff(occurred_at)
    is_later = (step > 0) | ((step == 0) & is_after(ids[1:], ids[:-1]))
    is_ordered = np.where(is_same, is_later, is_after(customers[1:], customers[:-1]))
    if not is_ordered.all():
        raise UnorderedActivities(
            "Activities must be sorted by customer, occurred_at and activity id, each once. Sort them and decide again.",
            row=int(np.argmin(is_ordered)) + 1,
        )
    return np.concatenate(([0], np.flatnonzero(~is_same) + 1, [len(occurred_at)])).astype(np.int64)


def _periods(programme: Programme, occurred_at: Integers) -> Integers:
    if not programme.periods:
        return np.empty((0, len(occurred_at)), np.int64)
    return np.stack([period_numbers(zone, period, occurred_at) for zone, period in programme.periods])


def _decisions(
    programme: Programme, activities: pa.Table, occurred_at: Integers, chosen: Integers, slots: Integers, amounts: Integers
) -> pa.Table:
    rows = activities.select(["customer_id", "activity_id", "occurred_at"]).take(chosen)
    return pa.Table.from_arrays(
        [
            rows["customer_id"],
            rows["activity_id"],
            pa.array([slot.rule for slot in programme.slots]).take(slots),
            pa.array([slot.currency for slot in programme.slots]).take(slots),
            pa.array(amounts),
            rows["occurred_at"],
            _ends_of([(slot.zone, slot.pending) for slot in programme.slots], slots, chosen, occurred_at),
            _ends_of([(slot.zone, slot.expiry) for slot in programme.slots], slots, chosen, occurred_at),
            pa.array([programme.versions[slot.version].version for slot in programme.slots], pa.int32()).take(slots),
        ],
        schema=DECISIONS,
    )


def _ends_of(lives: Sequence[tuple[str, Expiry | None]], slots: Integers, chosen: Integers, occurred_at: Integers) -> Any:
    """When the duration of each row's slot, in its zone, has passed since its activity; null where it has none."""
    numbers = {life: number for number, life in enumerate(dict.fromkeys(lives))}
    if all(duration is None for _, duration in numbers):
        return pa.nulls(len(slots), MOMENT)
    of_slot = np.array([numbers[life] for life in lives])
    if len(slots) > len(occurred_at):  # then each activity is looked at once, and not each decision
        by_activity = np.full((len(numbers), len(occurred_at)), NEVER)
        for (zone, duration), number in numbers.items():
            if duration is not None:
                by_activity[number] = expires_at(duration, zone, occurred_at)
        ends = by_activity[of_slot[slots], chosen]
    else:
        ends = np.full(len(slots), NEVER)
        for (zone, duration), number in numbers.items():
            if duration is not None:
                of_life = np.flatnonzero(of_slot[slots] == number)
                ends[of_life] = expires_at(duration, zone, occurred_at[chosen[of_life]])
    return pa.array(ends, mask=ends == NEVER).cast(MOMENT)
