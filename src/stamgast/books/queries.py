"""Reads of the books."""

from collections.abc import Collection
from typing import Any

import msgspec

from stamgast.books.errors import PartnerClosed, PartnerNotFound
from stamgast.books.types import AuditRun, Partner, PartnerKind, Valuation
from stamgast.kit.database import Cursor
from stamgast.kit.paging import DEFAULT_PAGE, LARGEST_PAGE, Page, decode_cursor, page_of


def list_valuations(cursor: Cursor) -> list[Valuation]:
    """Every valuation that was ever decided on, by currency, in the order in which they hold."""
    cursor.execute(
        """SELECT currency, valid_from, price_minor, share, is_fitted, decided_at, actor, reason FROM books_valuation
        ORDER BY currency, valid_from, decided_at"""
    )
    return [Valuation(*row) for row in cursor]


PARTNER_COLUMNS = "code, kind, name, added_at, added_by, closed_at, closed_by"


def list_partners(cursor: Cursor, *, after: str | None = None, limit: int = DEFAULT_PAGE) -> Page[Partner]:
    """Partners and charities, closed ones among them, by code."""
    limit = max(1, min(limit, LARGEST_PAGE))
    last = None if after is None else decode_cursor(after, str)[0]
    cursor.execute(
        f"""SELECT {PARTNER_COLUMNS} FROM books_partner WHERE %(last)s::text IS NULL OR code > %(last)s
        ORDER BY code LIMIT %(limit)s""",
        {"last": last, "limit": limit + 1},
    )
    return page_of([_as_partner(row) for row in cursor], limit, lambda partner: (partner.code,))


def list_active(cursor: Cursor, kind: PartnerKind) -> list[Partner]:
    """The partners or charities with which something can be done, by name: as many as fit in a form."""
    cursor.execute(
        f"SELECT {PARTNER_COLUMNS} FROM books_partner WHERE kind = %s AND closed_at IS NULL ORDER BY name, code LIMIT %s",
        (kind, LARGEST_PAGE),
    )
    return [_as_partner(row) for row in cursor]


def find_partners(cursor: Cursor, codes: Collection[str]) -> dict[str, Partner]:
    """Partners and charities by their codes; unknown ones are absent."""
    possible = [code for code in codes if code.isprintable()]  # PostgreSQL holds no NUL and no half of a surrogate pair
    cursor.execute(f"SELECT {PARTNER_COLUMNS} FROM books_partner WHERE code = ANY(%s)", (possible,))
    return {row[0]: _as_partner(row) for row in cursor}


def get_partner(cursor: Cursor, code: str) -> Partner:
    """One partner or charity, closed or not; raises PartnerNotFound."""
    found = find_partners(cursor, [code]).get(code)
    if found is None:
        raise PartnerNotFound("No partner or charity has this code. Look at the list.")
    return found


def require_active(cursor: Cursor, code: str, kind: PartnerKind) -> Partner:
    """The partner or charity of this code, with which something is to be done. Raises PartnerNotFound, PartnerClosed."""
    found = find_partners(cursor, [code]).get(code)
    if found is None or found.kind != kind:
        raise PartnerNotFound(f"No {kind} has this code. Look at the list of partners for those there are.")
    if found.closed_at is not None:
        raise PartnerClosed(f"This {kind} is closed, so nothing more is done with it. Choose another.")
    return found


def _as_partner(row: tuple[Any, ...]) -> Partner:
    code, kind, *rest = row
    return Partner(code, PartnerKind(kind), *rest)


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
