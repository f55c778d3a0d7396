"""``stamgast audit``: the ledger's own proofs, and parity: what replay of every stored activity gives is what was posted."""

from collections.abc import Callable, Iterator
from uuid import UUID

from stamgast.customers.queries import list_ids
from stamgast.flows.decide_pending import decide_history
from stamgast.kit.database import Cursor, open_cursor
from stamgast.ledger.audit import audit
from stamgast.ledger.queries import list_given
from stamgast.ledger.types import Finding, WantedColumns
from stamgast.programmes.deciding import warm
from stamgast.programmes.queries import get_programme

CHUNK = 1_000


def run(progress: Callable[[str, int], None]) -> list[Finding]:
    """Every finding, at most one a check; none when all is well. ``progress(check, rows)`` is called on the way."""
    warm()
    with open_cursor() as cursor:
        findings = audit(cursor, lambda done, total: progress("ledger", done))
        parity = next(_differences(cursor, progress), None)
    return [*findings, *([parity] if parity else [])]


def _differences(cursor: Cursor, progress: Callable[[str, int], None]) -> Iterator[Finding]:
    programme = get_programme(cursor)
    after, done = UUID(int=0), 0
    while customers := list_ids(cursor, after=after, limit=CHUNK):
        decisions = WantedColumns.from_table(decide_history(cursor, programme, customers).table)
        causes = zip(decisions.owners, decisions.activities, decisions.rules, decisions.currencies, strict=True)
        wanted = dict(zip(causes, decisions.amounts, strict=True))
        given = list_given(cursor, customers)
        for cause in wanted.keys() | given.keys():
            if wanted.get(cause, 0) != given.get(cause, 0):
                owner, activity, rule, currency = cause
                yield Finding(
                    "parity",
                    str(UUID(bytes=activity)),
                    f"Replay gives {wanted.get(cause, 0)} {currency} to customer {UUID(bytes=owner)} by rule "
                    f"{rule!r} for activity {UUID(bytes=activity)}; the ledger holds {given.get(cause, 0)}.",
                )
        after, done = customers[-1], done + len(customers)
        progress("parity", done)
