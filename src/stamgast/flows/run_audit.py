"""An audit that somebody asked for: run by a worker, with progress that a page shows, stopped at a wish, its findings kept."""

from collections.abc import Callable
from datetime import datetime

import psycopg

from stamgast.books.operations import beat_audit, claim_audit, end_audit, pause_audit
from stamgast.flows import audit
from stamgast.kit.database import connection_parameters, transaction
from stamgast.ledger.queries import count_movements

BEAT_SECONDS = 1.0


class _Stopped(Exception):
    """Somebody wishes so."""


def run_wanted_audit(*, clock: Callable[[], datetime], should_stop: Callable[[], bool] = lambda: False) -> bool:
    """Runs the audit where somebody asked for one; whether it did. What it says on the way goes over a connection of its own,
    because the audit itself reads in one transaction of one moment. Raises AuditRunning.

    Asked to stop by a person, the run is over without a result; by the end of the worker, another begins it anew.
    """
    with transaction() as cursor:
        run = claim_audit(cursor, at=clock())
    if run is None:
        return False
    with psycopg.connect(**connection_parameters(), autocommit=True) as beside, beside.cursor() as teller:
        told = clock()

        def progress(phase: str, done: int) -> None:
            nonlocal told
            if should_stop():
                raise InterruptedError
            if (clock() - told).total_seconds() >= BEAT_SECONDS:
                told = clock()
                if beat_audit(teller, run.id, phase=phase, done=done, movements=movements, at=told):
                    raise _Stopped

        try:
            with transaction() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                movements = count_movements(cursor)
                if beat_audit(teller, run.id, phase="ledger", done=0, movements=movements, at=told):
                    raise _Stopped
                findings = audit.run(progress)
        except _Stopped:
            end_audit(teller, run.id, None, at=clock())
        except BaseException:
            pause_audit(teller, run.id)
            if should_stop():
                return True
            raise
        else:
            end_audit(teller, run.id, [(one.check, one.subject, one.sentence) for one in findings], at=clock())
    return True
