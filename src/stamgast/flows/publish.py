"""Publishing a programme: a new version, and, when it reaches into the past, every customer that it changes decided again."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from stamgast.access.operations import record
from stamgast.flows.decide_pending import decide_again
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.programmes.documents import load
from stamgast.programmes.drafts import DraftState, close_draft, lock_draft, needs_second_person
from stamgast.programmes.errors import (
    AlreadyWithdrawn,
    OtherProgramme,
    PublishedMeanwhile,
    SecondPersonNeeded,
    UnknownVersion,
    UnsoundProgramme,
)
from stamgast.programmes.linting import Level, lint, say_finding
from stamgast.programmes.operations import publish, stop_deciding, withdraw
from stamgast.programmes.programme import Programme
from stamgast.programmes.queries import count_outdated, find_programme, get_programme, list_outdated, list_withdrawn
from stamgast.programmes.types import Version
from stamgast.programmes.versions import find_before, find_in_force, get_version

CHUNK = 500


def publish_programme(
    document: str,
    *,
    effective_from: datetime,
    at: datetime,
    actor: str,
    reason: str,
    progress: Callable[[int, int], None],
    after: int | None = None,
) -> Version:
    """Publishes ``document`` and posts the difference that it makes to what was decided already.

    Stopped on the way, it goes on when the same document is published again, or in the worker: what is left is read from the
    states. Raises InvalidProgramme, UnsoundProgramme, and OtherProgramme for a name by which nothing would be decided.
    """
    version = put_in_force(document, effective_from=effective_from, at=at, actor=actor, reason=reason, after=after)
    follow_version(version, at=at, actor=actor, progress=progress, should_stop=lambda: False)
    return version


def put_in_force(
    document: str,
    *,
    effective_from: datetime,
    at: datetime,
    actor: str,
    reason: str,
    after: int | None = None,
    only_ends: bool = False,
) -> Version:
    """Publishes ``document``, as the version after ``after`` when that is given; who it changes is for ``follow_version``.

    The same document as the one in force at that moment writes nothing. What ``only_ends`` something that holds is published
    whatever the linter says. Raises InvalidProgramme, UnsoundProgramme,
    OtherProgramme, PublishedMeanwhile where there is a later version than ``after``, and SecondPersonNeeded where the shop asks
    for one.
    """
    if not only_ends:
        _refuse_unsound(document, effective_from)
    with transaction() as cursor:
        if needs_second_person(cursor):
            raise SecondPersonNeeded(
                "Here a second person publishes what somebody wrote. Keep it as a draft and send it to review; then somebody "
                "who wrote none of it can publish it."
            )
        return _put(cursor, document, effective_from, at, actor, reason, after=after)


def publish_draft(draft_id: UUID, *, revision: int, effective_from: datetime, at: datetime, actor: str, reason: str) -> Version:
    """Publishes a draft as it was read; who it changes is for ``follow_version``. A moment to come schedules it.

    Where the shop asks for a second person, the draft lies in review and ``actor`` wrote none of it, else SecondPersonNeeded.
    Raises DraftChanged, DraftClosed, InvalidProgramme, UnsoundProgramme, OtherProgramme, and PublishedMeanwhile where its base
    is not the newest.
    """
    with transaction() as cursor:
        draft = lock_draft(cursor, draft_id, revision)
        if needs_second_person(cursor):
            if draft.state is not DraftState.REVIEW:
                raise SecondPersonNeeded("Here a second person publishes. Send this draft to review first.")
            if actor in draft.editors:
                raise SecondPersonNeeded("You wrote some of this yourself. Here somebody else publishes it.")
        _refuse_unsound(draft.document, effective_from)
        detail = {"draft": str(draft.id), "written_by": list(draft.editors)}
        version = _put(cursor, draft.document, effective_from, at, actor, reason, after=draft.base, detail=detail)
        close_draft(cursor, draft, version=version.version, at=at, actor=actor)
        return version


def withdraw_version(number: int, *, at: datetime, actor: str, reason: str) -> Version:
    """Takes back a version that is to hold from a later moment. Raises UnknownVersion, AlreadyWithdrawn, VersionInForce."""
    with transaction() as cursor:
        known = get_programme(cursor)
        if any(one.version.version == number for one in list_withdrawn(cursor, known.name)):
            raise AlreadyWithdrawn(f"Version {number} of {known.name} was withdrawn before. Nothing was changed.")
        version = get_version(known.versions, number)
        withdraw(cursor, version, at=at, actor=actor, reason=reason)
        detail = {"version": number, "reason": reason}
        record(cursor, actor, "withdraw programme version", f"programme:{known.name}", detail, at)
        return version


def publish_one_before(number: int, *, at: datetime, actor: str, reason: str) -> Version:
    """Puts the version that held before ``number`` in force again, from now on, while ``number`` is the one in force.

    Of two who do this at the same time one finds another version in force: PublishedMeanwhile. No second person is asked: its
    text was published before, and what it ends may cost money every minute.
    """
    with transaction() as cursor:
        stop_deciding(cursor)
        known = get_programme(cursor)
        in_force = find_in_force(known.versions, at)
        if in_force is None or in_force.version != number:
            shown = in_force.version if in_force else 0
            raise PublishedMeanwhile(
                f"Version {number} does not hold now; version {shown} does. Look at it, then decide again."
            )
        before = find_before(known.versions, in_force)
        if before is None:
            raise UnknownVersion(f"Before version {number} there was none.")
        detail = {"instead_of": number, "again": before.version}
        return _put(cursor, before.document, at, at, actor, reason, after=known.latest, detail=detail)


def _put(
    cursor: Cursor,
    document: str,
    effective_from: datetime,
    at: datetime,
    actor: str,
    reason: str,
    *,
    after: int | None,
    detail: Mapping[str, object] | None = None,
) -> Version:
    """Publishes while nobody else does, so that what is looked at here is what there is."""
    stop_deciding(cursor)
    known = find_programme(cursor)
    _refuse_another(known, load(document).programme)
    before = known.latest if known is not None else 0
    if after is not None and before != after:
        raise PublishedMeanwhile(f"Somebody else published version {before} meanwhile. Look at theirs, then publish again.")
    version = publish(cursor, document, effective_from=effective_from, at=at, actor=actor, reason=reason)
    if version.version > before:
        told = {"version": version.version, "effective_from": effective_from.isoformat(), "reason": reason, **(detail or {})}
        record(cursor, actor, "publish programme", f"programme:{version.programme}", told, at)
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


def _refuse_unsound(text: str, at: datetime) -> None:
    """Refuses what the linter calls an error: a rule that can never apply gives nobody anything, and nobody sees that it does.

    What was published once can be put in force again, and a rule of it ended, whatever the linter learned since.
    """
    document = load(text)
    errors = [one for one in lint(document, at=at).findings if one.level is Level.ERROR]
    if errors:
        problems = [
            {"line": one.line, "path": one.path, "problem": say_finding(one, "en", document.timezone)} for one in errors
        ]
        first = problems[0]
        raise UnsoundProgramme(
            f"The document says what cannot be meant, first at line {first['line']}: {first['problem']} Nothing was published.",
            problems=problems,
        )


def _refuse_another(known: Programme | None, name: str) -> None:
    if known is not None and known.name != name:
        raise OtherProgramme(
            f"Activities are decided by the programme {known.name!r}, and this document is called {name!r}, so that nothing "
            f"would be decided by it. Write 'programme: {known.name}' to make it the next version."
        )
