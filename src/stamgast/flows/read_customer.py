"""One customer over all rooms: who it is, what it has, what it is in, what it bought."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stamgast.activities.orders import REFERRING_KINDS
from stamgast.activities.queries import load_history
from stamgast.customers.queries import get_profile
from stamgast.customers.types import Profile
from stamgast.flows.history import ORDERS, read_orders
from stamgast.kit.database import Cursor
from stamgast.ledger.queries import get_balances
from stamgast.ledger.types import Balance
from stamgast.segments.queries import list_memberships
from stamgast.segments.types import Membership


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """What a customer bought, net of what came back. Orders of which nothing is left are counted apart."""

    count: int
    count_of_zero: int
    revenue_minor: int
    currency: str | None
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerView:
    """A customer as the API and the profile page show it."""

    profile: Profile
    anchors: list[UUID]
    balances: list[Balance]
    memberships: list[Membership]
    orders: OrderSummary
    first_seen: datetime
    last_seen: datetime


def read_customer(cursor: Cursor, reference: str, *, region: str | None = None) -> CustomerView:
    """Everything known of one customer; raises CustomerNotFound. ``region`` is whose telephone numbers may lack a code."""
    profile = get_profile(cursor, reference, region=region)
    customer = profile.customer
    anchors = sorted(one.id for one in profile.identifiers)
    return CustomerView(
        profile=profile,
        anchors=anchors,
        balances=get_balances(cursor, customer.id),
        memberships=list_memberships(cursor, [customer.id]).get(customer.id, []),
        orders=summarise_orders(cursor, customer.id, anchors),
        first_seen=customer.first_seen,
        last_seen=customer.last_seen,
    )


def summarise_orders(cursor: Cursor, customer: UUID, anchors: Collection[UUID]) -> OrderSummary:
    """The orders of one customer. Money is added up in the currency of the last order."""
    columns = load_history(cursor, anchors, needs_body=False, kinds=ORDERS | REFERRING_KINDS)
    net, repeats = read_orders(columns, [(customer, i) for i in range(len(columns))])
    orders = [i for i, kind in enumerate(columns.kinds) if kind in ORDERS and i not in repeats]
    left = {i: (net[i].amount_minor if i in net else columns.amounts_minor[i]) or 0 for i in orders}
    currencies = {i: net[i].currency if i in net else columns.currencies[i] for i in orders}
    bought = [i for i in orders if left[i] > 0]
    currency = currencies[bought[-1]] if bought else None
    return OrderSummary(
        count=len(bought),
        count_of_zero=len(orders) - len(bought),
        revenue_minor=sum(left[i] for i in bought if currencies[i] == currency),
        currency=currency,
        first_at=columns.occurred_at[bought[0]] if bought else None,
        last_at=columns.occurred_at[bought[-1]] if bought else None,
    )
