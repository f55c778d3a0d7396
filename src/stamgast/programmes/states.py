"""States: what deciding on needs of what was decided, from JSON by name to columns of numbers and back. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stamgast.kit.zones import DAY, from_local
from stamgast.programmes.errors import UnorderedActivities
from stamgast.programmes.layout import HELD, INVITED, LAST_DAY, NO_REVIEW, NOBODY, REACHED, REVIEW, UNTOUCHED
from stamgast.programmes.programme import Programme
from stamgast.programmes.slots import MOST_DIFFERENT
from stamgast.programmes.types import MOMENT, STATES

Integers = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
TIER, QUALIFIED = "/tier", "/qualified"
OPEN = 0
"""Stands behind the values of a challenge that has not given in its period. States of before the mark do not have it."""
KEPT_DAYS = 1_600
"""Longer than the longest period and the longest grace together, so that no version can ask for what is gone."""


class Held(NamedTuple):
    """One row a customer: of each counter the period and what was counted in it, what challenges have seen, and what
    ``tiering`` keeps of members. What qualified stands in ``entry_days`` and ``entry_amounts`` from the customer's
    ``entry_starts`` on, with room for the activities to come."""

    period: Integers
    used: Integers
    seen: Integers
    members: Integers
    entry_starts: Integers
    entry_counts: Integers
    entry_days: Integers
    entry_amounts: Integers
    next_review: Integers


def read_states(
    programme: Programme, states: pa.Table | None, owners: Any, occurred_at: Integers, ids: Keys, first: Integers
) -> Held:
    """What the states say of each customer; refuses activities that a state has already passed."""
    if states is None or not states.num_rows:
        return _empty(programme, first, {})
    states = states.combine_chunks()
    found = pc.index_in(owners, value_set=states["customer_id"])
    places = np.flatnonzero(found.is_valid().to_numpy())
    rows = found.drop_null()
    _refuse_passed(states, rows, places, occurred_at, ids, first)
    kept: dict[int, dict[str, list[Any]]] = {
        place: msgspec.json.decode(str(text), type=dict[str, list[Any]])
        for place, text in zip(places.tolist(), states["counters"].take(rows).to_pylist(), strict=True)
        if text != "{}"
    }
    held = _empty(programme, first, {place: len(one.get(QUALIFIED, ())) // 2 for place, one in kept.items()})
    last_at = dict(zip(places.tolist(), states["last_at"].take(rows).cast(pa.int64()).to_numpy().tolist(), strict=True))
    columns = {name: column for column, name in enumerate(programme.counters)}
    numbers = {name: number for number, name in enumerate(programme.level_names)}
    for place, counters in kept.items():
        for name, numbered in counters.items():
            if name == TIER:
                level, *between, invited, invited_on, last_day = numbered
                held.members[place] = [
                    NOBODY if level is None else numbers.get(level, NOBODY),
                    *(NO_REVIEW if one is None else one for one in between),
                    NOBODY if invited is None else numbers.get(invited, NOBODY),
                    *(invited_on, last_day),
                ]
            elif name == QUALIFIED:
                start, count = held.entry_starts[place], len(numbered) // 2
                held.entry_days[start : start + count] = numbered[::2]
                held.entry_amounts[start : start + count] = numbered[1::2]
                held.entry_counts[place] = count
            elif name in columns:
                period, used, *seen = numbered
                held.period[place, columns[name]], held.used[place, columns[name]] = period, used
                if seen:
                    start = programme.memories[columns[name]]
                    held.seen[place, start : start + len(seen)] = seen
                    if seen[-1] != OPEN and used >= _wanted_at(programme, columns[name], last_at[place]):
                        held.used[place, columns[name]] = REACHED
    return held


def _wanted_at(programme: Programme, column: int, moment: int) -> int:
    """How many different values the challenge of a counter asked for at a moment."""
    place = int(programme.version_at(np.array([moment], np.int64))[0])
    gates = programme.gates[programme.gate_starts[place] : programme.gate_starts[place + 1]] if place >= 0 else ()
    return next((gate.turn.count for gate in gates if gate.counter == column), MOST_DIFFERENT)


def _empty(programme: Programme, first: Integers, carried: Mapping[int, int]) -> Held:
    """Nothing of anybody yet, with room for so many entries of some and one for each activity."""
    count = len(first) - 1
    shape = (count, len(programme.counters))
    members = np.zeros((count, 7), np.int64)
    members[:, HELD] = members[:, INVITED] = NOBODY
    members[:, REVIEW] = NO_REVIEW
    members[:, LAST_DAY] = UNTOUCHED
    room = np.diff(first) if programme.has_tiers else np.zeros(count, np.int64)
    for place, entries in carried.items():
        room[place] += entries
    starts = np.concatenate(([0], np.cumsum(room))).astype(np.int64)
    return Held(
        period=np.full(shape, UNTOUCHED),
        used=np.zeros(shape, np.int64),
        seen=np.zeros((count, int(programme.seen_starts[-1])), np.int64),
        members=members,
        entry_starts=starts,
        entry_counts=np.zeros(count, np.int64),
        entry_days=np.zeros(int(starts[-1]), np.int64),
        entry_amounts=np.zeros(int(starts[-1]), np.int64),
        next_review=np.full(count, NO_REVIEW),
    )


def _refuse_passed(states: pa.Table, rows: Any, places: Integers, occurred_at: Integers, ids: Keys, first: Integers) -> None:
    has_activity = first[places] < first[places + 1]
    places, rows = places[has_activity], rows.filter(pa.array(has_activity))
    last_at = states["last_at"].take(rows).cast(pa.int64()).to_numpy()
    last_ids = keys_of(states["last_activity_id"].take(rows))
    first_at, first_ids = occurred_at[first[places]], ids[first[places]]
    is_later = (first_at > last_at) | ((first_at == last_at) & is_after(first_ids, last_ids))
    if not is_later.all():
        raise UnorderedActivities(
            "An activity comes before the last one that was decided for its customer. Decide the customer's whole history.",
            customers=int(np.count_nonzero(~is_later)),
        )


def keys_of(column: Any) -> Keys:
    """Ids of 16 bytes as pairs of numbers that sort as the bytes do."""
    array = column.combine_chunks()
    raw = np.frombuffer(array.buffers()[1], dtype=np.dtype(">u8"), count=2 * (array.offset + len(array)))
    keys: Keys = raw.reshape(-1, 2)[array.offset :].astype(np.uint64)
    return keys


def is_after(left: Keys, right: Keys) -> npt.NDArray[np.bool_]:
    """Whether each id on the left sorts after the one on the right."""
    result: npt.NDArray[np.bool_] = (left[:, 0] > right[:, 0]) | ((left[:, 0] == right[:, 0]) & (left[:, 1] > right[:, 1]))
    return result


def write_states(programme: Programme, activities: pa.Table, owners: Any, first_of_customer: Integers, held: Held) -> pa.Table:
    """The states of customers after their last activity."""
    last = activities.select(["occurred_at", "activity_id"]).take(first_of_customer[1:] - 1)
    texts = ["{}"] * len(owners)
    is_touched = (held.period != UNTOUCHED).any(axis=1) | (held.members[:, LAST_DAY] != UNTOUCHED)
    for customer in np.flatnonzero(is_touched).tolist():
        texts[customer] = msgspec.json.encode(_write_one(programme, customer, held)).decode()
    return pa.Table.from_arrays(
        [
            owners,
            last["occurred_at"],
            last["activity_id"],
            pa.array(np.full(len(owners), programme.latest, np.int32)),
            pa.array(texts, pa.string()),
            review_moments(programme, held),
        ],
        schema=STATES,
    )


def review_moments(programme: Programme, held: Held) -> Any:
    """When each customer's tier is reviewed next; null for never."""
    days = held.next_review
    is_due = days != NO_REVIEW
    return pa.array(moments_of(programme, np.where(is_due, days, 0)), mask=~is_due).cast(MOMENT)


def moments_of(programme: Programme, days: Integers) -> Integers:
    """The first moment of each local day, in the zone of the version that is in force then."""
    moments = np.zeros(len(days), np.int64)
    found = np.maximum(np.searchsorted(programme.timeline[:, 0], days, side="right") - 1, 0)
    places = programme.timeline[found, 1]
    for place in np.unique(places).tolist():
        is_its = places == place
        moments[is_its] = from_local(programme.documents[place].timezone, days[is_its] * DAY)
    return moments


def _write_one(programme: Programme, customer: int, held: Held) -> dict[str, list[Any]]:
    kept: dict[str, list[Any]] = {}
    for column in np.flatnonzero(held.period[customer] != UNTOUCHED).tolist():
        used = int(held.used[customer, column])
        kept[programme.counters[column]] = [int(held.period[customer, column]), used]
        if column in programme.memories:
            start = programme.memories[column]
            if used != REACHED:
                kept[programme.counters[column]] += [*held.seen[customer, start : start + used].tolist(), OPEN]
    level, since, end, review, invited, invited_on, last_day = held.members[customer].tolist()
    if last_day != UNTOUCHED:
        names = [None if number == NOBODY else programme.level_names[number] for number in (level, invited)]
        kept[TIER] = [names[0], since, end, None if review == NO_REVIEW else review, names[1], invited_on, last_day]
        start, count = int(held.entry_starts[customer]), int(held.entry_counts[customer])
        days, amounts = held.entry_days[start : start + count], held.entry_amounts[start : start + count]
        is_kept = days > last_day - KEPT_DAYS
        if is_kept.any():
            kept[QUALIFIED] = np.stack([days[is_kept], amounts[is_kept]], axis=1).reshape(-1).tolist()
    return kept
