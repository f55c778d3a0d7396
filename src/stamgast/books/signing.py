"""Checkpoints as files: written in one way, signed with Ed25519, read back and verified.

The file holds what was signed, the signature, and the public key for whoever has no other copy of it. A key that comes with
what it signed proves nothing by itself: compare it with the one that was written down when the first checkpoint was made.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stamgast.books.errors import CheckpointUnreadable
from stamgast.ledger.checkpoints import Checkpoint
from stamgast.ledger.types import Finding

FORMAT = "stamgast-checkpoint/1"
LARGEST_FILE = 50_000_000


class _Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    checkpoint: msgspec.Raw
    public_key: str
    signature: str


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    made_at: datetime
    sequence: int
    chain: str
    marks: tuple[tuple[int, str], ...]
    unsealed: tuple[tuple[str, str], ...]
    movements: int
    amount: int
    totals: tuple[tuple[str, int, int, int], ...]
    acts: tuple[tuple[str, int, str], ...] = ()
    approved: tuple[tuple[str, int, str], ...] = ()
    limits: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """A checkpoint that was read, with when it was made, by which key it says it was signed, and whether it was."""

    checkpoint: Checkpoint
    made_at: datetime
    public_key: bytes
    is_signed: bool


def write_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey, *, at: datetime) -> bytes:
    """The file: one JSON object. What is signed are the bytes of ``checkpoint`` in it, to the letter."""
    chain = checkpoint.marks[-1][1] if checkpoint.marks else ""
    values: dict[str, Any] = {"format": FORMAT, "made_at": at, "chain": chain, **asdict(checkpoint)}
    content = msgspec.json.encode(msgspec.convert(values, _Content))
    public = key.public_key().public_bytes_raw().hex()
    return msgspec.json.encode(_Signed(msgspec.Raw(content), public, key.sign(content).hex())) + b"\n"


def read_checkpoint(path: Path) -> CheckpointFile:
    """The checkpoint of a file; raises CheckpointUnreadable. Its signature is checked with the key that it names."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError
        signed = msgspec.json.decode(path.read_bytes(), type=_Signed)
        content = msgspec.json.decode(signed.checkpoint, type=_Content)
        public = bytes.fromhex(signed.public_key)
        key, signature = Ed25519PublicKey.from_public_bytes(public), bytes.fromhex(signed.signature)
        if content.format != FORMAT:
            raise ValueError
    except (OSError, ValueError, msgspec.DecodeError):
        raise CheckpointUnreadable(
            f"{path.name} is not a checkpoint of this version. Name a file that `stamgast checkpoint` wrote."
        ) from None
    try:
        key.verify(signature, bytes(signed.checkpoint))
        is_signed = True
    except InvalidSignature:
        is_signed = False
    checkpoint = Checkpoint(
        content.sequence, content.marks, content.unsealed, content.movements, content.amount, content.totals, content.acts,
        content.approved, content.limits,
    )  # fmt: skip
    return CheckpointFile(checkpoint, content.made_at, public, is_signed)


def read_public_key(text: str) -> bytes:
    """The key that somebody wrote down, 64 hexadecimal digits, or a file with them; raises CheckpointUnreadable."""
    path = Path(text)
    try:
        digits = path.read_text().strip() if len(text) != 64 and path.is_file() else text.strip()
        key = bytes.fromhex(digits)
        Ed25519PublicKey.from_public_bytes(key)
    except (OSError, ValueError):
        raise CheckpointUnreadable(
            "This is not a public key. It is 64 hexadecimal digits, as `stamgast checkpoint --public-key` prints them."
        ) from None
    return key


def check_signature(file: CheckpointFile, trusted: bytes | None) -> list[Finding]:
    """What is wrong with who signed; ``trusted`` is the key that it should be."""
    if not file.is_signed:
        return [Finding("signature", file.public_key.hex(), "The checkpoint was changed after it was signed.")]
    if trusted is None:
        return [Finding("signature", file.public_key.hex(), "No key is known here that could have signed the checkpoint.")]
    if file.public_key != trusted:
        sentence = f"The checkpoint was signed with the key {file.public_key.hex()}, and not with {trusted.hex()}."
        return [Finding("signature", file.public_key.hex(), sentence)]
    return []
