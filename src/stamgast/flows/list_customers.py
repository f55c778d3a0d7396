"""A list of customers: who is on it, and what it shows beside their names for a whole page at once."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from stamgast.activities.tallies import Heard, find_last, sum_orders
from stamgast.customers.queries import anchors_of
from stamgast.customers.searching import FEW_MATCHES
from stamgast.customers.walking import Selection, select
from stamgast.flows.history import ORDERS
from stamgast.kit.database import Cursor
from stamgast.ledger.queries import has_available_condition, list_available
from stamgast.segments.queries import find_few_members, is_member_condition, list_memberships
from stamgast.segments.types import Membership, Segment

SCORE = "score"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is asked for: everything that is given holds. ``until`` is the first moment that is too late."""

    search: str = ""
    segment: Segment | None = None
    at_least: int | None = None
    at_most: int | None = None
    seen_since: datetime | None = None
    seen_until: datetime | None = None
    first_since: datetime | None = None
    first_until: datetime | None = None
    kinds: tuple[str, ...] = ()


def select_customers(cursor: Cursor, wanted: Wanted) -> Selection:
    """The customers who are asked for. A segment of few is fetched whole; of others each customer is looked up in it."""
    conditions = []
    among = None
    if wanted.segment is not None:
        among = find_few_members(cursor, wanted.segment, most=FEW_MATCHES)
        if among is None:
            conditions.append(is_member_condition(wanted.segment))
    if wanted.at_least is not None or wanted.at_most is not None:
        conditions.append(has_available_condition(SCORE, at_least=wanted.at_least, at_most=wanted.at_most))
    return select(
        cursor,
        search=wanted.search,
        seen_since=wanted.seen_since,
        seen_until=wanted.seen_until,
        first_since=wanted.first_since,
        first_until=wanted.first_until,
        kinds=wanted.kinds,
        others=conditions,
        among=among,
    )


class Need(StrEnum):
    """What a description holds where it is asked for. Each costs one query for a whole page of customers."""

    BALANCES = "balances"
    SEGMENTS = "segments"
    ORDERS = "orders"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Description:
    """One customer's balances by currency, the segments they are in, their orders above zero and their amounts in minor units
    by currency, both before returns, and what was heard of them last. What was not asked for is empty.
    """

    available: Mapping[str, int]
    memberships: Sequence[Membership]
    orders: int
    spend: Mapping[str, int]
    last: Heard | None


def describe_customers(
    cursor: Cursor, customers: Collection[UUID], needs: Collection[Need] = tuple(Need)
) -> dict[UUID, Description]:
    """Descriptions of all of them in five queries at most, however many they are."""
    keys = list(customers)
    anchors = anchors_of(cursor, keys) if Need.ORDERS in needs or Need.LAST in needs else {}
    every = [anchor for ids in anchors.values() for anchor in ids]
    ordered = sum_orders(cursor, every, kinds=ORDERS) if Need.ORDERS in needs else {}
    heard = find_last(cursor, every) if Need.LAST in needs else {}
    available = list_available(cursor, keys) if Need.BALANCES in needs else {}
    memberships = list_memberships(cursor, keys) if Need.SEGMENTS in needs else {}
    described = {}
    for key in keys:
        spend: Counter[str] = Counter()
        orders = 0
        for row in (row for anchor in anchors.get(key, []) for row in ordered.get(anchor, [])):
            spend[row.currency] += row.amount_minor
            orders += row.count
        last = max(
            (heard[anchor] for anchor in anchors.get(key, []) if anchor in heard), key=lambda one: one.occurred_at, default=None
        )
        described[key] = Description(available.get(key, {}), memberships.get(key, []), orders, spend, last)
    return described
