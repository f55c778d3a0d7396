"""Somebody says that two customers are one person: from now on they are one, and score, segments and timeline with them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stamgast.access.operations import record
from stamgast.customers.errors import AlreadyOneCustomer, CustomerChanged, SaidToBeDifferent
from stamgast.customers.histories import find_difference
from stamgast.customers.operations import judge
from stamgast.customers.queries import get_customer, list_identifiers
from stamgast.customers.types import Judged, Judgement
from stamgast.flows.decide_pending import decide_locked
from stamgast.flows.read_customer import CustomerView, read_customer
from stamgast.flows.tell import tell_customers
from stamgast.kit.database import Cursor, transaction, trial
from stamgast.programmes.operations import keep_versions

TRIES = 3


@dataclass(frozen=True, slots=True)
class Effect:
    """What a judgement, or its withdrawal, made of the customers concerned: one after a merge, two after the opposite."""

    judgement: Judgement
    customers: list[CustomerView]


def merge_customers(
    one: str, other: str, *, reason: str, at: datetime, actor: str, region: str | None = None, is_trial: bool = False
) -> Effect:
    """Makes one customer of two, by their ids or identifiers. ``is_trial`` keeps nothing and tells what would be.

    Holds until it is withdrawn, whatever comes in. Activities may stream in meanwhile: those of both wait for this
    transaction. Locks: the versions, then as ``resolve``. Raises CustomerNotFound, AlreadyOneCustomer, SaidToBeDifferent.
    """

    def act(cursor: Cursor) -> Judged:
        left, right = get_customer(cursor, one, region=region), get_customer(cursor, other, region=region)
        if left.id == right.id:
            raise AlreadyOneCustomer("These are one customer already. Nothing was changed.")
        ends = [list_identifiers(cursor, customer.id)[0].id for customer in (left, right)]
        judged = judge(cursor, ends[0], ends[1], is_same=True, reason=reason, at=at, actor=actor)
        if set(judged.before) != {left.id, right.id}:
            raise CustomerChanged("These customers changed at this moment. Look at them and try again.")
        if judged.after[0] != judged.after[1]:
            raise SaidToBeDifferent(_who_said(find_difference(cursor, *judged.after)))
        return judged

    return in_one_transaction(act, "merge customers", at=at, actor=actor, is_trial=is_trial)


def _who_said(difference: Judgement | None) -> str:
    who = f"{difference.actor} said on {difference.made_at:%Y-%m-%d} that" if difference else "It was said earlier that"
    return f"{who} these are two people. Withdraw that first; nothing was changed."


def in_one_transaction(act: Callable[[Cursor], Judged], action: str, *, at: datetime, actor: str, is_trial: bool) -> Effect:
    """Judges, decides again who moved, posts the difference, follows the segments and writes the trail: all of it or nothing.

    Where the customers turn out to have changed before they were locked it begins again.
    """
    for attempt in range(TRIES):
        scope: Callable[[], AbstractContextManager[Cursor]] = trial if is_trial else transaction
        try:
            with scope() as cursor:
                keep_versions(cursor)
                judged = act(cursor)
                tell_customers(cursor, judged.merged, judged.separated, at=at)
                if judged.moved:
                    decide_locked(cursor, judged.moved, at=at, actor=actor, reason=action)
                _write_trail(cursor, judged, action, at, actor)
                owners = list(dict.fromkeys(judged.after))
                return Effect(judged.judgement, [read_customer(cursor, str(owner)) for owner in owners])
        except CustomerChanged:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("the last attempt raises")


def _write_trail(cursor: Cursor, judged: Judged, action: str, at: datetime, actor: str) -> None:
    judgement = judged.judgement
    detail = {
        "judgement": str(judgement.id),
        "reason": judgement.withdrawn_reason or judgement.reason,
        "before": _texts(judged.before),
        "after": _texts(judged.after),
    }
    record(cursor, actor, action, f"customer:{judged.after[0]}", detail, at)


def _texts(customers: tuple[UUID, UUID]) -> list[str]:
    return [str(customer) for customer in dict.fromkeys(customers)]
