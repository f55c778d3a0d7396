"""SQL of the rules of identity. Private to the room, like ``sql``."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from stamgast.customers.ruleset import DEFAULT, read_rules
from stamgast.customers.types import IdentityRules, RulesVersion
from stamgast.kit.database import Cursor


def _rules(document: str, version: int) -> IdentityRules:
    return read_rules(msgspec.json.decode(document), version)


def select_rules(cursor: Cursor) -> IdentityRules:
    """The rules in force: the last that were set, else those of the program."""
    cursor.execute("SELECT document::text, id FROM customers_ruleset ORDER BY id DESC LIMIT 1")
    row = cursor.fetchone()
    return _rules(row[0], row[1]) if row else DEFAULT


def insert_rules(cursor: Cursor, document: dict[str, Any], *, at: datetime, actor: str, reason: str) -> int:
    """A new version; returns its number."""
    cursor.execute(
        "INSERT INTO customers_ruleset (made_at, actor, reason, document) VALUES (%s, %s, %s, %s) RETURNING id",
        (at, actor, reason, Jsonb(document)),
    )
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def select_versions(cursor: Cursor, limit: int) -> list[RulesVersion]:
    """The last versions, the latest first."""
    cursor.execute(
        "SELECT document::text, id, made_at, actor, reason, applied_at FROM customers_ruleset ORDER BY id DESC LIMIT %s",
        (limit,),
    )
    return [RulesVersion(_rules(row[0], row[1]), *row[2:]) for row in cursor]


def select_reread_until(cursor: Cursor, version: int) -> UUID:
    """Up to which anchor the evidence was read again for this version."""
    cursor.execute("SELECT reread_until FROM customers_ruleset WHERE id = %s", (version,))
    row = cursor.fetchone()
    return row[0] if row and row[0] is not None else UUID(int=0)


def write_reread(cursor: Cursor, version: int, until: UUID) -> None:
    """Keeps how far reading again has come."""
    cursor.execute("UPDATE customers_ruleset SET reread_until = %s WHERE id = %s", (until, version))


def write_applied(cursor: Cursor, version: int, at: datetime) -> None:
    """The customers follow this version, and those before it."""
    cursor.execute("UPDATE customers_ruleset SET applied_at = %s WHERE id <= %s AND applied_at IS NULL", (at, version))


def select_unapplied(cursor: Cursor) -> tuple[IdentityRules, IdentityRules] | None:
    """The rules in force that customers of before do not follow yet, and those that they follow; None when they do."""
    versions = select_versions(cursor, 1)
    if not versions or versions[0].applied_at is not None:
        return None
    cursor.execute("SELECT document::text, id FROM customers_ruleset WHERE applied_at IS NOT NULL ORDER BY id DESC LIMIT 1")
    row = cursor.fetchone()
    return versions[0].rules, _rules(row[0], row[1]) if row else DEFAULT
