"""Writes of programmes: publishing a version, and keeping states. Inside the caller's transaction."""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import pyarrow as pa

from stamgast.kit.database import Cursor
from stamgast.kit.ids import bucket_of
from stamgast.programmes import sql
from stamgast.programmes.documents import load
from stamgast.programmes.errors import PublishedMeanwhile
from stamgast.programmes.queries import list_versions
from stamgast.programmes.types import Version


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
    started = [version for version in versions if version.effective_from <= effective_from]
    if started:
        in_force = max(started, key=lambda version: (version.effective_from, version.version))
        if in_force.sha256 == digest:
            return in_force
    number = versions[-1].version + 1 if versions else 1
    version = Version(document.programme, number, document_text, digest, effective_from, at, actor, reason)
    cursor.execute(sql.PUBLISHING)
    cursor.execute(sql.INSERT_VERSION, (version.programme, number, document_text, digest, effective_from, at, actor, reason))
    if cursor.rowcount != 1:
        raise PublishedMeanwhile(
            f"Somebody else published version {number} of {document.programme} just now. Look at theirs, then publish again."
        )
    return version


def save_states(cursor: Cursor, programme: str, states: pa.Table) -> None:
    """Keeps the states that ``decide`` gave, in key order, each in place of the one before."""
    customers = [UUID(bytes=value) for value in states["customer_id"].to_pylist()]
    cursor.execute(
        sql.SAVE_STATES,
        (
            programme,
            [bucket_of(customer) for customer in customers],
            customers,
            states["last_at"].to_pylist(),
            [UUID(bytes=value) for value in states["last_activity_id"].to_pylist()],
            states["version"].to_pylist(),
            states["counters"].to_pylist(),
        ),
    )


def forget_states(cursor: Cursor, programme: str, customer_ids: Collection[UUID]) -> None:
    """Drops the states of customers whose activities changed hands, so that nobody goes on from them."""
    ids = sorted(set(customer_ids), key=lambda id_: (bucket_of(id_), id_.bytes))
    cursor.execute(sql.FORGET_STATES, ([bucket_of(id_) for id_ in ids], ids, programme))
