"""What the rooms know in the API's own shapes, where more than one route says it."""

from typing import Any

from stamgast.activities.types import Activity
from stamgast.flows.read_customer import CustomerView
from stamgast.kit.money import to_major
from stamgast.ledger.types import Movement


def shape_customer(view: CustomerView) -> dict[str, Any]:
    """A customer as ``CustomerShape``."""
    orders = view.orders
    currency = orders.currency
    return {
        "id": view.profile.customer.id,
        "identifiers": [
            {"kind": row.kind, "value": row.value, "first_seen": row.first_at, "linked_since": row.linked_since}
            for row in view.profile.identifiers
        ],
        "traits": {
            trait.name: {"value": trait.value, "source": trait.source, "occurred_at": trait.occurred_at}
            for trait in view.profile.traits
        },
        "balances": {balance.currency: balance.available for balance in view.balances},
        "segments": view.memberships,
        "orders": {
            "count": orders.count,
            "count_of_zero": orders.count_of_zero,
            "revenue": str(to_major(orders.revenue_minor, currency)) if currency else "0",
            "currency": currency,
            "first_at": orders.first_at,
            "last_at": orders.last_at,
        },
        "first_seen": view.first_seen,
        "last_seen": view.last_seen,
    }


def shape_movement(row: Movement) -> dict[str, Any]:
    """A movement as ``MovementShape``."""
    return {
        "id": row.id,
        "customer_id": row.owner_id,
        "kind": row.kind.name.lower(),
        "currency": row.currency,
        "amount": row.delta,
        "occurred_at": row.effective_at,
        "posted_at": row.posted_at,
        "activity_id": row.activity_id,
        "rule": row.rule or None,
        "programme_version": row.programme_version,
        "reason": row.reason,
    }


def shape_activity(activity: Activity) -> dict[str, Any]:
    """An activity as ``ActivityShape``."""
    amount, currency = activity.amount_minor, activity.currency
    return {
        "id": activity.id,
        "kind": activity.kind,
        "source": activity.source,
        "occurred_at": activity.occurred_at,
        "received_at": activity.received_at,
        "order_id": activity.order_id,
        "amount": str(to_major(amount, currency)) if amount is not None and currency is not None else None,
        "currency": currency,
    }
