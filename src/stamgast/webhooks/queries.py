"""Reads: endpoints, what is in their log, what waits."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stamgast.access.sealing import is_sealed_by_present
from stamgast.kit.database import Cursor
from stamgast.kit.paging import InvalidCursor, Page, decode_cursor, page_of
from stamgast.webhooks.errors import DeliveryNotFound, EndpointNotFound
from stamgast.webhooks.types import Attempt, Delivery, DeliveryState, Endpoint, EndpointSummary, Outcome, WhyOff

COLUMNS = "id, name, url, kinds, created_at, created_by, disabled_at, disabled_reason, failing_since, former_secret_until"
DELIVERIES = """
SELECT delivery.id, event.id, event.kind, event.occurred_at, event.body, delivery.state, delivery.created_at, delivery.due_at
FROM webhooks_delivery delivery JOIN webhooks_event event ON event.id = delivery.event_id
"""
END = datetime.max.replace(tzinfo=UTC)


def get_endpoint(cursor: Cursor, endpoint_id: UUID) -> Endpoint:
    """The endpoint with this id; raises EndpointNotFound."""
    row = cursor.execute(f"SELECT {COLUMNS} FROM webhooks_endpoint WHERE id = %s", (endpoint_id,)).fetchone()
    if row is None:
        raise EndpointNotFound("There is no such webhook. It may have been deleted.")
    return _endpoint_of(row)


def list_endpoints(cursor: Cursor) -> list[Endpoint]:
    """All endpoints by name, those that are switched off too."""
    rows = cursor.execute(f"SELECT {COLUMNS} FROM webhooks_endpoint ORDER BY name").fetchall()
    return [_endpoint_of(row) for row in rows]


def summarise_endpoints(cursor: Cursor, *, since: datetime) -> list[EndpointSummary]:
    """All endpoints with what waits, and what arrived or was given up of the events since a moment."""
    counts = {
        row[0]: row[1:]
        for row in cursor.execute(
            """SELECT endpoint.id,
              (SELECT count(*) FROM webhooks_delivery WHERE endpoint_id = endpoint.id AND state = 'waiting'),
              (SELECT count(*) FROM webhooks_delivery
                WHERE endpoint_id = endpoint.id AND state = 'delivered' AND created_at >= %(since)s),
              (SELECT count(*) FROM webhooks_delivery
                WHERE endpoint_id = endpoint.id AND state = 'failed' AND created_at >= %(since)s),
              (SELECT max(created_at) FROM webhooks_delivery WHERE endpoint_id = endpoint.id AND state = 'delivered')
            FROM webhooks_endpoint endpoint""",
            {"since": since},
        ).fetchall()
    }
    return [EndpointSummary(endpoint, *counts.get(endpoint.id, (0, 0, 0, None))) for endpoint in list_endpoints(cursor)]


def list_deliveries(
    cursor: Cursor, endpoint_id: UUID, *, state: DeliveryState | None, before: str | None, limit: int
) -> Page[Delivery]:
    """The log of an endpoint, the last told first, each with its attempts."""
    created_at, last = _position(before) if before is not None else (END, 0)
    chosen = "AND delivery.state = %(state)s" if state is not None else ""
    rows = cursor.execute(
        f"""{DELIVERIES}
        WHERE delivery.endpoint_id = %(endpoint)s AND (delivery.created_at, delivery.id) < (%(created_at)s, %(last)s) {chosen}
        ORDER BY delivery.created_at DESC, delivery.id DESC LIMIT %(limit)s""",
        {"endpoint": endpoint_id, "created_at": created_at, "last": last, "state": state, "limit": limit + 1},
    ).fetchall()
    found = page_of(rows, limit, lambda row: (row[6].isoformat(), row[0]))
    return Page(_deliveries_of(cursor, found.rows), found.next_cursor)


def get_delivery(cursor: Cursor, endpoint_id: UUID, number: int) -> Delivery:
    """One line of the log; raises DeliveryNotFound."""
    row = cursor.execute(f"{DELIVERIES} WHERE delivery.endpoint_id = %s AND delivery.id = %s", (endpoint_id, number)).fetchone()
    if row is None:
        raise DeliveryNotFound("The log has no such line. Lines are kept for 30 days.")
    return _deliveries_of(cursor, [row])[0]


def count_given_up(cursor: Cursor) -> int:
    """Endpoints that were switched off because they were gone or only failed."""
    row = cursor.execute(
        "SELECT count(*) FROM webhooks_endpoint WHERE disabled_at IS NOT NULL AND disabled_reason <> %s", (WhyOff.STAFF,)
    ).fetchone()
    return int(row[0]) if row else 0


def count_endpoints_sealed_by_former(cursor: Cursor) -> int:
    """Endpoints whose secret is sealed with a former secret of the installation, which must be named until they are not."""
    rows = cursor.execute("SELECT secret FROM webhooks_endpoint").fetchall()
    return sum(not is_sealed_by_present(sealed) for (sealed,) in rows)


def _deliveries_of(cursor: Cursor, rows: Sequence[tuple[Any, ...]]) -> list[Delivery]:
    attempts = _list_attempts(cursor, [row[0] for row in rows])
    return [
        Delivery(number, event_id, kind, occurred_at, body, DeliveryState(stands), told_at, due_at, attempts.get(number, ()))
        for number, event_id, kind, occurred_at, body, stands, told_at, due_at in rows
    ]


def _position(cursor: str) -> tuple[datetime, int]:
    moment, last = decode_cursor(cursor, str, int)
    try:
        return datetime.fromisoformat(str(moment)), int(last)
    except ValueError:
        raise InvalidCursor("This cursor belongs to another list. Start again without it.") from None


def count_waiting(cursor: Cursor) -> int:
    """Deliveries that are to be sent, now or later. Those of endpoints that are switched off do not wait for anything."""
    row = cursor.execute(
        """SELECT count(*) FROM webhooks_delivery delivery JOIN webhooks_endpoint endpoint ON endpoint.id = endpoint_id
        WHERE state = 'waiting' AND endpoint.disabled_at IS NULL"""
    ).fetchone()
    return int(row[0]) if row else 0


def find_next_due(cursor: Cursor) -> datetime | None:
    """When the next delivery is due; None where nothing waits."""
    row = cursor.execute(
        """SELECT min(first.due_at) FROM webhooks_endpoint endpoint CROSS JOIN LATERAL (
          SELECT due_at FROM webhooks_delivery WHERE endpoint_id = endpoint.id AND state = 'waiting' ORDER BY due_at LIMIT 1
        ) AS first WHERE endpoint.disabled_at IS NULL"""
    ).fetchone()
    return row[0] if row else None


def _list_attempts(cursor: Cursor, deliveries: list[int]) -> dict[int, tuple[Attempt, ...]]:
    found: dict[int, tuple[Attempt, ...]] = {}
    cursor.execute(
        """SELECT delivery_id, at, status, problem, response, milliseconds FROM webhooks_attempt
        WHERE delivery_id = ANY(%s) ORDER BY at DESC, id DESC""",
        (deliveries,),
    )
    for delivery_id, at, *outcome in cursor:
        found[delivery_id] = (*found.get(delivery_id, ()), Attempt(at, Outcome(*outcome)))
    return found


def _endpoint_of(row: tuple[Any, ...]) -> Endpoint:
    identifier, name, url, kinds, *rest = row
    return Endpoint(identifier, name, url, tuple(kinds), *rest)
