"""SQL of the rules of identity. Private to the room, like ``sql``."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from stamgast.customers.ruleset import DEFAULT, read_rules
from stamgast.customers.types import IdentityRules, RulesVersion, Swallowing
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


def select_swallowers(cursor: Cursor, above: int, limit: int) -> list[tuple[UUID, int, int]]:
    """Customers with more identifiers than ``above``, the largest first: which, with how many, and how many such there are."""
    cursor.execute(
        """
        SELECT customer_id, count(*), count(*) OVER () FROM customers_link WHERE ended_at IS NULL
        GROUP BY customer_id HAVING count(*) > %s ORDER BY count(*) DESC, customer_id LIMIT %s
        """,
        (above, limit),
    )
    return cursor.fetchall()


def write_swallowing(cursor: Cursor, found: Swallowing) -> None:
    """Keeps a count in place of the one before."""
    largest = Jsonb([[str(customer), count] for customer, count in found.largest])
    cursor.execute(
        """
        INSERT INTO customers_swallowing (id, counted_at, above, total, largest) VALUES (1, %s, %s, %s, %s)
        ON CONFLICT (id) DO UPDATE
        SET counted_at = excluded.counted_at, above = excluded.above, total = excluded.total, largest = excluded.largest
        """,
        (found.counted_at, found.above, found.total, largest),
    )


def select_swallowing(cursor: Cursor) -> Swallowing | None:
    """The last count, whatever it was counted above."""
    row = cursor.execute("SELECT counted_at, above, total, largest::text FROM customers_swallowing").fetchone()
    if row is None:
        return None
    largest = [(UUID(customer), count) for customer, count in msgspec.json.decode(row[3])]
    return Swallowing(row[0], row[1], row[2], largest)
