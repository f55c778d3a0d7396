"""Reads of the books."""

from stamgast.books.types import Valuation
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
