"""Texts that are kept where a copy of the database alone must not give them away: sealed with the installation's secret.

The secret may be replaced while its predecessors are still named: what they sealed opens, and ``reseal`` closes it again.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def seal(text: str) -> bytes:
    """Sealed with the secret in force."""
    return _locks()[0].encrypt(text.encode())


def unseal(sealed: bytes) -> str:
    """The text again; raises InvalidToken when no secret that is named sealed it."""
    return MultiFernet(_locks()).decrypt(bytes(sealed)).decode()


def find_text(sealed: bytes) -> str | None:
    """The text again, or None when no secret that is named sealed it, as after a restore without the former secret."""
    try:
        return unseal(sealed)
    except InvalidToken:
        return None


def reseal(sealed: bytes) -> bytes | None:
    """The same under the secret in force; None where it is that already, or where no secret that is named opens it."""
    text = None if is_sealed_by_present(sealed) else find_text(sealed)
    return None if text is None else seal(text)


def is_sealed_by_present(sealed: bytes) -> bool:
    """Whether the secret in force opens it."""
    try:
        _locks()[0].decrypt(bytes(sealed))
    except InvalidToken:
        return False
    return True


def _locks() -> list[Fernet]:
    """The one in force first. A key is derived, so that it says nothing about what else the secret signs."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [Fernet(base64.urlsafe_b64encode(_derive(secret))) for secret in secrets]


def _derive(secret: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"stamgast second factor").derive(secret.encode())
