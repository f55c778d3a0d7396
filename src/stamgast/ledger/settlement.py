"""What is settled with each partner and charity: by day, from what waits to be folded and from what is folded, alike."""

from datetime import date
from typing import NamedTuple

from stamgast.kit.database import Cursor
from stamgast.ledger.types import Account


class Settlement(NamedTuple):
    """One day (UTC, of when it happened) of one partner or charity in one currency: what it issued, for which it owes, and
    what was redeemed at it or donated to it, less what was given back, which it is owed."""

    reference: str
    currency: str
    day: date
    issued: int
    redeemed: int


def list_settlements(
    cursor: Cursor,
    account: Account,
    *,
    reference: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> list[Settlement]:
    """The days of partners (``Account.PARTNER``) or charities (``Account.CHARITY``) on which something moved, both ends
    included; by name, currency and day."""
    cursor.execute(
        """SELECT reference, currency, day,
          coalesce(sum(debit - credit) FILTER (WHERE account = %(issued)s), 0)::bigint,
          coalesce(sum(credit - debit) FILTER (WHERE account = %(account)s), 0)::bigint
        FROM (
          SELECT account, reference, currency, day, debit, credit FROM ledger_contra_delta
          UNION ALL SELECT account, reference, currency, day, debit, credit FROM ledger_contra_daily
        ) AS rows
        WHERE account = ANY(%(accounts)s) AND (%(reference)s::text IS NULL OR reference = %(reference)s)
          AND (%(since)s::date IS NULL OR day >= %(since)s) AND (%(until)s::date IS NULL OR day <= %(until)s)
        GROUP BY reference, currency, day ORDER BY reference, currency, day""",
        {
            "account": account,
            "issued": Account.ISSUED,
            "accounts": [account, Account.ISSUED] if account is Account.PARTNER else [account],
            "reference": reference,
            "since": since,
            "until": until,
        },
        prepare=False,
    )
    return [Settlement(*row) for row in cursor]
