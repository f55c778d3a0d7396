"""The opposite of a merge: a judgement is withdrawn, or an identifier turns out to be another person's."""

from datetime import datetime
from uuid import UUID

from stamgast.customers import rules
from stamgast.customers.errors import CustomerChanged, NothingToSeparate
from stamgast.customers.operations import judge, withdraw
from stamgast.customers.queries import get_customer, list_identifiers
from stamgast.customers.types import Judged
from stamgast.flows.merge_customers import Effect, in_one_transaction
from stamgast.kit.database import Cursor


def withdraw_judgement(judgement_id: UUID, *, reason: str, at: datetime, actor: str, is_trial: bool = False) -> Effect:
    """Makes customers, score, segments and timeline as if the judgement had never been, also for what came in since.

    Raises JudgementNotFound, JudgementWithdrawn.
    """

    def act(cursor: Cursor) -> Judged:
        return withdraw(cursor, judgement_id, reason=reason, at=at, actor=actor)

    return in_one_transaction(act, "withdraw judgement", at=at, actor=actor, is_trial=is_trial)


def separate_identifier(
    customer: str,
    identifier: str,
    *,
    reason: str,
    at: datetime,
    actor: str,
    region: str | None = None,
    is_trial: bool = False,
) -> Effect:
    """Says that an identifier is not this customer's, however it came there: by a merge, an alias or ordinary evidence.

    What hangs on it by earlier evidence than on the rest goes with it. Raises CustomerNotFound, NothingToSeparate.
    """

    def act(cursor: Cursor) -> Judged:
        found = get_customer(cursor, customer, region=region)
        kind, value = rules.split_identifier(identifier)
        written = rules.normalise_identifier(kind, value, region=region) or value
        held = list_identifiers(cursor, found.id)
        wanted = next((one for one in held if (one.kind, one.value) == (kind, written)), None)
        rest = [one for one in held if one is not wanted]
        if wanted is None or not rest:
            raise NothingToSeparate(
                "This identifier is not the customer's. Write it as it stands on the profile, such as card_number:12."
                if wanted is None
                else "This is the customer's only identifier, so there is nothing to separate it from."
            )
        judged = judge(cursor, wanted.id, rest[0].id, is_same=False, reason=reason, at=at, actor=actor)
        if set(judged.before) != {found.id}:
            raise CustomerChanged("This customer changed at this moment. Look at it and try again.")
        return judged

    return in_one_transaction(act, "separate identifier", at=at, actor=actor, is_trial=is_trial)
