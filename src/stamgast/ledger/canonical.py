"""The bytes that are hashed, for ever: fingerprints of movements, roots of batches, the chain.

Fixed widths, big-endian, a version byte first. A change of layout is a new version beside the old one, never an edit.
Texts go in as 16-byte digests. Nothing personal is hashed: owners and actors are ids.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b, sha256
from struct import Struct

VERSION = 1
NO_ID = bytes(16)
NO_VERSION = -1
GENESIS = bytes(32)
_MOVEMENT = Struct(">B16s16s16s16sHHHqqqi64s")
_ACT_VERSION = 2
_ACT = Struct(">16s16s")


@lru_cache(maxsize=4096)
def digest_texts(currency: str, rule: str, reason: str, actor: str) -> bytes:
    """The texts of a movement in 64 bytes."""
    return b"".join(blake2b(text.encode(), digest_size=16).digest() for text in (currency, rule, reason, actor))


def fingerprint_of(
    movement_id: bytes,
    owner_id: bytes,
    lot_id: bytes,
    activity_id: bytes,
    kind: int,
    debit: int,
    credit: int,
    amount: int,
    effective_at: int,
    posted_at: int,
    programme_version: int,
    texts: bytes,
    act_id: bytes | None = None,
    reference: str = "",
) -> bytes:
    """SHA-256 over everything a movement says; moments in microseconds since 1970, ``NO_ID`` and ``NO_VERSION`` for none.

    A movement of an act says two things more, and is hashed as version 2.
    """
    said = _MOVEMENT.pack(
        VERSION if act_id is None else _ACT_VERSION, movement_id, owner_id, lot_id, activity_id, kind, debit, credit,
        amount, effective_at, posted_at, programme_version, texts,
    )  # fmt: skip
    if act_id is not None:
        said += _ACT.pack(act_id, blake2b(reference.encode(), digest_size=16).digest())
    return sha256(said).digest()


def root_of(fingerprints: Iterable[bytes]) -> bytes:
    """SHA-256 over the sorted fingerprints of a batch."""
    return sha256(bytes([VERSION]) + b"".join(sorted(fingerprints))).digest()


def link_of(previous: bytes, batch_id: bytes, root: bytes) -> bytes:
    """The next link of the chain."""
    return sha256(previous + batch_id + root).digest()
