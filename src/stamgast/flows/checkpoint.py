"""Signed checkpoints of the ledger: made on demand or daily, and compared with what the ledger holds today."""

from datetime import UTC, datetime
from pathlib import Path

from stamgast.books.operations import open_signing_key
from stamgast.books.queries import find_public_key
from stamgast.books.signing import check_signature, read_checkpoint, write_checkpoint
from stamgast.kit.database import Cursor, transaction
from stamgast.lake.manifest import write_whole
from stamgast.ledger.checkpoints import Checkpoint, compare_with_checkpoint, take_checkpoint
from stamgast.ledger.operations import seal
from stamgast.ledger.types import Finding


def make_checkpoint(path: Path, *, at: datetime, actor: str) -> Checkpoint:
    """Seals what waits, and writes what the ledger holds to a file: whole, or as it was. Raises CheckpointKeyLost."""
    with transaction() as cursor:
        key = open_signing_key(cursor, at=at, actor=actor)
        while seal(cursor, at=at):
            pass
    with transaction() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")  # all parts of one moment
        checkpoint = take_checkpoint(cursor, at=at)
    write_whole(path, write_checkpoint(checkpoint, key, at=at))
    return checkpoint


def make_daily_checkpoint(folder: Path, *, at: datetime, actor: str) -> Path | None:
    """The checkpoint of this day (UTC), unless it is there; returns its file where it was made now."""
    path = folder / f"checkpoint-{at.astimezone(UTC):%Y-%m-%d}.json"
    if path.exists():
        return None
    make_checkpoint(path, at=at, actor=actor)
    return path


def compare_with_file(cursor: Cursor, path: Path, trusted: bytes | None) -> list[Finding]:
    """What today's ledger no longer holds of a checkpoint's file, and what is wrong with its signature.

    ``trusted`` is the public key that somebody wrote down; without it, the one that this installation says is its own, which
    whoever may change everything here may change too. Raises CheckpointUnreadable.
    """
    file = read_checkpoint(path)
    return [
        *check_signature(file, trusted or find_public_key(cursor)),
        *compare_with_checkpoint(cursor, file.checkpoint),
    ]
