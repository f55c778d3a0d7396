"""Publishing a programme: a new version, and, when it reaches into the past, every customer that it changes decided again."""

from collections.abc import Callable
from datetime import datetime

from stamgast.access.operations import record
from stamgast.flows.decide_pending import decide_again
from stamgast.kit.database import open_cursor, transaction
from stamgast.programmes.documents import load
from stamgast.programmes.errors import OtherProgramme, PublishedMeanwhile
from stamgast.programmes.operations import publish
from stamgast.programmes.programme import Programme
from stamgast.programmes.queries import count_outdated, find_programme, list_outdated
from stamgast.programmes.types import Version

CHUNK = 500


def publish_programme(
    document: str,
    *,
    effective_from: datetime,
    at: datetime,
    actor: str,
    reason: str,
    progress: Callable[[int, int], None],
) -> Version:
    """Publishes ``document`` and posts the difference that it makes to what was decided already.

    Stopped on the way, it goes on when the same document is published again, or in the worker: what is left is read from the
    states. Raises InvalidProgramme, and OtherProgramme for a name by which nothing would be decided.
    """
    version = put_in_force(document, effective_from=effective_from, at=at, actor=actor, reason=reason)
    follow_version(version, at=at, actor=actor, progress=progress, should_stop=lambda: False)
    return version


def put_in_force(
    document: str, *, effective_from: datetime, at: datetime, actor: str, reason: str, after: int | None = None
) -> Version:
    """Publishes ``document``, as the version after ``after`` when that is given; who it changes is for ``follow_version``.

    The same document as the one in force at that moment writes nothing. Raises InvalidProgramme, OtherProgramme, and
    PublishedMeanwhile where there is a later version than ``after``.
    """
    with transaction() as cursor:
        known = find_programme(cursor)
        _refuse_another(known, load(document).programme)
        before = known.latest if known is not None else 0
        if after is not None and before != after:
            raise PublishedMeanwhile(f"Somebody else published version {before} meanwhile. Look at theirs, then publish again.")
        version = publish(cursor, document, effective_from=effective_from, at=at, actor=actor, reason=reason)
        if version.version > before:
            detail = {"version": version.version, "effective_from": effective_from.isoformat(), "reason": reason}
            record(cursor, actor, "publish programme", f"programme:{version.programme}", detail, at)
    return version


def follow_version(
    version: Version,
    *,
    at: datetime,
    actor: str,
    progress: Callable[[int, int], None],
    should_stop: Callable[[], bool],
) -> bool:
    """Decides again whom ``version`` reaches back to, some at a time; whether nobody is left."""
    with open_cursor() as cursor:
        total = count_outdated(cursor, version)
    done = 0
    while not should_stop():
        with open_cursor() as cursor:
            customers = list_outdated(cursor, version, limit=CHUNK)
        if not customers:
            return True
        decide_again(customers=customers, at=at, actor=actor, reason=f"version {version.version} of the programme")
        done += len(customers)
        progress(done, max(total, done))
    return False


class Follower:
    """Makes customers follow versions that were published elsewhere, for a worker that goes on for days.

    Once nobody is left who was decided before a version was published, nobody ever will be: whoever decides knows it.
    """

    def __init__(self) -> None:
        self.followed = 0

    def turn(self, *, at: datetime, actor: str, should_stop: Callable[[], bool]) -> None:
        """Follows every version that was not followed yet, until it is done or asked to stop."""
        with open_cursor() as cursor:
            programme = find_programme(cursor)
        for version in programme.versions if programme is not None else ():
            if version.version <= self.followed:
                continue
            if not follow_version(version, at=at, actor=actor, progress=lambda done, total: None, should_stop=should_stop):
                return
            self.followed = version.version


def _refuse_another(known: Programme | None, name: str) -> None:
    if known is not None and known.name != name:
        raise OtherProgramme(
            f"Activities are decided by the programme {known.name!r}, and this document is called {name!r}, so that nothing "
            f"would be decided by it. Write 'programme: {known.name}' to make it the next version."
        )
