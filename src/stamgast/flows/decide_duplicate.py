"""What a person makes of two customers who are likely one: merge them, keep them apart for good, look later, or take it back.

Each is one transaction with the judgement that it stands on, so that a proposal never says other than the customers do. The
judgement's locks come first and the proposal is settled last: of two who decide at once, the second changes nothing.
"""

import contextlib
from datetime import datetime
from uuid import UUID

from stamgast.access.operations import record
from stamgast.customers.errors import AlreadyOneCustomer, CustomerChanged, JudgementWithdrawn
from stamgast.customers.operations import judge
from stamgast.customers.queries import get_customer, list_identifiers
from stamgast.customers.types import Judged
from stamgast.duplicates.operations import close_proposals_of, lock_proposals_of, reopen, settle
from stamgast.duplicates.queries import get_proposal
from stamgast.duplicates.types import Proposal, State
from stamgast.flows.merge_customers import Effect, in_one_transaction, merge_customers
from stamgast.flows.unmerge_customers import withdraw_judgement
from stamgast.kit.database import Cursor, open_cursor, transaction


def accept_duplicate(proposal_id: UUID, *, reason: str, at: datetime, actor: str) -> Effect:
    """Makes the two one customer. Raises ProposalNotFound, ProposalSettled, AlreadyOneCustomer, SaidToBeDifferent."""
    with transaction() as cursor:
        proposal = get_proposal(cursor, proposal_id)
        effect = merge_customers(str(proposal.one_id), str(proposal.other_id), reason=reason, at=at, actor=actor)
        lock_proposals_of(cursor, (proposal.one_id, proposal.other_id))
        settle(cursor, proposal_id, State.ACCEPTED, at=at, actor=actor, judgement_id=effect.judgement.id)
        survivor = effect.customers[0].profile.customer.id
        for customer in {proposal.one_id, proposal.other_id} - {survivor}:
            close_proposals_of(cursor, customer, at=at, actor=actor)
    return effect


def refuse_duplicate(proposal_id: UUID, *, reason: str, at: datetime, actor: str) -> Proposal:
    """Says that they are two people: it is kept with the customers, no evidence joins them, and no search proposes it again.

    Raises ProposalNotFound, ProposalSettled, AlreadyOneCustomer.
    """
    with transaction() as cursor:
        proposal = get_proposal(cursor, proposal_id)
        effect = in_one_transaction(
            lambda inner: _say_different(inner, proposal, reason=reason, at=at, actor=actor),
            "keep customers apart",
            at=at,
            actor=actor,
            is_trial=False,
        )
        return settle(cursor, proposal_id, State.REFUSED, at=at, actor=actor, judgement_id=effect.judgement.id)


def _say_different(cursor: Cursor, proposal: Proposal, *, reason: str, at: datetime, actor: str) -> Judged:
    customers = [get_customer(cursor, str(key)) for key in (proposal.one_id, proposal.other_id)]
    left, right = (customer.id for customer in customers)
    if left == right:
        raise AlreadyOneCustomer("These are one customer already. Nothing was changed.")
    ends = [list_identifiers(cursor, customer)[0].id for customer in (left, right)]
    judged = judge(cursor, ends[0], ends[1], is_same=False, reason=reason, at=at, actor=actor)
    if set(judged.before) != {left, right}:
        raise CustomerChanged("These customers changed at this moment. Look at them and try again.")
    return judged


def postpone_duplicate(proposal_id: UUID, *, at: datetime, actor: str) -> Proposal:
    """Lays it aside; it waits under *later* for as long as searches find it. Raises ProposalSettled."""
    with transaction() as cursor:
        proposal = settle(cursor, proposal_id, State.LATER, at=at, actor=actor)
        record(cursor, actor, "postpone duplicate", f"proposal:{proposal_id}", {}, at)
    return proposal


def reopen_duplicate(proposal_id: UUID, *, reason: str, at: datetime, actor: str) -> Proposal:
    """Takes the decision back: the customers are as if it had never been, and the proposal waits again.

    Raises ProposalNotFound, ProposalSettled.
    """
    with open_cursor() as cursor:
        proposal = get_proposal(cursor, proposal_id)
    with transaction() as cursor:
        if proposal.judgement_id is not None:
            _withdraw(proposal.judgement_id, reason=reason, at=at, actor=actor)
        reopened = reopen(cursor, proposal_id, judgement_id=proposal.judgement_id)
        record(cursor, actor, "reopen duplicate", f"proposal:{proposal_id}", {"was": str(proposal.state)}, at)
    return reopened


def _withdraw(judgement_id: UUID, *, reason: str, at: datetime, actor: str) -> None:
    with contextlib.suppress(JudgementWithdrawn):  # somebody did on the customer's page
        withdraw_judgement(judgement_id, reason=reason, at=at, actor=actor)
