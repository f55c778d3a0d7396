"""Imports what was handed in, one file at a time, in the worker: it says how far it got, stops when asked, and goes on.

That no row counts twice is the importer's own doing (its progress is locked in each transaction). The claim here only sees to
it that two workers do not do the same work.
"""

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import django.db
import psycopg
import structlog
from django.conf import settings
from django.db import close_old_connections, connection

from stamgast.access.operations import record
from stamgast.activities.importers.errors import ImportUnderWay, UnreadableFile
from stamgast.activities.importers.looking import Trial, try_file
from stamgast.activities.importers.mapping import read_mapping
from stamgast.activities.importers.running import Edges, Outcome, import_file
from stamgast.activities.queries import get_source, load_reader
from stamgast.activities.uploads.files import path_of, remove, remove_leftovers, uploads_folder
from stamgast.activities.uploads.operations import KEPT, beat, claim_upload, fail_upload, release, settle, take_old
from stamgast.activities.uploads.queries import get_upload, list_with_file
from stamgast.activities.uploads.types import Upload
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.kit.errors import StamgastError
from stamgast.kit.ids import new_id

BEAT_SECONDS = 1.0
LOST = (psycopg.OperationalError, psycopg.InterfaceError, django.db.OperationalError, django.db.InterfaceError)
log = structlog.get_logger()


def try_upload(cursor: Cursor, upload: Upload, *, at: datetime) -> Trial:
    """What the import would do with the first rows. Nothing is stored. Raises InvalidMapping, UnreadableFile, MissingColumn."""
    configuration = settings.CONFIGURATION
    reader = load_reader(cursor, currency=configuration.currency, timezone=configuration.timezone)
    mapping = read_mapping(upload.mapping or "")
    path = path_of(upload.id, is_parquet=upload.is_parquet)
    source = get_source(cursor, upload.source)
    return try_file(path, mapping, source=source, reader=reader, at=at, folder=uploads_folder())


def import_if_asked(*, clock: Callable[[], datetime], should_stop: Callable[[], bool]) -> bool:
    """Takes one upload on, if one waits, to its end or until it is stopped; returns whether there was one."""
    claim = new_id()
    with transaction() as cursor:
        upload_id = claim_upload(cursor, claim, at=clock())
    if upload_id is None:
        return False
    with open_cursor() as cursor:
        upload = get_upload(cursor, upload_id)
    try:
        with _beating(upload, claim, clock) as (report, is_lost):
            outcome = _import(upload, clock, report, lambda: should_stop() or is_lost())
    except ImportUnderWay:
        with transaction() as cursor:  # whoever had it before is in its last transaction: the next turn goes on
            release(cursor, upload.id, claim)
        return False
    except LOST:
        raise  # nobody can be told; who comes next goes on
    except Exception as error:
        if not isinstance(error, StamgastError):
            log.exception("upload_broke", upload=str(upload.id))
        _fail(upload, claim, _problem_of(error), clock())
    else:
        _settle(upload, claim, outcome, clock())
    return True


def remove_old_uploads(*, at: datetime) -> int:
    """Takes away files for which nothing was done for a week; returns how many. What is known about them stays."""
    with transaction() as cursor:
        old = take_old(cursor, at=at)
        known = list_with_file(cursor)
    for upload_id in old:
        remove(upload_id)
    remove_leftovers(known, before=at - KEPT)
    return len(old)


def _import(
    upload: Upload, clock: Callable[[], datetime], report: Callable[[int, int | None], None], should_stop: Callable[[], bool]
) -> Outcome:
    path = path_of(upload.id, is_parquet=upload.is_parquet)
    if not path.exists():
        raise UnreadableFile("The file is not where this worker looks for it.", wrong="gone")
    with open_cursor() as cursor:
        configuration = settings.CONFIGURATION
        reader = load_reader(cursor, currency=configuration.currency, timezone=configuration.timezone)
    actor = upload.started_by or upload.uploaded_by
    edges = Edges(transaction, clock, actor, folder=uploads_folder(), report=report, should_stop=should_stop)
    return import_file(path, read_mapping(upload.mapping or ""), source_name=upload.source, reader=reader, edges=edges)


@contextmanager
def _beating(
    upload: Upload, claim: UUID, clock: Callable[[], datetime]
) -> Iterator[tuple[Callable[[int, int | None], None], Callable[[], bool]]]:
    """Says every second that it lives and how far it got, from a thread of its own: reading a large file takes minutes."""
    over, lost = threading.Event(), threading.Event()
    reached: list[tuple[int, int | None] | None] = [None]

    def report(done: int, total: int | None) -> None:
        reached[0] = (done, total)

    def live() -> None:
        while not over.wait(BEAT_SECONDS):
            try:
                with transaction() as cursor:
                    is_ours = beat(cursor, upload.id, claim, rows=reached[0], at=clock())
            except Exception as error:  # a database that went away: the import itself meets it too
                log.warning("beat_failed", error=type(error).__name__)
                close_old_connections()
                continue
            if not is_ours:
                lost.set()
        connection.close()

    beating = threading.Thread(target=live, name="upload-beat", daemon=True)
    beating.start()
    try:
        yield report, lost.is_set
    finally:
        over.set()
        beating.join()


def _settle(upload: Upload, claim: UUID, outcome: Outcome, at: datetime) -> None:
    with transaction() as cursor:
        settle(
            cursor,
            upload,
            claim,
            is_finished=outcome.is_finished,
            was_known=outcome.was_finished,
            rows=outcome.rows,
            refused=outcome.rows_rejected,
            new=outcome.activities_new,
            repeated=outcome.activities_repeated,
            reasons=dict(outcome.reasons),
            at=at,
        )
        if outcome.is_finished:
            detail = {
                "file": upload.name, "source": upload.source, "new": outcome.activities_new,
                "known": outcome.activities_repeated, "refused rows": outcome.rows_rejected,
            }  # fmt: skip
            record(cursor, upload.started_by or upload.uploaded_by, "import file", f"upload:{upload.id}", detail, at)


def _fail(upload: Upload, claim: UUID, problem: dict[str, Any], at: datetime) -> None:
    log.warning("upload_failed", upload=str(upload.id), code=problem["code"])
    with transaction() as cursor:
        fail_upload(cursor, upload.id, claim, problem=problem, at=at)


def _problem_of(error: Exception) -> dict[str, Any]:
    """What is kept of an error: what an edge needs to say it, and no path of this machine."""
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
        return {"code": "no_room_for_upload", "details": {}}
    if not isinstance(error, StamgastError):
        return {"code": "upload_failed", "details": {}}
    details = {name: value for name, value in error.details.items() if isinstance(value, str | int | list)}
    return {"code": error.code, "details": details}
