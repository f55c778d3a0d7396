"""The list of customers under conditions that no index answers: it is walked in steps, and a page looks at so many at most.

The conditions come from the rooms that know about them, as SQL on ``customer``; the flow puts them together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.sql import SQL, Composable, Literal

from stamgast.customers.queries import MOST_COUNTED, place_of, position_of, summarise
from stamgast.customers.searching import FEW_MATCHES, IS_FOUND, SOME_FOUND, prefixes_of
from stamgast.customers.types import Customer, CustomerSummary
from stamgast.kit.database import Cursor
from stamgast.kit.paging import Page, encode_cursor, page_of

STEP = 1_000
MOST_LOOKED_AT = 10_000
BEGINNING = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which customers: a condition on each, what bounds the walk itself, and their ids where few come into question."""

    condition: Composable
    bounds: Composable
    arguments: Mapping[str, object]


def select(
    cursor: Cursor,
    *,
    search: str = "",
    seen_since: datetime | None = None,
    seen_until: datetime | None = None,
    first_since: datetime | None = None,
    first_until: datetime | None = None,
    kinds: Sequence[str] = (),
    others: Sequence[Composable] = (),
    among: Sequence[UUID] | None = None,
) -> Selection:
    """Customers for whom all of this holds. ``until`` is the first moment too late, ``kinds`` are of identifiers they have."""
    arguments: dict[str, object] = {**prefixes_of(search, None), "few": FEW_MATCHES + 1}
    bounds: list[Composable] = [SQL("customer.merged_into IS NULL AND customer.erased_at IS NULL")]
    conditions: list[Composable] = [SQL("true"), *others]
    few = None if among is None else set(among)
    if "lower" in arguments:
        cursor.execute(SOME_FOUND, arguments)
        found = {row[0] for row in cursor}
        if cursor.rowcount <= FEW_MATCHES:
            few = found if few is None else few & found
        else:
            conditions.append(IS_FOUND)
    if few is not None:
        arguments["among"] = list(few)
        bounds.append(SQL("customer.id = ANY(%(among)s::uuid[])"))
    for column, sign, moment in (
        ("last_seen", ">=", seen_since),
        ("last_seen", "<", seen_until),
        ("first_seen", ">=", first_since),
        ("first_seen", "<", first_until),
    ):
        if moment is not None:
            # Of the first of these the index of the list knows where to begin and to end.
            wanted = bounds if column == "last_seen" else conditions
            wanted.append(SQL("customer.{} {} {}").format(SQL(column), SQL(sign), Literal(moment)))
    conditions += [_HAS_KIND.format(kind=Literal(kind)) for kind in kinds]
    return Selection(SQL(" AND ").join(conditions), SQL(" AND ").join(bounds), arguments)


def list_selected(cursor: Cursor, selection: Selection, *, after: str | None, limit: int) -> Page[CustomerSummary]:
    """A page, last seen first. It may be short, or empty, and still have a next one: then so many were looked at in vain."""
    place: tuple[datetime, UUID] | None = position_of(after) if after is not None else None
    found: list[Customer] = []
    for _step in range(MOST_LOOKED_AT // STEP):
        beyond = SQL("true")
        if place is not None:
            beyond = SQL("(customer.last_seen, customer.id) < (%(last_seen)s, %(last_id)s)")
        order = SQL("customer.last_seen DESC, customer.id DESC")
        last_seen, last_id = place or (None, None)
        walked = _walk(cursor, selection, beyond, order, {"last_seen": last_seen, "last_id": last_id})
        found += [customer for customer, is_wanted in walked if is_wanted]
        if len(found) > limit:
            return page_of(summarise(cursor, found[: limit + 1]), limit, place_of)
        if len(walked) < STEP:
            return Page(summarise(cursor, found), None)
        last = walked[-1][0]
        place = (last.last_seen, last.id)
    return Page(summarise(cursor, found), encode_cursor(*place_of(last)))


def count_selected(cursor: Cursor, selection: Selection) -> tuple[int, bool]:
    """How many there are, and whether that is all: only those who were last seen are looked at."""
    query = SQL("SELECT count(*) FILTER (WHERE {condition}), count(*) FROM ({walk}) AS customer").format(
        condition=selection.condition,
        walk=_WALK.format(bounds=selection.bounds, beyond=SQL("true"), order=SQL("customer.last_seen DESC, customer.id DESC")),
    )
    cursor.execute(query, {**selection.arguments, "step": MOST_COUNTED})
    count, looked_at = cursor.fetchone() or (0, 0)
    return count, looked_at < MOST_COUNTED


def list_by_id(cursor: Cursor, selection: Selection, *, after: UUID) -> tuple[list[CustomerSummary], UUID | None]:
    """One step in the order of ids, which stand still while a file of them is written; and the id to go on after."""
    beyond, order = SQL("customer.id > %(last_id)s"), SQL("customer.id")
    walked = _walk(cursor, selection, beyond, order, {"last_id": after})
    rows = summarise(cursor, [customer for customer, is_wanted in walked if is_wanted])
    return rows, walked[-1][0].id if len(walked) == STEP else None


def _walk(
    cursor: Cursor, selection: Selection, beyond: Composable, order: Composable, place: Mapping[str, object]
) -> list[tuple[Customer, bool]]:
    """The next so many customers, and of each whether it is wanted."""
    query = SQL(
        "SELECT customer.id, customer.created_at, customer.first_seen, customer.last_seen, {condition} "
        "FROM ({walk}) AS customer ORDER BY {order}"
    ).format(
        condition=selection.condition,
        walk=_WALK.format(bounds=selection.bounds, beyond=beyond, order=order),
        order=order,
    )
    cursor.execute(query, {**selection.arguments, **place, "step": STEP})
    return [(Customer(*row[:4]), bool(row[4])) for row in cursor]


_WALK = SQL(
    "SELECT customer.id, customer.bucket, customer.created_at, customer.first_seen, customer.last_seen "
    "FROM customers_customer AS customer WHERE {bounds} AND {beyond} ORDER BY {order} LIMIT %(step)s"
)
# Scalar subqueries and not EXISTS, as in a search.
_HAS_KIND = SQL(
    """
    coalesce((
        SELECT true FROM customers_link AS link JOIN customers_identifier AS identifier ON identifier.id = link.identifier_id
        WHERE link.customer_id = customer.id AND link.ended_at IS NULL AND identifier.kind = {kind} LIMIT 1
    ), false)
    """
)
