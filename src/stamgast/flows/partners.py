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
    was_asked,
)
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.ledger.acts import Donate, Issue, Outcome, Redeem
from stamgast.ledger.settlement import Period
from stamgast.ledger.types import to_microseconds, to_moment
from stamgast.programmes.expiry import NEVER, expires_at

WithPartner = Donate | Redeem | Issue
Wanted = Callable[[UUID, UUID | None], WithPartner]
"""An act of the customer with this id, whom this identifier stands for."""


def act_with_partner(customer: str, wanted: Wanted, *, at: datetime, actor: str, region: str | None = None) -> Outcome:
    """Donates to a charity, redeems at a partner, or gives what a partner issues, which expires as the programme says.

    What was answered under the key of the act before is answered again, also when the partner was closed meanwhile. Raises
    PartnerNotFound, PartnerClosed, CurrencyNotSpendable, UnknownCurrency, and what ``act`` raises.
    """

    def asked(owner: UUID, anchor: UUID | None) -> WithPartner:
        with open_cursor() as cursor:
            return _allowed(cursor, wanted(owner, anchor))

    return act(customer, asked, at=at, actor=actor, region=region, is_strict=True)


def act_by_hand(customer: str, wanted: Wanted, *, at: datetime, actor: str) -> Outcome:
    """A person does it for a customer, which stands in the trail, in the transaction of the act; why stands with the act
    alone. A refusal is kept too. Raises as ``act_with_partner`` does."""

    def ask() -> Outcome:
        with transaction() as cursor:

            def asked(owner: UUID, anchor: UUID | None) -> WithPartner:
                return _allowed(cursor, wanted(owner, anchor))

            [one] = find_acts(cursor, [Asking(reference_of(customer), asked, at, actor, is_strict=True)])
            if isinstance(one, Exception):
                raise one
            if isinstance(one, Outcome):
                return one
            assert isinstance(one, Donate | Redeem | Issue)
            [answer] = do_together(cursor, [Doing(one, at, actor)])
            if isinstance(answer, Exception):
                raise answer
            if not answer.refusal and not answer.is_repeat:
                where = {"charity": one.charity} if isinstance(one, Donate) else {"partner": one.partner}
                detail = {"act": str(one.id), **where, "currency": one.currency, "amount": one.amount}
                record(cursor, actor, one.kind.name.casefold(), f"customer:{one.owner_id}", detail, at)
        return answer

    return settle(ask)


def settled_days(cursor: Cursor, since: date | None, until: date | None, *, at: datetime, otherwise: str) -> Period:
    """The days to settle, in the zone of the programme in force, or ``otherwise`` where there is none: up to today, and from
    the first day of the last one's month, unless they are named."""
    document = document_at(cursor, at)
    zone = document.timezone if document else otherwise
    last = until or at.astimezone(ZoneInfo(zone)).date()
    return Period(since or last.replace(day=1), last, zone)


def _allowed(cursor: Cursor, one: WithPartner) -> WithPartner:
    """The act, with the expiry that the programme gives it, where it may be done at this moment or was answered before."""
    if was_asked(cursor, one):
        return one
    if isinstance(one, Donate):
        require_active(cursor, one.charity, PartnerKind.CHARITY)
    else:
        require_active(cursor, one.partner, PartnerKind.PARTNER)
    if not isinstance(one, Issue):
        return one
    require_currency(cursor, one.currency, at=one.occurred_at)
    return replace(one, expires_at=_expiry_of(cursor, one.currency, at=one.occurred_at))


def _expiry_of(cursor: Cursor, currency: str, *, at: datetime) -> datetime | None:
    """When what is given of a currency of the programme at this moment expires; None: never."""
    document = document_at(cursor, at)
    expiry = document.currencies[currency].expiry if document else None
    if document is None or expiry is None:
        return None
    moment = int(expires_at(expiry, document.timezone, np.array([to_microseconds(at)]))[0])
    return None if moment == NEVER else to_moment(moment)
