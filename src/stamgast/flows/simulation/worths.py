"""What one of a currency is worth in a simulation, as somebody stated it or as the books say, and what makes no sense."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from django.conf import settings

from stamgast.books.queries import list_valuations
from stamgast.books.rules import valuation_at
from stamgast.books.types import Valuation
from stamgast.flows.simulation.errors import InvalidSimulation
from stamgast.flows.simulation.running import Asked
from stamgast.kit.database import Cursor
from stamgast.kit.money import minor_digits

LARGEST_WORTH = 1_000_000


def worth_minor(text: str, money: str) -> Fraction:
    """What one of a currency costs, in minor units: ``0.01`` of EUR is one. Raises InvalidSimulation."""
    try:
        worth = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        worth = Decimal("NaN")
    if not worth.is_finite() or not 0 <= worth <= LARGEST_WORTH:
        raise InvalidSimulation(
            f"{text[:20]!r} is no amount of money. What one of a currency costs is such as 0.01.", wrong="worth"
        )
    return Fraction(worth) * Fraction(10 ** minor_digits(money))


def usual_worths(cursor: Cursor, at: datetime, money: str) -> dict[str, str]:
    """What the books say that one of a currency is worth, where they say so."""
    by_currency: dict[str, list[Valuation]] = {}
    for one in list_valuations(cursor):
        by_currency.setdefault(one.currency, []).append(one)
    found = {}
    for currency, own in by_currency.items():
        held = valuation_at(own, 12 * at.year + at.month - 1)
        if held is not None:
            found[currency] = f"{(Decimal(held.price_minor) / 1_000).scaleb(-minor_digits(money)).normalize():f}"
    return found


def check(asked: Asked) -> None:
    """Refuses worths and shares that make no sense. Raises InvalidSimulation."""
    for text in asked.worths.values():
        worth_minor(text, settings.CONFIGURATION.currency)
    if asked.redemption is not None and not 0 <= asked.redemption <= 10_000:
        raise InvalidSimulation(
            "The share that is redeemed lies between none and all: 0.8 is eight of ten.", wrong="redeemed share"
        )
