"""Balances and statements as they were at any moment, by both clocks. Reads movements by the accounts that they name.

A movement has two moments: ``effective_at``, when what it stands for happened, and ``posted_at``, when the ledger knew.
Seen by the second clock alone, this is what the balance said at that moment, never below zero. Seen by the first, it is what
we know now of then: a correction counts from the moment that it corrects, and a repayment may count from before its debt.

Bounded by the index of an owner's movements: whoever has many pays for those, and nobody for anybody else's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from stamgast.kit.database import Cursor
from stamgast.kit.ids import bucket_of
from stamgast.kit.paging import DEFAULT_PAGE, LARGEST_PAGE, InvalidCursor, Page, decode_cursor, page_of
from stamgast.ledger.errors import InvalidStatementPeriod
from stamgast.ledger.queries import MOVEMENT_COLUMNS, movement_of
from stamgast.ledger.types import Account, Balance, Movement, to_microseconds, to_moment

_ACCOUNTS = {account.name.lower(): int(account) for account in (Account.AVAILABLE, Account.PENDING, Account.HELD, Account.DEBT)}
_INSTANT = timedelta(microseconds=1)
FIRST_YEAR, LAST_YEAR = 1900, 9998


class Clock(StrEnum):
    """By which moment movements are put in order and cut into periods."""

    KNOWN = "known"
    HAPPENED = "happened"


_COLUMN = {Clock.KNOWN: "posted_at", Clock.HAPPENED: "effective_at"}
_OTHER = {Clock.KNOWN: Clock.HAPPENED, Clock.HAPPENED: Clock.KNOWN}


class Amounts(NamedTuple):
    """What an owner has of one currency, or what changed in it. A debt is counted as what is owed, above zero."""

    available: int
    pending: int
    held: int
    debt: int


NOTHING = Amounts(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Line:
    """One movement on a statement: what it changed, what there was after it, and the movement that it corrects."""

    movement: Movement
    change: Amounts
    after: Amounts
    corrects: UUID | None
    corrects_at: datetime | None


@dataclass(frozen=True, slots=True)
class Statement:
    """A period, its first moment included and its last one not: what there was, a page of what moved, what was left."""

    owner_id: UUID
    since: datetime
    until: datetime
    clock: Clock
    opening: dict[str, Amounts]
    lines: Page[Line]
    closing: dict[str, Amounts]


def _signed(account: str, *, is_owed: bool = False) -> str:
    """SQL for what a movement changes in an account."""
    plus, minus = ("debit", "credit") if is_owed else ("credit", "debit")
    return f"CASE WHEN {plus} = %({account})s THEN amount WHEN {minus} = %({account})s THEN -amount ELSE 0 END"


_CHANGES = {name: _signed(name, is_owed=name == "debt") for name in Amounts._fields}
_OF_OWNER = """bucket = %(bucket)s AND owner_id = %(owner)s
  AND (%(at)s::timestamptz IS NULL OR effective_at <= %(at)s)
  AND (%(known_at)s::timestamptz IS NULL OR posted_at <= %(known_at)s)
  AND (%(currency)s::text IS NULL OR currency = %(currency)s)"""

_BALANCES = f"""
SELECT currency, {", ".join(f"sum({change})::bigint" for change in _CHANGES.values())}
FROM ledger_movement WHERE {_OF_OWNER} GROUP BY currency ORDER BY currency
"""

_ORDER = "{clock}, (d_available < 0)::int, {other}, movement_id"
"""What is added at one moment comes before what is taken at it, so that no line shows less than nothing on the way; beside
that, lines of one moment are in the order of the other clock."""

_LINES = f"""
WITH mine AS (
  SELECT {MOVEMENT_COLUMNS}, {", ".join(f"{change} AS d_{name}" for name, change in _CHANGES.items())}
  FROM ledger_movement WHERE {_OF_OWNER}
), running AS (
  SELECT *, {", ".join(f"sum(d_{name}) OVER line AS {name}" for name in _CHANGES)}
  FROM mine WINDOW line AS (PARTITION BY currency ORDER BY {_ORDER})
), page AS (
  SELECT *, row_number() OVER (ORDER BY {_ORDER}) AS place FROM running WHERE {{clock}} >= %(since)s
    AND (%(moment)s::timestamptz IS NULL
      OR ({_ORDER}) > (%(moment)s, %(is_taken)s::int, %(other)s::timestamptz, %(last)s::uuid))
  ORDER BY {_ORDER} LIMIT %(limit)s
)
SELECT page.*, corrected.movement_id, corrected.posted_at FROM page LEFT JOIN LATERAL (
  SELECT o.movement_id, o.posted_at FROM ledger_movement o
  WHERE o.bucket = %(bucket)s AND o.owner_id = %(owner)s AND o.effective_at = page.effective_at AND o.lot_id = page.lot_id
    AND o.posted_at < page.posted_at AND page.credit <> %(debt)s
  ORDER BY o.posted_at DESC, o.movement_id LIMIT 1
) AS corrected ON true ORDER BY place
"""
"""A movement corrects the last one of its lot that counts from the same moment and was known before it."""


def list_balances_at(
    cursor: Cursor, owner: UUID, *, at: datetime | None = None, known_at: datetime | None = None, currency: str | None = None
) -> list[Balance]:
    """What an owner had at ``at``, as was known at ``known_at``; None is no limit. Currencies that never moved are missing."""
    cursor.execute(_BALANCES, _values(owner, at, known_at, currency), prepare=False)
    return [Balance(owner, name, *amounts) for name, *amounts in cursor]


def read_statement(
    cursor: Cursor,
    owner: UUID,
    *,
    since: datetime,
    until: datetime,
    clock: Clock = Clock.KNOWN,
    currency: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT_PAGE,
) -> Statement:
    """What moved from ``since`` until just before ``until`` by one of the clocks, the first to come first.

    By the clock of what was known, a correction stands under the moment at which it became known, and a statement of a period
    that is over never changes. Opening + the changes of all pages = closing, currency by currency: a statement until now is
    until the moment of its first page, which the cursor keeps. Raises InvalidCursor and InvalidStatementPeriod.
    """
    place, first_until = _read_place(after)
    until = until if first_until is None else min(until, first_until)
    if not FIRST_YEAR <= since.year <= until.year <= LAST_YEAR or until <= since:
        raise InvalidStatementPeriod(
            f"A statement is of the years {FIRST_YEAR} to {LAST_YEAR} and ends after it begins. Choose two other moments."
        )
    limit = max(1, min(limit, LARGEST_PAGE))
    last_moment = until - _INSTANT
    values = _values(owner, *_limits(clock, last_moment), currency) | place | {"since": since, "limit": limit + 1}
    cursor.execute(_LINES.format(clock=_COLUMN[clock], other=_COLUMN[_OTHER[clock]]), values, prepare=False)
    lines = page_of([_line(row) for row in cursor], limit, lambda line: (*_place_of(line, clock), to_microseconds(until)))
    opening = _amounts(cursor, owner, clock, since - _INSTANT, currency)
    closing = _amounts(cursor, owner, clock, last_moment, currency)
    return Statement(owner, since, until, clock, {name: opening.get(name, NOTHING) for name in closing}, lines, closing)


def _amounts(cursor: Cursor, owner: UUID, clock: Clock, moment: datetime, currency: str | None) -> dict[str, Amounts]:
    at, known_at = _limits(clock, moment)
    balances = list_balances_at(cursor, owner, at=at, known_at=known_at, currency=currency)
    return {row.currency: Amounts(row.available, row.pending, row.held, row.debt) for row in balances}


def _limits(clock: Clock, moment: datetime) -> tuple[datetime | None, datetime | None]:
    return (moment, None) if clock is Clock.HAPPENED else (None, moment)


def _values(owner: UUID, at: datetime | None, known_at: datetime | None, currency: str | None) -> dict[str, Any]:
    return {
        **_ACCOUNTS,
        "bucket": bucket_of(owner),
        "owner": owner,
        "at": at,
        "known_at": known_at,
        "currency": currency,
    }


def _read_place(after: str | None) -> tuple[dict[str, Any], datetime | None]:
    """Where the page before ended, and the statement does."""
    if after is None:
        return {"moment": None, "is_taken": None, "other": None, "last": None}, None
    moment, is_taken, other, last, until = decode_cursor(after, int, int, int, str, int)
    try:
        moments = {"moment": to_moment(int(moment)), "other": to_moment(int(other))}
        return {**moments, "is_taken": int(bool(is_taken)), "last": UUID(str(last))}, to_moment(int(until))
    except (ValueError, OverflowError):
        raise InvalidCursor("This cursor is not one of ours. Start again without it.") from None


def _place_of(line: Line, clock: Clock) -> tuple[int, int, int, str]:
    moments = (to_microseconds(line.movement.posted_at), to_microseconds(line.movement.effective_at))
    moment, other = moments if clock is Clock.KNOWN else moments[::-1]
    return moment, int(line.change.available < 0), other, line.movement.id.hex


_WIDTH = len(MOVEMENT_COLUMNS.split(","))


def _line(row: tuple[Any, ...]) -> Line:
    amounts = [int(amount) for amount in row[_WIDTH : _WIDTH + 8]]
    return Line(movement_of(row[:_WIDTH]), Amounts(*amounts[:4]), Amounts(*amounts[4:]), *row[_WIDTH + 9 :])
