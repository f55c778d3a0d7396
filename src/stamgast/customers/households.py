"""Households: who lives together, each customer in at most one at a time, with a beginning and an end.

What was told is kept by identifier and moment, and the stays follow from it; so they follow the links when customers merge and
come apart, and do not depend on the order in which things were told.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from uuid import UUID

import msgspec

from stamgast.customers import rules
from stamgast.customers.errors import HouseholdNotFound, InvalidHousehold
from stamgast.customers.reasons import required_reason
from stamgast.customers.types import HouseholdStay, Sighting
from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id

TRAIT = "household_id"
LONGEST_ID = 200
Told = tuple[UUID, datetime, str | None, str, str]


def write_told(cursor: Cursor, sightings: Iterable[Sighting]) -> None:
    """Keeps the households that sightings tell of, once for each activity."""
    told = [
        (rules.id_of(one.identifiers[0]).hex, one.activity_id.hex, one.occurred_at.isoformat(), household, one.source)
        for one in sightings
        if TRAIT in one.traits and (household := _readable(one.traits[TRAIT])) is not False
    ]
    if told:
        cursor.execute(
            """
            INSERT INTO customers_household_told (anchor_id, told_id, occurred_at, household, actor, reason)
            SELECT (row ->> 0)::uuid, (row ->> 1)::uuid, (row ->> 2)::timestamptz, row ->> 3, row ->> 4, ''
            FROM jsonb_array_elements(%s::jsonb) AS row ON CONFLICT DO NOTHING
            """,
            (msgspec.json.encode(told).decode(),),
        )


def _readable(value: object) -> str | bool | None:
    """The id as it is kept; None takes the customer out; False is no id, and says nothing."""
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    kept = rules.storable(value).strip() if isinstance(value, str) else ""
    return kept if 0 < len(kept) <= LONGEST_ID and kept.isprintable() else False


def set_household(cursor: Cursor, customer: UUID, household: str | None, *, reason: str, at: datetime, actor: str) -> None:
    """Puts a customer in a household from ``at`` on, or in none. Raises InvalidHousehold, ReasonMissing."""
    kept = _readable(household)
    if kept is False:
        raise InvalidHousehold(f"A household's id is text of 1 to {LONGEST_ID} printable characters.")
    cursor.execute(
        """
        INSERT INTO customers_household_told (anchor_id, told_id, occurred_at, household, actor, reason)
        SELECT identifier_id, %s, %s, %s, %s, %s FROM customers_link
        WHERE customer_id = %s AND ended_at IS NULL ORDER BY began_at, identifier_id LIMIT 1
        """,
        (new_id(), at, kept, actor, required_reason(reason), customer),
    )


def stays_of(customer: UUID, told: Iterable[Told]) -> list[HouseholdStay]:
    """The stays of one customer, from what was told of all its identifiers: each lasts until something else was told."""
    ordered = sorted(told, key=lambda one: (one[1], one[0]))
    changes = [one for before, one in pairwise([None, *ordered]) if one and (before is None or before[2] != one[2])]
    ends = [one[1] for one in changes[1:]] + [None]
    return [
        HouseholdStay(household, customer, began_at, ended_at, actor, reason)
        for (_key, began_at, household, actor, reason), ended_at in zip(changes, ends, strict=True)
        if household is not None
    ]


def list_stays(cursor: Cursor, customers: Collection[UUID]) -> dict[UUID, Sequence[HouseholdStay]]:
    """The stays of each of these customers, the first to begin first."""
    cursor.execute(
        """
        SELECT link.customer_id, told.told_id, told.occurred_at, told.household, told.actor, told.reason
        FROM unnest(%s::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.customer_id = wanted.id AND link.ended_at IS NULL
        JOIN customers_household_told AS told ON told.anchor_id = link.identifier_id
        """,
        (list(customers),),
    )
    told: dict[UUID, list[Told]] = {}
    for customer, *row in cursor:
        told.setdefault(customer, []).append((row[0], row[1], row[2], row[3], row[4]))
    return {customer: stays_of(customer, rows) for customer, rows in told.items()}


def get_household(cursor: Cursor, household: str) -> list[HouseholdStay]:
    """Everybody who is or was in a household, those who are first; raises HouseholdNotFound."""
    cursor.execute(
        """
        SELECT DISTINCT link.customer_id FROM customers_household_told AS told
        JOIN customers_link AS link ON link.identifier_id = told.anchor_id AND link.ended_at IS NULL
        WHERE told.household = %s
        """,
        (household,),
    )
    customers = [row[0] for row in cursor]
    stays = [one for found in list_stays(cursor, customers).values() for one in found if one.household == household]
    if not stays:
        raise HouseholdNotFound("Nobody is or was in a household of this id.")
    return sorted(stays, key=lambda one: (one.ended_at is not None, one.began_at, one.customer_id))
