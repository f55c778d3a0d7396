"""What one customer buys: how much, how often, where and which products; all of it net of what came back."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from statistics import median
from uuid import UUID
from zoneinfo import ZoneInfo

from stamgast.activities.orders import REFERRING_KINDS
from stamgast.activities.queries import load_history
from stamgast.flows.history import ORDERS, read_orders
from stamgast.kit.database import Cursor

MOST_PRODUCTS = 10


@dataclass(frozen=True, slots=True)
class Bought:
    """What was bought over one source, or of one product, in the currency of the last order."""

    name: str
    category: str
    orders: int
    quantity: int
    amount_minor: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Buying:
    """A customer's orders above zero. The usual gap is the median number of days from one day with an order to the next."""

    orders: int
    currency: str | None
    revenue_minor: int
    average_minor: int | None
    first_at: datetime | None
    last_at: datetime | None
    usual_gap_days: float | None
    channels: Sequence[Bought]
    products: Sequence[Bought]
    """Those with the highest amount, at most ten."""


def read_buying(cursor: Cursor, customer: UUID, anchors: Sequence[UUID], *, zone: ZoneInfo) -> Buying:
    """Reads the orders of a customer with their lines, in one query. Days begin in ``zone``."""
    columns = load_history(cursor, anchors, needs_body=True, kinds=ORDERS | REFERRING_KINDS)
    net, repeats = read_orders(columns, [(customer, i) for i in range(len(columns))])
    rows = [i for i, kind in enumerate(columns.kinds) if kind in ORDERS and i not in repeats]
    left = {i: (net[i].amount_minor if i in net else columns.amounts_minor[i]) or 0 for i in rows}
    # What came back later was ordered all the same: whoever returns everything still came by on that day.
    days = sorted({columns.occurred_at[i].astimezone(zone).date() for i in rows if (columns.amounts_minor[i] or 0) > 0})
    bought = [i for i in rows if left[i] > 0]
    currency = columns.currencies[bought[-1]] if bought else None
    channels: dict[str, list[tuple[int, int, datetime, str]]] = defaultdict(list)
    products: dict[str, list[tuple[int, int, datetime, str]]] = defaultdict(list)
    for i in bought:
        if columns.currencies[i] != currency:
            continue
        at = columns.occurred_at[i]
        lines = (net[i].lines if i in net else columns.lines[i]) or ()
        channels[columns.sources[i]].append((sum(line.quantity for line in lines), left[i], at, ""))
        for line in lines:
            if line.product_id:
                products[line.product_id].append((line.quantity, line.amount_minor, at, line.category))
    revenue = sum(left[i] for i in bought if columns.currencies[i] == currency)
    return Buying(
        orders=len(bought),
        currency=currency,
        revenue_minor=revenue,
        average_minor=round(revenue / len(bought)) if bought else None,
        first_at=columns.occurred_at[bought[0]] if bought else None,
        last_at=columns.occurred_at[bought[-1]] if bought else None,
        usual_gap_days=usual_gap(days),
        channels=_ranked(channels),
        products=_ranked(products)[:MOST_PRODUCTS],
    )


def usual_gap(days: Sequence[date]) -> float | None:
    """The median number of days from one day with an order to the next: one long holiday does not move it."""
    gaps = [(after - before).days for before, after in pairwise(days)]
    return float(median(gaps)) if gaps else None


def _ranked(groups: dict[str, list[tuple[int, int, datetime, str]]]) -> list[Bought]:
    found = [
        Bought(
            name,
            rows[-1][3],
            len({at for _, _, at, _ in rows}),
            sum(quantity for quantity, _, _, _ in rows),
            sum(amount for _, amount, _, _ in rows),
            rows[-1][2],
        )
        for name, rows in groups.items()
    ]
    return sorted(found, key=lambda one: (-one.amount_minor, one.name))
