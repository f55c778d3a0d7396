"""Reads of the room. Rows stay here; what leaves are ``types``."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Any
from uuid import UUID

import msgspec
from babel.core import get_global

from stamgast.activities import sql
from stamgast.activities.archive import read_bodies
from stamgast.activities.catalogue import Catalogue, builtin_kinds
from stamgast.activities.errors import ActivityNotFound, KindNotFound, SourceNotFound
from stamgast.activities.messages import Reader, traits_of
from stamgast.activities.orders import read_lines
from stamgast.activities.types import (
    WHOLE,
    Activity,
    Columns,
    Kind,
    PendingActivity,
    Share,
    Source,
    SourceKey,
    SourceSummary,
)
from stamgast.customers.identity import get_identity_rules
from stamgast.customers.rules import id_of
from stamgast.kit.database import Cursor
from stamgast.kit.paging import DEFAULT_PAGE, LARGEST_PAGE, InvalidCursor, Page, decode_cursor, page_of

FROM_ACTIVITIES = f"SELECT {sql.ACTIVITY_COLUMNS} FROM activities_activity a JOIN activities_source s ON s.id = a.source_id "


LATEST_ROWS = 100_000
_NULL = msgspec.Raw(b"null")


class _Properties(msgspec.Struct):
    properties: msgspec.Raw = _NULL
    traits: dict[str, Any] | None = None
    context: "_Context | None" = None
    groupId: Any = None  # noqa: N815


class _Context(msgspec.Struct):
    traits: dict[str, Any] | None = None


def _number(text: str) -> float | str:
    """A JSON number as far as a float holds one; what lies beyond, such as 1e400, stays the text that it was."""
    number = float(text)
    return number if isfinite(number) else text


decode_body = msgspec.json.Decoder(_Properties, float_hook=_number).decode
_decode_identifiers = msgspec.json.Decoder(tuple[str, ...]).decode
decode_object = msgspec.json.Decoder(dict[str, Any], float_hook=_number).decode


def position_of(cursor: str) -> tuple[datetime, UUID]:
    moment, last = decode_cursor(cursor, str, str)
    try:
        return datetime.fromisoformat(str(moment)), UUID(str(last))
    except ValueError:
        raise InvalidCursor("This cursor belongs to another list. Start again without it.") from None


# Sources


def get_source(cursor: Cursor, name: str) -> Source:
    """The source of that name; raises SourceNotFound."""
    row = cursor.execute("SELECT id, name, is_strict, created_at FROM activities_source WHERE name = %s", (name,)).fetchone()
    if row is None:
        raise SourceNotFound(f"There is no source {name[:80]!r}. `stamgast source create` makes one.")
    return Source(*row)


def find_source_by_digest(cursor: Cursor, digest: bytes) -> Source | None:
    """The source whose write key has this SHA-256, unless the key was revoked."""
    row = cursor.execute(
        """
        SELECT s.id, s.name, s.is_strict, s.created_at
        FROM activities_sourcekey k JOIN activities_source s ON s.id = k.source_id
        WHERE k.digest = %s AND k.revoked_at IS NULL
        """,
        (digest,),
    ).fetchone()
    return None if row is None else Source(*row)


def list_sources(cursor: Cursor, *, since: datetime) -> list[SourceSummary]:
    """Every source with its keys, what came in since ``since`` (the day's beginning), and when it was last heard."""
    keys: dict[int, list[SourceKey]] = {}
    for source_id, *key in cursor.execute(
        "SELECT source_id, id, hint, created_at, created_by, revoked_at FROM activities_sourcekey ORDER BY created_at, id"
    ):
        keys.setdefault(source_id, []).append(SourceKey(*key))
    return [
        SourceSummary(Source(*row[:4]), keys.get(row[0], []), *row[4:])
        for row in cursor.execute(sql.SOURCE_SUMMARIES, {"since": since}).fetchall()
    ]


# Activities


def get_activity(cursor: Cursor, activity_id: UUID) -> Activity:
    """One activity; raises ActivityNotFound."""
    row = cursor.execute(
        f"{FROM_ACTIVITIES} WHERE a.id = %s",
        (activity_id,),
    ).fetchone()
    if row is None:
        raise ActivityNotFound("There is no activity with this id.")
    return activity_of(fill_bodies(cursor, [row])[0])


def list_latest(
    cursor: Cursor, *, source: str | None = None, kind: str | None = None, after: str | None = None, limit: int = DEFAULT_PAGE
) -> Page[Activity]:
    """The live view: what came in last, first. A kind is looked for among the last ``LATEST_ROWS`` of each source only.

    Each source is read from the end of its own index, so that it takes the same time however much came in before.
    """
    limit = min(limit, LARGEST_PAGE)
    values: dict[str, Any] = {"source": None if source is None else get_source(cursor, source).id, "limit": limit + 1}
    later = ""
    if after is not None:
        later = "AND (a.received_at, a.id) < (%(received_at)s, %(id)s)"
        values["received_at"], values["id"] = position_of(after)
    order = "ORDER BY a.received_at DESC, a.id DESC LIMIT"
    latest = f"SELECT * FROM activities_activity a WHERE a.source_id = s.id {later} {order} %(limit)s"
    if kind is not None:
        values |= {"kind": kind, "rows": LATEST_ROWS}
        window = (
            f"SELECT * FROM activities_activity a WHERE a.source_id = s.id {later} ORDER BY a.received_at DESC LIMIT %(rows)s"
        )
        latest = f"SELECT * FROM ({window}) AS a WHERE a.kind = %(kind)s {order} %(limit)s"
    rows = cursor.execute(
        f"SELECT {sql.ACTIVITY_COLUMNS} FROM activities_source s CROSS JOIN LATERAL ({latest}) AS a "
        f"WHERE %(source)s::int IS NULL OR s.id = %(source)s {order} %(limit)s",
        values,
    ).fetchall()
    found = [activity_of(row) for row in fill_bodies(cursor, rows)]
    return page_of(found, limit, lambda row: (row.received_at.isoformat(), str(row.id)))


def count_happened(cursor: Cursor, *, since: datetime) -> int:
    """How many activities happened, and came in, since a moment."""
    row = cursor.execute(
        "SELECT count(*) FROM activities_source s JOIN activities_activity a ON a.source_id = s.id "
        "WHERE a.received_at >= %(since)s AND a.occurred_at >= %(since)s",
        {"since": since},
    ).fetchone()
    return int(row[0]) if row else 0


def find_orders(
    cursor: Cursor, order_ids: Collection[str], *, kinds: Collection[str], besides: Collection[UUID]
) -> list[tuple[str, UUID]]:
    """Activities of these kinds with one of these order ids, apart from ``besides``: the order id and the anchor of each."""
    if not order_ids:
        return []
    cursor.execute(
        "SELECT order_id, anchor_id, id FROM activities_activity WHERE order_id = ANY(%b) AND kind = ANY(%s)",
        (list(order_ids), list(kinds)),
    )
    known = set(besides)
    return [(order_id, anchor_id) for order_id, anchor_id, activity_id in cursor if activity_id not in known]


def load_for_deciding(cursor: Cursor, activity_ids: Collection[UUID], *, needs_body: bool) -> Columns:
    """These activities as columns; ``properties`` and ``lines`` only when ``needs_body``."""
    return _load(cursor, "a.id = ANY(%(ids)b)", list(activity_ids), needs_body, needs_traits=True)


def list_anchors_of_sources(cursor: Cursor, names: Collection[str]) -> list[UUID]:
    """The anchors of activities from these sources that came with more identifiers than one, in order."""
    cursor.execute(
        """
        SELECT DISTINCT a.anchor_id FROM activities_activity a JOIN activities_source s ON s.id = a.source_id
        WHERE s.name = ANY(%s) AND jsonb_array_length(a.identifiers) > 1 ORDER BY 1
        """,
        (sorted(names),),
    )
    return [row[0] for row in cursor]


def load_history(
    cursor: Cursor, anchor_ids: Collection[UUID], *, needs_body: bool, kinds: Collection[str] | None = None
) -> Columns:
    """Every activity, or those of ``kinds``, on these identifiers that waits no longer, as columns; without traits."""
    condition = sql.OF_HISTORY if kinds is None else f"{sql.OF_HISTORY} AND a.kind = ANY(%(kinds)s)"
    return _load(cursor, condition, list(anchor_ids), needs_body, needs_traits=False, kinds=list(kinds or ()))


def _load(
    cursor: Cursor, condition: str, ids: list[UUID], needs_body: bool, *, needs_traits: bool, kinds: Sequence[str] = ()
) -> Columns:
    columns = Columns([], [], [], [], [], [], [], [], [], [], [], [], [], [])
    # Sorted here and not by the database: a sort there has to carry the bodies along.
    rows = cursor.execute(
        f"SELECT {sql.DECIDING_COLUMNS} FROM activities_activity a JOIN activities_source s ON s.id = a.source_id "
        f"WHERE {condition}",
        {"ids": ids, "needs_body": needs_body, "needs_traits": needs_traits, "kinds": kinds},
        binary=True,
    ).fetchall()
    rows.sort(key=lambda row: (row[6], row[0]))
    archived = read_bodies(cursor, {row[0]: (row[1], row[7]) for row in rows if row[12]}) if needs_body else {}
    for row in rows:
        body = row[11] or archived.get(row[0])
        columns.ids.append(row[0])
        columns.anchor_ids.append(row[1])
        columns.identifiers.append(_decode_identifiers(row[2]))
        columns.types.append(row[3])
        columns.kinds.append(row[4])
        columns.sources.append(row[5])
        columns.occurred_at.append(row[6])
        columns.received_at.append(row[7])
        columns.order_ids.append(row[8])
        columns.amounts_minor.append(row[9])
        columns.currencies.append(row[10])
        message = None if body is None else decode_body(body)
        traits = traits_of(message, row[3]) if message is not None and needs_traits else None
        columns.traits.append(traits or None)
        properties = b"null" if message is None or not needs_body else bytes(message.properties)
        if properties != b"null":
            columns.properties.append(properties.decode())
            columns.lines.append(read_lines(properties, row[10]) if b'"products"' in properties else None)
        else:
            columns.properties.append(None)
            columns.lines.append(None)
    return columns


def fill_bodies(cursor: Cursor, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
    """Rows of ``ACTIVITY_COLUMNS`` with the messages that are in the archive only."""
    lacking = {row[0]: (id_of(_decode_identifiers(row[4])[0]), row[6]) for row in rows if row[10] is None}
    if not lacking:
        return rows
    found = read_bodies(cursor, lacking)
    return [(*row[:10], row[10] if row[10] is not None else found[row[0]]) for row in rows]


def activity_of(row: Sequence[Any]) -> Activity:
    """An activity from its row, whose message is there: see ``fill_bodies``."""
    text = bytes(decode_body(row[10]).properties)
    if text == b"null":
        text = b"{}"
    return Activity(
        id=row[0],
        source=row[1],
        type=row[2],
        kind=row[3],
        identifiers=_decode_identifiers(row[4]),
        occurred_at=row[5],
        received_at=row[6],
        order_id=row[7],
        amount_minor=row[8],
        currency=row[9],
        lines=(read_lines(text, row[9]) or ()) if b'"products"' in text else (),
        properties=decode_object(text),
    )


# The queue


def take_pending(cursor: Cursor, limit: int, share: Share = WHOLE) -> list[PendingActivity]:
    """Locks and returns the activities of a share that wait, the first to happen first, passing over those that another
    worker has."""
    said = {"limit": limit, "place": share.place, "of": share.of}
    return [PendingActivity(*row) for row in cursor.execute(sql.TAKE_PENDING, said).fetchall()]


def count_pending(cursor: Cursor, share: Share = WHOLE, *, at_most: int | None = None) -> int:
    """How many activities of a share wait to be decided; counting stops at ``at_most``."""
    row = cursor.execute(
        "SELECT count(*) FROM (SELECT FROM activities_pending WHERE failed_at IS NULL AND lane %% %s = %s LIMIT %s) AS waiting",
        (share.of, share.place, at_most),
    ).fetchone()
    return int(row[0]) if row else 0


def list_waiting_identifiers(cursor: Cursor) -> set[str]:
    """Every identifier that something names which waits to be decided, set aside or not."""
    cursor.execute(
        "SELECT DISTINCT name FROM activities_pending AS waiting JOIN activities_activity AS a ON a.id = waiting.activity_id "
        "CROSS JOIN jsonb_array_elements_text(a.identifiers) AS name"
    )
    return {row[0] for row in cursor}


def count_set_aside(cursor: Cursor) -> int:
    """How many activities wait because deciding them broke."""
    row = cursor.execute("SELECT count(*) FROM activities_pending WHERE failed_at IS NOT NULL").fetchone()
    return int(row[0]) if row else 0


def find_oldest_pending(cursor: Cursor) -> datetime | None:
    """When the activity that waits longest was received: the lag of deciding."""
    row = cursor.execute("SELECT min(received_at) FROM activities_pending WHERE failed_at IS NULL").fetchone()
    return row[0] if row else None


# Kinds


def list_kinds(cursor: Cursor, *, is_undescribed: bool = False) -> list[Kind]:
    """The catalogue; ``is_undescribed`` keeps the kinds that were met and have no schema yet."""
    return [
        _kind(row)
        for row in cursor.execute(
            "SELECT name, schema::text, is_builtin, first_seen_at, changed_by FROM activities_kind "
            "WHERE NOT %s OR (schema IS NULL AND first_seen_at IS NOT NULL) ORDER BY name",
            (is_undescribed,),
        ).fetchall()
    ]


def get_kind(cursor: Cursor, name: str) -> Kind:
    """One kind; raises KindNotFound."""
    row = cursor.execute(
        "SELECT name, schema::text, is_builtin, first_seen_at, changed_by FROM activities_kind WHERE name = %s", (name,)
    ).fetchone()
    if row is None:
        raise KindNotFound(f"There is no kind {name[:80]!r}.")
    return _kind(row)


def _kind(row: Sequence[Any]) -> Kind:
    name, schema, *rest = row
    return Kind(name, None if schema is None else decode_object(schema), *rest)


def load_catalogue(cursor: Cursor) -> Catalogue:
    """The schemas in force: those that come with the program, and over them those that people gave."""
    return Catalogue(load_schemas(cursor))


def load_schemas(cursor: Cursor) -> dict[str, Mapping[str, Any] | None]:
    """The schema in force of each kind that has one, or that had one taken away."""
    schemas: dict[str, Mapping[str, Any] | None] = dict(builtin_kinds())
    for name, schema in cursor.execute(
        "SELECT name, schema::text FROM activities_kind WHERE schema IS NOT NULL OR is_builtin ORDER BY name"
    ).fetchall():
        schemas[name] = None if schema is None else decode_object(schema)
    return schemas


def load_reader(cursor: Cursor, *, currency: str, timezone: str) -> Reader:
    """What reads messages, for a shop with this currency; its country, for telephone numbers, is that of its time zone."""
    return Reader(load_catalogue(cursor), currency=currency, region=country_of(timezone), identity=get_identity_rules(cursor))


def country_of(timezone: str) -> str | None:
    """``NL`` for ``Europe/Amsterdam``; None for a zone of no country, such as ``UTC``."""
    country = get_global("zone_territories").get(timezone)
    return country if isinstance(country, str) and country != "001" else None
