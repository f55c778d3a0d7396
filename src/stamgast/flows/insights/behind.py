"""The customers behind a number, those who ever spent most first, by page."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import ibis
import ibis.expr.types as ir

from stamgast.flows.insights.asking import Insights
from stamgast.kit.paging import InvalidCursor, Page, decode_cursor, page_of

CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Buyer:
    """One customer who bought: when first and last, how often, and for how much in the shop's currency, ever."""

    customer: UUID
    first_on: date
    last_on: date
    orders: int
    revenue_minor: int


def count_behind(insights: Insights, population: ir.Table) -> int:
    """How many there are."""
    return int(insights.ask(population.aggregate(customers=population.count()))[0]["customers"])


def list_behind(insights: Insights, population: ir.Table, *, after: str | None, limit: int) -> Page[Buyer]:
    """A page of them."""
    buyers = insights.buyers.semi_join(population, "customer_id")
    if after is not None:
        revenue, customer = decode_cursor(after, int, str)
        if not isinstance(revenue, int) or abs(revenue) >= 2**63:
            raise InvalidCursor("This cursor belongs to another list. Start again without it.")
        is_next = (buyers.revenue_minor == revenue) & (buyers.customer > str(customer))
        buyers = buyers.filter((buyers.revenue_minor < revenue) | is_next)
    ordered = buyers.order_by([ibis.desc("revenue_minor"), "customer"]).limit(limit + 1)
    rows = [
        Buyer(UUID(row["customer"]), row["first_on"], row["last_on"], row["orders"], row["revenue_minor"])
        for row in insights.ask(ordered)
    ]
    return page_of(rows, limit, lambda buyer: (buyer.revenue_minor, str(buyer.customer)))


def all_behind(insights: Insights, population: ir.Table) -> Iterator[list[Buyer]]:
    """All of them, some thousands at a time."""
    after: str | None = None
    while True:
        page = list_behind(insights, population, after=after, limit=CHUNK)
        if page.rows:
            yield list(page.rows)
        after = page.next_cursor
        if after is None:
            return
