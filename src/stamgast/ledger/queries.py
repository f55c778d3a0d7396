"""Reads of the ledger. Each takes the caller's cursor and returns types, never rows."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.sql import SQL, Composable, Literal

from stamgast.kit.database import Cursor, is_few
from stamgast.kit.ids import bucket_of
from stamgast.kit.paging import DEFAULT_PAGE, LARGEST_PAGE, InvalidCursor, Page, decode_cursor, page_of
from stamgast.ledger.errors import MovementNotFound
from stamgast.ledger.types import Account, Balance, Change, Lot, Movement, MovementKind, to_microseconds, to_moment

MOVEMENT_COLUMNS = """movement_id, owner_id, kind, currency, debit, credit, amount, effective_at, posted_at, lot_id,
activity_id, rule, programme_version, reason, actor, batch_id, act_id, reference"""


def get_balances(cursor: Cursor, owner: UUID) -> list[Balance]:
    """What an owner has, by currency; empty for one who never got anything."""
    cursor.execute(
        """SELECT owner_id, currency, available, pending, held, debt FROM ledger_balance
        WHERE bucket = %s AND owner_id = %s ORDER BY currency""",
        (bucket_of(owner), owner),
    )
    return [Balance(*row) for row in cursor]


def list_available(cursor: Cursor, owners: Collection[UUID]) -> Mapping[UUID, Mapping[str, int]]:
    """What each of these owners has available, by currency; owners who never got anything are missing."""
    cursor.execute(
        """SELECT b.owner_id, b.currency, b.available FROM ledger_balance b
        JOIN unnest(%b::smallint[], %b::uuid[]) AS k(bucket, owner_id) ON b.bucket = k.bucket AND b.owner_id = k.owner_id""",
        _owner_keys(owners),
        prepare=is_few(len(owners)),
    )
    available: dict[UUID, dict[str, int]] = {}
    for owner_id, currency, amount in cursor:
        available.setdefault(owner_id, {})[currency] = amount
    return available


def has_available_condition(currency: str, *, at_least: int | None, at_most: int | None) -> Composable:
    """SQL on a row called ``customer``: that it has so much available of a currency. Who never got anything has nothing."""
    available = SQL(
        "coalesce((SELECT balance.available FROM ledger_balance AS balance WHERE balance.bucket = customer.bucket "
        "AND balance.owner_id = customer.id AND balance.currency = {currency}), 0)"
    ).format(currency=Literal(currency))
    conditions = [
        SQL("{} {} {}").format(available, SQL(sign), Literal(amount))
        for sign, amount in ((">=", at_least), ("<=", at_most))
        if amount is not None
    ]
    return SQL(" AND ").join([SQL("true"), *conditions])


def get_movement(cursor: Cursor, movement_id: UUID) -> Movement:
    """One movement, found by its id alone; raises MovementNotFound."""
    cursor.execute(
        f"SELECT {MOVEMENT_COLUMNS} FROM ledger_movement WHERE bucket = %s AND movement_id = %s",
        (bucket_of(movement_id), movement_id),
    )
    row = cursor.fetchone()
    if row is None:
        raise MovementNotFound(f"There is no movement {movement_id}. Look at the customer's movements for those there are.")
    return movement_of(row)


def find_movements(cursor: Cursor, movement_ids: Collection[UUID]) -> dict[UUID, Movement]:
    """Movements by their ids, which hold their buckets; unknown ones are absent."""
    cursor.execute(
        f"""SELECT {MOVEMENT_COLUMNS} FROM ledger_movement
        WHERE (bucket, movement_id) IN (SELECT * FROM unnest(%b::smallint[], %b::uuid[]))""",
        _owner_keys(movement_ids),
        prepare=False,
    )
    return {row[0]: movement_of(row) for row in cursor}


def list_movements(cursor: Cursor, owner: UUID, *, after: str | None = None, limit: int = DEFAULT_PAGE) -> Page[Movement]:
    """An owner's movements, the latest to happen first."""
    limit = max(1, min(limit, LARGEST_PAGE))
    moment, last = None, None
    if after is not None:
        microseconds, text = decode_cursor(after, int, str)
        try:
            moment, last = to_moment(int(microseconds)), UUID(str(text))
        except (ValueError, OverflowError):
            raise InvalidCursor("This cursor is not one of ours. Start again without it.") from None
    cursor.execute(
        f"""SELECT {MOVEMENT_COLUMNS} FROM ledger_movement
        WHERE bucket = %(bucket)s AND owner_id = %(owner)s AND (%(moment)s::timestamptz IS NULL
          OR effective_at <= %(moment)s AND (effective_at, movement_id) < (%(moment)s, %(last)s::uuid))
        ORDER BY effective_at DESC, movement_id DESC LIMIT %(limit)s""",
        {"bucket": bucket_of(owner), "owner": owner, "moment": moment, "last": last, "limit": limit + 1},
        prepare=False,
    )
    rows = [movement_of(row) for row in cursor]
    return page_of(rows, limit, lambda movement: (to_microseconds(movement.effective_at), movement.id.hex))


def list_lots(cursor: Cursor, owner: UUID, *, limit: int = LARGEST_PAGE) -> list[Lot]:
    """An owner's lots with something left, those that expire soonest first."""
    cursor.execute(
        """SELECT lot_id, owner_id, currency, activity_id, rule, programme_version, given, remaining, held, expired, used, owed,
          effective_at, expires_at, pending, available_at
        FROM ledger_lot WHERE bucket = %s AND owner_id = %s AND (remaining > 0 OR pending > 0)
        ORDER BY expires_at NULLS LAST, effective_at, lot_id LIMIT %s""",
        (bucket_of(owner), owner, limit),
    )
    return [Lot(*row) for row in cursor]


def list_owner_timeline(cursor: Cursor, since: Mapping[UUID, datetime]) -> list[Change]:
    """Every change of what these owners have available from a moment of each on, in the order in which they count: by owner,
    moment, movement.

    Corrections count from the moment of what they correct, so that this says what was so, as we know it now.
    """
    cursor.execute(
        """SELECT m.owner_id, m.currency, m.effective_at,
          CASE WHEN m.credit = %s THEN m.amount ELSE -m.amount END, m.movement_id
        FROM ledger_movement m
        JOIN unnest(%b::smallint[], %b::uuid[], %b::timestamptz[]) AS k(bucket, owner_id, since)
          ON m.bucket = k.bucket AND m.owner_id = k.owner_id AND m.effective_at >= k.since
        WHERE m.debit = %s OR m.credit = %s ORDER BY m.owner_id, m.effective_at, m.movement_id""",
        (Account.AVAILABLE, *_owner_keys(list(since)), list(since.values()), Account.AVAILABLE, Account.AVAILABLE),
        prepare=False,
    )
    return [Change(*row) for row in cursor.fetchall()]


def find_overtaken(cursor: Cursor, known: Mapping[UUID, tuple[datetime, int]]) -> set[UUID]:
    """The owners of whom more changes of what they have available count from a moment on than the number that is known."""
    owners = list(known)
    cursor.execute(
        """SELECT k.owner_id FROM unnest(%b::smallint[], %b::uuid[], %b::timestamptz[], %b::bigint[])
          AS k(bucket, owner_id, since, known)
        WHERE k.known < (
          SELECT count(*) FROM ledger_movement m
          WHERE m.bucket = k.bucket AND m.owner_id = k.owner_id AND m.effective_at >= k.since
            AND (m.debit = %s OR m.credit = %s))""",
        (
            *_owner_keys(owners),
            [since for since, _ in known.values()],
            [count for _, count in known.values()],
            Account.AVAILABLE,
            Account.AVAILABLE,
        ),
        prepare=is_few(len(owners)),
    )
    return {row[0] for row in cursor}


Given = tuple[int, int, int | None, int | None]


def list_given(cursor: Cursor, owners: Collection[UUID]) -> dict[tuple[bytes, bytes, str, str], Given]:
    """What each cause (owner, activity, rule, currency) of these owners holds, where that is not zero: the amount, and the
    moments at which it was given, can be used (None: at once) and expires (None: never), in microseconds."""
    cursor.execute(
        """SELECT l.owner_id, l.activity_id, l.rule, l.currency, l.given, l.effective_at, l.available_at, l.expires_at
        FROM ledger_lot l
        JOIN unnest(%b::smallint[], %b::uuid[]) AS k(bucket, owner_id) ON l.bucket = k.bucket AND l.owner_id = k.owner_id
        WHERE l.given > 0 AND l.programme_version > 0""",
        _owner_keys(owners),
        prepare=False,
    )
    return {
        (owner.bytes, activity.bytes, rule, currency): (
            given,
            to_microseconds(effective_at),
            None if available_at is None else to_microseconds(available_at),
            None if expires_at is None else to_microseconds(expires_at),
        )
        for owner, activity, rule, currency, given, effective_at, available_at, expires_at in cursor
    }


def list_movements_between(cursor: Cursor, owner: UUID, *, since: datetime, until: datetime) -> list[Movement]:
    """An owner's movements that count from ``since`` to ``until``, both included, the latest first."""
    cursor.execute(
        f"""SELECT {MOVEMENT_COLUMNS} FROM ledger_movement
        WHERE bucket = %s AND owner_id = %s AND effective_at >= %s AND effective_at <= %s
        ORDER BY effective_at DESC, movement_id DESC""",
        (bucket_of(owner), owner, since, until),
        prepare=False,
    )
    return [movement_of(row) for row in cursor]


def sum_given(cursor: Cursor, currency: str, *, since: datetime) -> tuple[int, int]:
    """What was given of a currency, less what was taken back, and what expired: posted and in force since a moment."""
    cursor.execute(
        """SELECT
          coalesce(sum(CASE WHEN kind = ANY(%(earn)s) THEN amount WHEN kind = ANY(%(reverse)s) THEN -amount END), 0)::bigint,
          coalesce(sum(amount) FILTER (WHERE kind = %(expire)s), 0)::bigint
        FROM ledger_movement WHERE posted_at >= %(since)s AND effective_at >= %(since)s AND currency = %(currency)s""",
        {
            "earn": [MovementKind.EARN, MovementKind.EARN_PENDING],
            "reverse": [MovementKind.REVERSE, MovementKind.REVERSE_PENDING],
            "expire": MovementKind.EXPIRE,
            "since": since,
            "currency": currency,
        },
        prepare=False,
    )
    row = cursor.fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def next_due(cursor: Cursor) -> datetime | None:
    """The moment at which the next lot expires or matures, or the next hold is over; None: never. A look into each index."""
    cursor.execute(
        """SELECT least((SELECT min(expires_at) FROM ledger_lot WHERE remaining > held),
          (SELECT min(available_at) FROM ledger_lot WHERE pending > 0),
          (SELECT min(ends_at) FROM ledger_hold WHERE ended_at IS NULL))"""
    )
    row = cursor.fetchone()
    return None if row is None else row[0]


def sum_available(cursor: Cursor, currency: str) -> int:
    """What all owners together have available of a currency."""
    cursor.execute("SELECT coalesce(sum(available), 0)::bigint FROM ledger_balance WHERE currency = %s", (currency,))
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def count_movements(cursor: Cursor) -> int:
    """How many movements there are, from the batches, so that it does not read them."""
    cursor.execute("SELECT coalesce(sum(rows), 0)::bigint FROM ledger_batch")
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def _owner_keys(owners: Collection[UUID]) -> tuple[list[int], list[UUID]]:
    return [bucket_of(owner) for owner in owners], list(owners)


def movement_of(row: tuple[Any, ...]) -> Movement:
    movement_id, owner_id, kind, currency, debit, credit, *rest = row
    return Movement(movement_id, owner_id, MovementKind(kind), currency, Account(debit), Account(credit), *rest)
