"""Delivering: what is due is claimed for a while, what became of it is written down, what is old is swept away.

A claim is a lease and not a lock that is held: sending takes seconds, and nobody should keep a transaction open for it. Who
dies between claiming and settling lets the lease lapse, and somebody sends again: at least once.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from stamgast.kit.database import Cursor
from stamgast.webhooks.operations.endpoints import open_secrets, switch
from stamgast.webhooks.rules import GONE, LOG_KEPT_FOR, delay_after, should_switch_off
from stamgast.webhooks.types import TEST, DeliveryState, Outcome, Parcel, WhyOff

LEASE = timedelta(seconds=30)
EACH = 4
"""How many of one endpoint are claimed at once, so that a slow one leaves room for the others."""
SWEPT_AT_ONCE = 5_000


def claim_due(cursor: Cursor, claim: UUID, *, limit: int, busy: Collection[UUID] = (), at: datetime) -> list[Parcel]:
    """Takes up to ``limit`` deliveries that are due, ``EACH`` an endpoint and none of the busy ones.

    Locks rows of deliveries, skipping those that somebody else is taking. The lease keeps others off until it ends.
    """
    cursor.execute(
        """
        WITH due AS (
          SELECT first.id FROM webhooks_endpoint endpoint CROSS JOIN LATERAL (
            SELECT id FROM webhooks_delivery
            WHERE endpoint_id = endpoint.id AND state = 'waiting' AND due_at <= %(at)s
            ORDER BY due_at, id LIMIT %(each)s FOR UPDATE SKIP LOCKED
          ) AS first
          WHERE endpoint.disabled_at IS NULL AND NOT endpoint.id = ANY(%(busy)s) LIMIT %(limit)s
        )
        UPDATE webhooks_delivery delivery SET due_at = %(until)s, claim = %(claim)s
        FROM due, webhooks_event event, webhooks_endpoint endpoint
        WHERE delivery.id = due.id AND event.id = delivery.event_id AND endpoint.id = delivery.endpoint_id
        RETURNING delivery.id, delivery.claim, endpoint.id, event.id, event.kind, endpoint.url, event.body, delivery.attempts,
          endpoint.secret, CASE WHEN endpoint.former_secret_until > %(at)s THEN endpoint.former_secret END
        """,
        {"at": at, "until": at + LEASE, "claim": claim, "each": EACH, "busy": list(busy), "limit": limit},
    )
    return [
        Parcel(number, claimed, endpoint_id, event_id, kind, url, body, attempts, open_secrets(secrets))
        for number, claimed, endpoint_id, event_id, kind, url, body, attempts, *secrets in cursor
    ]


def settle(cursor: Cursor, parcel: Parcel, outcome: Outcome, *, at: datetime, chance: float, actor: str) -> None:
    """Writes down what became of an attempt, and when the next one is. ``chance`` (0 to 1) spreads the retries.

    An endpoint that says 410 is switched off, and so is one that has only failed for days. Whoever lost the claim meanwhile
    only adds to the log. Locks the delivery, then the endpoint.
    """
    cursor.execute(
        """INSERT INTO webhooks_attempt (delivery_id, at, status, problem, response, milliseconds)
        VALUES (%s, %s, %s, %s, %s, %s)""",
        (parcel.delivery_id, at, outcome.status, outcome.problem, outcome.response, outcome.milliseconds),
    )
    delay = None if outcome.is_delivered else delay_after(parcel.attempts + 1, parcel.kind, chance)
    state = DeliveryState.DELIVERED if outcome.is_delivered else DeliveryState.WAITING if delay else DeliveryState.FAILED
    cursor.execute(
        """UPDATE webhooks_delivery SET state = %s, due_at = %s, attempts = attempts + 1, claim = NULL
        WHERE id = %s AND claim = %s""",
        (state, at + (delay or timedelta(0)), parcel.delivery_id, parcel.claim),
    )
    if outcome.is_delivered:
        cursor.execute(
            "UPDATE webhooks_endpoint SET failing_since = NULL WHERE id = %s AND failing_since IS NOT NULL",
            (parcel.endpoint_id,),
        )
        return
    cursor.execute(
        "UPDATE webhooks_endpoint SET failing_since = coalesce(failing_since, %s) WHERE id = %s AND disabled_at IS NULL "
        "RETURNING failing_since",
        (at, parcel.endpoint_id),
    )
    row = cursor.fetchone()
    if row is None:
        return
    if outcome.status == GONE:
        switch(cursor, parcel.endpoint_id, is_on=False, at=at, actor=actor, why=WhyOff.GONE)
    elif state == DeliveryState.FAILED and should_switch_off(row[0], _count_failed(cursor, parcel.endpoint_id, row[0]), at):
        switch(cursor, parcel.endpoint_id, is_on=False, at=at, actor=actor, why=WhyOff.FAILING)


def _count_failed(cursor: Cursor, endpoint_id: UUID, since: datetime) -> int:
    """Events given up since; a delivery that is not tried again keeps the moment of its last attempt in ``due_at``."""
    row = cursor.execute(
        """SELECT count(*) FROM webhooks_delivery JOIN webhooks_event event ON event.id = event_id
        WHERE endpoint_id = %s AND state = 'failed' AND due_at >= %s AND event.kind <> %s""",
        (endpoint_id, since, TEST),
    ).fetchone()
    return int(row[0]) if row else 0


def sweep(cursor: Cursor, *, at: datetime) -> int:
    """Removes some events that are older than the log is kept, with their deliveries and attempts; returns the events."""
    cursor.execute(
        """
        WITH old AS (
          DELETE FROM webhooks_event WHERE id IN (
            SELECT id FROM webhooks_event WHERE created_at < %s ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED
          ) RETURNING id
        ), gone AS (
          DELETE FROM webhooks_delivery WHERE event_id IN (SELECT id FROM old) RETURNING id
        ), forgotten AS (
          DELETE FROM webhooks_attempt WHERE delivery_id IN (SELECT id FROM gone)
        )
        SELECT count(*) FROM old
        """,
        (at - LOG_KEPT_FOR, SWEPT_AT_ONCE),
    )
    row = cursor.fetchone()
    return int(row[0]) if row else 0
