"""Somebody puts a customer's balance right, up or down, and says why."""

from datetime import datetime

from stamgast.access.operations import record
from stamgast.flows.act import Asking, act_together, find_owner, require_currency, settle
from stamgast.kit.database import transaction
from stamgast.ledger.acts import Adjust, Outcome


def adjust(
    customer: str,
    *,
    currency: str,
    amount: int,
    reason: str,
    key: str,
    at: datetime,
    actor: str,
    expires_at: datetime | None = None,
    region: str | None = None,
) -> Outcome:
    """Adds an amount, as a lot of its own, or takes one (below zero) from what expires soonest; never below zero.

    In a transaction of its own, so that a refusal is kept; what is done stands in the trail. Raises CustomerNotFound,
    UnknownCurrency, InvalidAct, ActKeyReused and InsufficientBalance.
    """

    def ask() -> Outcome:
        with transaction() as cursor:
            require_currency(cursor, currency, at=at)
            owner, anchor = find_owner(cursor, customer, region=region)
            one = Adjust(
                owner_id=owner,
                anchor_id=anchor,
                currency=currency,
                amount=amount,
                expires_at=expires_at,
                reason=reason,
                key=key,
                occurred_at=at,
            )
            [answer] = act_together([Asking(one, at, actor)])
            if isinstance(answer, Exception):
                raise answer
            if not answer.refusal and not answer.is_repeat:
                detail = {"act": str(answer.act_id), "currency": currency, "amount": amount}
                record(cursor, actor, "adjust", f"customer:{owner}", {**detail, "reason": reason}, at)
        return answer

    return settle(ask)
