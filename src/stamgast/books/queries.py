"""Reads of the books."""

from typing import Any

import msgspec

from stamgast.books.types import AuditRun, Valuation
from stamgast.kit.database import Cursor


def list_valuations(cursor: Cursor) -> list[Valuation]:
    """Every valuation that was ever decided on, by currency, in the order in which they hold."""
    cursor.execute(
        """SELECT currency, valid_from, price_minor, share, is_fitted, decided_at, actor, reason FROM books_valuation
        ORDER BY currency, valid_from, decided_at"""
    )
    return [Valuation(*row) for row in cursor]


def find_public_key(cursor: Cursor) -> bytes | None:
    """The public half of the key that signs checkpoints; None before the first."""
    cursor.execute("SELECT public FROM books_signingkey WHERE id = 1")
    row = cursor.fetchone()
    return bytes(row[0]) if row else None


AUDIT_COLUMNS = (
    """id, wanted_at, wanted_by, is_open, is_stopping, begun_at, beat_at, ended_at, phase, done, movements, findings"""
)


def list_audits(cursor: Cursor, *, limit: int) -> list[AuditRun]:
    """The last runs of the audit, the latest first."""
    cursor.execute(f"SELECT {AUDIT_COLUMNS} FROM books_auditrun ORDER BY wanted_at DESC, id DESC LIMIT %s", (limit,))
    return [as_audit(row) for row in cursor]


def as_audit(row: tuple[Any, ...]) -> AuditRun:
    """A run from its row of ``AUDIT_COLUMNS``."""
    findings = None if row[-1] is None else msgspec.json.decode(row[-1])
    return AuditRun(*(*row[:-1], findings))
