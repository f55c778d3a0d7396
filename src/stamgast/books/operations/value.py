"""Deciding what a currency is worth in the books."""

from datetime import date, datetime

from stamgast.access.operations import record
from stamgast.books.errors import InvalidValuation
from stamgast.books.types import WHOLE, Valuation
from stamgast.kit.database import Cursor
from stamgast.kit.ids import derive_id

LARGEST_PRICE_MINOR = 10**12
LONGEST_REASON = 500
EARLIEST = date(2000, 1, 1)


def set_valuation(
    cursor: Cursor,
    *,
    currency: str,
    valid_from: date,
    price_minor: int,
    share: int,
    is_fitted: bool,
    reason: str,
    today: date,
    at: datetime,
    actor: str,
) -> Valuation:
    """Decides the stand-alone price of a thousand points and the expected share, from a day on, with a line in the trail.

    The first of a currency may begin in the past; a later one begins in the month of ``today`` or after it, because months
    that are over are in the books. Nothing is replaced: of two of one day the later decision holds. Idempotent: the same
    decision at the same moment is one. Takes a lock by currency, so that two first ones do not both begin in the past.
    Raises InvalidValuation.
    """
    cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"valuation {currency}",))
    _check(cursor, currency, valid_from, price_minor, share, reason, today)
    cursor.execute(
        """INSERT INTO books_valuation (id, currency, valid_from, price_minor, share, is_fitted, decided_at, actor, reason)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING""",
        (
            derive_id("valuation", currency, str(valid_from), str(price_minor), str(share), str(is_fitted), at.isoformat()),
            currency, valid_from, price_minor, share, is_fitted, at, actor, reason.strip(),
        ),
    )  # fmt: skip
    if cursor.rowcount:
        detail = {
            "valid_from": valid_from.isoformat(),
            "price_minor": price_minor,
            "share": share,
            "is_fitted": is_fitted,
            "reason": reason.strip(),
        }
        record(cursor, actor, "set valuation", currency, detail, at)
    return Valuation(currency, valid_from, price_minor, share, is_fitted, at, actor, reason.strip())


def _check(cursor: Cursor, currency: str, valid_from: date, price_minor: int, share: int, reason: str, today: date) -> None:
    if not currency or len(currency) > 100 or not currency.isprintable():
        raise InvalidValuation("A currency's name is 1 to 100 printable characters. Choose one of the programme's.")
    if not 0 <= price_minor <= LARGEST_PRICE_MINOR:
        raise InvalidValuation("The price of a thousand points is zero or more, and no more than a ledger can hold.")
    if not 0 <= share <= WHOLE:
        raise InvalidValuation("The expected share is from 0 to 100 percent.")
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise InvalidValuation(f"Say in 1 to {LONGEST_REASON} characters why it is worth that, for who asks later.")
    if not EARLIEST <= valid_from <= date(9000, 1, 1):
        raise InvalidValuation("The day from which it holds lies too far off. Choose another day.")
    cursor.execute("SELECT true FROM books_valuation WHERE currency = %s LIMIT 1", (currency,))
    if cursor.fetchone() and valid_from < today.replace(day=1):
        raise InvalidValuation(
            "Months that are over are in the books, so another value holds from this month at the earliest. Choose a later day."
        )
