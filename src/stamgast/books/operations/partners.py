"""Partners and charities: adding one, closing it, and opening it again."""

import re
from datetime import datetime

from stamgast.access.operations import record
from stamgast.books.errors import InvalidPartner, PartnerExists
from stamgast.books.queries import get_partner
from stamgast.books.types import Partner, PartnerKind
from stamgast.kit.database import Cursor

CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
LONGEST_NAME = 100


def add_partner(cursor: Cursor, *, code: str, kind: str, name: str, at: datetime, actor: str) -> Partner:
    """Adds a partner or charity, with a line in the trail. Idempotent: the same code, kind and name once more change nothing.

    The code is what the ledger keeps, so neither it nor the kind changes later. Raises InvalidPartner, PartnerExists.
    """
    code, name = code.strip(), name.strip()
    if not CODE.fullmatch(code):
        raise InvalidPartner("A code is 1 to 40 small letters, digits and dashes, such as corner-bakery.", wrong="partner code")
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidPartner(f"A name is 1 to {LONGEST_NAME} printable characters.", wrong="partner name")
    if kind not in set(PartnerKind):
        raise InvalidPartner("It is a partner or a charity. Choose one of both.", wrong="partner kind")
    cursor.execute(
        """INSERT INTO books_partner (code, kind, name, added_at, added_by, closed_by) VALUES (%s, %s, %s, %s, %s, '')
        ON CONFLICT (code) DO NOTHING""",
        (code, kind, name, at, actor),
    )
    if cursor.rowcount:
        record(cursor, actor, "add partner", code, {"kind": kind, "name": name}, at)
    found = get_partner(cursor, code)
    if (found.kind, found.name) != (kind, name):
        raise PartnerExists("There is one of this code already. Choose another code.")
    return found


def close_partner(cursor: Cursor, code: str, *, reason: str, at: datetime, actor: str) -> None:
    """From now on nothing more is done with it, but what was redeemed or donated can be given back. Idempotent.

    What was asked in the same moment may still be done. Raises PartnerNotFound.
    """
    cursor.execute(
        "UPDATE books_partner SET closed_at = %s, closed_by = %s WHERE code = %s AND closed_at IS NULL", (at, actor, code)
    )
    _record(cursor, code, "close partner", reason, at, actor)


def open_partner(cursor: Cursor, code: str, *, reason: str, at: datetime, actor: str) -> None:
    """Takes back that it was closed. Idempotent. Raises PartnerNotFound."""
    cursor.execute(
        "UPDATE books_partner SET closed_at = NULL, closed_by = '' WHERE code = %s AND closed_at IS NOT NULL", (code,)
    )
    _record(cursor, code, "open partner", reason, at, actor)


def _record(cursor: Cursor, code: str, action: str, reason: str, at: datetime, actor: str) -> None:
    if cursor.rowcount:
        record(cursor, actor, action, code, {"reason": reason}, at)
    else:
        get_partner(cursor, code)
