"""What is done with a customer's points at a partner or for a charity, and the days by which it is settled."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from stamgast.access.operations import record
from stamgast.books.queries import require_active
from stamgast.books.types import PartnerKind
from stamgast.customers.queries import reference_of
from stamgast.flows.act import (
    Asking,
    Doing,
    act,
    do_together,
    document_at,
    find_acts,
    require_currency,
    settle,
)
from stamgast.kit.database import Cursor, transaction
from stamgast.ledger.acts import Act, Donate, Issue, Outcome, Redeem
from stamgast.ledger.settlement import Period
from stamgast.ledger.types import to_microseconds, to_moment
from stamgast.programmes.expiry import NEVER, expires_at

WithPartner = Donate | Redeem | Issue
Wanted = Callable[[UUID, UUID | None], WithPartner]
"""An act of the customer with this id, whom this identifier stands for."""


def act_with_partner(customer: str, wanted: Wanted, *, at: datetime, actor: str, region: str | None = None) -> Outcome:
    """Donates to a charity, redeems at a partner, or gives what a partner issues, which expires as the programme says.

    What was answered under the key of the act before is answered again, also when the partner was closed meanwhile, or the
    customer became another. Raises PartnerNotFound, PartnerClosed, UnknownCurrency, and what ``act`` raises.
    """
    return act(customer, wanted, at=at, actor=actor, region=region, is_strict=True, allowed=allowed_with_partner)


def act_by_hand(customer: str, wanted: Wanted, *, at: datetime, actor: str) -> Outcome:
    """A person donates or redeems for a customer, which stands in the trail, in the transaction of the act; why stands with the
    act alone. A refusal is kept too. Raises as ``act_with_partner`` does."""

    def ask() -> Outcome:
        with transaction() as cursor:
            asking = Asking(reference_of(customer), wanted, at, actor, is_strict=True, allowed=allowed_with_partner)
            [one] = find_acts(cursor, [asking])
            if isinstance(one, Exception):
                raise one
            if isinstance(one, Outcome):
                return one
            [answer] = do_together(cursor, [Doing(one, at, actor)])
            if isinstance(answer, Exception):
                raise answer
            if not answer.refusal and not answer.is_repeat:
                assert isinstance(one, Donate | Redeem | Issue)
                where = {"charity": one.charity} if isinstance(one, Donate) else {"partner": one.partner}
                detail = {"act": str(one.id), **where, "currency": one.currency, "amount": one.amount}
                record(cursor, actor, one.kind.name.casefold(), f"customer:{one.owner_id}", detail, at)
        return answer

    return settle(ask)


def allowed_with_partner(cursor: Cursor, one: Act) -> Act:
    """The act, where it may be done now. Raises PartnerNotFound, PartnerClosed, and what ``allowed_issue`` raises."""
    match one:
        case Donate():
            require_active(cursor, one.charity, PartnerKind.CHARITY)
        case Redeem():
            require_active(cursor, one.partner, PartnerKind.PARTNER)
        case Issue():
            return allowed_issue(cursor, one)
    return one


def allowed_issue(cursor: Cursor, one: Issue) -> Issue:
    """An issue, with the expiry that the programme gives it. Raises PartnerNotFound, PartnerClosed, UnknownCurrency."""
    require_active(cursor, one.partner, PartnerKind.PARTNER)
    require_currency(cursor, one.currency, at=one.occurred_at)
    return replace(one, expires_at=_expiry_of(cursor, one.currency, at=one.occurred_at))


def settled_days(cursor: Cursor, since: date | None, until: date | None, *, at: datetime, otherwise: str) -> Period:
    """The days to settle, in the zone of the programme in force, or ``otherwise`` where there is none: up to today, and from
    the first day of the last one's month, unless they are named."""
    document = document_at(cursor, at)
    zone = document.timezone if document else otherwise
    last = until or at.astimezone(ZoneInfo(zone)).date()
    return Period(since or last.replace(day=1), last, zone)


def _expiry_of(cursor: Cursor, currency: str, *, at: datetime) -> datetime | None:
    """When what is given of a currency of the programme at this moment expires; None: never."""
    document = document_at(cursor, at)
    expiry = document.currencies[currency].expiry if document else None
    if document is None or expiry is None:
        return None
    moment = int(expires_at(expiry, document.timezone, np.array([to_microseconds(at)]))[0])
    return None if moment == NEVER else to_moment(moment)
