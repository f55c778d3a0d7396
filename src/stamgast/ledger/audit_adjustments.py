"""What the audit asks of what a second person decided: that each proposal, its act and the trail say the same, and that the
limits are those that somebody set."""

from collections.abc import Iterator

from stamgast.access.queries import read_trail
from stamgast.access.types import TrailLine
from stamgast.kit.database import Cursor
from stamgast.ledger.adjusting import (
    BY_ERASURE,
    SET_LIMIT,
    Proposal,
    ProposalState,
    list_limits,
    proposal_id_of,
    read_proposals,
)
from stamgast.ledger.types import Finding

ASKED = "propose adjustment"
DECIDED = {ProposalState.APPROVED: "approve adjustment", ProposalState.REFUSED: "refuse adjustment"}

PROPOSAL_ACTS = """
SELECT p.id, p.act_id FROM ledger_adjustmentproposal p LEFT JOIN ledger_act a ON a.act_id = p.act_id
WHERE p.act_id IS NOT NULL AND (a.act_id IS NULL OR a.refusal <> ''
  OR (a.content, a.currency, a.asked, a.reference, a.key, a.actor, a.occurred_at)
    <> (p.content, p.currency, p.amount, p.partner, p.key, p.asked_by, p.decided_at))
ORDER BY p.id LIMIT 1
"""


def say_proposal_acts(proposal_id: object, act_id: object) -> tuple[str, str]:
    return str(proposal_id), f"Proposal {proposal_id} was approved, and act {act_id} is not what it asked."


def audit_adjustments(cursor: Cursor) -> Iterator[Finding]:
    """Proposals and limits against the trail, in which whoever asked, decided or set one wrote it down in the same transaction.

    Who may write to both can make both agree: that a checkpoint shows.
    """
    asked: dict[str, TrailLine] = {}
    decided: dict[str, TrailLine] = {}
    limits: dict[str, int] = {}
    for line in read_trail(cursor, [ASKED, *DECIDED.values(), SET_LIMIT]):
        if line.action == ASKED:
            asked[line.detail["proposal"]] = line
        elif "proposal" in line.detail:
            decided[line.detail["proposal"]] = line
        else:
            limits[line.detail["currency"]] = line.detail["limit"]
    for proposal in read_proposals(cursor):
        subject = str(proposal.id)
        if wrong := _wrong_in(proposal, asked.pop(subject, None), decided.pop(subject, None)):
            yield Finding("adjustments", subject, f"Proposal {subject} {wrong}.")
        elif proposal.state is ProposalState.APPROVED and proposal.asked_by == proposal.decided_by:
            yield Finding("adjustments", subject, f"Proposal {subject} was approved by who asked for it.")
    for subject in [*asked, *decided]:
        yield Finding("adjustments", subject, f"The trail says what became of proposal {subject}, which is not there.")
    said = {currency: limit for currency, limit in limits.items() if limit is not None}
    there = list_limits(cursor)
    for currency in sorted(said.keys() | there.keys()):
        if said.get(currency) != there.get(currency):
            sentence = f"The limit of {currency} is {there.get(currency)}, and was set to {said.get(currency)}."
            yield Finding("adjustment_limits", currency, sentence)


def _wrong_in(proposal: Proposal, asked: TrailLine | None, decided: TrailLine | None) -> str:
    """What is wrong with a proposal; empty where nothing is."""
    if proposal.id != proposal_id_of(proposal.asked_by, proposal.key, proposal.owner_id):
        return "is not the one that who asked, the key and the customer make"
    said = (proposal.currency, proposal.amount, proposal.partner)
    if asked is None or (asked.actor, asked.at, *_said(asked)) != (proposal.asked_by, proposal.asked_at, *said):
        return "is not what the trail says was asked"
    if proposal.reason and proposal.act_of(proposal.owner_id, at=proposal.asked_at).content != proposal.content:
        return "does not say what was asked"
    if proposal.state is ProposalState.WAITING or proposal.decided_by == BY_ERASURE:
        return "" if decided is None else "was decided by the trail, and is not"
    if decided is None or (decided.action, decided.actor, decided.at, *_said(decided)) != (
        DECIDED[proposal.state], proposal.decided_by, proposal.decided_at, *said,
    ):  # fmt: skip
        return "was not decided as the trail says"
    return ""


def _said(line: TrailLine) -> tuple[object, ...]:
    return line.detail["currency"], line.detail["amount"], line.detail.get("partner", "")
