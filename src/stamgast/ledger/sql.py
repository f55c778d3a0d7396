"""SQL text of the postings, and the two ways in which columns of values reach the server. Private to the room.

Arrays travel as one text each (``{1,2,3}``), which takes a tenth of the time that a driver needs to adapt a list of objects;
ids travel in binary, by ``kit.arrays``.
Fresh rows travel by binary COPY where they are many, and as arrays where they are few (``is_few``).
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from stamgast.kit.ids import BUCKETS
from stamgast.ledger.types import EPOCH, to_microseconds, to_moment

MICROSECONDS_BEFORE_2000 = to_microseconds(EPOCH.replace(year=2000))


LOCK_BALANCES = """
INSERT INTO ledger_balance AS b (bucket, owner_id, currency)
SELECT k.* FROM unnest(%s::smallint[], %s::uuid[], %s::text[]) AS k(bucket, owner_id, currency)
ORDER BY k.bucket, k.owner_id, k.currency COLLATE "C"
ON CONFLICT (bucket, owner_id, currency) DO UPDATE SET debt = b.debt WHERE b.debt > 0 OR b.held > 0
RETURNING owner_id, currency, debt, held
"""
"""Makes the rows that are missing and locks them all, in key order. A row that the WHERE leaves alone is locked too, and not
written; what comes back are fresh rows and owners who owe or have a hold, as they are after the wait for the lock."""

LOCK_BALANCES_IF_FREE = """
SELECT b.bucket, b.owner_id, b.currency FROM ledger_balance b
JOIN unnest(%s::smallint[], %s::uuid[], %s::text[]) AS k(bucket, owner_id, currency)
  ON b.bucket = k.bucket AND b.owner_id = k.owner_id AND b.currency = k.currency
ORDER BY b.bucket, b.owner_id, b.currency FOR UPDATE OF b SKIP LOCKED
"""

CURRENCIES_OF_OWNERS = """
SELECT b.owner_id, b.currency FROM ledger_balance b
JOIN unnest(%s::smallint[], %s::uuid[]) AS k(bucket, owner_id) ON b.bucket = k.bucket AND b.owner_id = k.owner_id
"""

LOT = """l.lot_id, l.owner_id, l.currency, l.activity_id, l.rule, l.programme_version, l.revision,
l.given, l.remaining, l.held, l.expired, l.used, l.owed, l.effective_at, l.expires_at, l.pending, l.available_at"""

LOTS_BY_KEY = f"""
SELECT {LOT} FROM ledger_lot l
JOIN unnest(%s::smallint[], %s::uuid[], %s::uuid[]) AS k(bucket, owner_id, lot_id)
  ON l.bucket = k.bucket AND l.owner_id = k.owner_id AND l.lot_id = k.lot_id
"""

LOTS_OF_OWNERS = f"""
SELECT {LOT} FROM ledger_lot l
JOIN unnest(%s::smallint[], %s::uuid[]) AS k(bucket, owner_id) ON l.bucket = k.bucket AND l.owner_id = k.owner_id
WHERE l.programme_version > 0
"""
"""Without the lots that an act gave: no programme decides them again."""

DUE_BALANCES = """
SELECT l.bucket, l.owner_id, l.currency FROM ledger_lot l
WHERE l.expires_at <= %s AND l.remaining > l.held ORDER BY l.expires_at LIMIT %s
"""

DUE_BALANCES_OF_OWNERS = """
SELECT DISTINCT l.bucket, l.owner_id, l.currency FROM ledger_lot l
JOIN unnest(%s::smallint[], %s::uuid[]) AS k(bucket, owner_id) ON l.bucket = k.bucket AND l.owner_id = k.owner_id
WHERE l.expires_at <= %s AND l.remaining > l.held
"""

DUE_LOTS = f"""
SELECT {LOT} FROM ledger_lot l
JOIN unnest(%s::smallint[], %s::uuid[], %s::text[]) AS k(bucket, owner_id, currency)
  ON l.bucket = k.bucket AND l.owner_id = k.owner_id AND l.currency = k.currency
WHERE l.expires_at <= %s AND l.remaining > l.held ORDER BY l.expires_at, l.lot_id LIMIT %s
"""

UPDATE_LOTS = """
UPDATE ledger_lot l SET given = k.given, remaining = k.remaining, held = k.held, expired = k.expired, used = k.used,
  owed = k.owed, expires_at = k.expires_at, pending = k.pending, available_at = k.available_at,
  programme_version = k.programme_version, revision = k.revision
FROM unnest(%s::smallint[], %s::uuid[], %s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
  %s::bigint[], %s::timestamptz[], %s::bigint[], %s::timestamptz[], %s::int[], %s::int[])
  AS k(bucket, owner_id, lot_id, given, remaining, held, expired, used, owed, expires_at, pending, available_at,
  programme_version, revision)
WHERE l.bucket = k.bucket AND l.owner_id = k.owner_id AND l.lot_id = k.lot_id
"""

UPDATE_BALANCES = """
UPDATE ledger_balance b SET available = b.available + k.available, lot_total = b.lot_total + k.available + k.held,
  pending = b.pending + k.pending, held = b.held + k.held, debt = b.debt + k.debt, version = b.version + 1
FROM unnest(%s::smallint[], %s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
  AS k(bucket, owner_id, currency, available, pending, held, debt)
WHERE b.bucket = k.bucket AND b.owner_id = k.owner_id AND b.currency = k.currency
"""

INSERT_BATCH = """
WITH batch AS (
  INSERT INTO ledger_batch (id, posted_at, rows, total, root, actor)
  VALUES (%(id)s, %(at)s, %(rows)s, %(total)s, %(root)s, %(actor)s)
), unsealed AS (
  INSERT INTO ledger_unsealed (batch_id, posted_at) VALUES (%(id)s, %(at)s)
)
INSERT INTO ledger_contra_delta (batch_id, account, reference, currency, day, debit, credit)
SELECT %(id)s, k.* FROM unnest(%(accounts)s::smallint[], %(references)s::text[], %(currencies)s::text[],
  %(days)s::date[], %(debits)s::bigint[],
  %(credits)s::bigint[]) AS k
"""


def bucket_of(owner: bytes) -> int:
    """The bucket of an owner's 16 bytes."""
    return (owner[0] << 8 | owner[1]) % BUCKETS


def buckets(owners: Sequence[bytes]) -> str:
    """The buckets of owners as an array."""
    return numbers([bucket_of(owner) for owner in owners])


def blobs(values: Sequence[bytes]) -> str:
    """Digests as an array."""
    return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"


def numbers(values: Sequence[int]) -> str:
    """Integers as an array."""
    return "{" + ",".join(map(str, values)) + "}"


def texts(values: Sequence[str | None]) -> str:
    """Texts as an array."""
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


@lru_cache(maxsize=4096)
def moment(value: int) -> str:
    """A moment, from microseconds since 1970. Remembered, because most lots expire at the end of some day or month."""
    return str(to_moment(value))


def moments(values: Sequence[int | None]) -> str:
    """Moments as an array, from microseconds since 1970."""
    return "{" + ",".join(["NULL" if value is None else f'"{moment(value)}"' for value in values]) + "}"


def dates(values: Sequence[int]) -> str:
    """Dates as an array, from days since 1970."""
    first = EPOCH.toordinal()
    return "{" + ",".join([datetime.fromordinal(first + value).date().isoformat() for value in values]) + "}"


@lru_cache(maxsize=4096)
def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
