"""What somebody asks of a customer's points: done or refused, once, and the segments follow at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from psycopg.errors import UniqueViolation

from stamgast.customers import rules
from stamgast.customers.errors import CustomerChanged
from stamgast.customers.operations import lock_customers
from stamgast.customers.queries import get_customer, list_identifiers
from stamgast.flows.decide_pending import follow_changes
from stamgast.kit.database import Cursor, transaction
from stamgast.ledger.acts import Act, Outcome, Transfer
from stamgast.ledger.errors import REFUSALS, CurrencyNotSpendable
from stamgast.ledger.operations import perform
from stamgast.programmes.queries import find_programme

TRIES = 3
Asked = Callable[[UUID, UUID | None], Act]
"""An act of the customer with this id, whom this identifier stands for."""


def act(customer: str, asked: Asked, *, at: datetime, actor: str, region: str | None = None) -> Outcome:
    """Asks it in a transaction of its own, so that a refusal is kept, and raises that afterwards as the error of its code.

    Raises CustomerNotFound, InvalidAct, and what REFUSALS holds.
    """
    for attempt in range(TRIES):
        try:
            with transaction() as cursor:
                outcome = act_within(cursor, customer, asked, at=at, actor=actor, region=region)
            break
        except (CustomerChanged, UniqueViolation):
            if attempt == TRIES - 1:
                raise
    if outcome.refusal:
        raise REFUSALS[outcome.refusal](outcome.sentence, available=outcome.available, act_id=str(outcome.act_id))
    return outcome


def act_within(cursor: Cursor, customer: str, asked: Asked, *, at: datetime, actor: str, region: str | None = None) -> Outcome:
    """Asks it in the caller's transaction, which commits also where the outcome is a refusal.

    Locks customers, then balances. A merge that comes in between is waited for, and the customer found again: CustomerChanged.
    """
    owner, anchor = find_owner(cursor, customer, region=region)
    one = asked(owner, anchor)
    customers = {owner}
    if isinstance(one, Transfer):
        receiver, receiver_anchor = find_owner(cursor, str(one.receiver_id), region=region)
        one = replace(one, receiver_id=receiver, receiver_anchor_id=receiver_anchor)
        customers.add(receiver)
    lock_customers(cursor, customers)
    for found in customers:
        if get_customer(cursor, str(found)).id != found:
            raise CustomerChanged("This customer became part of another at this moment. Ask again.")
    performed = perform(cursor, [one], at=at, actor=actor)
    if performed.changes:
        follow_changes(cursor, performed.changes, set(), at=at)
    return performed.outcomes[0]


def require_spendable(cursor: Cursor, currency: str) -> None:
    """Raises CurrencyNotSpendable unless the newest version of the programme has this currency and lets it be spent."""
    programme = find_programme(cursor)
    known = programme.documents[-1].currencies.get(currency) if programme is not None else None
    if known is None or not known.is_spendable:
        raise CurrencyNotSpendable(
            f"{currency} cannot be spent." if known else "The programme has no such currency. Look at its document."
        )


def find_owner(cursor: Cursor, customer: str, *, region: str | None = None) -> tuple[UUID, UUID | None]:
    """A customer, and the identifier that says whose the act is when customers come apart: the one by which it was asked, else
    the strongest of the customer."""
    found = get_customer(cursor, customer, region=region)
    kind, value = rules.split_identifier(customer)
    written = rules.normalise_identifier(kind, value, region=region) if value else None
    if written is not None:
        return found.id, rules.identifier_id(kind, written)
    identifiers = list_identifiers(cursor, found.id)
    return found.id, identifiers[0].id if identifiers else None
