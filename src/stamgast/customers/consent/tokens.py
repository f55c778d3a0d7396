"""The texts in links that people get: signed, so that nobody can make one, and with nothing personal in them. Pure."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

import msgspec

_CONFIRM, _WITHDRAW = b"consent-confirm", b"consent-withdraw"
_MAC_BYTES = 16


def sign_request(request_id: UUID, secret: str) -> str:
    """The token by which a person confirms one request."""
    return _sign(_CONFIRM, request_id.bytes, secret)


def read_request(token: str, secrets: Sequence[str]) -> UUID | None:
    """The request of a token, when it was signed by one of the secrets."""
    payload = _read(_CONFIRM, token, secrets)
    return UUID(bytes=payload) if payload is not None and len(payload) == 16 else None


def sign_withdrawal(anchor_id: UUID, purpose: str, channel: str, secret: str) -> str:
    """The token by which a person withdraws one purpose and channel. It holds for ever: a message may be read years later."""
    return _sign(_WITHDRAW, msgspec.json.encode((anchor_id.hex, purpose, channel)), secret)


def read_withdrawal(token: str, secrets: Sequence[str]) -> tuple[UUID, str, str] | None:
    """Identifier, purpose and channel of a token, when it was signed by one of the secrets."""
    payload = _read(_WITHDRAW, token, secrets)
    if payload is None:
        return None
    anchor, purpose, channel = msgspec.json.decode(payload, type=tuple[str, str, str])
    return UUID(anchor), purpose, channel


def _sign(use: bytes, payload: bytes, secret: str) -> str:
    return base64.urlsafe_b64encode(_mac(use, payload, secret) + payload).decode().rstrip("=")


def _mac(use: bytes, payload: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), use + b"\x1f" + payload, hashlib.sha256).digest()[:_MAC_BYTES]


def _read(use: bytes, token: str, secrets: Sequence[str]) -> bytes | None:
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, payload = data[:_MAC_BYTES], data[_MAC_BYTES:]
    return payload if any(hmac.compare_digest(mac, _mac(use, payload, secret)) for secret in secrets) else None
