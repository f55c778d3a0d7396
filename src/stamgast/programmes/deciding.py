"""``decide``: what activities are worth. A pure function of a programme, states and activities, all columns.

Reads no clock, no database and no random source. How it works is told in ``docs/algorithms/deciding.md``.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stamgast.programmes.accrual import BASE, CARD, KIND, UNTOUCHED, accrue
from stamgast.programmes.documents import default_document
from stamgast.programmes.errors import UnorderedActivities
from stamgast.programmes.expiry import NEVER, Expiry, expires_at
from stamgast.programmes.matching import match, match_many
from stamgast.programmes.programme import Programme, compile_programme, period_numbers
from stamgast.programmes.slots import LARGEST
from stamgast.programmes.types import ACTIVITIES, DECISIONS, MOMENT, STATES, Decisions, Version

Integers = npt.NDArray[np.int64]
_Keys = npt.NDArray[np.uint64]


def decide(programme: Programme, states: pa.Table | None, activities: pa.Table) -> Decisions:
    """The wanted total of every cause among the activities, and the new state of every customer that they have.

    ``activities`` are of the schema ACTIVITIES, sorted by customer, occurred_at and activity id, and later than the state
    of their customer. A customer without a state begins from nothing. An activity that gives nothing has no row.
    Raises UnorderedActivities.
    """
    activities = activities.combine_chunks()
    count = activities.num_rows
    if not count:
        return Decisions(DECISIONS.empty_table(), STATES.empty_table())
    occurred_at = activities["occurred_at"].cast(pa.int64()).to_numpy()
    customers, ids = _keys(activities["customer_id"]), _keys(activities["activity_id"])
    first_of_customer = _order(customers, occurred_at, ids)
    owners = activities["customer_id"].take(first_of_customer[:-1])
    counters = _read_counters(programme, states, owners, occurred_at, ids, first_of_customer)
    version = programme.version_at(occurred_at)
    bases, values = match(programme, activities)
    money = activities["currency"].combine_chunks().dictionary_encode()
    codes = [*money.dictionary.to_pylist(), None]
    indices = money.indices.fill_null(len(codes) - 1).cast(pa.int64()).to_numpy(zero_copy_only=False)
    money_of = np.require(indices, requirements=["C", "W"])
    is_card = programme.numbers[:, KIND] == CARD
    rows = int(np.where(is_card, count, np.count_nonzero(bases, axis=1)[programme.numbers[:, BASE]]).sum())
    out = np.empty((3, rows), np.int64)
    written = accrue(
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
        *counters,
        len(programme.currencies),
        LARGEST,
        out[0],
        out[1],
        out[2],
    )
    chosen, slots, amounts = out[0, :written], out[1, :written], out[2, :written]
    return Decisions(
        _decisions(programme, activities, occurred_at, chosen, slots, amounts),
        _states(programme, activities, owners, first_of_customer, counters),
    )


def warm() -> None:
    """Compiles, or reads what was compiled, before the first activity is waiting: one order, both ways of stage 1."""
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


def _keys(column: Any) -> _Keys:
    """Ids of 16 bytes as pairs of numbers that sort as the bytes do."""
    array = column.combine_chunks()
    raw = np.frombuffer(array.buffers()[1], dtype=np.dtype(">u8"), count=2 * (array.offset + len(array)))
    keys: _Keys = raw.reshape(-1, 2)[array.offset :].astype(np.uint64)
    return keys


def _order(customers: _Keys, occurred_at: Integers, ids: _Keys) -> Integers:
    """Where each customer begins, and the end. Refuses what is not sorted or stands twice."""
    is_same = (customers[1:] == customers[:-1]).all(axis=1)
    step = np.diff(occurred_at)
    is_later = (step > 0) | ((step == 0) & _is_after(ids[1:], ids[:-1]))
    is_ordered = np.where(is_same, is_later, _is_after(customers[1:], customers[:-1]))
    if not is_ordered.all():
        raise UnorderedActivities(
            "Activities must be sorted by customer, occurred_at and activity id, each once. Sort them and decide again.",
            row=int(np.argmin(is_ordered)) + 1,
        )
    return np.concatenate(([0], np.flatnonzero(~is_same) + 1, [len(occurred_at)])).astype(np.int64)


def _is_after(left: _Keys, right: _Keys) -> npt.NDArray[np.bool_]:
    """Whether each id on the left sorts after the one on the right."""
    result: npt.NDArray[np.bool_] = (left[:, 0] > right[:, 0]) | ((left[:, 0] == right[:, 0]) & (left[:, 1] > right[:, 1]))
    return result


def _periods(programme: Programme, occurred_at: Integers) -> Integers:
    if not programme.periods:
        return np.empty((0, len(occurred_at)), np.int64)
    return np.stack([period_numbers(zone, period, occurred_at) for zone, period in programme.periods])


class _Counters(NamedTuple):
    """One row a customer: of each counter the period and what was counted in it, and what challenges have seen."""

    period: Integers
    used: Integers
    seen: Integers


def _read_counters(
    programme: Programme, states: pa.Table | None, owners: Any, occurred_at: Integers, ids: _Keys, first: Integers
) -> _Counters:
    """The counters of each customer, from their states; refuses activities that a state has already passed."""
    shape = (len(owners), len(programme.counters))
    counters = _Counters(
        np.full(shape, UNTOUCHED), np.zeros(shape, np.int64), np.zeros((len(owners), int(programme.seen_starts[-1])), np.int64)
    )
    if states is None or not states.num_rows:
        return counters
    states = states.combine_chunks()
    found = pc.index_in(owners, value_set=states["customer_id"])
    has_state = found.is_valid().to_numpy()
    places = np.flatnonzero(has_state)
    rows = found.drop_null()
    last_at = states["last_at"].take(rows).cast(pa.int64()).to_numpy()
    last_ids = _keys(states["last_activity_id"].take(rows))
    first_at, first_ids = occurred_at[first[places]], ids[first[places]]
    is_later_id = (first_ids[:, 0] > last_ids[:, 0]) | (
        (first_ids[:, 0] == last_ids[:, 0]) & (first_ids[:, 1] > last_ids[:, 1])
    )
    is_later = (first_at > last_at) | ((first_at == last_at) & is_later_id)
    if not is_later.all():
        raise UnorderedActivities(
            "An activity comes before the last one that was decided for its customer. Decide the customer's whole history.",
            customers=int(np.count_nonzero(~is_later)),
        )
    columns = {name: column for column, name in enumerate(programme.counters)}
    for place, text in zip(places.tolist(), states["counters"].take(rows).to_pylist(), strict=True):
        if text is None or text == "{}":
            continue
        for name, (period, used, *seen) in msgspec.json.decode(text, type=dict[str, list[int]]).items():
            if name in columns:
                counters.period[place, columns[name]], counters.used[place, columns[name]] = period, used
                if seen:
                    start = programme.memories[columns[name]]
                    counters.seen[place, start : start + len(seen)] = seen
    return counters


def _decisions(
    programme: Programme, activities: pa.Table, occurred_at: Integers, chosen: Integers, slots: Integers, amounts: Integers
) -> pa.Table:
    rows = activities.select(["customer_id", "activity_id", "occurred_at"]).take(chosen)
    moments = occurred_at[chosen]
    return pa.Table.from_arrays(
        [
            rows["customer_id"],
            rows["activity_id"],
            pa.array([slot.rule for slot in programme.slots]).take(slots),
            pa.array([slot.currency for slot in programme.slots]).take(slots),
            pa.array(amounts),
            rows["occurred_at"],
            _ends_of([(slot.zone, slot.pending) for slot in programme.slots], slots, moments),
            _ends_of([(slot.zone, slot.expiry) for slot in programme.slots], slots, moments),
            pa.array([programme.versions[slot.version].version for slot in programme.slots], pa.int32()).take(slots),
        ],
        schema=DECISIONS,
    )


def _ends_of(lives: Sequence[tuple[str, Expiry | None]], slots: Integers, moments: Integers) -> Any:
    """When the duration of each row's slot, in its zone, has passed; null where it has none."""
    ends = np.full(len(slots), NEVER)
    for life in dict.fromkeys(lives):
        zone, duration = life
        if duration is not None:
            is_of_life = np.array([one == life for one in lives])[slots]
            ends[is_of_life] = expires_at(duration, zone, moments[is_of_life])
    return pa.array(ends, mask=ends == NEVER).cast(MOMENT)


def _states(
    programme: Programme, activities: pa.Table, owners: Any, first_of_customer: Integers, counters: _Counters
) -> pa.Table:
    last = activities.select(["occurred_at", "activity_id"]).take(first_of_customer[1:] - 1)
    texts = ["{}"] * len(owners)
    for customer in np.flatnonzero((counters.period != UNTOUCHED).any(axis=1)).tolist() if programme.counters else ():
        held = {}
        for column in np.flatnonzero(counters.period[customer] != UNTOUCHED).tolist():
            used = int(counters.used[customer, column])
            held[programme.counters[column]] = [int(counters.period[customer, column]), used]
            if column in programme.memories:
                start = programme.memories[column]
                held[programme.counters[column]] += counters.seen[customer, start : start + used].tolist()
        texts[customer] = msgspec.json.encode(held).decode()
    return pa.Table.from_arrays(
        [
            owners,
            last["occurred_at"],
            last["activity_id"],
            pa.array(np.full(len(owners), programme.latest, np.int32)),
            pa.array(texts, pa.string()),
        ],
        schema=STATES,
    )
