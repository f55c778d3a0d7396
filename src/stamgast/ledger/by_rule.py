"""What rules gave to everybody together."""

from collections.abc import Collection
from datetime import date

from stamgast.kit.database import Cursor


def list_given_by_day(cursor: Cursor, rules: Collection[str], zone: str) -> dict[tuple[str, str], list[tuple[date, int]]]:
    """For each of these rules and each currency, what its lots hold by the local day on which they were given, in order. What
    was taken back is off the day on which it had been given. Reads every lot once."""
    found: dict[tuple[str, str], list[tuple[date, int]]] = {}
    rows = cursor.execute(
        "SELECT rule, currency, (effective_at AT TIME ZONE %s)::date AS day, sum(given)::bigint FROM ledger_lot "
        "WHERE rule = ANY(%s) AND given > 0 GROUP BY rule, currency, day ORDER BY rule, currency, day",
        (zone, sorted(set(rules))),
    )
    for rule, currency, day, given in rows:
        found.setdefault((rule, currency), []).append((day, given))
    return found
