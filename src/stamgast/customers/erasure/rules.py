"""The key of the tombstones, and what it makes of an identifier. Pure: randomness and secrets are arguments.

A tombstone must recognise an identifier that comes back and tell nothing about it to who reads the database. A plain digest
would: telephone numbers can all be tried in minutes. So it is keyed, and the key is stored wrapped with the installation's
secret. Wrapped, because a secret is replaced now and then and the tombstones cannot be made again: nobody knows of whom.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

KEY_BYTES = 32
_WRAP, _CHECK, _ORDER, _IDENTIFIER = b"erasure-wrap\x1f", b"erasure-check", b"order\x1f", b"identifier\x1f"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """The key as it is stored: nobody without the secret can unwrap it, or mistake another for it."""

    nonce: bytes
    wrapped: bytes
    check: bytes


def wrap_key(key: bytes, secret: str, nonce: bytes) -> WrappedKey:
    """The key under a secret. The pad is used for this one key and never again, because the nonce is random."""
    pad = hmac.new(secret.encode(), _WRAP + nonce, hashlib.sha256).digest()
    return WrappedKey(nonce, _xor(key, pad), _digest(key, _CHECK)[:16])


def unwrap_key(stored: WrappedKey, secrets: Sequence[str]) -> tuple[bytes, int] | None:
    """The key and which of the secrets it was wrapped with; None when none of them fits."""
    for place, secret in enumerate(secrets):
        pad = hmac.new(secret.encode(), _WRAP + stored.nonce, hashlib.sha256).digest()
        key = _xor(stored.wrapped, pad)
        if hmac.compare_digest(_digest(key, _CHECK)[:16], stored.check):
            return key, place
    return None


def tombstone_of(identifier: str, key: bytes) -> bytes:
    """What is kept of a normalised ``kind:value``."""
    return _digest(key, _IDENTIFIER + identifier.encode())


def pseudonym_of_order(order_id: str, key: bytes) -> str:
    """What an order number becomes: the same every time, so that a refund that comes later still finds its order."""
    return order_id if order_id.startswith("erased-") else f"erased-{_digest(key, _ORDER + order_id.encode()).hex()[:24]}"


def _digest(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
