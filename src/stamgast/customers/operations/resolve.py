"""Whose each activity is, kept up to date as evidence comes in."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from stamgast.customers import rules, sql, sql_rules
from stamgast.customers.birthdays import BIRTH_TRAITS, birth_months
from stamgast.customers.households import write_told
from stamgast.customers.operations.changes import Changes, find_changes, write_links
from stamgast.customers.operations.graph import Batch, Graph, find_news, lock_graph
from stamgast.customers.types import Identifier, IdentityRules, Resolution, Sighting
from stamgast.kit.database import Cursor


def resolve(
    cursor: Cursor,
    sightings: Sequence[Sighting],
    *,
    at: datetime,
    actor: str,
    identity: IdentityRules | None = None,
) -> Resolution:
    """Takes in what activities say about who did them, and answers whose they are.

    Locks: inserts unknown identifiers in id order, then locks the customers concerned in id order, then reads. Where
    more customers turn out to be concerned it gives those locks back and takes all of them in order, so two workers
    never wait for each other. Every customer in the answer stays locked until the transaction ends.
    ``identity`` are other rules than those in force.
    Doing it twice with the same sightings changes nothing the second time.
    """
    if not sightings:
        return Resolution({}, frozenset(), frozenset())
    identity = identity or sql_rules.select_rules(cursor)
    batch = _read_batch(cursor, sightings, identity.shared_sources)
    graph = lock_graph(cursor, batch, identity)
    changes = find_changes(cursor, batch, graph)
    born = _write(cursor, batch, graph, changes, at=at, actor=actor)
    customers = {sighting.activity_id: changes.owners[batch.ids[sighting.identifiers[0]]] for sighting in sightings}
    return Resolution(
        customers, frozenset(changes.moved), frozenset(changes.created), changes.merged, frozenset(changes.separated), born
    )


def lock_customers(cursor: Cursor, customers: Collection[UUID]) -> None:
    """Locks customers in id order until the transaction ends, so that nobody else decides on them meanwhile."""
    if customers:
        sql.lock_customers(cursor, customers)


def lock_unmerged(cursor: Cursor, customers: Collection[UUID]) -> dict[UUID, bool]:
    """``lock_customers``; returns those that are customers still, and no part of another, and whether each was erased."""
    return sql.lock_unmerged(cursor, customers)


def set_seen(cursor: Cursor, seen: Mapping[UUID, tuple[datetime, datetime]]) -> None:
    """Sets when customers were first and last seen, after their identifiers moved and their activities were counted again.

    The customers are locked already by the ``resolve`` that moved them.
    """
    if seen:
        sql.write_seen(cursor, seen)


def _read_batch(cursor: Cursor, sightings: Sequence[Sighting], shared: Collection[str]) -> Batch:
    batch = Batch(sightings)
    ids, earliest, evidence = batch.ids, batch.earliest, batch.evidence
    for sighting in sightings:
        for text in sighting.identifiers:
            key = ids.get(text)
            if key is None:
                key = ids[text] = rules.id_of(text)
                earliest[key] = sighting
            elif sighting.occurred_at <= (known := earliest[key]).occurred_at and _precedes(sighting, known):
                earliest[key] = sighting
        if len(sighting.identifiers) > 1 and sighting.source not in shared:
            for one in rules.evidence_of(sighting, ids):
                pair = (one.first_id, one.second_id)
                evidence[pair] = rules.earliest(evidence[pair], one) if pair in evidence else one
    # What is stored only ever gets earlier and more explicit, so evidence that is no news now is none under lock either.
    batch.evidence = dict(find_news(cursor, list(evidence.values())))
    read = {sighting.identifiers[0] for sighting in sightings}
    if batch.evidence:
        ends = {key for pair in batch.evidence for key in pair}
        read |= {text for text, key in ids.items() if key in ends}
    for text in read:
        key = ids[text]
        batch.identifiers[key] = Identifier(key, *rules.split_identifier(text), earliest[key].occurred_at)
    return batch


def _precedes(one: Sighting, other: Sighting) -> bool:
    return (one.occurred_at, one.activity_id) < (other.occurred_at, other.activity_id)


def _write(cursor: Cursor, batch: Batch, graph: Graph, changes: Changes, *, at: datetime, actor: str) -> frozenset[UUID]:
    """Returns the customers of before of whom another month of birth is known now."""
    if graph.changed:
        sql.write_evidence(cursor, list(graph.changed.values()))
    if graph.older:
        sql.write_first_at(cursor, graph.older)
    seen = _seen_by_owner(batch, changes)
    if changes.created:
        created = {customer: _span(moments, seen.get(customer, moments)) for customer, moments in changes.created.items()}
        sql.write_customers(cursor, created, at=at)
    sql.widen_seen(cursor, {customer: moments for customer, moments in seen.items() if customer not in changes.created})
    write_links(cursor, changes, at=at, actor=actor)
    write_told(cursor, batch.sightings)
    traits = _latest_traits(batch)
    if not traits:
        return frozenset()
    telling = {changes.owners[anchor] for anchor, name in traits if name in BIRTH_TRAITS} - changes.created.keys()
    before = birth_months(cursor, telling) if telling else {}
    sql.write_traits(cursor, list(traits.values()))
    sql.write_trait_values(cursor, list(_told_traits(batch)))
    after = birth_months(cursor, telling) if telling else {}
    return frozenset(customer for customer in telling if before.get(customer) != after.get(customer))


def _seen_by_owner(batch: Batch, changes: Changes) -> dict[UUID, sql.Seen]:
    """When the batch saw each customer: exact as long as nobody moved; ``set_seen`` corrects those who did."""
    seen: dict[UUID, sql.Seen] = {}
    for sighting in batch.sightings:
        owner = changes.owners[batch.ids[sighting.identifiers[0]]]
        moment = sighting.occurred_at
        known = seen.get(owner)
        seen[owner] = (moment, moment) if known is None else _span(known, (moment, moment))
    return seen


def _span(one: sql.Seen, other: sql.Seen) -> sql.Seen:
    return (min(one[0], other[0]), max(one[1], other[1]))


def _latest_traits(batch: Batch) -> dict[tuple[UUID, str], dict[str, object]]:
    latest: dict[tuple[UUID, str], tuple[Sighting, object]] = {}
    for sighting in batch.sightings:
        for name, value in sighting.traits.items():
            if len(name) > rules.LONGEST_TRAIT_NAME:
                continue
            key = (batch.ids[sighting.identifiers[0]], rules.storable(name))
            known = latest.get(key)
            if known is None or _precedes(known[0], sighting):
                latest[key] = (sighting, value)
    return {
        (anchor, name): {
            "anchor_id": anchor,
            "name": name,
            "value": rules.storable_value(value),
            "occurred_at": one.occurred_at,
            "source": one.source,
            "activity_id": one.activity_id,
        }
        for (anchor, name), (one, value) in latest.items()
    }


def _told_traits(batch: Batch) -> Iterator[dict[str, object]]:
    """Every trait that the batch tells, by whom and when; the ones that lost as well."""
    for sighting in batch.sightings:
        for name, value in sighting.traits.items():
            if len(name) <= rules.LONGEST_TRAIT_NAME:
                yield {
                    "anchor_id": batch.ids[sighting.identifiers[0]],
                    "name": rules.storable(name),
                    "source": sighting.source,
                    "value": rules.storable_value(value),
                    "first_at": sighting.occurred_at,
                    "last_at": sighting.occurred_at,
                }
