"""What somebody asks of a customer's points: done or refused, once, and the segments follow at once."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

import numpy as np
from psycopg.errors import UniqueViolation

from stamgast.customers.erasure.errors import CustomerErased
from stamgast.customers.erasure.types import ERASED
from stamgast.customers.errors import CustomerChanged, CustomerNotFound
from stamgast.customers.operations import lock_unmerged
from stamgast.customers.queries import NOBODY, find_customers, identifiers_of, reference_of, trace_identifiers
from stamgast.customers.types import Reference
from stamgast.flows.decide_pending import follow_changes
from stamgast.kit.database import Cursor, is_in_transaction, transaction
from stamgast.kit.errors import StamgastError
from stamgast.kit.together import Together
from stamgast.ledger.acts import Act, Donate, Hold, Outcome, Redeem, Spend, Transfer
from stamgast.ledger.doing import check
from stamgast.ledger.errors import REFUSALS, CurrencyNotSpendable, UnknownCurrency
from stamgast.ledger.operations import find_answer, perform
from stamgast.ledger.parties import find_parties
from stamgast.ledger.types import to_microseconds
from stamgast.programmes.programme import Programme
from stamgast.programmes.queries import find_programme
from stamgast.programmes.terms import Currency, Document

TRIES = 3
MOST_TOGETHER = 64
BECAME_PART = "This customer became part of another at this moment. Ask again."
Answer = TypeVar("Answer")
Spending = Spend | Hold | Transfer | Donate | Redeem
Asked = Callable[[UUID, UUID | None], Act]
"""An act of the customer with this id, whom this identifier stands for."""
Allowed = Callable[[Cursor, Act], Act]
"""An act as it may be done; raises where it may not."""


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


class Asking(NamedTuple):
    """What is asked of a customer, when and by whom, whether the currency has to be one that can be spent, and what else has to
    be so; nothing of that is asked of what was answered before."""

    customer: Reference
    asked: Asked
    at: datetime
    actor: str
    is_strict: bool = False
    allowed: Allowed | None = None


class Doing(NamedTuple):
    """An act of a customer who was found, when and by whom it is asked."""

    act: Act
    at: datetime
    actor: str

    @property
    def customers(self) -> set[UUID]:
        """Whose balances it is about."""
        return {self.act.owner_id, self.act.receiver_id} if isinstance(self.act, Transfer) else {self.act.owner_id}


def act(
    customer: str,
    asked: Asked,
    *,
    at: datetime,
    actor: str,
    region: str | None = None,
    is_strict: bool = False,
    allowed: Allowed | None = None,
) -> Outcome:
    """Asks it, so that a refusal is kept too, and raises that afterwards as the error of its code.

    In a transaction of its own, or in one with what other threads of the process ask at this moment: who waits for a commit has
    company (``kit.together``). ``is_strict``: only of a currency that the programme lets be spent (``require_spendable``).
    Raises CustomerNotFound, CustomerErased, InvalidAct, CurrencyNotSpendable, what ``allowed`` raises and what REFUSALS holds.
    """
    asking = Asking(reference_of(customer, region=region), asked, at, actor, is_strict, allowed)

    def ask() -> Outcome:
        if not is_in_transaction():
            return TOGETHER.do(asking)
        [answer] = act_together([asking])
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
        found = find_acts(cursor, askings)
        doings = {
            place: Doing(one, askings[place].at, askings[place].actor)
            for place, one in enumerate(found)
            if isinstance(one, Act)
        }
        answers = dict(zip(doings, do_together(cursor, list(doings.values())), strict=True)) if doings else {}
        return [answers[place] if isinstance(one, Act) else one for place, one in enumerate(found)]


TOGETHER: Together[Asking, Outcome] = Together(act_together, most=MOST_TOGETHER)


def do_together(cursor: Cursor, doings: Sequence[Doing]) -> list[Outcome | Exception]:
    """Locks all their customers, and with that their balances, whoever asks: acts of two actors are two batches."""
    customers = {customer for doing in doings for customer in doing.customers}
    living = {customer for customer, is_erased in lock_unmerged(cursor, customers).items() if not is_erased}
    answers: dict[int, Outcome | Exception] = {}
    by_actor = defaultdict(list)
    for place, doing in enumerate(doings):
        if doing.customers <= living:
            by_actor[doing.actor].append(place)
        else:
            answers[place] = CustomerChanged(BECAME_PART)
    at = max(doing.at for doing in doings)
    changes = []
    for actor, places in by_actor.items():
        performed = perform(cursor, [doings[place].act for place in places], at=at, actor=actor)
        answers.update(zip(places, performed.outcomes, strict=True))
        changes += performed.changes
    if changes:
        follow_changes(cursor, changes, set(), at=at)
    return [answers[place] for place in range(len(doings))]


def find_acts(cursor: Cursor, askings: Sequence[Asking]) -> list[Act | Outcome | Exception]:
    """The act that each asks for, of the customer whom it names; or what was answered to it when they were another customer;
    or why it cannot be asked, such as CustomerErased, unless it was answered before. One look for all of them."""
    owners = find_owners(cursor, {asking.customer for asking in askings})
    made = [_made(owners.get(asking.customer), asking.asked) for asking in askings]
    receivers = {Reference(None, one.receiver_id) for one in made if isinstance(one, Transfer)}
    owners |= find_owners(cursor, receivers) if receivers else {}
    programme = find_programme(cursor) if any(asking.is_strict for asking in askings) else None
    found: list[Act | Outcome | Exception] = []
    for asking, one in zip(askings, made, strict=True):
        receiver = owners.get(Reference(None, one.receiver_id)) if isinstance(one, Transfer) else None
        if isinstance(one, Exception):
            found.append(one)
        elif isinstance(one, Transfer) and receiver is None:
            found.append(CustomerNotFound(NOBODY))
        else:
            found.append(_admitted(cursor, asking, one, owners[asking.customer], receiver, programme))
    return found


def _made(owner: Owner | None, asked: Asked) -> Act | Exception:
    if owner is None:
        return CustomerNotFound(NOBODY)
    try:
        return asked(owner.id, owner.anchor_id)
    except StamgastError as error:
        return error


def _admitted(
    cursor: Cursor, asking: Asking, one: Act, owner: Owner, receiver: Owner | None, programme: Programme | None
) -> Act | Outcome | Exception:
    if isinstance(one, Transfer) and receiver is not None:
        one = replace(one, receiver_id=receiver.id, receiver_anchor_id=receiver.anchor_id)
    kept = find_kept(cursor, one, owner, receiver)
    if kept is not None:
        return kept
    if owner.is_erased or (receiver is not None and receiver.is_erased):
        return find_answer(cursor, [one]) or CustomerErased("This customer was erased. Nothing was done.")
    try:
        if asking.allowed is not None and not was_asked(cursor, one):
            one = asking.allowed(cursor, one)
        if asking.is_strict and isinstance(one, Spending):
            _require_spendable(cursor, programme, one)
        check(one, asking.at)  # here, where one that cannot be leaves the others together
    except StamgastError as error:
        return error
    return one


def require_spendable(cursor: Cursor, one: Spending) -> None:
    """Raises CurrencyNotSpendable unless the version in force at the moment of an act has its currency and lets it be spent, or
    the act was answered before: then that is answered again."""
    _require_spendable(cursor, find_programme(cursor), one)


def _require_spendable(cursor: Cursor, programme: Programme | None, one: Spending) -> None:
    document = _document_of(programme, one.occurred_at)
    known = document.currencies.get(one.currency) if document else None
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
    return _document_of(find_programme(cursor), at)


def _document_of(programme: Programme | None, at: datetime) -> Document | None:
    place = -1 if programme is None else int(programme.version_at(np.array([to_microseconds(at)]))[0])
    return None if programme is None or place < 0 else programme.documents[place]


def _currencies_at(cursor: Cursor, at: datetime) -> Mapping[str, Currency]:
    document = document_at(cursor, at)
    return document.currencies if document else {}


def find_owner(cursor: Cursor, customer: str, *, region: str | None = None) -> Owner:
    """A customer, with the identifier by which it was asked, else the strongest of the customer. Raises CustomerNotFound."""
    named = reference_of(customer, region=region)
    owner = find_owners(cursor, [named]).get(named)
    if owner is None:
        raise CustomerNotFound(NOBODY)
    return owner


def find_owners(cursor: Cursor, references: Collection[Reference]) -> dict[Reference, Owner]:
    """``find_owner`` of each; who names nobody is absent."""
    by_id = [named for named in references if named.customer is not None]
    found = find_customers(cursor, by_id) if by_id else {}
    linked = identifiers_of(cursor, {customer.id for customer in found.values()}) if found else {}
    wanted = {named.identifier for named in references if named.identifier is not None}
    traces = trace_identifiers(cursor, wanted | {one.id for identifiers in linked.values() for one in identifiers})
    owners = {
        named: Owner(trace.customer, named.identifier, tuple(trace.former - {trace.customer}))
        for named in references
        if named.identifier is not None and (trace := traces.get(named.identifier)) is not None
    }
    for named, customer in found.items():
        identifiers = linked[customer.id]
        known = [traces[one.id].former for one in identifiers if one.id in traces]
        former = {named.customer}.union(*known) - {customer.id, None}
        strongest = identifiers[0].id if identifiers else None
        is_erased = any(one.kind == ERASED for one in identifiers)
        owners[named] = Owner(customer.id, strongest, tuple(one for one in former if one is not None), is_erased)
    return owners


def lock_owner(cursor: Cursor, customer: UUID) -> None:
    """Locks a customer who was found; raises CustomerChanged where a merge came in between."""
    if not lock_unmerged(cursor, {customer}):
        raise CustomerChanged(BECAME_PART)


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
