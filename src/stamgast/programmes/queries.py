"""Reads of programmes, their versions and states."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import pyarrow as pa

from stamgast.conditions.fields import PropertyField
from stamgast.kit.database import Cursor
from stamgast.kit.ids import bucket_of
from stamgast.programmes import sql
from stamgast.programmes.errors import UnknownProgramme
from stamgast.programmes.programme import Programme, compile_programme
from stamgast.programmes.types import STATES, TierStay, Version
from stamgast.programmes.versions import Withdrawn

_MOST_COMPILED = 8
_compiled: dict[tuple[str, tuple[tuple[int, str, datetime], ...]], Programme] = {}


def find_programme(cursor: Cursor, name: str | None = None) -> Programme | None:
    """The compiled programme of that name, or the one that was published first; None where there is none.

    Compiled once a process for each list of versions; each call asks the database only which versions there are.
    """
    if name is None:
        row = cursor.execute(sql.FIRST_PROGRAMME, prepare=True).fetchone()
        if row is None:
            return None
        name = str(row[0])
    keys = tuple(cursor.execute(sql.VERSION_KEYS, (name,), prepare=True).fetchall())
    if not keys:
        return None
    compiled = _compiled.get((name, keys))
    if compiled is None:
        versions = list_versions(cursor, name)
        compiled = compile_programme(versions)
        while len(_compiled) >= _MOST_COMPILED:
            _compiled.pop(next(iter(_compiled)))
        _compiled[name, tuple((version.version, version.sha256, version.effective_from) for version in versions)] = compiled
    return compiled


def get_programme(cursor: Cursor, name: str | None = None) -> Programme:
    """Like ``find_programme``; raises UnknownProgramme."""
    programme = find_programme(cursor, name)
    if programme is None:
        shown = f"called {name[:40]!r} " if name else ""
        raise UnknownProgramme(f"No programme {shown}was published. Publish one, or check the name.")
    return programme


def list_programmes(cursor: Cursor) -> list[str]:
    """The names of all programmes."""
    return [row[0] for row in cursor.execute(sql.LIST_PROGRAMMES).fetchall()]


def list_versions(cursor: Cursor, name: str) -> list[Version]:
    """Every version of a programme that was not withdrawn, oldest first."""
    return [Version(*row) for row in cursor.execute(sql.LIST_VERSIONS, (name,)).fetchall()]


def list_withdrawn(cursor: Cursor, name: str) -> list[Withdrawn]:
    """The versions that were taken back before they took effect, oldest first."""
    return [Withdrawn(Version(*row[:8]), *row[8:]) for row in cursor.execute(sql.LIST_WITHDRAWN, (name,)).fetchall()]


def load_states(cursor: Cursor, programme: str, customer_ids: Collection[UUID]) -> pa.Table:
    """The states of these customers, of the schema STATES, for those who have one that can be gone on from.

    A state that a version published since then reaches back behind is left out: decide that customer's whole history.
    """
    ids = sorted(set(customer_ids), key=_key)
    rows = cursor.execute(sql.LOAD_STATES, ([bucket_of(id_) for id_ in ids], ids, programme)).fetchall()
    return pa.Table.from_arrays(
        [
            pa.array([row[0].bytes for row in rows], pa.binary(16)),
            pa.array([row[1] for row in rows], STATES.field("last_at").type),
            pa.array([row[2].bytes for row in rows], pa.binary(16)),
            pa.array([row[3] for row in rows], pa.int32()),
            pa.array([row[4] for row in rows], pa.string()),
            pa.array([row[5] for row in rows], STATES.field("review_at").type),
        ],
        schema=STATES,
    )


def list_due_reviews(cursor: Cursor, programme: str, *, at: datetime, limit: int) -> list[UUID]:
    """Customers whose tier is to be reviewed by a moment, the first due first."""
    return [row[0] for row in cursor.execute(sql.DUE_REVIEWS, (at, programme, limit)).fetchall()]


def next_review(cursor: Cursor) -> datetime | None:
    """When the next tier is reviewed."""
    row = cursor.execute(sql.NEXT_REVIEW).fetchone()
    return row[0] if row else None


def list_tier_stays(cursor: Cursor, programme: str, customer_ids: Collection[UUID]) -> list[TierStay]:
    """From when on these customers held which level, by customer, in order."""
    ids = sorted(set(customer_ids), key=_key)
    rows = cursor.execute(sql.TIER_STAYS, ([bucket_of(id_) for id_ in ids], ids, programme)).fetchall()
    return [TierStay(*row) for row in rows]


def find_tier_since(cursor: Cursor, programme: str, customer_id: UUID, *, at: datetime) -> datetime | None:
    """Since when a customer holds the level of a moment; None where none was ever held."""
    row = cursor.execute(sql.TIER_SINCE, (bucket_of(customer_id), customer_id, programme, at)).fetchone()
    return row[0] if row else None


def list_outdated(cursor: Cursor, version: Version, *, limit: int) -> list[UUID]:
    """Customers who were decided, or whose tier was reviewed, beyond the moment from which this version is in force, before it
    was published."""
    rows = cursor.execute(sql.OUTDATED + " limit %(limit)s", {**_outdated_by(version), "limit": limit})
    return [row[0] for row in rows.fetchall()]


def count_outdated(cursor: Cursor, version: Version) -> int:
    """How many customers ``list_outdated`` would find."""
    row = cursor.execute(f"select count(*) from ({sql.OUTDATED}) as outdated", _outdated_by(version)).fetchone()
    return int(row[0]) if row else 0


def _outdated_by(version: Version) -> dict[str, object]:
    return {"programme": version.programme, "version": version.version, "since": version.effective_from}


def list_decided(cursor: Cursor, programme: str, *, limit: int) -> list[UUID]:
    """Customers for whom something was decided, by bucket, at most so many: always the same ones."""
    return [row[0] for row in cursor.execute(sql.LIST_DECIDED, (programme, limit)).fetchall()]


def list_decided_between(cursor: Cursor, programme: str, first: int, end: int) -> list[UUID]:
    """Customers for whom something was decided, of the buckets from ``first`` to before ``end``."""
    return [row[0] for row in cursor.execute(sql.LIST_DECIDED_BETWEEN, (programme, first, end)).fetchall()]


def count_decided_by_bucket(cursor: Cursor, programme: str) -> dict[int, int]:
    """How many customers something was decided for, by bucket; a bucket without any is not there."""
    return dict(cursor.execute(sql.COUNT_DECIDED_BY_BUCKET, (programme,)).fetchall())


def count_decided(cursor: Cursor, programme: str) -> int:
    """How many customers something was decided for."""
    row = cursor.execute("select count(*) from programmes_state where programme = %s", (programme,)).fetchone()
    return int(row[0]) if row else 0


def _key(id_: UUID) -> tuple[int, bytes]:
    return bucket_of(id_), id_.bytes


def properties_read(programme: Programme) -> dict[tuple[str, ...], frozenset[str]]:
    """The paths of the properties that any version's conditions read, each with the texts that they are compared with."""
    conditions = [base.when for base in programme.bases] + [base.lines for base in programme.bases if base.lines]
    found: dict[tuple[str, ...], frozenset[str]] = {}
    for condition in conditions:
        for comparison in condition.comparisons():
            if isinstance(comparison.field, PropertyField):
                literal = comparison.literal
                texts = literal if isinstance(literal, tuple) else (literal,)
                path = comparison.field.path
                found[path] = found.get(path, frozenset()) | {text for text in texts if isinstance(text, str)}
    return found
