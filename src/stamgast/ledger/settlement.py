"""What is settled with each partner and charity: by day of a zone, added up from the movements that name them."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stamgast.kit.database import Cursor
from stamgast.kit.paging import DEFAULT_PAGE, LARGEST_PAGE, InvalidCursor, Page, decode_cursor, page_of
from stamgast.ledger.errors import InvalidSettlementPeriod
from stamgast.ledger.types import Account

LONGEST_DAYS = 366
YEARS = range(2000, 9000)


class Period(NamedTuple):
    """Days of a zone, both ends included."""

    since: date
    until: date
    zone: str


class Totals(NamedTuple):
    """What was issued, for which a partner owes, and what was redeemed at it or donated to it, which it is owed; each less
    what was given back."""

    reference: str
    currency: str
    issued: int
    redeemed: int
    donated: int

    @property
    def net(self) -> int:
        """What it is owed; below zero: what it owes."""
        return self.redeemed + self.donated - self.issued


class Settlement(NamedTuple):
    """The totals of one day, of when it happened; what was given back counts on the day on which it was."""

    day: date
    totals: Totals


_MOVED = """
SELECT reference, currency, (effective_at AT TIME ZONE %(zone)s)::date AS day,
  coalesce(sum(CASE WHEN debit = %(issued)s THEN amount ELSE -amount END)
    FILTER (WHERE %(issued)s IN (debit, credit)), 0)::bigint AS issued,
  coalesce(sum(CASE WHEN credit = %(partner)s THEN amount ELSE -amount END)
    FILTER (WHERE %(partner)s IN (debit, credit)), 0)::bigint AS redeemed,
  coalesce(sum(CASE WHEN credit = %(charity)s THEN amount ELSE -amount END)
    FILTER (WHERE %(charity)s IN (debit, credit)), 0)::bigint AS donated
FROM ledger_movement
WHERE reference IS NOT NULL AND effective_at >= %(since)s AND effective_at < %(until)s
  AND (%(reference)s::text IS NULL OR reference = %(reference)s)
GROUP BY reference, currency, day
"""


def list_settlements(
    cursor: Cursor, period: Period, *, reference: str | None = None, after: str | None = None, limit: int = DEFAULT_PAGE
) -> Page[Settlement]:
    """The days on which something moved, by day, partner and currency. Raises InvalidSettlementPeriod."""
    limit = max(1, min(limit, LARGEST_PAGE))
    values = _values(period, reference)
    last: tuple[date | None, str, str] = (None, "", "")
    if after is not None:
        day, *names = decode_cursor(after, str, str, str)
        try:
            last = (date.fromisoformat(str(day)), str(names[0]), str(names[1]))
        except ValueError:
            raise InvalidCursor("This cursor is not one of ours. Start again without it.") from None
    cursor.execute(
        f"""SELECT day, reference, currency, issued, redeemed, donated FROM ({_MOVED}) AS moved
        WHERE %(day)s::date IS NULL OR (day, reference, currency) > (%(day)s, %(last)s, %(currency)s)
        ORDER BY day, reference, currency LIMIT %(limit)s""",
        {**values, "day": last[0], "last": last[1], "currency": last[2], "limit": limit + 1},
        prepare=False,
    )
    rows = [Settlement(day, Totals(*rest)) for day, *rest in cursor]
    return page_of(rows, limit, lambda row: (row.day.isoformat(), row.totals.reference, row.totals.currency))


def sum_settlements(cursor: Cursor, period: Period, *, reference: str | None = None) -> Sequence[Totals]:
    """What was settled in the whole period, by partner and currency. Raises InvalidSettlementPeriod."""
    cursor.execute(
        f"""SELECT reference, currency, sum(issued)::bigint, sum(redeemed)::bigint, sum(donated)::bigint
        FROM ({_MOVED}) AS moved GROUP BY reference, currency ORDER BY reference, currency""",
        _values(period, reference),
        prepare=False,
    )
    return [Totals(*row) for row in cursor]


def _values(period: Period, reference: str | None) -> dict[str, object]:
    since, until, zone = period
    if since > until or since.year not in YEARS or until.year not in YEARS:
        raise InvalidSettlementPeriod("The first day comes after the last, or lies too far off. Choose two other days.")
    if (until - since).days >= LONGEST_DAYS:
        raise InvalidSettlementPeriod(f"At most {LONGEST_DAYS} days are settled at once. Choose a shorter period.")
    return {
        "zone": zone,
        "since": _midnight(since, zone),
        "until": _midnight(until + timedelta(days=1), zone),
        "reference": reference,
        "issued": Account.ISSUED,
        "partner": Account.PARTNER,
        "charity": Account.CHARITY,
    }


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))
