"""Reads of erasures, tombstones and their key."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from stamgast.customers.erasure.errors import ErasureKeyLost, ErasureNotFound
from stamgast.customers.erasure.rules import WrappedKey, tombstone_of, unwrap_key
from stamgast.customers.erasure.types import Erasure
from stamgast.kit.database import Cursor
from stamgast.kit.paging import DEFAULT_PAGE, Page, decode_cursor, page_of

_COLUMNS = """erasure.id, erasure.customer_id, erasure.anchor_id, erasure.at, erasure.actor, erasure.reason,
    erasure.removed::text, erasure.lake_cleaned_at, lift.at, lift.actor, lift.reason"""
_FROM = "customers_erasure AS erasure LEFT JOIN customers_erasurelift AS lift ON lift.erasure_id = erasure.id"


def find_wrapped_key(cursor: Cursor) -> WrappedKey | None:
    """The key as it is stored; None until somebody was erased, so that who never erases pays nothing."""
    row = cursor.execute("SELECT nonce, wrapped, check_bytes FROM customers_erasurekey").fetchone()
    return WrappedKey(*map(bytes, row)) if row else None


def find_key(cursor: Cursor, secrets: Sequence[str]) -> bytes | None:
    """The key of the tombstones, or None until somebody was erased. Raises ErasureKeyLost."""
    stored = find_wrapped_key(cursor)
    if stored is None:
        return None
    found = unwrap_key(stored, secrets)
    if found is None:
        raise ErasureKeyLost(
            "Somebody was erased, and the key by which they are known is locked with an earlier STAMGAST_SECRET_KEY. Give that "
            "one in STAMGAST_SECRET_KEY_FALLBACKS, or what comes in for them would bring them back."
        )
    return found[0]


def find_buried(cursor: Cursor, identifiers: Iterable[str], key: bytes) -> dict[str, Erasure]:
    """Those of the normalised identifiers that belonged to somebody who was erased, and the receipt of each.

    What was lifted belongs to nobody who was erased.
    """
    digests = {tombstone_of(identifier, key): identifier for identifier in set(identifiers)}
    rows = cursor.execute(
        f"""
        SELECT stone.digest, {_COLUMNS} FROM unnest(%s::bytea[]) AS wanted (digest)
        JOIN customers_tombstone AS stone ON stone.digest = wanted.digest
        JOIN ({_FROM}) ON erasure.id = stone.erasure_id WHERE lift.at IS NULL
        """,
        (list(digests),),
    ).fetchall()
    return {digests[bytes(digest)]: _erasure_of(row) for digest, *row in rows}


def get_erasure(cursor: Cursor, erasure_id: UUID) -> Erasure:
    """One receipt; raises ErasureNotFound."""
    row = cursor.execute(f"SELECT {_COLUMNS} FROM {_FROM} WHERE erasure.id = %s", (erasure_id,)).fetchone()
    if row is None:
        raise ErasureNotFound("There is no receipt of an erasure with this id.")
    return _erasure_of(row)


def find_erasure_of(cursor: Cursor, customer: UUID) -> Erasure | None:
    """The receipt of a customer who was erased."""
    row = cursor.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE customer_id = %s ORDER BY erasure.at DESC LIMIT 1", (customer,)
    ).fetchone()
    return _erasure_of(row) if row else None


def list_erasures(cursor: Cursor, *, after: str | None = None, limit: int = DEFAULT_PAGE) -> Page[Erasure]:
    """Every receipt, the latest first."""
    before: tuple[Any, ...] | None = None
    if after is not None:
        moment, last = decode_cursor(after, str, str)
        before = (datetime.fromisoformat(str(moment)), UUID(str(last)))
    rows = cursor.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE %s::timestamptz IS NULL OR (erasure.at, erasure.id) < (%s, %s) "
        "ORDER BY erasure.at DESC, erasure.id DESC LIMIT %s",
        (*((before[0], *before) if before else (None, None, None)), limit + 1),
    ).fetchall()
    return page_of([_erasure_of(row) for row in rows], limit, lambda row: (row.at.isoformat(), str(row.id)))


def list_traces(cursor: Cursor) -> dict[UUID, UUID]:
    """Identifier ids that the lake may still hold, and what each became."""
    cursor.execute(
        "SELECT trace.anchor_id, erasure.anchor_id FROM customers_erasuretrace AS trace "
        "JOIN customers_erasure AS erasure ON erasure.id = trace.erasure_id"
    )
    return dict(cursor.fetchall())


def list_living(cursor: Cursor, identifiers: Collection[UUID]) -> set[UUID]:
    """Those of the identifiers' ids that point at a customer now."""
    cursor.execute(
        "SELECT link.identifier_id FROM unnest(%s::uuid[]) AS wanted (id) "
        "JOIN customers_link AS link ON link.identifier_id = wanted.id AND link.ended_at IS NULL",
        (list(identifiers),),
    )
    return {row[0] for row in cursor}


def _erasure_of(row: Sequence[Any]) -> Erasure:
    id_, customer, anchor, at, actor, reason, removed, *rest = row
    counts: Mapping[str, int] = msgspec.json.decode(removed)
    return Erasure(id_, customer, anchor, at, actor, reason, counts, *rest)


def list_erased(cursor: Cursor) -> set[UUID]:
    """Everybody who was erased."""
    return {row[0] for row in cursor.execute("SELECT customer_id FROM customers_erasure").fetchall()}
