"""Writes of programmes: publishing a version, and keeping states. Inside the caller's transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import pyarrow as pa

from stamgast.kit.database import Cursor
from stamgast.kit.ids import bucket_of
from stamgast.programmes import sql
from stamgast.programmes.documents import load
from stamgast.programmes.errors import AlreadyWithdrawn, PublishedMeanwhile, VersionInForce
from stamgast.programmes.queries import list_versions, list_withdrawn
from stamgast.programmes.types import Version
from stamgast.programmes.versions import find_in_force


def keep_versions(cursor: Cursor) -> None:
    """Lets nobody publish a version until the transaction ends. Taken before a programme is read to decide by it."""
    cursor.execute(sql.DECIDING)


def stop_deciding(cursor: Cursor) -> None:
    """Waits until nobody decides, and lets nobody decide until the transaction ends: for acts that may meet none half done."""
    cursor.execute(sql.PUBLISHING)


def publish(cursor: Cursor, document_text: str, *, effective_from: datetime, at: datetime, actor: str, reason: str) -> Version:
    """Makes a document the next version of the programme that it names, in force from ``effective_from``.

    The same text as the version in force at that moment is that version, and nothing is written. A moment in the past is
    allowed: states that reach beyond it are then no longer loaded, and who has them is decided again from the whole history.
    Waits for those who ``keep_versions``, so that after the commit every state says which versions it was decided under.
    Of two publishers at the same time one gets PublishedMeanwhile. Raises InvalidProgramme.
    """
    document = load(document_text)
    digest = sha256(document_text.encode()).hexdigest()
    versions = list_versions(cursor, document.programme)
    in_force = find_in_force(versions, effective_from)
    if in_force is not None and in_force.sha256 == digest:
        return in_force
    # From what was read above, not anew: what somebody published since then has to be in the way.
    withdrawn = [one.version.version for one in list_withdrawn(cursor, document.programme)]
    number = max([version.version for version in versions] + withdrawn, default=0) + 1
    version = Version(document.programme, number, document_text, digest, effective_from, at, actor, reason)
    cursor.execute(sql.PUBLISHING)
    cursor.execute(sql.INSERT_VERSION, (version.programme, number, document_text, digest, effective_from, at, actor, reason))
    if cursor.rowcount != 1:
        raise PublishedMeanwhile(
            f"Somebody else published version {number} of {document.programme} just now. Look at theirs, then publish again."
        )
    return version


def withdraw(cursor: Cursor, version: Version, *, at: datetime, actor: str, reason: str) -> None:
    """Takes back a version before it takes effect: it stays to be read, and nothing is ever decided by it.

    Waits for those who ``keep_versions``. Raises VersionInForce where it has begun, by the clock or because somebody was
    decided by it already; doing it again raises AlreadyWithdrawn.
    """
    cursor.execute(sql.PUBLISHING)
    row = cursor.execute(sql.HAS_DECIDED, (version.programme, version.version, version.effective_from)).fetchone()
    if version.effective_from <= at or (row is not None and row[0]):
        raise VersionInForce(
            f"Version {version.version} of {version.programme} holds already, so that it cannot be taken back as if it never "
            "had. Publish the one before it again instead."
        )
    cursor.execute(sql.WITHDRAW, (version.programme, version.version, at, actor, reason))
    if cursor.rowcount != 1:
        raise AlreadyWithdrawn(f"Version {version.version} of {version.programme} was withdrawn before. Nothing was changed.")


def save_states(cursor: Cursor, programme: str, states: pa.Table, *, reviewed_by: datetime | None = None) -> None:
    """Keeps the states that ``decide`` gave, in key order, each in place of the one before; where there are tiers, with the
    moment until which reviews were held."""
    customers = [UUID(bytes=value) for value in states["customer_id"].to_pylist()]
    cursor.execute(
        sql.SAVE_STATES,
        (
            programme,
            reviewed_by,
            [bucket_of(customer) for customer in customers],
            customers,
            states["last_at"].to_pylist(),
            [UUID(bytes=value) for value in states["last_activity_id"].to_pylist()],
            states["version"].to_pylist(),
            states["counters"].to_pylist(),
            states["review_at"].to_pylist(),
        ),
    )


def save_tiers(cursor: Cursor, programme: str, changes: pa.Table, known: Mapping[UUID, datetime | None]) -> None:
    """Keeps the changes of tiers of these customers, in place of all after the moment that was known of each, or of all.

    Of several at one moment the last holds.
    """
    ids = sorted(known, key=lambda id_: (bucket_of(id_), id_.bytes))
    buckets = [bucket_of(id_) for id_ in ids]
    cursor.execute(sql.FORGET_TIERS, (buckets, ids, [known[id_] for id_ in ids], programme))
    last = {(row["customer_id"], row["since"]): row for row in changes.to_pylist()}
    if not last:
        return
    rows = list(last.values())
    customers = [UUID(bytes=row["customer_id"]) for row in rows]
    cursor.execute(
        sql.SAVE_TIERS,
        (
            programme,
            [bucket_of(customer) for customer in customers],
            customers,
            [row["since"] for row in rows],
            [row["tier"] for row in rows],
            [row["cause"] for row in rows],
            [UUID(bytes=row["activity_id"]) if row["activity_id"] is not None else None for row in rows],
            [row["version"] for row in rows],
        ),
    )


def save_reviews(cursor: Cursor, programme: str, states: pa.Table, *, reviewed_by: datetime, version: int) -> None:
    """Keeps when these states are reviewed next, by when they were, and the newest version that was known then."""
    customers = [UUID(bytes=value) for value in states["customer_id"].to_pylist()]
    buckets = [bucket_of(customer) for customer in customers]
    cursor.execute(sql.SET_REVIEWS, (reviewed_by, version, buckets, customers, states["review_at"].to_pylist(), programme))


def forget_states(cursor: Cursor, programme: str, customer_ids: Collection[UUID]) -> None:
    """Drops the states and tiers of customers whose activities changed hands, so that nobody goes on from them."""
    ids = sorted(set(customer_ids), key=lambda id_: (bucket_of(id_), id_.bytes))
    if ids:
        buckets = [bucket_of(id_) for id_ in ids]
        cursor.execute(sql.FORGET_STATES, (buckets, ids, programme))
        cursor.execute(sql.FORGET_TIERS, (buckets, ids, [None] * len(ids), programme))
