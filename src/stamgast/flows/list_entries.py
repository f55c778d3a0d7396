"""Who came into a segment and who left it, as it became known, and the activity that did it."""

from dataclasses import dataclass
from datetime import datetime

from stamgast.activities.tallies import Heard, find_heard
from stamgast.kit.database import Cursor
from stamgast.kit.paging import Page
from stamgast.ledger.queries import find_movements
from stamgast.ledger.types import Movement
from stamgast.segments.queries import list_changes
from stamgast.segments.types import Change, Segment


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry or exit, the movement that did it and the activity behind that; both None where a correction did it."""

    change: Change
    movement: Movement | None
    activity: Heard | None


def list_entries(
    cursor: Cursor, segment: Segment, *, since: datetime, until: datetime, before: str | None, limit: int
) -> Page[Entry]:
    """A page of those that happened from ``since`` on and before ``until``, the last first. Three queries for any page."""
    page = list_changes(cursor, segment, before=before, limit=limit, since=since, until=until)
    movements = find_movements(cursor, [change.cause for change in page.rows if change.cause is not None])
    activities = find_heard(cursor, [one.activity_id for one in movements.values() if one.activity_id is not None])
    rows = []
    for change in page.rows:
        movement = movements.get(change.cause) if change.cause else None
        activity = activities.get(movement.activity_id) if movement and movement.activity_id else None
        rows.append(Entry(change, movement, activity))
    return Page(rows, page.next_cursor)
