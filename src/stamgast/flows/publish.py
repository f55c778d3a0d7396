"""Publishing a programme: a new version, and, when it reaches into the past, every customer that it changes decided again."""

from collections.abc import Callable
from datetime import datetime

from stamgast.flows.decide_pending import decide_again
from stamgast.kit.database import open_cursor, transaction
from stamgast.programmes.documents import load
from stamgast.programmes.errors import OtherProgramme
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

    Stopped on the way, it goes on when the same document is published again: what is left is read from the states.
    Raises InvalidProgramme, and OtherProgramme for a name by which nothing would be decided.
    """
    with transaction() as cursor:
        _refuse_another(find_programme(cursor), load(document).programme)
        version = publish(cursor, document, effective_from=effective_from, at=at, actor=actor, reason=reason)
        total = count_outdated(cursor, version)
    done = 0
    while True:
        with open_cursor() as cursor:
            customers = list_outdated(cursor, version, limit=CHUNK)
        if not customers:
            return version
        decide_again(customers=customers, at=at, actor=actor, reason=f"version {version.version} of the programme")
        done += len(customers)
        progress(done, max(total, done))


def _refuse_another(known: Programme | None, name: str) -> None:
    if known is not None and known.name != name:
        raise OtherProgramme(
            f"Activities are decided by the programme {known.name!r}, and this document is called {name!r}, so that nothing "
            f"would be decided by it. Write 'programme: {known.name}' to make it the next version."
        )
