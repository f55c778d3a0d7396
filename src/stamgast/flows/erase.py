"""Takes one person out of everything, by any identifier, and leaves a receipt and tombstones.

What stays is what the books need and nobody can be found by: kinds, moments, amounts and lines of activities, on an identifier
that is random, the month of birth where the programme asks for it, and the ledger on our own id. So totals, replay and the
audit are what they were.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from stamgast.access.operations import record
from stamgast.activities.archive import archive_folder, recall, remove_leftovers
from stamgast.activities.erasing import empty_refusals, find_refusals, list_carrying, scrub_anchored, strip_identifiers
from stamgast.customers.birthdays import birth_months
from stamgast.customers.consent.operations import withdraw_everything
from stamgast.customers.erasure.errors import AlreadyErased
from stamgast.customers.erasure.operations import (
    begin_erasure,
    bury,
    keep_birth_month,
    open_key,
    remove_person,
    remove_told_by_others,
    write_receipt,
)
from stamgast.customers.erasure.queries import find_erasure_of
from stamgast.customers.erasure.types import Erasure
from stamgast.customers.operations import lock_customers
from stamgast.customers.queries import get_customer, list_identifiers
from stamgast.customers.sharing import list_seen_with
from stamgast.flows.keep_erased_out import is_one_of, pseudonym, secrets_in_force
from stamgast.flows.simulation.keeping import forget_history, simulation_folder
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.lake.export import alone
from stamgast.ledger.adjusting import forget_proposals
from stamgast.programmes.operations import stop_deciding
from stamgast.programmes.queries import get_programme
from stamgast.traits.operations import forget_values_of


def erase(reference: str, *, reason: str, at: datetime, actor: str, region: str | None = None) -> Erasure:
    """Erases the customer of our id or of any identifier, in one transaction; raises CustomerNotFound, AlreadyErased.

    Waits until nobody decides and lets nobody decide until it is done: so each activity was decided before, and is found here
    by its customer, or is decided after, and then the tombstones are there (``keep_erased_out``). Intake goes on meanwhile.
    Archived messages come back to the table first, so that they are scrubbed like the others: the archive is held throughout.
    """
    with hold_archive(), transaction() as cursor:
        return erase_within(cursor, reference, reason=reason, at=at, actor=actor, region=region)


@contextmanager
def hold_archive() -> Iterator[None]:
    """Nobody else is at the archive, from before the transaction of an erasure until after its commit.

    Before the commit nothing names the new files, and who tidied up would take them for leftovers; after it the former ones,
    with the person in them, are leftovers, and go at once.
    """
    with alone(archive_folder(), waits=True):
        yield
        forget_history(simulation_folder())  # columns of what people did, read before the commit
        with open_cursor() as cursor:
            remove_leftovers(cursor)


def erase_within(
    cursor: Cursor, reference: str, *, reason: str, at: datetime, actor: str, region: str | None = None
) -> Erasure:
    """``erase`` within a transaction of the caller, who holds the archive around it."""
    stop_deciding(cursor)
    customer = get_customer(cursor, reference, region=region)
    if find_erasure_of(cursor, customer.id) is not None:
        raise AlreadyErased("This customer was erased before. Nothing was left to remove.")
    lock_customers(cursor, [customer.id])
    return _erase(cursor, customer.id, reason=reason, at=at, actor=actor, region=region)


def _erase(cursor: Cursor, customer: UUID, *, reason: str, at: datetime, actor: str, region: str | None) -> Erasure:
    identifiers = list_identifiers(cursor, customer)
    texts = [f"{one.kind}:{one.value}" for one in identifiers]
    anchors = [one.id for one in identifiers]
    key = open_key(cursor, secrets_in_force())
    erasure = begin_erasure(customer, at=at, actor=actor, reason=reason)
    programme = get_programme(cursor)
    who = pseudonym(erasure, key, programme)
    month = birth_months(cursor, [customer]).get(customer) if programme.reads_birthdays else None
    beside = list_seen_with(cursor, anchors)
    others = list_carrying(cursor, texts, beside)
    recall(cursor, [*anchors, *(beside if others else ())])
    removed = {
        "activities": scrub_anchored(cursor, anchors, who),
        "activities_of_others": strip_identifiers(cursor, others, texts, is_one_of(texts)) if others else 0,
        "traits_of_others": remove_told_by_others(cursor, beside, [one.value for one in identifiers]),
        "refusals": _refusals(cursor, texts, region),
    }
    removed["adjustments"] = forget_proposals(cursor, customer, anchors, at=at)
    removed |= remove_person(cursor, erasure, anchors)
    if month is not None:
        keep_birth_month(cursor, erasure, month)
    forget_values_of(cursor, customer)
    withdraw_everything(cursor, erasure.anchor_id, at=at, source="erasure", actor="erasure")
    receipt = write_receipt(cursor, erasure, removed)
    bury(cursor, erasure, texts, key)
    detail = {"erasure": str(erasure.id), "reason": erasure.reason}
    record(cursor, actor, "erase customer", f"customer:{customer}", detail, at)
    return receipt


def _refusals(cursor: Cursor, texts: Sequence[str], region: str | None) -> int:
    values = [text.partition(":")[2] for text in texts]
    found = find_refusals(cursor, values=values, region=region)
    return empty_refusals(cursor, [id_ for id_, names in found.items() if not names.isdisjoint(texts)])
