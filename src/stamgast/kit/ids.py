"""Identifiers of rows: derived from what caused them, so that doing a thing twice is doing it once.

An id is 16 bytes. Its first two bytes choose one of 1,024 buckets; an id made with ``derive_id_in_bucket_of`` shares the
bucket of its owner, so that the bucket of a movement can be read from the movement's own id.
"""

import os
import time
from hashlib import blake2b
from uuid import UUID

BUCKETS = 1024
_SEPARATOR = "\x1f"


def derive_id(*parts: str) -> UUID:
    """The same parts give the same id, on any machine, for ever (BLAKE2b, 128 bits, parts joined by the unit separator)."""
    return UUID(bytes=blake2b(_SEPARATOR.join(parts).encode(), digest_size=16).digest())


def derive_id_in_bucket_of(owner: UUID, *parts: str) -> UUID:
    """Like ``derive_id`` over the owner and the parts, with the owner's first two bytes in front."""
    return UUID(bytes=derive_bytes_in_bucket_of(owner.bytes, *parts))


def derive_bytes_in_bucket_of(owner: bytes, *parts: str) -> bytes:
    """The 16 bytes of ``derive_id_in_bucket_of``, for columns of ids that never become objects."""
    return owner[:2] + blake2b(_SEPARATOR.join((owner.hex(), *parts)).encode(), digest_size=14).digest()


def new_id() -> UUID:
    """A fresh id that sorts by the moment it was made: 48 bits of milliseconds, then 80 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    return UUID(bytes=milliseconds.to_bytes(6, "big") + os.urandom(10))


def bucket_of(identifier: UUID) -> int:
    """The bucket, 0 to 1,023, that an id falls in."""
    return int.from_bytes(identifier.bytes[:2], "big") % BUCKETS
