"""Movements of everybody, the last known first, and the sums of the programme's side: what pages look through.

Nothing counts or sorts the whole table. A page looks back from a moment in stretches that double, each bounded by the index of
``posted_at``, and stops after ``FARTHEST``: a filter that little answers to gives a short page and a cursor to look on from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from stamgast.kit.database import Cursor
from stamgast.kit.ids import bucket_of
from stamgast.kit.paging import InvalidCursor, Page, decode_cursor, encode_cursor, page_of
from stamgast.ledger.queries import MOVEMENT_COLUMNS, movement_of
from stamgast.ledger.types import Movement, to_microseconds, to_moment

FIRST_STRETCH = timedelta(seconds=10)
FARTHEST = timedelta(days=40)


@dataclass(frozen=True, slots=True)
class MovementFilter:
    """Which movements: all of them where nothing is asked. ``until`` is the first moment that is not in it any more."""

    owner: UUID | None = None
    kind: int | None = None
    currency: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Totals(NamedTuple):
    """What all owners together have of one currency."""

    currency: str
    owners: int
    available: int
    pending: int
    held: int
    debt: int


class Side(NamedTuple):
    """What one account of the programme's side gave and took of one currency."""

    currency: str
    account: int
    debit: int
    credit: int


def browse_movements(cursor: Cursor, wanted: MovementFilter, *, after: str | None, limit: int) -> Page[Movement]:
    """A page, the last to become known first. ``next_cursor`` is None once the beginning was reached. Raises InvalidCursor."""
    moment, last = _place(after)
    first, newest = _ends(cursor)
    if newest is None or first is None:
        return Page((), None)
    oldest = max(first, wanted.since) if wanted.since else first
    top = min(moment or newest, wanted.until or newest)
    if wanted.owner is not None:
        rows = _between(cursor, wanted, oldest, top, last, limit + 1)
        return page_of(rows, limit, _key)
    found: list[Movement] = []
    stretch, high = FIRST_STRETCH, top
    while len(found) <= limit and high >= oldest and top - high < FARTHEST:
        low = max(high - stretch, oldest)
        found += _between(cursor, wanted, low, high, last, limit + 1 - len(found))
        high, stretch = low - timedelta(microseconds=1), stretch * 2
    if len(found) > limit or high < oldest:
        return page_of(found, limit, _key)
    return Page(found, encode_cursor(to_microseconds(high), "ff" * 16))


def sum_balances(cursor: Cursor) -> list[Totals]:
    """What all owners have, by currency. Reads every balance: for a part of a page that comes afterwards."""
    cursor.execute(
        """SELECT currency, count(*), sum(available)::bigint, sum(pending)::bigint, sum(held)::bigint, sum(debt)::bigint
        FROM ledger_balance GROUP BY currency ORDER BY currency"""
    )
    return [Totals(*row) for row in cursor]


def sum_sides(cursor: Cursor) -> list[Side]:
    """What the programme's side gave and took, from its daily sums."""
    cursor.execute(
        """SELECT currency, account, sum(debit)::bigint, sum(credit)::bigint FROM (
          SELECT currency, account, debit, credit FROM ledger_contra_delta
          UNION ALL SELECT currency, account, debit, credit FROM ledger_contra_daily
        ) AS kept GROUP BY currency, account ORDER BY currency, account"""
    )
    return [Side(*row) for row in cursor]


def _place(after: str | None) -> tuple[datetime | None, UUID | None]:
    if after is None:
        return None, None
    microseconds, text = decode_cursor(after, int, str)
    try:
        return to_moment(int(microseconds)), UUID(str(text))
    except (ValueError, OverflowError):
        raise InvalidCursor("This cursor is not one of ours. Start again without it.") from None


def _ends(cursor: Cursor) -> tuple[datetime | None, datetime | None]:
    """The moments of the first batch and of the last one, sealed or not, by the order of seals."""
    cursor.execute(
        """SELECT min(b.posted_at), max(b.posted_at) FROM ledger_batch b WHERE b.id IN (
          (SELECT batch_id FROM ledger_seal ORDER BY sequence LIMIT 1)
          UNION ALL (SELECT batch_id FROM ledger_seal ORDER BY sequence DESC LIMIT 1)
          UNION ALL (SELECT batch_id FROM ledger_unsealed))"""
    )
    row = cursor.fetchone()
    return (row[0], row[1]) if row else (None, None)


def _between(
    cursor: Cursor, wanted: MovementFilter, low: datetime, high: datetime, last: UUID | None, limit: int
) -> Sequence[Movement]:
    """Those posted from ``low`` to ``high``, both included; at ``high`` only those before ``last``."""
    values: dict[str, Any] = {"low": low, "high": high, "limit": limit}
    conditions = ["posted_at >= %(low)s AND posted_at <= %(high)s"]
    if last is not None:
        conditions.append("(posted_at, movement_id) < (%(high)s, %(last)s::uuid)")
        values["last"] = last
    if wanted.until is not None:
        conditions.append("posted_at < %(until)s")
        values["until"] = wanted.until
    if wanted.owner is not None:
        conditions.append("bucket = %(bucket)s AND owner_id = %(owner)s")
        values |= {"bucket": bucket_of(wanted.owner), "owner": wanted.owner}
    if wanted.kind is not None:
        conditions.append("kind = %(kind)s")
        values["kind"] = wanted.kind
    if wanted.currency is not None:
        conditions.append("currency = %(currency)s")
        values["currency"] = wanted.currency
    cursor.execute(
        f"""SELECT {MOVEMENT_COLUMNS} FROM ledger_movement WHERE {" AND ".join(conditions)}
        ORDER BY posted_at DESC, movement_id DESC LIMIT %(limit)s""",
        values,
        prepare=False,
    )
    return [movement_of(row) for row in cursor]


def _key(movement: Movement) -> tuple[int, str]:
    return to_microseconds(movement.posted_at), movement.id.hex
