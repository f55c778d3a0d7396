"""The key that signs checkpoints: made when it is first needed, and kept sealed."""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stamgast.access.operations import record
from stamgast.access.sealing import find_text, reseal, seal
from stamgast.books.errors import CheckpointKeyLost
from stamgast.kit.database import Cursor


def open_signing_key(cursor: Cursor, *, at: datetime, actor: str) -> Ed25519PrivateKey:
    """The key; the first call makes it, with a line in the trail. Two at once make one. Raises CheckpointKeyLost."""
    fresh = Ed25519PrivateKey.generate()
    cursor.execute(
        """INSERT INTO books_signingkey AS k (id, sealed, public, made_at) VALUES (1, %s, %s, %s)
        ON CONFLICT (id) DO UPDATE SET id = k.id RETURNING sealed, public""",
        (seal(fresh.private_bytes_raw().hex()), fresh.public_key().public_bytes_raw(), at),
    )
    row = cursor.fetchone()
    assert row is not None
    if bytes(row[1]) == fresh.public_key().public_bytes_raw():
        record(cursor, actor, "make signing key", bytes(row[1]).hex(), {}, at)
        return fresh
    text = find_text(row[0])
    if text is None:
        raise CheckpointKeyLost(
            "The key that signs checkpoints was sealed with a secret that is no longer named. Name the former secret in "
            "STAMGAST_SECRET_KEY_FALLBACKS and start again."
        )
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))


def reseal_signing_key(cursor: Cursor) -> int:
    """Seals it with the installation's secret in force; how many were. What nobody can open stays."""
    cursor.execute("SELECT sealed FROM books_signingkey WHERE id = 1 FOR UPDATE")
    row = cursor.fetchone()
    sealed = reseal(row[0]) if row else None
    if sealed is None:
        return 0
    cursor.execute("UPDATE books_signingkey SET sealed = %s WHERE id = 1", (sealed,))
    return 1
