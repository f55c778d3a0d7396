"""All customers at once: what the whole evidence makes of them under any rules, and how that differs from what they are.

The same function as ``clusters``, over columns and compiled, for a million customers in seconds; a test holds the two equal.
Used before rules are switched on, to say what they would do, and after, to find whom they concern.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from stamgast.customers.clusters import verdicts_of
from stamgast.customers.ruleset import as_like
from stamgast.customers.sql_judgements import JUDGEMENT_COLUMNS
from stamgast.customers.types import Evidence, IdentityRules, Judgement
from stamgast.kit.database import Cursor

Ints = npt.NDArray[np.int64]
Column = Any
"""An array of Arrow, whose compute functions are not typed."""
pc: Any = pyarrow.compute
LARGEST = 10
_HEADER, _TRAILER = 19, 2
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""From where PostgreSQL counts the microseconds of a moment."""
_MICROSECOND = timedelta(microseconds=1)
_UUID = [("size", ">i4"), ("value", "V16")]


@dataclass(frozen=True, slots=True)
class Everybody:
    """Every identifier with its customer, by place; ``kinds`` is the place of its kind among the limited ones, else −1."""

    identifiers: Column
    customers: Column
    kinds: Ints
    is_blocked: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Largest:
    """One of the largest customers that there would be: how many identifiers, from how many customers of now."""

    identifiers: int
    customers: int
    example: UUID


@dataclass(frozen=True, slots=True)
class Cost:
    """What rules make of the customers. ``groups`` are the customers that change, those together that must change together."""

    customers_before: int
    customers_after: int
    merging: int
    coming_apart: int
    largest: list[Largest]
    groups: list[list[UUID]]


def weigh(cursor: Cursor, rules: IdentityRules, *, reread: Collection[UUID] = (), evidence: Collection[Evidence] = ()) -> Cost:
    """What these rules make of all customers. ``evidence`` stands in the place of what is stored of the anchors ``reread``."""
    from stamgast.customers.unions import join_evidence, join_same  # here, because it loads the compiler

    limited = sorted(rules.limits)
    everybody = _read_everybody(cursor, rules, limited)
    first, second, explicit = _read_evidence(cursor, everybody, set(reread), evidence)
    same, different = _read_judgements(cursor, everybody)
    limits = np.array([rules.limits[kind] for kind in limited] or [0], np.int64)
    keep = ~(everybody.is_blocked[first] | everybody.is_blocked[second])
    parent = join_evidence(first[keep], second[keep], explicit[keep], everybody.kinds, limits, different)
    return _compare(everybody, join_same(parent, same, different))


def _read_everybody(cursor: Cursor, rules: IdentityRules, limited: list[str]) -> Everybody:
    rows = _copy(
        cursor,
        """
        SELECT link.identifier_id, link.customer_id, coalesce(array_position(%s::text[], identifier.kind), 0)::int4
        FROM customers_link AS link JOIN customers_identifier AS identifier ON identifier.id = link.identifier_id
        WHERE link.ended_at IS NULL
        """,
        (limited,),
        [("identifier", _UUID), ("customer", _UUID), ("kind", [("size", ">i4"), ("value", ">i4")])],
    )
    identifiers, customers = _binary(rows["identifier"]["value"]), _binary(rows["customer"]["value"])
    kinds = rows["kind"]["value"].astype(np.int64) - 1
    blocked: set[bytes] = set()
    for kind, patterns in rules.blocked.items():
        cursor.execute(
            "SELECT id FROM customers_identifier WHERE kind = %s AND value LIKE ANY(%s)",
            (kind, [as_like(pattern) for pattern in patterns]),
        )
        blocked |= {row[0].bytes for row in cursor}
    is_blocked = _is_in(identifiers, blocked)
    return Everybody(identifiers, customers, kinds, is_blocked)


def _read_evidence(
    cursor: Cursor, everybody: Everybody, reread: set[UUID], instead: Iterable[Evidence]
) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
    """Both ends by place, and whether it is explicit, in the order in which they are joined."""
    layout: list[Any] = [("first", _UUID), ("second", _UUID), ("at", [("size", ">i4"), ("value", ">i8")])]
    layout += [("activity", _UUID), ("explicit", [("size", ">i4"), ("value", "u1")])]
    rows = _copy(
        cursor,
        "SELECT first_id, second_id, first_at, activity_id, is_explicit FROM customers_evidence",
        (),
        layout,
    )
    columns = [rows[name]["value"] for name in ("first", "second", "at", "activity", "explicit")]
    if reread:
        keep = ~_is_in(_binary(columns[0]), {key.bytes for key in reread})
        more = list(instead)
        columns = [column[keep] for column in columns]
        added = [
            np.frombuffer(b"".join(one.first_id.bytes for one in more), "V16"),
            np.frombuffer(b"".join(one.second_id.bytes for one in more), "V16"),
            np.array([(one.first_at - _BEGINNING) // _MICROSECOND for one in more], ">i8"),
            np.frombuffer(b"".join(one.activity_id.bytes for one in more), "V16"),
            np.array([one.is_explicit for one in more], "u1"),
        ]
        columns = [np.concatenate(pair) for pair in zip(columns, added, strict=True)]
    first, second, at, activity, explicit = columns
    keys: list[Any] = [*_halves(second), *_halves(first), *_halves(activity), at.astype(np.int64), 1 - explicit.astype(np.int8)]
    order = np.lexsort(keys)
    ends = [_places(_binary(column), everybody.identifiers)[order] for column in (first, second)]
    known = (ends[0] >= 0) & (ends[1] >= 0)
    return ends[0][known], ends[1][known], (explicit != 0)[order][known]


def _read_judgements(cursor: Cursor, everybody: Everybody) -> tuple[Ints, Ints]:
    cursor.execute(f"SELECT {JUDGEMENT_COLUMNS} FROM customers_judgement AS judgement WHERE withdrawn_at IS NULL")
    verdicts = verdicts_of(Judgement(*row) for row in cursor)

    def pairs(given: Iterable[tuple[UUID, UUID]]) -> Ints:
        flat = [key.bytes for pair in given for key in pair]
        places = _places(pa.array(flat, pa.binary(16)), everybody.identifiers).reshape(-1, 2)
        return places[(places >= 0).all(axis=1)]

    return pairs(verdicts.same), pairs(verdicts.different)


def _compare(everybody: Everybody, wanted: Ints) -> Cost:
    """Who changes. Customers and wanted clusters that share an identifier hang together; groups of more than one change."""
    customers = pc.dictionary_encode(everybody.customers)
    now, names = customers.indices.to_numpy(zero_copy_only=False).astype(np.int64), customers.dictionary
    labels, first, then = np.unique(wanted, return_index=True, return_inverse=True)
    count_now, count_then = len(names), len(labels)
    # One number a pair: sorting rows of two takes many times as long.
    pairs = np.stack(np.divmod(np.unique(now * max(count_then, 1) + then), max(count_then, 1)), axis=1)
    parts, sources = np.bincount(pairs[:, 0], minlength=count_now), np.bincount(pairs[:, 1], minlength=count_then)
    changing = pairs[(parts[pairs[:, 0]] > 1) | (sources[pairs[:, 1]] > 1)]
    merging = np.unique(pairs[sources[pairs[:, 1]] > 1, 0])
    return Cost(
        customers_before=count_now,
        customers_after=count_then,
        merging=len(merging),
        coming_apart=int((parts > 1).sum()),
        largest=_largest(everybody, first, then, sources),
        groups=_groups(changing, count_now, count_then, names),
    )


def _largest(everybody: Everybody, first: Ints, then: Ints, sources: Ints) -> list[Largest]:
    sizes = np.bincount(then)
    top = np.argsort(-sizes, kind="stable")[:LARGEST]
    return [
        Largest(int(sizes[label]), int(sources[label]), UUID(bytes=everybody.identifiers[int(first[label])].as_py()))
        for label in top
    ]


def _groups(changing: Ints, count_now: int, count_then: int, names: Column) -> list[list[UUID]]:
    from stamgast.customers.unions import join_evidence  # here, because it loads the compiler

    if not len(changing):
        return []
    nobody = np.full(count_now + count_then, -1, np.int64)
    explicit = np.ones(len(changing), np.bool_)
    ends = changing[:, 0].copy(), changing[:, 1] + count_now
    parent = join_evidence(*ends, explicit, nobody, np.zeros(1, np.int64), np.empty((0, 2), np.int64))
    groups: dict[int, list[UUID]] = {}
    for place in np.unique(changing[:, 0]):
        groups.setdefault(int(parent[place]), []).append(UUID(bytes=names[int(place)].as_py()))
    return list(groups.values())


def _copy(cursor: Cursor, query: str, arguments: tuple[object, ...], layout: list[Any]) -> npt.NDArray[Any]:
    """What a query gives, read as columns: every column has one size and none is null, so each row has one size too."""
    dtype = np.dtype([("fields", ">i2"), *layout])
    with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)", arguments) as copy:
        data = b"".join(bytes(block) for block in copy)
    return np.frombuffer(memoryview(data)[_HEADER : len(data) - _TRAILER], dtype)


def _binary(column: npt.NDArray[Any]) -> Column:
    packed = np.ascontiguousarray(column)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(packed), [None, pa.py_buffer(packed.tobytes())])


def _halves(column: npt.NDArray[Any]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Sixteen bytes as two numbers, the lesser half first, as ``lexsort`` wants its keys."""
    numbers = np.frombuffer(np.ascontiguousarray(column).tobytes(), ">u8").reshape(-1, 2).astype(np.uint64)
    return numbers[:, 1], numbers[:, 0]


def _places(values: Column, among: Column) -> Ints:
    found = pc.fill_null(pc.index_in(values, value_set=among), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


def _is_in(values: Column, wanted: set[bytes]) -> npt.NDArray[np.bool_]:
    if not wanted:
        return np.zeros(len(values), np.bool_)
    found = pc.is_in(values, value_set=pa.array(sorted(wanted), pa.binary(16)))
    return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)
