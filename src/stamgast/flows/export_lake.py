"""Copies what happened to the lake: the only place that knows which tables of which rooms become which columns.

Reads the tables of rooms whose rows otherwise never leave them, because a copy of everything is not a question that a
room's queries could answer; nothing else may.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from django.conf import settings

from stamgast.customers.erasure.operations import forget_traces
from stamgast.customers.erasure.queries import find_key, list_traces
from stamgast.customers.erasure.rules import pseudonym_of_order
from stamgast.kit.database import connection_parameters, open_cursor, transaction
from stamgast.lake.check import check as check_lake
from stamgast.lake.export import export as export_lake
from stamgast.lake.places import LIMIT
from stamgast.lake.rewriting import rewrite
from stamgast.lake.types import Difference, Exported, Log, Snapshot

ACTIVITIES = Log(
    name="activities",
    limit=f"SELECT {LIMIT}",
    query="""
        SELECT a.id::text AS activity_id, s.name AS source, a.type, a.kind, a.anchor_id::text AS anchor_id, a.occurred_at,
          a.received_at, a.order_id, a.amount_minor, a.currency, a.line_count
        FROM activities_activity AS a LEFT JOIN activities_source AS s ON s.id = a.source_id
        WHERE a.stored_in >= '{low}'::xid8 AND a.stored_in < '{high}'::xid8
    """,
    month_of="occurred_at",
    key="activity_id",
    sums=("amount_minor", "line_count"),
)
MOVEMENTS = Log(
    name="movements",
    # Seals are numbered under one lock, in the order in which they are committed, and a sealed batch is whole.
    # A movement is posted at the moment of its batch: said again as a range, so that an index on that moment can be used.
    limit="SELECT coalesce(max(sequence), 0) + 1 FROM ledger_seal",
    query="""
        SELECT m.movement_id::text AS movement_id, m.owner_id::text AS owner_id, m.kind, m.currency, m.debit, m.credit,
          m.amount, m.effective_at, m.posted_at, m.lot_id::text AS lot_id, m.activity_id::text AS activity_id, m.rule,
          m.programme_version, s.sequence AS seal
        FROM ledger_seal AS s JOIN ledger_movement AS m ON m.batch_id = s.batch_id
        WHERE s.sequence >= {low} AND s.sequence < {high} AND m.posted_at BETWEEN
          (SELECT min(b.posted_at) FROM ledger_seal AS f JOIN ledger_batch AS b ON b.id = f.batch_id
           WHERE f.sequence >= {low} AND f.sequence < {high}) AND
          (SELECT max(b.posted_at) FROM ledger_seal AS l JOIN ledger_batch AS b ON b.id = l.batch_id
           WHERE l.sequence >= {low} AND l.sequence < {high})
    """,
    month_of="effective_at",
    key="movement_id",
    sums=("amount", "debit", "credit"),
)
LINKS = Snapshot(
    "links",
    """
    SELECT identifier_id::text AS anchor_id, customer_id::text AS customer_id
    FROM customers_link WHERE ended_at IS NULL ORDER BY identifier_id
    """,
)
STAYS = Snapshot(
    "stays",
    """
    SELECT segment_id AS segment, customer_id::text AS customer_id, entered_at, left_at
    FROM segments_stay ORDER BY segment_id, customer_id, entered_at
    """,
)
# Links come after activities, so that no activity is copied without the link that was there when it was decided.
DATASETS = (ACTIVITIES, MOVEMENTS, LINKS, STAYS)


def lake_folder() -> Path:
    """Where the lake is: in the data folder."""
    return Path(settings.CONFIGURATION.data) / "lake"


def export(*, at: datetime, progress: Callable[[int], None] = lambda rows: None, folder: Path | None = None) -> Exported:
    """Brings the lake up to date; ``progress`` is told of the rows that were copied. Opens a connection of its own.

    May be called as often as one likes and killed at any moment. Raises LakeBusy beside another export.
    """
    return export_lake(database_address(), folder or lake_folder(), DATASETS, at=at, progress=progress)


def clean(*, at: datetime, folder: Path | None = None) -> int:
    """Takes who was erased out of the lake's files, as they are out of PostgreSQL; returns the rows that were rewritten.

    Comes after an export, so that what was copied on the way is rewritten too. Raises LakeBusy.
    """
    with open_cursor() as cursor:
        traces = list_traces(cursor)
        key = find_key(cursor, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]) if traces else None
    if key is None:
        return 0
    rows = rewrite(
        folder or lake_folder(),
        ACTIVITIES.name,
        "anchor_id",
        {str(anchor): str(pseudonym) for anchor, pseudonym in traces.items()},
        beside={"order_id": lambda order_id: pseudonym_of_order(order_id, key)},
        at=at,
    )
    with transaction() as cursor:
        forget_traces(cursor, traces.keys(), at=at)
    return rows


def check(folder: Path | None = None) -> list[Difference]:
    """The months in which the lake differs from PostgreSQL: none when it is right."""
    with open_cursor() as cursor:
        return check_lake(cursor, folder or lake_folder(), DATASETS)


def database_address() -> str:
    """The URL of the database that Django is connected to, for the driver that does not go through Django."""
    named = connection_parameters()
    user, password = quote(str(named.pop("user", "")), safe=""), quote(str(named.pop("password", "")), safe="")
    database = quote(str(named.pop("dbname")), safe="")
    # A host may be a socket's folder, so it goes with the options.
    return f"postgresql://{user}{':' + password if password else ''}@/{database}?{urlencode(named, quote_via=quote)}"
