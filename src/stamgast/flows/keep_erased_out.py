"""What comes in for somebody who was erased stays erased: the gate that every activity passes before it is decided.

It stands here and not at intake, because deciding is where an activity becomes somebody's: an erasure lets nobody decide
meanwhile, so each activity was decided before it, and is found by its customer, or comes through here after it. Intake need
not wait, and pays nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from stamgast.activities.erasing import Pseudonym, empty_refusals, find_refusals, scrub_activities, strip_identifiers
from stamgast.activities.queries import country_of, load_for_deciding
from stamgast.activities.types import Columns
from stamgast.customers.erasure.operations import bury
from stamgast.customers.erasure.queries import find_buried, find_key, list_living
from stamgast.customers.erasure.rules import pseudonym_of_order
from stamgast.customers.erasure.types import Erasure
from stamgast.customers.rules import id_of, split_identifier
from stamgast.flows.history import needs_body
from stamgast.kit.database import Cursor, transaction
from stamgast.programmes.programme import Programme
from stamgast.programmes.queries import properties_read

SHORTEST = 4
"""A text with fewer characters than this says too little to be looked for within other texts."""
LOOK_BACK = timedelta(days=1)


def secrets_in_force() -> list[str]:
    """The secret of the installation and those before it."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def keep_erased_out(cursor: Cursor, columns: Columns, programme: Programme, *, at: datetime) -> Columns:
    """The activities as they were, or, where some are of somebody who was erased, as they are without them.

    One is theirs when its anchor was, or when another of its identifiers was and its anchor is nobody's: then all its
    identifiers are theirs, and are buried too. Where the anchor is somebody else's, only what was theirs is taken out.
    """
    key = find_key(cursor, secrets_in_force())
    buried = find_buried(cursor, {one for row in columns.identifiers for one in row}, key) if key else {}
    if not key or not buried:
        return columns
    touched = [i for i, row in enumerate(columns.identifiers) if not buried.keys().isdisjoint(row)]
    living = list_living(cursor, [id_of(one) for i in touched for one in columns.identifiers[i]])
    theirs: dict[UUID, list[int]] = defaultdict(list)
    receipts: dict[UUID, Erasure] = {}
    others: list[UUID] = []
    for i in touched:
        erasure = _whose(columns.identifiers[i], buried, living)
        if erasure is None:
            others.append(columns.ids[i])
        else:
            receipts[erasure.id] = erasure
            theirs[erasure.id].append(i)
    for erasure_id, rows in theirs.items():
        erasure = receipts[erasure_id]
        texts = {one for i in rows for one in columns.identifiers[i] if id_of(one) not in living}
        bury(cursor, erasure, texts, key)
        scrub_activities(cursor, [columns.ids[i] for i in rows], pseudonym(erasure, key, programme))
    if others:
        strip_identifiers(cursor, others, buried.keys(), is_one_of(buried))
    return load_for_deciding(cursor, columns.ids, needs_body=needs_body(programme))


def _whose(identifiers: tuple[str, ...], buried: Mapping[str, Erasure], living: Collection[UUID]) -> Erasure | None:
    anchor = identifiers[0]
    if anchor in buried:
        return buried[anchor]
    return None if id_of(anchor) in living else next(buried[one] for one in identifiers if one in buried)


def pseudonym(erasure: Erasure, key: bytes, programme: Programme) -> Pseudonym:
    """What stands for the person, and how what they left is rewritten."""
    return Pseudonym(
        erasure.anchor_id,
        erasure.identifier,
        lambda order_id: pseudonym_of_order(order_id, key),
        properties_read(programme),
    )


def is_one_of(identifiers: Collection[str]) -> "IsPersonal":
    """Whether a text is one of the identifiers itself, of those that are long enough to be nothing else."""
    return IsPersonal(identifiers)


class IsPersonal:
    """A text that is an identifier of somebody."""

    def __init__(self, identifiers: Collection[str]) -> None:
        values = (split_identifier(one)[1].lower() for one in identifiers)
        self._values = frozenset(value for value in values if len(value) >= SHORTEST)

    def __call__(self, text: str) -> bool:
        return text.strip().lower() in self._values


def empty_refusals_of_erased(*, at: datetime) -> int:
    """Takes what was refused lately out, where it names somebody who was erased; returns how many refusals that was."""
    with transaction() as cursor:
        return empty_refusals_naming_erased(cursor, at=at, region=country_of(settings.CONFIGURATION.timezone))


def empty_refusals_naming_erased(cursor: Cursor, *, at: datetime, region: str | None) -> int:
    """``empty_refusals_of_erased`` within a transaction of the caller."""
    key = find_key(cursor, secrets_in_force())
    if key is None:
        return 0
    found = find_refusals(cursor, since=at - LOOK_BACK, region=region)
    buried = find_buried(cursor, {one for names in found.values() for one in names}, key)
    return empty_refusals(cursor, [id_ for id_, names in found.items() if not buried.keys().isdisjoint(names)])
