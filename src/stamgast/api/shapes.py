"""Request and response shapes of ``/v1``. Money is decimal text with its currency; points are integers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema

from stamgast.kit.paging import DEFAULT_PAGE, LARGEST_PAGE


class Paging(Schema):
    """Which page of a list."""

    limit: int = Field(DEFAULT_PAGE, ge=1, le=LARGEST_PAGE)
    cursor: str | None = None


class IdentifierShape(Schema):
    """A value that points at the customer."""

    kind: str
    value: str
    first_seen: datetime
    linked_since: datetime


class TraitShape(Schema):
    """The latest value of a trait, where it came from, and when."""

    value: Any
    source: str
    occurred_at: datetime


class MembershipShape(Schema):
    """A segment that the customer is in."""

    name: str
    slug: str
    entered_at: datetime


class OrdersShape(Schema):
    """What the customer bought. Orders of zero and what was returned are not counted in ``count``."""

    count: int
    count_of_zero: int
    revenue: str
    currency: str | None
    first_at: datetime | None
    last_at: datetime | None


class CustomerShape(Schema):
    """One customer over all sources. ``balances`` has what is available of each currency."""

    id: UUID
    identifiers: list[IdentifierShape]
    traits: dict[str, TraitShape]
    balances: dict[str, int]
    segments: list[MembershipShape]
    orders: OrdersShape
    first_seen: datetime
    last_seen: datetime


class CustomerRow(Schema):
    """A customer in a list."""

    id: UUID
    name: str | None
    email: str | None
    identifier: str
    first_seen: datetime
    last_seen: datetime


class SegmentShape(Schema):
    """A named set of customers by condition."""

    name: str
    slug: str
    condition: dict[str, Any]
    sentence: str
    members: int


class MemberShape(Schema):
    """A customer who is in a segment."""

    customer_id: UUID
    entered_at: datetime


class MovementShape(Schema):
    """One immutable ledger row. ``amount`` is signed: what it did to what the customer has available."""

    id: UUID
    customer_id: UUID
    kind: str
    currency: str
    amount: int
    occurred_at: datetime
    posted_at: datetime
    activity_id: UUID | None
    rule: str | None
    programme_version: int | None
    reason: str


class OutcomeShape(Schema):
    """What one rule made of the activity."""

    rule: str
    currency: str
    applied: bool
    amount: int
    arithmetic: str
    condition: str
    failures: list[str]
    more: str | None
    available_at: datetime | None
    expires_at: datetime | None


class ActivityShape(Schema):
    """The activity behind a movement."""

    id: UUID
    kind: str
    source: str
    occurred_at: datetime
    received_at: datetime
    order_id: str | None
    amount: str | None
    currency: str | None


class ExplanationShape(Schema):
    """Why a movement was posted: the activity, the rule, the arithmetic, the version."""

    movement: MovementShape
    sentence: str
    programme: str | None
    programme_version: int | None
    activity: ActivityShape | None
    rules: list[OutcomeShape]


class CustomerPage(Schema):
    """A page of customers; ``next_cursor`` is null at the end."""

    data: list[CustomerRow]
    next_cursor: str | None


class MemberPage(Schema):
    """A page of members; ``next_cursor`` is null at the end."""

    data: list[MemberShape]
    next_cursor: str | None


class MovementPage(Schema):
    """A page of movements; ``next_cursor`` is null at the end."""

    data: list[MovementShape]
    next_cursor: str | None


class SegmentList(Schema):
    """All segments."""

    data: list[SegmentShape]
    next_cursor: None = None
