"""Writes of the room. Each is one act inside the caller's transaction; none opens one.

``store`` is the only way in: the web's intake and every importer end here.
"""

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jsonschema_rs
import msgspec
from psycopg.types.json import Jsonb

from stamgast.activities import sql
from stamgast.activities.catalogue import Catalogue, builtin_kinds
from stamgast.activities.envelopes import find_batch
from stamgast.activities.errors import (
    InvalidKind,
    InvalidSourceName,
    RefusalNotFound,
    RefusalSettled,
    SourceExists,
    SourceKeyNotFound,
    StillRefused,
)
from stamgast.activities.messages import Reader
from stamgast.activities.queries import get_source
from stamgast.activities.types import NewActivity, PendingActivity, Reason, Refused, Share, Source, Stored
from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id

KEY_PREFIX = "sgw_"
LONGEST_NAME = 100
MOST_KINDS = 10_000
CHANNEL = "stamgast_pending"
ABSENT_AFTER = timedelta(seconds=5)
"""A worker that says nothing for so long has died or hangs: the others take its share."""
FORGOTTEN_AFTER = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def store(cursor: Cursor, activities: Sequence[NewActivity], refusals: Sequence[Refused]) -> Stored:
    """Keeps what came in: each activity once, for ever, waiting to be decided; each refusal once, waiting to be mended.

    Rows go in the order of their ids, so that two processes that store the same messages wait for each other and do not
    deadlock. Doing it again, in any order, changes nothing: ids derive from the messages.
    """
    new = refused = 0
    if activities:
        _note_kinds(cursor, activities)
        rows = sorted(activities, key=lambda activity: activity.id.int)
        cursor.execute(
            sql.STORE_ACTIVITIES,
            {
                "ids": [row.id for row in rows],
                "source_ids": [row.source_id for row in rows],
                "types": [row.type for row in rows],
                "kinds": [row.kind for row in rows],
                "anchor_ids": [row.anchor_id for row in rows],
                "identifiers": [_encode(row.identifiers) for row in rows],
                "occurred_at": [_microseconds(row.occurred_at) for row in rows],
                "received_at": [_microseconds(row.received_at) for row in rows],
                "order_ids": [row.order_id for row in rows],
                "amounts": [row.amount_minor for row in rows],
                "currencies": [row.currency for row in rows],
                "line_counts": [row.line_count for row in rows],
                "bodies": [row.body for row in rows],
            },
        )
        new = cursor.rowcount
        if new:
            cursor.execute(f"NOTIFY {CHANNEL}")
    if refusals:
        kept = sorted(refusals, key=lambda refusal: refusal.id.int)
        cursor.execute(
            sql.STORE_REFUSALS,
            {
                "ids": [row.id for row in kept],
                "source_ids": [row.source_id for row in kept],
                "received_at": [row.received_at for row in kept],
                "reasons": [str(row.reason) for row in kept],
                "details": [row.detail for row in kept],
                "bodies": [row.body for row in kept],
            },
        )
        refused = cursor.rowcount
    return Stored(new, len(activities) - new, refused)


def _note_kinds(cursor: Cursor, activities: Sequence[NewActivity]) -> None:
    names = {activity.kind for activity in activities}
    unknown = [name for (name,) in cursor.execute(sql.NEW_KINDS, {"names": list(names)}).fetchall()]
    if unknown:
        at = max(activity.received_at for activity in activities)
        cursor.execute(sql.NOTE_KINDS, {"names": unknown, "at": at, "most": MOST_KINDS})


def _encode(identifiers: tuple[str, ...]) -> str:
    return msgspec.json.encode(identifiers).decode()


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


# Sources


def create_source(cursor: Cursor, name: str, *, is_strict: bool = False, at: datetime, actor: str) -> tuple[Source, str]:
    """A new source and its first write key, which is shown this once. Raises SourceExists, InvalidSourceName."""
    name = _checked_name(name)
    row = cursor.execute(
        "INSERT INTO activities_source (name, is_strict, created_at, created_by) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (name) DO NOTHING RETURNING id, name, is_strict, created_at",
        (name, is_strict, at, actor),
    ).fetchone()
    if row is None:
        raise SourceExists(f"There is a source {name!r} already. Choose another name, or give it a new key.")
    source = Source(*row)
    return source, _add_key(cursor, source, at, actor)


def ensure_source(cursor: Cursor, name: str, *, at: datetime, actor: str) -> Source:
    """The source of that name, made without a key when it is not there: for importers, which need none.

    Raises InvalidSourceName.
    """
    name = _checked_name(name)
    cursor.execute(
        "INSERT INTO activities_source (name, is_strict, created_at, created_by) VALUES (%s, FALSE, %s, %s) "
        "ON CONFLICT (name) DO NOTHING",
        (name, at, actor),
    )
    return get_source(cursor, name)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidSourceName(f"A source's name has 1 to {LONGEST_NAME} printable characters.")
    return name


def rotate_key(cursor: Cursor, name: str, *, at: datetime, actor: str) -> str:
    """A further write key for the source; the former keys stay in force until they are revoked, so that no client stops."""
    return _add_key(cursor, get_source(cursor, name), at, actor)


def revoke_key(cursor: Cursor, key_id: UUID, *, at: datetime) -> None:
    """From now on the key is refused (web processes notice within seconds). Raises SourceKeyNotFound."""
    cursor.execute("UPDATE activities_sourcekey SET revoked_at = %s WHERE id = %s AND revoked_at IS NULL", (at, key_id))
    if not cursor.rowcount:
        raise SourceKeyNotFound("There is no write key in force with this id.")


def set_strict(cursor: Cursor, name: str, is_strict: bool) -> Source:
    """Changes how the source is answered: as RudderStack answers, or as Segment does."""
    source = get_source(cursor, name)
    cursor.execute("UPDATE activities_source SET is_strict = %s WHERE id = %s", (is_strict, source.id))
    return get_source(cursor, name)


def digest_of(write_key: str) -> bytes:
    """What is kept of a write key. It is 256 random bits, so a plain SHA-256 cannot be searched."""
    return hashlib.sha256(write_key.encode()).digest()


def _add_key(cursor: Cursor, source: Source, at: datetime, actor: str) -> str:
    write_key = KEY_PREFIX + secrets.token_urlsafe(32)
    cursor.execute(
        "INSERT INTO activities_sourcekey (id, source_id, digest, hint, created_at, created_by) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        (new_id(), source.id, digest_of(write_key), f"{write_key[:8]}…{write_key[-4:]}", at, actor),
    )
    return write_key


# The queue


def remove_pending(cursor: Cursor, waiting: Collection[PendingActivity]) -> None:
    """Takes decided activities out of the queue."""
    cursor.execute(sql.REMOVE_PENDING, ([row.occurred_at for row in waiting], [row.activity_id for row in waiting]))


def claim_share(cursor: Cursor, worker: UUID, *, at: datetime) -> Share:
    """Says that this worker is there, and which share of the queue is its: as many shares as workers said so lately.

    Shares of two workers may meet for a moment when one comes or goes, and for longer where their clocks differ by more than
    ``ABSENT_AFTER``; rows that one has taken the other passes over. No share is without a worker for longer than that.
    """
    cursor.execute(
        "INSERT INTO activities_worker (id, seen_at) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
        (worker, at),
    )
    cursor.execute("DELETE FROM activities_worker WHERE seen_at < %s", (at - FORGOTTEN_AFTER,))
    lately = (at - ABSENT_AFTER, at + ABSENT_AFTER)
    cursor.execute("SELECT id FROM activities_worker WHERE seen_at BETWEEN %s AND %s ORDER BY id", lately)
    workers = [id_ for (id_,) in cursor]
    return Share(workers.index(worker), len(workers))


def leave_share(cursor: Cursor, worker: UUID) -> None:
    """Says that this worker goes, so that the others need not wait for its silence."""
    cursor.execute("DELETE FROM activities_worker WHERE id = %s", (worker,))


def set_aside(cursor: Cursor, waiting: PendingActivity, *, at: datetime) -> None:
    """Leaves an activity waiting that breaks whoever decides it, so that the others go on."""
    cursor.execute(
        "UPDATE activities_pending SET failed_at = %s WHERE occurred_at = %s AND activity_id = %s",
        (at, waiting.occurred_at, waiting.activity_id),
    )


def retry_set_aside(cursor: Cursor) -> int:
    """Lets what was set aside be tried again; returns how many."""
    cursor.execute("UPDATE activities_pending SET failed_at = NULL WHERE failed_at IS NOT NULL")
    return cursor.rowcount


# Refusals


def correct_and_resend(
    cursor: Cursor, refusal_id: UUID, body: str, *, reader: Reader, at: datetime, actor: str
) -> Sequence[UUID]:
    """Stores the corrected message as it would have been on its day, settles the refusal, and returns the activity's id.

    What was refused because its batch could not be read may come back as that batch: then all its messages are stored, or
    none. Raises StillRefused with what is wrong now, RefusalNotFound, RefusalSettled. The refusal is locked first.
    """
    source, received_at = _lock_refusal(cursor, refusal_id)
    raw = body.encode()
    batch = find_batch(raw)
    activities: list[NewActivity] = []
    for position, message in enumerate([raw] if batch is None else batch.batch):
        fallback_id = str(refusal_id) if batch is None else f"{refusal_id}:{position}"
        read = reader.read_message(message, source=source, received_at=received_at, fallback_id=fallback_id, batch=batch)
        if isinstance(read, Refused):
            place = "" if batch is None else f"Message {position + 1}: "
            raise StillRefused(place + read.detail, reason=str(read.reason))
        activities.append(read)
    if not activities:
        raise StillRefused("The batch holds no messages.", reason=str(Reason.INVALID_MESSAGE))
    store(cursor, activities, [])
    _settle(cursor, refusal_id, at, actor, activities[0].id)
    return [activity.id for activity in activities]


def dismiss(cursor: Cursor, refusal_id: UUID, *, at: datetime, actor: str) -> None:
    """Settles a refusal without storing anything; it stays on record. Raises RefusalNotFound, RefusalSettled."""
    _lock_refusal(cursor, refusal_id)
    _settle(cursor, refusal_id, at, actor, None)


def _lock_refusal(cursor: Cursor, refusal_id: UUID) -> tuple[Source, datetime]:
    row = cursor.execute(
        "SELECT r.settled_at, r.received_at, s.id, s.name, s.is_strict, s.created_at FROM activities_refusal r "
        "JOIN activities_source s ON s.id = r.source_id WHERE r.id = %s FOR UPDATE OF r",
        (refusal_id,),
    ).fetchone()
    if row is None:
        raise RefusalNotFound("There is no refusal with this id.")
    if row[0] is not None:
        raise RefusalSettled("This refusal was sent again or dismissed before.")
    return Source(*row[2:]), row[1]


def _settle(cursor: Cursor, refusal_id: UUID, at: datetime, actor: str, activity_id: UUID | None) -> None:
    cursor.execute(
        "UPDATE activities_refusal SET settled_at = %s, settled_by = %s, activity_id = %s WHERE id = %s",
        (at, actor, activity_id, refusal_id),
    )


# Kinds


def install_kinds(cursor: Cursor) -> None:
    """Writes the kinds that come with the program; a schema that somebody changed stays as they left it."""
    for name, schema in sorted(builtin_kinds().items()):
        cursor.execute(
            "INSERT INTO activities_kind (name, schema, is_builtin, changed_by) VALUES (%s, %s, TRUE, 'stamgast') "
            "ON CONFLICT (name) DO UPDATE SET schema = EXCLUDED.schema, is_builtin = TRUE, changed_by = 'stamgast' "
            "WHERE activities_kind.changed_by IN ('stamgast', 'intake') "
            "AND activities_kind.schema IS DISTINCT FROM EXCLUDED.schema",
            (name, Jsonb(schema)),
        )


def set_schema(cursor: Cursor, kind: str, schema: Mapping[str, Any] | None, *, at: datetime, actor: str) -> None:
    """Gives a kind the JSON Schema that its properties must keep from now on; None takes it away. Raises InvalidKind.

    What is stored stays as it is: a schema is about what comes in.
    """
    if not kind or len(kind) > 255 or not kind.isprintable():
        raise InvalidKind("A kind's name has 1 to 255 printable characters.")
    if schema is not None:
        check_schema(schema)
    cursor.execute(
        "INSERT INTO activities_kind (name, schema, is_builtin, changed_by) VALUES (%s, %s, FALSE, %s) "
        "ON CONFLICT (name) DO UPDATE SET schema = EXCLUDED.schema, changed_by = EXCLUDED.changed_by",
        (kind, None if schema is None else Jsonb(schema), actor),
    )


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises InvalidKind unless it is a JSON Schema (2020-12) that refers to nothing outside itself."""
    try:
        Catalogue({"": schema})
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise InvalidKind(f"This is not a JSON Schema of draft 2020-12: {str(error).splitlines()[0]}") from None
