"""What happened to one customer over all sources, the latest first, with what the ledger gave or took for it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from stamgast.activities.queries import position_of
from stamgast.activities.timeline import list_activities
from stamgast.activities.types import Activity
from stamgast.kit.database import Cursor
from stamgast.kit.paging import Page
from stamgast.ledger.queries import list_movements_between
from stamgast.ledger.types import Movement, MovementKind

END_OF_TIME = datetime.max.replace(tzinfo=UTC)
BEGINNING_OF_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """An activity with the movements that it caused; or, without an activity, what expired at one moment."""

    at: datetime
    activity: Activity | None
    movements: Sequence[Movement]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which part of a timeline; what expired stands in it only where neither a kind nor a source is asked for."""

    kind: str | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def read_timeline(
    cursor: Cursor,
    customer: UUID,
    anchors: Sequence[UUID],
    *,
    before: str | None,
    limit: int,
    only: Filter = Filter(),
) -> Page[Event]:
    """A page of events; ``before`` is the cursor of the page before. Two queries, whatever the page.

    Pages are cut by activities; what expired between two of them stands between them.
    """
    page = list_activities(
        cursor,
        anchors,
        before=before,
        kind=only.kind,
        source=only.source,
        since=only.since,
        until=only.until,
        limit=limit,
    )
    newest = position_of(before)[0] if before else only.until or END_OF_TIME
    oldest = page.rows[-1].occurred_at if page.next_cursor else only.since or BEGINNING_OF_TIME
    caused: dict[UUID, list[Movement]] = defaultdict(list)
    expired: dict[datetime, list[Movement]] = defaultdict(list)
    is_whole = only.kind is None and only.source is None
    for movement in list_movements_between(cursor, customer, since=oldest, until=newest):
        if movement.kind is MovementKind.EXPIRE:
            # Half open, so that what expires at the seam of two pages stands on one of them.
            if is_whole and (oldest < movement.effective_at <= newest or oldest is BEGINNING_OF_TIME):
                expired[movement.effective_at].append(movement)
        elif movement.activity_id is not None:
            caused[movement.activity_id].append(movement)
    events = [Event(row.occurred_at, row, caused.get(row.id, [])) for row in page.rows]
    events += [Event(at, None, movements) for at, movements in expired.items()]
    events.sort(key=lambda event: event.at, reverse=True)
    return Page(events, page.next_cursor)
