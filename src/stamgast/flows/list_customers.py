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
from stamgast.traits.filters import TraitFilter, condition_of
from stamgast.traits.queries import find_few, list_values
from stamgast.traits.types import Value

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
    traits: tuple[tuple[TraitFilter, bool], ...] = ()
    """Of computed traits, each with whether the values of everybody are of its definition."""


def select_customers(cursor: Cursor, wanted: Wanted, *, at: datetime) -> Selection:
    """The customers who are asked for at a moment. A segment of few is fetched whole, and so are the few whose value of a
    trait fits; of others each customer is looked up in it.
    """
    conditions = []
    among = None
    if wanted.segment is not None:
        among = find_few_members(cursor, wanted.segment, most=FEW_MATCHES)
        if among is None:
            conditions.append(is_member_condition(wanted.segment))
    if wanted.at_least is not None or wanted.at_most is not None:
        conditions.append(has_available_condition(SCORE, at_least=wanted.at_least, at_most=wanted.at_most))
    for asked, is_ready in wanted.traits:
        few = find_few(cursor, asked, at=at, most=FEW_MATCHES) if is_ready else []
        if few is None:
            conditions.append(condition_of(asked, is_ready=is_ready, at=at))
        else:
            among = few if among is None else list({*among} & {*few})
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
    by currency, both before returns, what was heard of them last, and what is kept of computed traits by name. What was not
    asked for is empty.
    """

    available: Mapping[str, int]
    memberships: Sequence[Membership]
    orders: int
    spend: Mapping[str, int]
    last: Heard | None
    traits: Mapping[str, Value]


def describe_customers(
    cursor: Cursor, customers: Collection[UUID], needs: Collection[Need] = tuple(Need), traits: Collection[str] = ()
) -> dict[UUID, Description]:
    """Descriptions of all of them in six queries at most, however many they are. ``traits`` are names of computed ones."""
    keys = list(customers)
    computed = list_values(cursor, traits, keys) if traits else {}
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
        described[key] = Description(
            available.get(key, {}), memberships.get(key, []), orders, spend, last, computed.get(key, {})
        )
    return described
