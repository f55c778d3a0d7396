"""When lots expire, all of them at once, for measures that the lake's movements alone cannot tell."""

from typing import IO

from stamgast.kit.database import Cursor


def copy_expiries(cursor: Cursor, file: IO[bytes]) -> None:
    """Writes ``lot_id, expires_at`` of every lot that expires, as CSV with a heading; as the ledger holds it now."""
    query = "COPY (SELECT lot_id, expires_at FROM ledger_lot WHERE expires_at IS NOT NULL) TO STDOUT WITH (FORMAT csv, HEADER)"
    with cursor.copy(query) as copy:
        for block in copy:
            file.write(block)
