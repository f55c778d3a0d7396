"""What somebody asks of a customer's points: done or refused, once, and the segments follow at once."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

import numpy as np
from psycopg.errors import UniqueViolation

from stamgast.customers import rules
from stamgast.customers.errors import CustomerChanged
from stamgast.customers.operations import lock_customers
from stamgast.customers.queries import get_customer, list_identifiers, select_unmerged
from stamgast.flows.decide_pending import follow_changes
from stamgast.kit.database import Cursor, is_in_transaction, open_cursor, transaction
from stamgast.kit.together import Together
from stamgast.ledger.acts import Act, Donate, Hold, Outcome, Redeem, Spend, Transfer
from stamgast.ledger.errors import REFUSALS, CurrencyNotSpendable, UnknownCurrency
from stamgast.ledger.operations import perform
from stamgast.ledger.parties import find_parties
from stamgast.ledger.types import to_microseconds
from stamgast.programmes.queries import find_programme
from stamgast.programmes.terms import Currency, Document

TRIES = 3
MOST_TOGETHER = 64
BECAME_PART = "This customer became part of another at this moment. Ask again."
Answer = TypeVar("Answer")
Asked = Callable[[UUID, UUID | None], Act]
"""An act of the customer with this id, whom this identifier stands for."""


class Asking(NamedTuple):
    """An act of a customer who was found, who asks it, and when."""

    act: Act
    at: datetime
    actor: str

    @property
    def customers(self) -> set[UUID]:
        """Whose balances it is about."""
        return {self.act.owner_id, self.act.receiver_id} if isinstance(self.act, Transfer) else {self.act.owner_id}


def act(customer: str, asked: Asked, *, at: datetime, actor: str, region: str | None = None) -> Outcome:
    """Asks it, so that a refusal is kept too, and raises that afterwards as the error of its code.

    In a transaction of its own, or in one with what other threads of the process ask at this moment: who waits for a commit has
    company (``kit.together``). Raises CustomerNotFound, InvalidAct, and what REFUSALS holds.
    """

    def ask() -> Outcome:
        with open_cursor() as cursor:
            asking = Asking(_address(cursor, customer, asked, region=region), at, actor)
        if not is_in_transaction():
            return TOGETHER.do(asking)
        with transaction() as cursor:
            [answer] = _perform_all(cursor, [asking])
        if isinstance(answer, Exception):
            raise answer
        return answer

    return settle(ask)


def settle(ask: Callable[[], Outcome]) -> Outcome:
    """What ``ask`` answers, by ``try_again``; a refusal is raised as the error of its code, after ``ask`` has committed it."""
    outcome = try_again(ask)
    raise_refusal(outcome)
    return outcome


def try_again(ask: Callable[[], Answer]) -> Answer:
    """What ``ask`` answers, asked again where a merge or the same key came in between."""
    for attempt in range(TRIES):
        try:
            return ask()
        except (CustomerChanged, UniqueViolation):
            if attempt == TRIES - 1:
                raise
    raise AssertionError("the last attempt raises")


def raise_refusal(outcome: Outcome) -> None:
    """Raises a refusal as the error of its code."""
    if outcome.refusal:
        raise REFUSALS[outcome.refusal](outcome.sentence, available=outcome.available, act_id=str(outcome.act_id))


def act_together(askings: Sequence[Asking]) -> list[Outcome | Exception]:
    """Asks them in one transaction. An answer is CustomerChanged where a merge came in between: to be asked again."""
    with transaction() as cursor:
        return _perform_all(cursor, askings)


TOGETHER: Together[Asking, Outcome] = Together(act_together, most=MOST_TOGETHER)


def _perform_all(cursor: Cursor, askings: Sequence[Asking]) -> list[Outcome | Exception]:
    """Locks all their customers, and with that their balances, whoever asks: acts of two actors are two batches."""
    customers = {customer for asking in askings for customer in asking.customers}
    lock_customers(cursor, customers)
    unmerged = select_unmerged(cursor, customers)
    answers: dict[int, Outcome | Exception] = {}
    by_actor = defaultdict(list)
    for place, asking in enumerate(askings):
        if asking.customers <= unmerged:
            by_actor[asking.actor].append(place)
        else:
            answers[place] = CustomerChanged(BECAME_PART)
    at = max(asking.at for asking in askings)
    changes = []
    for actor, places in by_actor.items():
        performed = perform(cursor, [askings[place].act for place in places], at=at, actor=actor)
        answers.update(zip(places, performed.outcomes, strict=True))
        changes += performed.changes
    if changes:
        follow_changes(cursor, changes, set(), at=at)
    return [answers[place] for place in range(len(askings))]


def _address(cursor: Cursor, customer: str, asked: Asked, *, region: str | None) -> Act:
    owner, anchor = find_owner(cursor, customer, region=region)
    one = asked(owner, anchor)
    if isinstance(one, Transfer):
        receiver, receiver_anchor = find_owner(cursor, str(one.receiver_id), region=region)
        one = replace(one, receiver_id=receiver, receiver_anchor_id=receiver_anchor)
    return one


def require_spendable(cursor: Cursor, one: Spend | Hold | Transfer | Donate | Redeem) -> None:
    """Raises CurrencyNotSpendable unless the version in force at the moment of an act has its currency and lets it be spent, or
    the act was answered before: then that is answered again."""
    known = _currencies_at(cursor, one.occurred_at).get(one.currency)
    if (known is None or not known.is_spendable) and not was_asked(cursor, one):
        raise CurrencyNotSpendable(
            f"{one.currency} cannot be spent." if known else "The programme has no such currency. Look at its document."
        )


def was_asked(cursor: Cursor, one: Act) -> bool:
    """Whether an act was answered before, so that the same is answered whatever holds now."""
    return bool(find_parties(cursor, [one.id]))


def list_spendable(cursor: Cursor, *, at: datetime) -> list[str]:
    """The currencies that the version in force at a moment lets be spent."""
    return [name for name, currency in _currencies_at(cursor, at).items() if currency.is_spendable]


def require_currency(cursor: Cursor, currency: str, *, at: datetime) -> None:
    """Raises UnknownCurrency unless the version in force at a moment has this currency, whether it can be spent or not."""
    if currency not in _currencies_at(cursor, at):
        raise UnknownCurrency("The programme has no such currency. Look at its document.")


def list_currencies(cursor: Cursor, *, at: datetime) -> list[str]:
    """The currencies of the version in force at a moment."""
    return list(_currencies_at(cursor, at))


def document_at(cursor: Cursor, at: datetime) -> Document | None:
    """The document in force at a moment; None where none was yet."""
    programme = find_programme(cursor)
    place = -1 if programme is None else int(programme.version_at(np.array([to_microseconds(at)]))[0])
    return None if programme is None or place < 0 else programme.documents[place]


def _currencies_at(cursor: Cursor, at: datetime) -> Mapping[str, Currency]:
    document = document_at(cursor, at)
    return document.currencies if document else {}


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
