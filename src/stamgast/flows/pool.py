"""The pool of a household: an owner of the ledger that members give to and spend from. Decisions 303 and 373."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from stamgast.access.operations import record
from stamgast.customers.errors import HouseholdNotFound, NotInHousehold
from stamgast.customers.households import get_household, list_stays
from stamgast.customers.queries import customers_of, keep_customers
from stamgast.customers.types import HouseholdStay
from stamgast.flows.act import Owner, find_kept, find_owner, lock_owner, require_spendable, settle
from stamgast.flows.decide_pending import follow_changes
from stamgast.kit.database import Cursor, transaction
from stamgast.kit.ids import derive_id
from stamgast.ledger.acts import Act, Outcome, Reverse, Spend, Transfer
from stamgast.ledger.errors import ActKeyReused
from stamgast.ledger.operations import perform
from stamgast.ledger.parties import find_parties
from stamgast.ledger.queries import get_balances
from stamgast.ledger.types import Balance, Movement


@dataclass(frozen=True, slots=True)
class Pool:
    """What a household has together, and who is or was in it, those who are first."""

    id: UUID
    household: str
    balances: list[Balance]
    stays: list[HouseholdStay]


@dataclass(frozen=True, slots=True)
class Asked:
    """What everything that is asked of a pool says: its key, why, when, and by whom. ``region`` is of telephone numbers."""

    key: str
    reason: str
    at: datetime
    actor: str
    region: str | None = None


def pool_id_of(household: str) -> UUID:
    """The owner in the ledger that is the pool of this household."""
    return derive_id("pool of a household", household)


def read_pool(cursor: Cursor, household: str) -> Pool:
    """The pool of a household; raises HouseholdNotFound where nobody is or was in one of this id and nobody gave to it."""
    pool = pool_id_of(household)
    balances = get_balances(cursor, pool)
    try:
        stays = get_household(cursor, household)
    except HouseholdNotFound:  # everybody who was in it was erased; what they gave is still there
        if not balances:
            raise
        stays = []
    return Pool(pool, household, balances, stays)


def find_household(cursor: Cursor, customer: UUID) -> str | None:
    """The household in which a customer lives at this moment."""
    stays = list_stays(cursor, [customer]).get(customer, ())
    return next((one.household for one in stays if one.ended_at is None), None)


def give_to_pool(member: str, *, currency: str, amount: int, asked: Asked) -> Outcome:
    """Moves points of a member to the pool of their household; they expire when they would have.

    Raises CustomerNotFound, NotInHousehold, CurrencyNotSpendable, InvalidAct, and what REFUSALS holds.
    """

    def act(cursor: Cursor) -> tuple[Outcome, str]:
        owner = find_owner(cursor, member, region=asked.region)
        household = _lock_member(cursor, owner.id)
        one = Transfer(
            owner_id=owner.id,
            anchor_id=owner.anchor_id,
            receiver_id=pool_id_of(household),
            currency=currency,
            amount=amount,
            **_said(asked),
        )
        require_spendable(cursor, one)
        return find_kept(cursor, one, owner) or _perform(cursor, one, asked), household

    return _once(act, "give to a pool", asked)


def spend_from_pool(member: str, *, currency: str, amount: int, asked: Asked) -> Outcome:
    """A member spends what their household has together. Raises as ``give_to_pool`` does."""

    def act(cursor: Cursor) -> tuple[Outcome, str]:
        owner = find_owner(cursor, member, region=asked.region)
        household = _lock_member(cursor, owner.id)
        pool = pool_id_of(household)
        one = Spend(owner_id=pool, anchor_id=owner.anchor_id, currency=currency, amount=amount, **_said(asked))
        require_spendable(cursor, one)
        outcome = _perform(cursor, one, asked)
        if outcome.is_repeat and list_who(cursor, [outcome.act_id]).get(outcome.act_id) != owner.id:
            raise ActKeyReused("Another member of the household used this key. Nothing was done; take a new key.")
        return outcome, household

    return _once(act, "spend from a pool", asked)


def reverse_spend_from_pool(
    member: str, spend_id: UUID, *, amount: int | None = None, grace: timedelta | None = None, asked: Asked
) -> Outcome:
    """Gives a spend of a pool back to it, or a part; any member at this moment may ask. Raises as ``give_to_pool`` does."""

    def act(cursor: Cursor) -> tuple[Outcome, str]:
        owner = find_owner(cursor, member, region=asked.region)
        household = _lock_member(cursor, owner.id)
        pool = pool_id_of(household)
        one = Reverse(owner_id=pool, anchor_id=owner.anchor_id, spend_id=spend_id, amount=amount, grace=grace, **_said(asked))
        return _perform(cursor, one, asked), household

    return _once(act, "reverse a spend from a pool", asked)


def take_from_pool(household: str, receiver: str, *, currency: str, amount: int, asked: Asked) -> Outcome:
    """Moves points from a pool to a customer, who may have left the household. Raises HouseholdNotFound, CustomerNotFound,
    NotInHousehold for one who never was in it, CurrencyNotSpendable, InvalidAct, and what REFUSALS holds."""

    def act(cursor: Cursor) -> tuple[Outcome, str]:
        owner = find_owner(cursor, receiver, region=asked.region)
        lock_owner(cursor, owner.id)
        if owner.id not in {one.customer_id for one in get_household(cursor, household)}:
            raise NotInHousehold("This customer never lived in this household. Choose somebody who is or was in it.")
        one = Transfer(
            owner_id=pool_id_of(household),
            receiver_id=owner.id,
            receiver_anchor_id=owner.anchor_id,
            currency=currency,
            amount=amount,
            **_said(asked),
        )
        require_spendable(cursor, one)
        kept = find_kept(cursor, one, Owner(one.owner_id, None), owner)
        return kept or _perform(cursor, one, asked), household

    return _once(act, "take from a pool", asked)


def list_who(cursor: Cursor, acts: Collection[UUID]) -> dict[UUID, UUID]:
    """Who gave to, spent from or was given from a pool, by act, as customers are now. Who was erased is missing."""
    parties = find_parties(cursor, acts)
    customers = customers_of(cursor, {party.anchor_id for party in parties if party.anchor_id is not None})
    return {
        party.act_id: customers[party.anchor_id]
        for party in parties
        if party.anchor_id is not None and party.anchor_id in customers
    }


def list_who_of(cursor: Cursor, movements: Collection[Movement]) -> dict[UUID, UUID]:
    """``list_who`` for the acts of these movements."""
    return list_who(cursor, {row.act_id for row in movements if row.act_id is not None})


def _said(asked: Asked) -> dict[str, Any]:
    return {"key": asked.key, "reason": asked.reason, "occurred_at": asked.at}


def _lock_member(cursor: Cursor, customer: UUID) -> str:
    lock_owner(cursor, customer)
    household = find_household(cursor, customer)
    if household is None:
        raise NotInHousehold("This customer lives in no household. Say first in which one they live.")
    return household


def _perform(cursor: Cursor, one: Act, asked: Asked) -> Outcome:
    performed = perform(cursor, [one], at=asked.at, actor=asked.actor)
    people = keep_customers(cursor, {change.owner_id for change in performed.changes})
    changes = [change for change in performed.changes if change.owner_id in people]
    if changes:
        follow_changes(cursor, changes, set(), at=asked.at)
    return performed.outcomes[0]


def _once(act: Callable[[Cursor], tuple[Outcome, str]], action: str, asked: Asked) -> Outcome:
    """In a transaction of its own, so that a refusal is kept; what is done stands in the trail."""

    def ask() -> Outcome:
        with transaction() as cursor:
            outcome, household = act(cursor)
            if not outcome.refusal and not outcome.is_repeat:
                detail = {"act": str(outcome.act_id), "currency": outcome.currency, "amount": outcome.amount}
                record(cursor, asked.actor, action, f"household:{household}", detail, asked.at)
        return outcome

    return settle(ask)
