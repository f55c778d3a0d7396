"""The outbox: facts that somebody asked to be told, written in the transaction of the fact; and sending again by hand."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from stamgast.access.operations import record
from stamgast.kit.database import Cursor
from stamgast.kit.ids import derive_id
from stamgast.webhooks.errors import DeliveryNotFound, EndpointSwitchedOff
from stamgast.webhooks.queries import get_endpoint
from stamgast.webhooks.rules import body_of, body_of_fact
from stamgast.webhooks.types import TEST, DeliveryState, Fact

CHANNEL = "stamgast_webhooks"


def list_wanted_kinds(cursor: Cursor) -> frozenset[str]:
    """What anybody asks to be told now. Ask it first: where nobody does, nothing needs to be made."""
    cursor.execute("SELECT DISTINCT unnest(kinds) FROM webhooks_endpoint WHERE disabled_at IS NULL")
    return frozenset(row[0] for row in cursor)


def write_events(cursor: Cursor, facts: Sequence[Fact], *, at: datetime) -> int:
    """Writes each fact, once by its id, for every endpoint that asks for its kind; returns the number of deliveries."""
    if not facts:
        return 0
    cursor.execute(
        """
        WITH fact AS (
          SELECT * FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::text[]) AS f(id, kind, occurred_at, body)
        ), wanted AS (
          SELECT fact.id, endpoint.id AS endpoint_id FROM fact
          JOIN webhooks_endpoint endpoint ON endpoint.disabled_at IS NULL AND fact.kind = ANY(endpoint.kinds)
        ), written AS (
          INSERT INTO webhooks_event (id, kind, occurred_at, created_at, body)
          SELECT id, kind, occurred_at, %s, body FROM fact WHERE id IN (SELECT id FROM wanted)
          ON CONFLICT (id) DO NOTHING RETURNING id
        )
        INSERT INTO webhooks_delivery (event_id, endpoint_id, state, due_at, attempts, created_at)
        SELECT id, endpoint_id, 'waiting', %s, 0, %s FROM wanted JOIN written USING (id)
        """,
        (
            [fact.id for fact in facts],
            [fact.kind for fact in facts],
            [fact.occurred_at for fact in facts],
            [body_of_fact(fact) for fact in facts],
            at,
            at,
            at,
        ),
    )
    written = cursor.rowcount
    if written:
        _wake(cursor)
    return written


def send_test(cursor: Cursor, endpoint_id: UUID, *, at: datetime, actor: str) -> UUID:
    """One event that says nothing, for this endpoint only. Raises EndpointNotFound, EndpointSwitchedOff."""
    endpoint = get_endpoint(cursor, endpoint_id)
    if endpoint.disabled_at is not None:
        raise EndpointSwitchedOff("This webhook is switched off. Switch it on first.")
    event_id = derive_id(TEST, str(endpoint_id), at.isoformat())
    body = body_of(event_id, TEST, at, {"endpoint": endpoint.name})
    cursor.execute(
        "INSERT INTO webhooks_event (id, kind, occurred_at, created_at, body) VALUES (%s, %s, %s, %s, %s)",
        (event_id, TEST, at, at, body),
    )
    cursor.execute(
        """INSERT INTO webhooks_delivery (event_id, endpoint_id, state, due_at, attempts, created_at)
        VALUES (%s, %s, 'waiting', %s, 0, %s)""",
        (event_id, endpoint_id, at, at),
    )
    record(cursor, actor, "send webhook test", f"webhook:{endpoint_id}", {"name": endpoint.name, "event": str(event_id)}, at)
    _wake(cursor)
    return event_id


def resend(cursor: Cursor, endpoint_id: UUID, delivery_id: int, *, at: datetime, actor: str) -> None:
    """Sends one delivery again, whatever became of it, under the same id. Raises DeliveryNotFound, EndpointSwitchedOff."""
    row = cursor.execute(
        """UPDATE webhooks_delivery SET state = 'waiting', due_at = %s, attempts = 0, claim = NULL
        WHERE id = %s AND endpoint_id = %s RETURNING event_id""",
        (at, delivery_id, endpoint_id),
    ).fetchone()
    if row is None:
        raise DeliveryNotFound("The log has no such line. Lines are kept for 30 days.")
    _require_on(cursor, endpoint_id)
    record(cursor, actor, "send webhook again", f"webhook:{endpoint_id}", {"event": str(row[0])}, at)
    _wake(cursor)


def resend_failed(cursor: Cursor, endpoint_id: UUID, *, since: datetime, at: datetime, actor: str) -> int:
    """Sends again what was told since a moment and never arrived; returns how many. Raises EndpointSwitchedOff."""
    _require_on(cursor, endpoint_id)
    cursor.execute(
        """UPDATE webhooks_delivery SET state = 'waiting', due_at = %s, attempts = 0, claim = NULL
        WHERE endpoint_id = %s AND state = %s AND created_at >= %s""",
        (at, endpoint_id, DeliveryState.FAILED, since),
    )
    count = cursor.rowcount
    detail = {"since": since.isoformat(), "count": count}
    record(cursor, actor, "send failed webhooks again", f"webhook:{endpoint_id}", detail, at)
    _wake(cursor)
    return count


def _require_on(cursor: Cursor, endpoint_id: UUID) -> None:
    if get_endpoint(cursor, endpoint_id).disabled_at is not None:
        raise EndpointSwitchedOff("This webhook is switched off. Switch it on first.")


def _wake(cursor: Cursor) -> None:
    """Wakes the workers at the commit."""
    cursor.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
