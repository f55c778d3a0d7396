"""A person says in which household a customer lives."""

from datetime import datetime

from stamgast.access.operations import record
from stamgast.customers.households import set_household as write_household
from stamgast.customers.queries import get_customer
from stamgast.kit.database import transaction


def set_household(
    customer: str, household: str | None, *, reason: str, at: datetime, actor: str, region: str | None = None
) -> None:
    """Puts a customer in a household from ``at`` on, and out of any other; None: in none. Raises InvalidHousehold."""
    with transaction() as cursor:
        found = get_customer(cursor, customer, region=region)
        write_household(cursor, found.id, household, reason=reason, at=at, actor=actor)
        detail = {"household": household, "reason": reason}
        record(cursor, actor, "set household", f"customer:{found.id}", detail, at)
