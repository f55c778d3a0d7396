"""Moves the messages of months long past from PostgreSQL to the archive in the lake.

A month is copied, read back, compared and only then let go, a few thousand messages a transaction. Killed anywhere it goes on
where it was; intake, deciding and pages never wait for it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from stamgast.activities.archive import (
    archive_folder,
    copy_month,
    is_current,
    list_digests,
    list_due,
    note_removed,
    remove_bodies,
    remove_leftovers,
)
from stamgast.activities.types import ArchivedMonth
from stamgast.kit.database import open_cursor, transaction
from stamgast.lake.export import alone

Progress = Callable[[str, int], None]


def archive_months(
    *, keep_months: int, at: datetime, progress: Progress, should_stop: Callable[[], bool] = lambda: False
) -> list[ArchivedMonth]:
    """Archives every month that ended ``keep_months`` whole months before the current one; returns those that are done.

    ``progress(month, messages)`` is told of what was copied and of what was let go. Months with something that still waits to
    be decided are left for the next time. Raises ArchiveDamaged when a file did not come out right.
    """
    archived = []
    with alone(archive_folder(), waits=True), open_cursor() as cursor:
        remove_leftovers(cursor)
        due = list_due(cursor, before=_months_before(at, keep_months))
    for month in due:
        if should_stop():
            break
        with alone(archive_folder(), waits=True), transaction() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            copied = copy_month(cursor, month, at=at, progress=partial(progress, month))
        if copied and _let_go(copied, at, progress, should_stop):
            archived.append(copied)
    return archived


def _let_go(month: ArchivedMonth, at: datetime, progress: Progress, should_stop: Callable[[], bool]) -> bool:
    """Has the archive to itself for one transaction at a time, so that an erasure need not wait long."""
    for ids, digests in list_digests(month):
        if should_stop():
            return False
        with alone(archive_folder(), waits=True), transaction() as cursor:
            if not is_current(cursor, month):
                return False  # somebody was recalled from it: the next time goes by the file that is there now
            progress(month.month, remove_bodies(cursor, ids, digests))
    with alone(archive_folder(), waits=True), transaction() as cursor:
        if not is_current(cursor, month):
            return False
        note_removed(cursor, month, at=at)
    return True


def _months_before(at: datetime, months: int) -> datetime:
    """The first moment of the month so many before that of ``at``."""
    moment = at.astimezone(UTC)
    number = moment.year * 12 + moment.month - 1 - months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
