"""Reads of what activities carry beyond their own columns: properties, and the context in which they were sent."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from stamgast.activities.archive import read_bodies
from stamgast.activities.queries import decode_body, decode_object
from stamgast.activities.types import Device, SourceUse
from stamgast.kit.database import Cursor

DEVICES_LOOK_BACK = 300


class _Context(msgspec.Struct):
    device: Any = None
    os: Any = None
    app: Any = None
    userAgent: Any = None  # noqa: N815  the protocol's spelling


class _Contextual(msgspec.Struct):
    context: _Context | None = None


_decode_context = msgspec.json.Decoder(_Contextual).decode


def load_properties(cursor: Cursor, activity_ids: Collection[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """What these activities carry as properties."""
    rows = cursor.execute(
        "SELECT id, body, anchor_id, received_at FROM activities_activity WHERE id = ANY(%s)", (list(activity_ids),)
    ).fetchall()
    archived = read_bodies(cursor, {row[0]: (row[2], row[3]) for row in rows if row[1] is None})
    found = ((row[0], bytes(decode_body(row[1] or archived[row[0]]).properties)) for row in rows)
    return {activity_id: {} if text == b"null" else decode_object(text) for activity_id, text in found}


def list_devices(cursor: Cursor, anchor_ids: Collection[UUID]) -> list[Device]:
    """The devices that the last activities came from, the last seen first: of each identifier the last few hundred.

    Messages in the archive are not asked: their devices have not been seen since.
    """
    rows = cursor.execute(
        """
        SELECT mine.identifiers::text, mine.occurred_at, mine.body FROM unnest(%s::uuid[]) AS wanted (id)
        CROSS JOIN LATERAL (
            SELECT a.identifiers, a.occurred_at, a.body FROM activities_activity AS a
            WHERE a.anchor_id = wanted.id ORDER BY a.occurred_at DESC, a.id DESC LIMIT %s
        ) AS mine
        WHERE mine.body IS NOT NULL
            AND (strpos(mine.body, '"context"') > 0 OR strpos(mine.identifiers::text, 'anonymous_id:') > 0)
        ORDER BY mine.occurred_at DESC
        """,
        (list(anchor_ids), DEVICES_LOOK_BACK),
    ).fetchall()
    found: dict[tuple[str, str, str, str], list[datetime]] = {}
    for identifiers, occurred_at, body in rows:
        if (named := _device_in(body, identifiers)) is not None:
            found.setdefault(named, []).append(occurred_at)
    return [Device(*named, moments[-1], moments[0], len(moments)) for named, moments in found.items()]


def list_sources_of(cursor: Cursor, anchor_ids: Collection[UUID]) -> list[SourceUse]:
    """Which sources know these identifiers: how much came from each and when, the last heard first."""
    rows = cursor.execute(
        """
        SELECT s.name, sum(used.count)::bigint, min(used.first_at), max(used.last_at) FROM (
            SELECT a.source_id, count(*) AS count, min(a.occurred_at) AS first_at, max(a.occurred_at) AS last_at
            FROM activities_activity AS a WHERE a.anchor_id = ANY(%s) GROUP BY a.source_id
        ) AS used JOIN activities_source AS s ON s.id = used.source_id
        GROUP BY s.name ORDER BY max(used.last_at) DESC, s.name
        """,
        (list(anchor_ids),),
    ).fetchall()
    return [SourceUse(*row) for row in rows]


def _device_in(body: str, identifiers: str) -> tuple[str, str, str, str] | None:
    """Id, make, system and program of the device that a message came from."""
    try:
        context = _decode_context(body).context or _Context()
    except msgspec.DecodeError:
        return None
    parts = (context.device, context.os, context.app)
    device, system, program = (part if isinstance(part, dict) else {} for part in parts)
    visitor = next((one[13:] for one in msgspec.json.decode(identifiers) if one.startswith("anonymous_id:")), "")
    key = _text(device.get("id")) or visitor
    make = " ".join(filter(None, (_text(device.get("manufacturer")), _text(device.get("model")) or _text(device.get("name")))))
    agent = _text(context.userAgent)
    run = " ".join(filter(None, (_text(system.get("name")), _text(system.get("version")))))
    used = " ".join(filter(None, (_text(program.get("name")), _text(program.get("version"))))) or agent
    return (key, make, run, used) if key or make or agent else None


def _text(value: object) -> str:
    return value[:300] if isinstance(value, str) else ""


def list_bodies(cursor: Cursor, anchor_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """Everything that hangs on these identifiers, with the message as it was sent, the first first: for who it is about."""
    rows = cursor.execute(
        """
        SELECT a.id, s.name, a.kind, a.occurred_at, a.received_at, a.identifiers::text, a.order_id, a.amount_minor, a.currency,
            a.body, a.anchor_id
        FROM activities_activity AS a JOIN activities_source AS s ON s.id = a.source_id
        WHERE a.anchor_id = ANY(%s) ORDER BY a.occurred_at, a.id
        """,
        (list(anchor_ids),),
    ).fetchall()
    archived = read_bodies(cursor, {row[0]: (row[-1], row[4]) for row in rows if row[-2] is None})
    names = (
        "id", "source", "kind", "occurred_at", "received_at", "identifiers", "order_id", "amount_minor", "currency", "message",
    )  # fmt: skip
    return [dict(zip(names, (*row[:-2], row[-2] or archived[row[0]]), strict=True)) for row in rows]
