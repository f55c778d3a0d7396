"""Lets somebody come back who was erased: as a new customer, of whom everything is kept that comes in from then on.

What was erased stays gone, and what was kept out meanwhile stays out: it was stored without the person, and sent once more it
is a repetition. So nothing of theirs may be on its way when it is done.
"""

from datetime import datetime
from uuid import UUID

from django.conf import settings

from stamgast.access.operations import record
from stamgast.activities.queries import count_pending, country_of, list_waiting_identifiers
from stamgast.customers.erasure.errors import AlreadyLifted, ErasureUnderWay
from stamgast.customers.erasure.operations import lift
from stamgast.customers.erasure.queries import find_buried, find_key, get_erasure
from stamgast.customers.erasure.types import Erasure
from stamgast.customers.reasons import required_reason
from stamgast.flows.keep_erased_out import empty_refusals_naming_erased, secrets_in_force
from stamgast.kit.database import Cursor, transaction
from stamgast.programmes.operations import stop_deciding

MOST_WAITING = 100_000


def lift_erasure(erasure_id: UUID, *, reason: str, at: datetime, actor: str) -> Erasure:
    """Lifts in one transaction. Raises ErasureNotFound, ReasonMissing, AlreadyLifted, ErasureUnderWay.

    Waits until nobody decides and lets nobody decide until it is done, as an erasure does: each activity was decided before,
    and stays without the person, or is decided after, and is theirs. What waits when it is done came in before: then it is
    refused until the worker was there. So it is until the lake forgot the person: it is cleaned by the very identifiers.
    """
    with transaction() as cursor:
        return lift_within(cursor, erasure_id, reason=reason, at=at, actor=actor)


def lift_within(cursor: Cursor, erasure_id: UUID, *, reason: str, at: datetime, actor: str) -> Erasure:
    """``lift_erasure`` within a transaction of the caller."""
    required_reason(reason)
    stop_deciding(cursor)
    erasure = get_erasure(cursor, erasure_id)
    if erasure.lifted_at is not None:
        raise AlreadyLifted("This person may come back already. Nothing was changed.")
    empty_refusals_naming_erased(cursor, at=at, region=country_of(settings.CONFIGURATION.timezone))
    if erasure.lake_cleaned_at is None or _waits(cursor, erasure):
        raise ErasureUnderWay(
            "Something of this person still waits for the worker, which takes it out first. Try again in a minute or two."
        )
    lift(cursor, erasure.id, reason=reason, at=at, actor=actor)
    lifted = get_erasure(cursor, erasure.id)
    detail = {"erasure": str(erasure.id), "reason": lifted.lift_reason}
    record(cursor, actor, "lift erasure", f"customer:{erasure.customer_id}", detail, at)
    return lifted


def _waits(cursor: Cursor, erasure: Erasure) -> bool:
    """Whether something that waits to be decided names the person; with too much waiting to look at, whether or not."""
    if count_pending(cursor, at_most=MOST_WAITING + 1) > MOST_WAITING:
        return True
    key = find_key(cursor, secrets_in_force())
    assert key is not None, "there is a key since the first erasure"
    buried = find_buried(cursor, list_waiting_identifiers(cursor), key)
    return any(one.id == erasure.id for one in buried.values())
