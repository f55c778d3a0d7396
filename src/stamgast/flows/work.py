"""The worker: decides what waits, expires what is due at the moment it is due, and keeps the seal and the lake fresh.

Deciding and expiring have a thread of their own. It sleeps until the database says that activities came in, until the next
lot expires, or for a short while. Housekeeping has another, so that an export never delays a decision, and so have the
delivery of webhooks, the search for duplicates and the import of files that were handed in.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

import django.db
import psycopg
import structlog
from django.conf import settings
from django.db import connection

from stamgast.activities.errors import ArchiveDamaged
from stamgast.activities.operations import claim_share, leave_share, retry_set_aside, set_aside
from stamgast.activities.queries import count_pending, country_of, take_pending
from stamgast.activities.types import WHOLE, PendingActivity, Share
from stamgast.books.errors import AuditRunning, CheckpointKeyLost
from stamgast.customers.identity import count_swallowers
from stamgast.duplicates.errors import SearchRunning
from stamgast.flows.apply_identity_rules import apply_identity_rules
from stamgast.flows.archive_months import archive_months
from stamgast.flows.checkpoint import make_daily_checkpoint
from stamgast.flows.decide_pending import decide_pending, decide_taken, review_now, settle_now
from stamgast.flows.deliver_webhooks import open_deliverer
from stamgast.flows.export_lake import lake_folder
from stamgast.flows.find_duplicates import search_if_due
from stamgast.flows.insights.usual import answer_usual
from stamgast.flows.keep_erased_out import empty_refusals_of_erased
from stamgast.flows.metrics import observe_decided
from stamgast.flows.publish import Follower
from stamgast.flows.refresh_lake import refresh_lake
from stamgast.flows.refresh_traits import refresh_traits, traits_folder
from stamgast.flows.run_audit import run_wanted_audit
from stamgast.flows.run_uploads import import_if_asked, remove_old_uploads
from stamgast.flows.summarise import REST
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import new_id
from stamgast.lake.errors import LakeNotThere
from stamgast.ledger.operations import fold, seal
from stamgast.ledger.queries import next_due
from stamgast.programmes.deciding import warm
from stamgast.programmes.queries import next_review

ACTOR = "worker"
BATCH = 2_000
CLAIM_EVERY_SECONDS = 1.0
LARGE_BATCH = 8_000
LONGEST_SLEEP_SECONDS = 0.25
SHORTEST_SLEEP_SECONDS = 0.005
SEAL_EVERY_SECONDS = 5.0
LAKE_EVERY_SECONDS = 60.0
IDENTITY_SECONDS = 30.0
PROGRAMME_SECONDS = 30.0
ARCHIVE_EVERY_SECONDS = 3600.0
LONGEST_PATIENCE_SECONDS = 5.0
SINGLY_SECONDS = 0.5
SEARCH_EVERY_SECONDS = 10.0
UPLOADS_EVERY_SECONDS = 1.0
TRAITS_EVERY_SECONDS = 10.0
AUDIT_EVERY_SECONDS = 3.0
CALM_SECONDS = 600.0
"""A worker that starts has more urgent things to do than to look for duplicates because it is time."""
CHANNEL = "stamgast_pending"
LOST = (psycopg.OperationalError, psycopg.InterfaceError, django.db.OperationalError, django.db.InterfaceError)
LIMIT_EXCEEDED = "54"
"""The class of errors that drivers call operational, and that come from what was sent: they come again each time."""
log = structlog.get_logger()


def run(stop: threading.Event) -> None:
    """Works until ``stop`` is set, then finishes the batch at hand."""
    warm()
    housekeeping = threading.Thread(target=_keep_house, args=(stop,), name="housekeeping", daemon=True)
    housekeeping.start()
    delivering = threading.Thread(target=_deliver, args=(stop,), name="webhooks", daemon=True)
    delivering.start()
    searching = threading.Thread(target=_search_duplicates, args=(stop,), name="duplicates", daemon=True)
    searching.start()
    importing = threading.Thread(target=_import_uploads, args=(stop,), name="uploads", daemon=True)
    importing.start()
    computing = threading.Thread(target=_compute_traits, args=(stop,), name="traits", daemon=True)
    computing.start()
    auditing = threading.Thread(target=_audit, args=(stop,), name="audit", daemon=True)
    auditing.start()
    _decide_until(stop)
    importing.join(timeout=30)
    delivering.join(timeout=5)
    housekeeping.join(timeout=30)
    searching.join(timeout=30)
    computing.join(timeout=30)
    auditing.join(timeout=30)


def drain(progress: Callable[[int, int], None], should_stop: Callable[[], bool] = lambda: False) -> int:
    """Decides everything that waits, in large batches, and expires what is due; ``progress(done, total)`` is called on the way.

    Asked to stop, it ends after the batch at hand; called again, it goes on with what is left.
    """
    warm()
    with open_cursor() as cursor:
        total = count_pending(cursor)
    done = 0
    while not should_stop() and (decided := _decide_batch(LARGE_BATCH, should_stop)):
        done += len(decided)
        progress(done, max(total, done))
    while settle_now(at=utc_now(), actor=ACTOR):
        pass
    while review_now(at=utc_now(), actor=ACTOR):
        pass
    while _seal_and_fold():
        pass
    return done


def _repeat(stop: threading.Event, turn: Callable[[threading.Event], None]) -> None:
    """Takes turns until told to stop. A lost database is waited for: nothing left the queue before its commit.

    What else goes wrong in a turn is logged and tried again: one broken duty must not end the others.
    """
    patience = 0.1
    while not stop.is_set():
        try:
            turn(stop)
            patience = 0.1
        except Exception as error:
            if _is_lost(error):
                log.warning("database_lost", error=type(error).__name__, retry_in_seconds=patience)
            else:
                log.exception("turn_failed", retry_in_seconds=patience)
            connection.close()
            stop.wait(patience)
            patience = min(patience * 2, LONGEST_PATIENCE_SECONDS)
    connection.close()


def _decide_until(stop: threading.Event) -> None:
    """Decides its share of what waits, and expires, until told to stop."""
    worker, share, claimed = new_id(), WHOLE, -CLAIM_EVERY_SECONDS

    def turn(stop: threading.Event) -> None:
        nonlocal share, claimed
        if time.monotonic() - claimed >= CLAIM_EVERY_SECONDS:
            with transaction() as cursor:
                share = claim_share(cursor, worker, at=utc_now())
            claimed = time.monotonic()
        decided = _decide(share, stop)
        settled = settle_now(at=utc_now(), actor=ACTOR)
        reviewed = review_now(at=utc_now(), actor=ACTOR)
        if not decided and not settled and not reviewed:
            _sleep_until_something_happens(share)

    _repeat(stop, turn)
    with suppress(*LOST), transaction() as cursor:
        leave_share(cursor, worker)
    connection.close()


def _decide(share: Share, stop: threading.Event) -> bool:
    waiting = _decide_batch(BATCH, stop.is_set, share)
    if waiting:
        observe_decided([row.received_at for row in waiting], utc_now())
    return bool(waiting)


def _decide_batch(limit: int, should_stop: Callable[[], bool], share: Share = WHOLE) -> Sequence[PendingActivity]:
    """Decides what waits; where something breaks that, what comes before it, and sets it aside."""
    try:
        return decide_pending(at=utc_now(), actor=ACTOR, limit=limit, share=share)
    except Exception as error:
        if _is_lost(error):
            raise
        log.exception("deciding_failed")
        return _decide_one_by_one(limit, should_stop, share)


def _decide_one_by_one(limit: int, should_stop: Callable[[], bool], share: Share) -> Sequence[PendingActivity]:
    """Goes through a batch that broke up to what breaks it and sets that aside, so that one activity never stops the shop.

    Returns what was decided or set aside. An activity stays taken from the queue while it is tried, so that no other than
    the one that broke is set aside.
    """
    gone: list[PendingActivity] = []
    until = time.monotonic() + SINGLY_SECONDS  # what expires meanwhile must not wait for all of it
    while len(gone) < limit and time.monotonic() < until and not should_stop():
        with transaction() as cursor:
            taken = take_pending(cursor, 1, share)
            if not taken:
                break
            gone += taken
            try:
                with transaction() as inner:
                    decide_taken(inner, taken, at=utc_now(), actor=ACTOR)
            except Exception as error:
                if _is_lost(error):
                    raise
                log.exception("activity_set_aside", activity_id=str(taken[0].activity_id))
                set_aside(cursor, taken[0], at=utc_now())
                break
    return gone


def _is_lost(error: BaseException) -> bool:
    """Whether the database went away or was too busy, so that the same may be tried again."""
    return isinstance(error, LOST) and not str(_sqlstate_of(error)).startswith(LIMIT_EXCEEDED)


def _sqlstate_of(error: BaseException) -> str | None:
    found = error if isinstance(error, psycopg.Error) else error.__cause__
    return getattr(found, "sqlstate", None)


def _sleep_until_something_happens(share: Share) -> None:
    with open_cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
        seconds = LONGEST_SLEEP_SECONDS
        for due in filter(None, (next_due(cursor), next_review(cursor))):
            seconds = min(seconds, max((due - utc_now()).total_seconds(), SHORTEST_SLEEP_SECONDS))
        if count_pending(cursor, share, at_most=1):
            # Stored since we looked, or taken by another worker: then asking again at once would only keep a core busy.
            seconds = SHORTEST_SLEEP_SECONDS
        for _ in cursor.connection.notifies(timeout=seconds, stop_after=1):
            pass


def _deliver(stop: threading.Event) -> None:
    """Sends what was told, until told to stop."""
    deliverer = open_deliverer()
    _repeat(stop, deliverer.turn)
    deliverer.close()
    connection.close()


def _keep_house(stop: threading.Event) -> None:
    """Tries again what an earlier start set aside, then seals, folds, exports and archives from time to time."""
    last_export = last_archive = 0.0
    usual_from = time.monotonic() + LAKE_EVERY_SECONDS
    has_retried = False
    follower = Follower()

    def turn(stop: threading.Event) -> None:
        nonlocal last_export, last_archive, usual_from, has_retried
        if not has_retried:
            with transaction() as cursor:
                retry_set_aside(cursor)
            has_retried = True
        while _seal_and_fold() and not stop.is_set():
            pass
        _follow_identity_rules(stop)
        until = time.monotonic() + PROGRAMME_SECONDS
        follower.turn(at=utc_now(), actor=ACTOR, should_stop=lambda: stop.is_set() or time.monotonic() > until)
        if time.monotonic() - last_export >= LAKE_EVERY_SECONDS:
            empty_refusals_of_erased(at=utc_now())
            remove_old_uploads(at=utc_now())
            with transaction() as cursor:
                count_swallowers(cursor, at=utc_now())
            refresh_lake()
            last_export = time.monotonic()
            if last_export >= usual_from:
                usual_from = _answer_usual()
        if time.monotonic() - last_archive >= ARCHIVE_EVERY_SECONDS:
            _archive(stop)
            _write_checkpoint()
            last_archive = time.monotonic()
        stop.wait(SEAL_EVERY_SECONDS)

    _repeat(stop, turn)


def _follow_identity_rules(stop: threading.Event) -> None:
    """Goes on with customers that have to follow other rules, for a while: sealing and the lake want their turn too."""
    until = time.monotonic() + IDENTITY_SECONDS
    applied = apply_identity_rules(at=utc_now(), actor=ACTOR, should_stop=lambda: stop.is_set() or time.monotonic() > until)
    if applied.moved:
        log.info("identity_rules_applied", moved=applied.moved, is_done=applied.is_done)


def _search_duplicates(stop: threading.Event) -> None:
    """Looks for duplicates where somebody asked, and from time to time; a thread of its own, because it takes minutes."""
    configuration = settings.CONFIGURATION
    began = time.monotonic()

    def turn(stop: threading.Event) -> None:
        is_calm = time.monotonic() - began >= CALM_SECONDS
        every = timedelta(days=configuration.duplicates_days) if configuration.duplicates_days and is_calm else None
        try:
            search_if_due(
                clock=utc_now,
                actor=ACTOR,
                region=country_of(configuration.timezone),
                every=every,
                should_stop=stop.is_set,
            )
        except SearchRunning:
            log.info("search_running")
        stop.wait(SEARCH_EVERY_SECONDS)

    _repeat(stop, turn)


def _import_uploads(stop: threading.Event) -> None:
    """Imports files that somebody handed in, until told to stop; then it ends after the transaction at hand."""

    def turn(stop: threading.Event) -> None:
        if not import_if_asked(clock=utc_now, should_stop=stop.is_set):
            stop.wait(UPLOADS_EVERY_SECONDS)

    _repeat(stop, turn)


def _compute_traits(stop: threading.Event) -> None:
    """Works out the traits of all customers where something changed; a thread of its own, because messages take minutes."""
    zone, currency = settings.CONFIGURATION.timezone, settings.CONFIGURATION.currency

    def turn(stop: threading.Event) -> None:
        with suppress(LakeNotThere):
            done = refresh_traits(
                lake_folder(), traits_folder(), zone=zone, currency=currency, at=utc_now(), should_stop=stop.is_set
            )
            if done:
                log.info("traits_computed", traits=done)
        stop.wait(TRAITS_EVERY_SECONDS)


def _audit(stop: threading.Event) -> None:
    """Runs the audits that somebody asks for; a thread of its own, because one takes minutes."""

    def turn(stop: threading.Event) -> None:
        try:
            run_wanted_audit(clock=utc_now, should_stop=stop.is_set)
        except AuditRunning:
            log.info("audit_running")
        stop.wait(AUDIT_EVERY_SECONDS)

    _repeat(stop, turn)


def _answer_usual() -> float:
    """Answers what pages usually ask; says from when on to do so again, so that it is no more than a twentieth of what goes on.

    It takes longer than everything else that is worked out here, and deciding shares the process. A page whose question has no
    answer yet works it out itself.
    """
    began = time.monotonic()
    with suppress(LakeNotThere):
        answer_usual(at=utc_now())
    done = time.monotonic()
    return done + REST * (done - began)


def _archive(stop: threading.Event) -> None:
    """Moves the messages of months past what the shop keeps; the next turn goes on where a stop left it."""
    keep_months = settings.CONFIGURATION.keep_months
    if keep_months is None:
        return
    try:
        done = archive_months(keep_months=keep_months, at=utc_now(), progress=lambda month, rows: None, should_stop=stop.is_set)
    except ArchiveDamaged as error:
        log.error("archive_damaged", reason=error.message)  # nothing was removed; sealing and exporting go on
    else:
        for month in done:
            log.info("archived", month=month.month, messages=month.rows)


def _write_checkpoint() -> None:
    """The signed checkpoint of this day, where there is a folder for it; one that cannot be written is tried again."""
    folder = settings.CONFIGURATION.checkpoints
    if folder is None:
        return
    try:
        path = make_daily_checkpoint(folder, at=utc_now(), actor=ACTOR)
    except (OSError, CheckpointKeyLost) as error:
        log.error("checkpoint_failed", reason=str(error))
    else:
        if path:
            log.info("checkpoint_written", file=path.name)


def _seal_and_fold() -> int:
    with transaction() as cursor:
        sealed = seal(cursor, at=utc_now())
        fold(cursor)
    return sealed
