"""What a list of customers shows beside their names: balances, segments and orders, for a whole page at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from stamgast.activities.queries import count_orders
from stamgast.customers.queries import anchors_of
from stamgast.flows.history import ORDERS
from stamgast.kit.database import Cursor
from stamgast.ledger.queries import list_available
from stamgast.segments.queries import list_memberships
from stamgast.segments.types import Membership


@dataclass(frozen=True, slots=True)
class Description:
    """One customer's balances by currency, the segments they are in, and how many orders above zero they made."""

    available: Mapping[str, int]
    memberships: Sequence[Membership]
    orders: int


def describe_customers(cursor: Cursor, customers: Collection[UUID]) -> dict[UUID, Description]:
    """Descriptions of all of them in four queries, however many they are."""
    keys = list(customers)
    anchors = anchors_of(cursor, keys)
    orders = count_orders(cursor, [anchor for ids in anchors.values() for anchor in ids], kinds=ORDERS)
    available = list_available(cursor, keys)
    memberships = list_memberships(cursor, keys)
    return {
        key: Description(
            available.get(key, {}), memberships.get(key, []), sum(orders.get(anchor, 0) for anchor in anchors.get(key, []))
        )
        for key in keys
    }
