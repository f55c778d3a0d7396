"""Somebody puts a customer's balance right, up or down, or issues points of a partner, and says why; above a limit a second
person decides. Decisions 378 and 363."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from stamgast.access.operations import record
from stamgast.access.queries import list_names
from stamgast.customers.erasure.errors import CustomerErased
from stamgast.customers.erasure.queries import find_erasure_of
from stamgast.customers.errors import CustomerChanged
from stamgast.customers.queries import anchors_of, customers_of, list_former
from stamgast.customers.reasons import required_reason
from stamgast.flows.act import (
    BECAME_PART,
    Doing,
    Owner,
    do_together,
    find_kept,
    find_owner,
    lock_owner,
    raise_refusal,
    require_currency,
    settle,
    try_again,
)
from stamgast.flows.partners import act_with_partner, allowed_issue
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.ledger.acts import Adjust, Issue, Outcome
from stamgast.ledger.adjusting import (
    Proposal,
    ProposalState,
    close_proposal,
    find_limit,
    find_outcome,
    find_proposals,
    get_proposal,
    lock_proposal,
    may_wait,
    proposal_id_of,
    propose,
    sum_adjusted_alone,
)
from stamgast.ledger.doing import check
from stamgast.ledger.errors import (
    ActKeyReused,
    AdjustmentRefused,
    AdjustmentShort,
    InsufficientBalance,
    InvalidAct,
    OwnProposal,
)
from stamgast.ledger.operations import find_answer

Limited = Adjust | Issue
"""What the limit is about."""
Issuing = Callable[[UUID, UUID | None], Issue]
YEARS = range(1970, 9998)
"""In these a moment exists in every zone."""


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
) -> Outcome | Proposal:
    """Adds an amount, as a lot of its own, or takes one (below zero) from what expires soonest; never below zero.

    Above the limit it is a proposal, which waits. The same key again is the same adjustment: what was answered, what waits, or
    what it became. In a transaction of its own, so that a refusal is kept; what is done stands in the trail. Locks the customer
    first, so that of two adjustments at once the second counts the first. Raises CustomerNotFound, CustomerErased,
    ReasonMissing, UnknownCurrency, InvalidAct, ActKeyReused, InsufficientBalance, and AdjustmentRefused where a second person
    refused it.
    """

    said = required_reason(reason)

    def asked(owner: UUID, anchor: UUID | None) -> Adjust:
        return Adjust(
            owner_id=owner,
            anchor_id=anchor,
            currency=currency,
            amount=amount,
            expires_at=None if expires_at is None else _in_utc(expires_at),
            reason=said,
            key=key,
            occurred_at=at,
        )

    return _ask(customer, asked, at=at, actor=actor, region=region)


def issue(customer: str, asked: Issuing, *, at: datetime, actor: str, region: str | None = None) -> Outcome | Proposal:
    """Gives points on a partner's behalf, as ``adjust`` adds them: above the limit it is a proposal, which waits, and what is
    done stands in the trail. Raises as ``adjust`` does, and PartnerNotFound and PartnerClosed."""
    return _ask(customer, asked, at=at, actor=actor, region=region)


def issue_by_key(
    customer: str, asked: Issuing, *, currency: str, key: str, at: datetime, actor: str, region: str | None = None
) -> Outcome | Proposal:
    """``issue``, for a program: what no limit can concern is done together with what others ask at this moment."""
    with open_cursor() as cursor:
        can_wait = may_wait(cursor, currency, key)
    return (issue if can_wait else act_with_partner)(customer, asked, at=at, actor=actor, region=region)


def _ask(
    customer: str, asked: Callable[[UUID, UUID | None], Limited], *, at: datetime, actor: str, region: str | None
) -> Outcome | Proposal:
    def ask() -> Outcome | Proposal:
        with transaction() as cursor:
            whose = find_owner(cursor, customer, region=region)
            owner, anchor = whose.id, whose.anchor_id
            lock_owner(cursor, owner)
            if anchor is not None and customers_of(cursor, [anchor]).get(anchor) != owner:
                raise CustomerChanged(BECAME_PART)
            one = asked(owner, anchor)
            known = _find_known(cursor, one, whose, actor=actor)
            if known is not None:
                return _again(cursor, known, one)
            kept = find_kept(cursor, one, whose) or find_answer(cursor, [one])
            if kept is not None:
                return kept
            if find_erasure_of(cursor, owner) is not None:
                raise CustomerErased("This customer was erased. Nothing was done.")
            one = _allowed(cursor, one)
            check(one, at)
            where = {"partner": one.partner} if isinstance(one, Issue) else {}
            detail = {**where, "currency": one.currency, "amount": one.amount}
            if _is_above_limit(cursor, one, at=at, actor=actor):
                proposal = propose(cursor, one, at=at, actor=actor)
                detail["proposal"] = str(proposal.id)
                record(cursor, actor, "propose adjustment", f"customer:{owner}", detail, at)
                return proposal
            outcome = _perform(cursor, one, at=at, actor=actor)
            if not outcome.refusal:
                detail["act"] = str(outcome.act_id)
                record(cursor, actor, one.kind.name.casefold(), f"customer:{owner}", detail, at)
            return outcome

    answer = try_again(ask)
    if isinstance(answer, Outcome):
        raise_refusal(answer)
    return answer


def approve_adjustment(proposal_id: UUID, *, reason: str, at: datetime, actor: str) -> Outcome:
    """Does what was proposed, under its own key, of who the customer is now; its actor in the ledger is who proposed it.

    Locks the customer, then the proposal. What the ledger refuses is kept nowhere: the proposal waits on. Raises
    ProposalNotFound, ProposalDecided, OwnProposal, AdjustmentShort, InvalidAct, and what REFUSALS holds.
    """

    def ask() -> Outcome:
        with transaction() as cursor:
            owner = owner_of(cursor, get_proposal(cursor, proposal_id))
            lock_owner(cursor, owner)
            proposal = lock_proposal(cursor, proposal_id)
            if owner_of(cursor, proposal) != owner:
                raise CustomerChanged(BECAME_PART)
            if proposal.asked_by in list_names(cursor, actor):
                raise OwnProposal("You proposed this, or an API key that you made did. Here somebody else approves it.")
            one = proposal.act_of(owner, at=at)
            if isinstance(one, Issue):
                one = _allowed(cursor, one)
            outcome = _perform(cursor, one, at=at, actor=proposal.asked_by)
            if outcome.refusal == InsufficientBalance.code:
                raise AdjustmentShort(
                    f"There are {outcome.available:,} {outcome.currency} available, and this takes {-proposal.amount:,}. It "
                    "waits on: approve it when there is enough, or refuse it."
                )
            raise_refusal(outcome)
            if outcome.is_repeat:
                raise ActKeyReused("The key of this proposal was used before. Refuse it, and adjust again.")
            close_proposal(
                cursor, proposal_id, ProposalState.APPROVED, reason=reason, at=at, actor=actor, act_id=outcome.act_id
            )
            _note(cursor, "approve adjustment", proposal, owner, at=at, actor=actor)
        return outcome

    return settle(ask)


def refuse_adjustment(proposal_id: UUID, *, reason: str, at: datetime, actor: str) -> Proposal:
    """Ends a proposal; nothing was done. Who proposed it may take it back so. Raises ProposalNotFound, ProposalDecided,
    ReasonMissing."""
    said = required_reason(reason)
    with transaction() as cursor:
        proposal = lock_proposal(cursor, proposal_id)
        owner = owner_of(cursor, proposal)
        _note(cursor, "refuse adjustment", proposal, owner, at=at, actor=actor)
        return close_proposal(cursor, proposal_id, ProposalState.REFUSED, reason=said, at=at, actor=actor)


def owners_of(cursor: Cursor, proposals: Collection[Proposal]) -> dict[UUID, UUID]:
    """Whose each of these proposals is now, by its id."""
    anchors = {one.anchor_id for one in proposals if one.anchor_id is not None}
    customers = customers_of(cursor, anchors) if anchors else {}
    return {one.id: customers.get(one.anchor_id, one.owner_id) if one.anchor_id else one.owner_id for one in proposals}


def owner_of(cursor: Cursor, proposal: Proposal) -> UUID:
    """Whose a proposal is now."""
    return owners_of(cursor, [proposal])[proposal.id]


def _allowed(cursor: Cursor, one: Limited) -> Limited:
    if isinstance(one, Issue):
        return allowed_issue(cursor, one)
    require_currency(cursor, one.currency, at=one.occurred_at)
    return one


def _find_known(cursor: Cursor, one: Limited, whose: Owner, *, actor: str) -> Proposal | None:
    """What was proposed with this key for this customer, who may have been another then."""
    asked = find_proposals(cursor, [proposal_id_of(actor, one.key, customer) for customer in whose.ids])
    found = [proposal for proposal in asked if owner_of(cursor, proposal) == one.owner_id]
    return next((proposal for proposal in found if proposal.content == one.content), found[0] if found else None)


def _again(cursor: Cursor, known: Proposal, asked: Limited) -> Outcome | Proposal:
    if known.content != asked.content:
        raise ActKeyReused("This key was used before, for something else. Nothing was done; take a new key for a new act.")
    if known.state is ProposalState.REFUSED:
        raise AdjustmentRefused("A second person was needed, and refused this. Nothing was done.")
    outcome = find_outcome(cursor, known.act_id) if known.act_id else None
    return replace(outcome or known, is_repeat=True)


def _is_above_limit(cursor: Cursor, one: Limited, *, at: datetime, actor: str) -> bool:
    """Whether with this one the person adjusts or issues more alone, of this customer on this day of the shop, than one may.

    Merging and separating customers begins no new day: what was adjusted of whoever they were counts too. So does what an API
    key did, for who made it.
    """
    limit = find_limit(cursor, one.currency)
    if limit is None:
        return False
    midnight = at.astimezone(ZoneInfo(settings.CONFIGURATION.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    owners = {one.owner_id} | list_former(cursor, anchors_of(cursor, [one.owner_id])[one.owner_id])
    names = list_names(cursor, actor)
    return abs(one.amount) + sum_adjusted_alone(cursor, owners, one.currency, actors=names, since=midnight) > limit


def _in_utc(moment: datetime) -> datetime:
    if moment.year not in YEARS:
        raise InvalidAct("This expiry lies too far off. Choose another moment, or none.")
    return moment.astimezone(UTC)


def _perform(cursor: Cursor, one: Limited, *, at: datetime, actor: str) -> Outcome:
    [answer] = do_together(cursor, [Doing(one, at, actor)])
    if isinstance(answer, Exception):
        raise answer
    return answer


def _note(cursor: Cursor, action: str, proposal: Proposal, owner: UUID, *, at: datetime, actor: str) -> None:
    """Into the trail; why stands with the proposal, where an erasure reaches it."""
    where = {"partner": proposal.partner} if proposal.partner else {}
    detail = {"proposal": str(proposal.id), **where, "currency": proposal.currency, "amount": proposal.amount}
    record(cursor, actor, action, f"customer:{owner}", {**detail, "asked_by": proposal.asked_by}, at)
