"""The rules of identity in force, and setting them. What follows from them is applied in ``flows.apply_identity_rules``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from stamgast.customers import sql_rules
from stamgast.customers.reasons import required_reason
from stamgast.customers.ruleset import read_rules, write_rules
from stamgast.customers.types import IdentityRules, RulesVersion, Swallowing
from stamgast.kit.database import Cursor


def get_identity_rules(cursor: Cursor) -> IdentityRules:
    """The rules in force: the last that were set, else those of the program."""
    return sql_rules.select_rules(cursor)


def list_versions(cursor: Cursor, *, limit: int = 20) -> list[RulesVersion]:
    """The rules as they were set, the latest first."""
    return sql_rules.select_versions(cursor, limit)


def set_identity_rules(cursor: Cursor, document: Mapping[str, Any], *, at: datetime, actor: str, reason: str) -> IdentityRules:
    """A new version, in force for what comes in from now on; customers of before follow when it is applied.

    Raises InvalidIdentityRules, ReasonMissing. The same rules again make no version.
    """
    wanted, now = read_rules(document), sql_rules.select_rules(cursor)
    if write_rules(wanted) == write_rules(now):
        return now
    version = sql_rules.insert_rules(cursor, write_rules(wanted), at=at, actor=actor, reason=required_reason(reason))
    return read_rules(document, version)


def find_unapplied(cursor: Cursor) -> tuple[IdentityRules, IdentityRules] | None:
    """The rules in force and those that customers of before still follow; None when these are the same."""
    return sql_rules.select_unapplied(cursor)


def find_reread(cursor: Cursor, version: int) -> UUID:
    """Up to which anchor the evidence was read again for this version."""
    return sql_rules.select_reread_until(cursor, version)


def keep_reread(cursor: Cursor, version: int, until: UUID) -> None:
    """Keeps how far reading again has come, so that it goes on there."""
    sql_rules.write_reread(cursor, version, until)


def set_applied(cursor: Cursor, version: int, *, at: datetime) -> None:
    """Every customer follows these rules now."""
    sql_rules.write_applied(cursor, version, at)


def list_swallowers(cursor: Cursor, *, limit: int = 10) -> tuple[int, list[tuple[UUID, int]]]:
    """How many customers hold more identifiers than the rules call alarming, and the largest of them with how many.

    Looks at every customer: 0.4 s with a million. Pages and metrics read what ``count_swallowers`` keeps.
    """
    rows = sql_rules.select_swallowers(cursor, sql_rules.select_rules(cursor).alarm_above, limit)
    return (rows[0][2] if rows else 0), [(row[0], row[1]) for row in rows]


def count_swallowers(cursor: Cursor, *, at: datetime) -> None:
    """Counts them and keeps what was found for ``get_swallowers``."""
    above = sql_rules.select_rules(cursor).alarm_above
    total, largest = list_swallowers(cursor)
    sql_rules.write_swallowing(cursor, Swallowing(at, above, total, largest))


def get_swallowers(cursor: Cursor) -> Swallowing | None:
    """The last count under what the rules in force call alarming; None while there is none."""
    kept = sql_rules.select_swallowing(cursor)
    return kept if kept is not None and kept.above == sql_rules.select_rules(cursor).alarm_above else None
