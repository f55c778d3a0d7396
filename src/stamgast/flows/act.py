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
from stamgast.customers.erasure.errors import CustomerErased
from stamgast.customers.erasure.types import ERASED
from stamgast.customers.errors import CustomerChanged
from stamgast.customers.operations import lock_customers
from stamgast.customers.queries import get_customer, list_former, list_identifiers, select_living, trace_identifier
from stamgast.flows.decide_pending import follow_changes
from stamgast.kit.database import Cursor, is_in_transaction, open_cursor, transaction
from stamgast.kit.together import Together
from stamgast.ledger.acts import Act, Donate, Hold, Outcome, Redeem, Spend, Transfer
from stamgast.ledger.errors import REFUSALS, CurrencyNotSpendable, UnknownCurrency
from stamgast.ledger.operations import find_answer, perform
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
    company (``kit.together``). Raises CustomerNotFound, CustomerErased, InvalidAct, and what REFUSALS holds.
    """

    def ask() -> Outcome:
        with open_cursor() as cursor:
            one, kept = address(cursor, customer, asked, region=region)
        if kept is not None:
            return kept
        asking = Asking(one, at, actor)
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
        said = {"available": outcome.available, "act_id": str(outcome.act_id), "is_repeat": outcome.is_repeat}
        raise REFUSALS[outcome.refusal](outcome.sentence, **said)


def act_together(askings: Sequence[Asking]) -> list[Outcome | Exception]:
    """Asks them in one transaction. An answer is CustomerChanged where a merge or an erasure came in between: to be asked
    again."""
    with transaction() as cursor:
        return _perform_all(cursor, askings)


TOGETHER: Together[Asking, Outcome] = Together(act_together, most=MOST_TOGETHER)


def _perform_all(cursor: Cursor, askings: Sequence[Asking]) -> list[Outcome | Exception]:
    """Locks all their customers, and with that their balances, whoever asks: acts of two actors are two batches."""
    customers = {customer for asking in askings for customer in asking.customers}
    lock_customers(cursor, customers)
    living = select_living(cursor, customers)
    answers: dict[int, Outcome | Exception] = {}
    by_actor = defaultdict(list)
    for place, asking in enumerate(askings):
        if asking.customers <= living:
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


def address(cursor: Cursor, customer: str, asked: Asked, *, region: str | None = None) -> tuple[Act, Outcome | None]:
    """What is asked of a customer who is found so, and what was answered to it when they were another customer. Raises
    CustomerErased unless it was answered before."""
    owner = find_owner(cursor, customer, region=region)
    one, receiver = asked(owner.id, owner.anchor_id), None
    if isinstance(one, Transfer):
        receiver = find_owner(cursor, str(one.receiver_id), region=region)
        one = replace(one, receiver_id=receiver.id, receiver_anchor_id=receiver.anchor_id)
    kept = find_kept(cursor, one, owner, receiver)
    if kept is None and (owner.is_erased or (receiver is not None and receiver.is_erased)):
        kept = find_answer(cursor, [one])
        if kept is None:
            raise CustomerErased("This customer was erased. Nothing was done.")
    return one, kept


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


class Owner(NamedTuple):
    """Whose an act is, the identifier that says so when customers come apart, and which customers that identifier stood for
    before: the same act may have been answered to them. Who was erased is found by our own id only."""

    id: UUID
    anchor_id: UUID | None
    former: tuple[UUID, ...] = ()
    is_erased: bool = False

    @property
    def ids(self) -> tuple[UUID, ...]:
        """Who it is, and who it was."""
        return self.id, *self.former


def find_owner(cursor: Cursor, customer: str, *, region: str | None = None) -> Owner:
    """A customer, with the identifier by which it was asked, else the strongest of the customer. Raises CustomerNotFound."""
    kind, value = rules.split_identifier(customer)
    written = rules.normalise_identifier(kind, value, region=region) if value else None
    if written is not None:
        anchor = rules.identifier_id(kind, written)
        traced = trace_identifier(cursor, anchor)
        if traced is not None:
            return Owner(traced[0], anchor, tuple(one for one in traced[1] if one != traced[0]))
    found = get_customer(cursor, customer, region=region).id
    identifiers = list_identifiers(cursor, found)
    former = list_former(cursor, [one.id for one in identifiers]) | {UUID(customer)}
    strongest = identifiers[0].id if identifiers else None
    return Owner(found, strongest, tuple(former - {found}), any(one.kind == ERASED for one in identifiers))


def find_kept(cursor: Cursor, one: Act, owner: Owner, receiver: Owner | None = None) -> Outcome | None:
    """What was answered to an act when its customers were others; None where they never were, or it was not asked then.

    An act's id derives from its owner, and what a transfer says names its receiver: a retry after a merge says both anew.
    """
    if not owner.former and (receiver is None or not receiver.former):
        return None
    said: list[Act] = [replace(one, owner_id=customer) for customer in owner.ids]
    if isinstance(one, Transfer) and receiver is not None:
        said = [replace(one, owner_id=giver, receiver_id=taker) for giver in owner.ids for taker in receiver.ids]
    return find_answer(cursor, said)
