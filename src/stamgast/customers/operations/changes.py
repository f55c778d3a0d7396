"""From what should be to what is written: the links that end and begin, customers that come and go."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from stamgast.customers import rules, sql, sql_judgements
from stamgast.customers.operations.graph import Batch, Graph
from stamgast.customers.types import Identifier, LinkReason
from stamgast.kit.database import Cursor


@dataclass(slots=True)
class Changes:
    """The difference between the links that are and the links that should be."""

    owners: dict[UUID, UUID] = field(default_factory=dict)
    created: dict[UUID, sql.Seen] = field(default_factory=dict)
    links: list[tuple[Identifier, UUID, UUID | None, LinkReason]] = field(default_factory=list)
    merged: dict[UUID, UUID] = field(default_factory=dict)
    moved: set[UUID] = field(default_factory=set)
    separated: set[tuple[UUID, UUID]] = field(default_factory=set)


def find_changes(cursor: Cursor, batch: Batch, graph: Graph) -> Changes:
    changes = Changes(dict(graph.customers))
    if not graph.clusters:
        return changes
    assigned = rules.assign([[graph.members[key] for key in cluster] for cluster in graph.clusters])
    kept = {customer for customer, _ in assigned if customer is not None}
    named = _name_new(cursor, [members[0] for customer, members in assigned if customer is None], kept, graph)
    left: dict[UUID, list[Identifier]] = {}
    causes = _causes(batch, graph)
    for customer, members in assigned:
        owner = customer or named[members[0].id]
        if customer is None:
            first = min([member.first_at for member in members])
            changes.created[owner] = (first, first)
        for member in members:
            before = member.customer_id
            changes.owners[member.id] = owner
            if before == owner:
                continue
            reason = LinkReason.FIRST_SEEN if before is None else LinkReason.SEPARATED if before in kept else LinkReason.JOINED
            changes.links.append((member, owner, causes.get(member.id), reason))
            if before is not None:
                changes.moved |= {before, owner}
                left.setdefault(before, []).append(member)
                if before in kept:
                    changes.separated.add((before, owner))
    for customer, gone in left.items():
        if customer not in kept and customer not in changes.created:
            changes.merged[customer] = changes.owners[min(gone, key=rules.strength).id]
    return changes


def _name_new(cursor: Cursor, roots: Collection[Identifier], kept: Collection[UUID], graph: Graph) -> dict[UUID, UUID]:
    """Ids for new customers: the one that the strongest identifier had before it was joined to another, else a derived one.

    A derived id that is in use by a customer outside this difference gets the next number.
    """
    known = [root.id for root in roots if root.customer_id is not None]
    named = sql_judgements.take_former_customers(cursor, known) if known else {}
    waiting = {root.id: root for root in roots if root.id not in named}
    attempt = 0
    while waiting:
        wanted = {key: rules.customer_id(root, attempt) for key, root in waiting.items()}
        present = sql.select_presence(cursor, wanted.values())
        for key, customer in wanted.items():
            is_in_use = present.get(customer, False) and (customer in kept or customer not in graph.locked)
            if not is_in_use and customer not in named.values():
                named[key] = customer
                del waiting[key]
        attempt += 1
    return named


def _causes(batch: Batch, graph: Graph) -> dict[UUID, UUID]:
    """What each change comes from: the judgement; the activity that carried the identifier, or that its cluster changed by."""
    if batch.judgement is not None:
        return {key: batch.judgement.id for cluster in graph.clusters for key in cluster}
    causes: dict[UUID, UUID] = {}
    by_age = sorted(graph.changed.values(), key=lambda evidence: (evidence.first_at, evidence.activity_id), reverse=True)
    by_end = {key: evidence.activity_id for evidence in by_age for key in (evidence.first_id, evidence.second_id)}
    by_customer = {
        customer: activity for key, activity in by_end.items() if (customer := graph.members[key].customer_id) is not None
    }
    for cluster in graph.clusters:
        shared = next((by_end[key] for key in cluster if key in by_end), None)
        for key in cluster:
            if key in batch.earliest:
                causes[key] = batch.earliest[key].activity_id
                continue
            before = graph.members[key].customer_id
            cause = shared or (by_customer.get(before) if before is not None else None)
            if cause is not None:
                causes[key] = cause
    return causes


def write_links(cursor: Cursor, changes: Changes, *, at: datetime, actor: str) -> None:
    """Ends and begins the links that change, and says of customers without identifiers whose part they are now."""
    moving = [member.id for member, _, _, _ in changes.links if member.customer_id is not None]
    ended = sql.end_links(cursor, moving, at=at) if moving else {}
    if changes.links:
        links = [(member.id, owner, ended.get(member.id, at), cause, reason) for member, owner, cause, reason in changes.links]
        sql.begin_links(cursor, links, actor=actor)
    if changes.merged:
        sql.write_merged(cursor, changes.merged)
