"""Writes of customers: whose each activity is, kept up to date as evidence comes in.

How evidence becomes customers is decided in ``rules.cluster``; why looking at the touched customers alone gives the same
answer as looking at everything is in ``docs/algorithms/identity.md``.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from stamgast.customers import rules, sql
from stamgast.customers.types import Evidence, Identifier, LinkReason, Resolution, Sighting
from stamgast.kit.database import Cursor

Pair = tuple[UUID, UUID]


def resolve(
    cursor: Cursor,
    sightings: Sequence[Sighting],
    *,
    at: datetime,
    actor: str,
    limits: Mapping[str, int] = rules.LIMITS,
) -> Resolution:
    """Takes in what activities say about who did them, and answers whose they are.

    Locks: inserts unknown identifiers in id order, then locks the customers concerned in id order, then reads. Where
    more customers turn out to be concerned it gives those locks back and takes all of them in order, so two workers
    never wait for each other. Every customer in the answer stays locked until the transaction ends.
    Doing it twice with the same sightings changes nothing the second time.
    """
    if not sightings:
        return Resolution({}, frozenset(), frozenset())
    batch = _read_batch(cursor, sightings)
    graph = _lock(cursor, batch, limits)
    changes = _differences(cursor, batch, graph)
    _write(cursor, batch, graph, changes, at=at, actor=actor)
    customers = {sighting.activity_id: changes.owners[batch.ids[sighting.identifiers[0]]] for sighting in sightings}
    return Resolution(customers, frozenset(changes.moved), frozenset(changes.created))


def lock_customers(cursor: Cursor, customers: Collection[UUID]) -> None:
    """Locks customers in id order until the transaction ends, so that nobody else decides on them meanwhile."""
    if customers:
        sql.lock_customers(cursor, customers)


def set_seen(cursor: Cursor, seen: Mapping[UUID, tuple[datetime, datetime]]) -> None:
    """Sets when customers were first and last seen, after their identifiers moved and their activities were counted again.

    The customers are locked already by the ``resolve`` that moved them.
    """
    if seen:
        sql.write_seen(cursor, seen)


@dataclass(slots=True)
class _Batch:
    """The sightings, folded. ``earliest`` has one entry an identifier, ``identifiers`` only those that have to be read:
    the anchors, and both ends of evidence that may be news."""

    sightings: Sequence[Sighting]
    ids: dict[str, UUID] = field(default_factory=dict)
    earliest: dict[UUID, Sighting] = field(default_factory=dict)
    identifiers: dict[UUID, Identifier] = field(default_factory=dict)
    evidence: dict[Pair, Evidence] = field(default_factory=dict)


def _read_batch(cursor: Cursor, sightings: Sequence[Sighting]) -> _Batch:
    batch = _Batch(sightings)
    ids, earliest, evidence = batch.ids, batch.earliest, batch.evidence
    for sighting in sightings:
        for text in sighting.identifiers:
            key = ids.get(text)
            if key is None:
                key = ids[text] = rules.id_of(text)
                earliest[key] = sighting
            elif sighting.occurred_at <= (known := earliest[key]).occurred_at and _precedes(sighting, known):
                earliest[key] = sighting
        if len(sighting.identifiers) > 1:
            for one in rules.evidence_of(sighting, ids):
                pair = (one.first_id, one.second_id)
                evidence[pair] = rules.earliest(evidence[pair], one) if pair in evidence else one
    # What is stored only ever gets earlier and more explicit, so evidence that is no news now is none under lock either.
    batch.evidence = dict(_news(cursor, list(evidence.values())))
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


def _news(cursor: Cursor, evidence: Sequence[Evidence]) -> Iterator[tuple[Pair, Evidence]]:
    """The evidence that is not stored yet, or is earlier or more explicit than what is stored."""
    for place, known in sql.select_outdated_evidence(cursor, evidence) if evidence else ():
        one = evidence[place]
        yield (one.first_id, one.second_id), rules.earliest(known, one) if known else one


@dataclass(slots=True)
class _Graph:
    """What the batch changes about what is stored, read under lock.

    ``customers`` says where each identifier of the batch points now. ``members`` are the identifiers of the customers
    that new evidence touches, and the new ones; ``clusters`` is what the members should be.
    """

    customers: dict[UUID, UUID]
    locked: set[UUID]
    older: dict[UUID, datetime]
    changed: dict[Pair, Evidence]
    members: dict[UUID, Identifier]
    clusters: list[list[UUID]]


def _lock(cursor: Cursor, batch: _Batch, limits: Mapping[str, int]) -> _Graph:
    """Locks what is concerned and reads it. Each round locks more customers than the one before, so it ends."""
    customers = sql.select_customers_of(cursor, batch.identifiers)
    if len(customers) < len(batch.identifiers):
        sql.insert_identifiers(cursor, [one for key, one in batch.identifiers.items() if key not in customers])
    locked = set(customers.values())
    while True:
        cursor.execute("SAVEPOINT lock_customers")
        if locked:
            sql.lock_customers(cursor, locked)
        older = {}
        for key, customer, is_newer in sql.select_deviations(cursor, batch.identifiers.values(), customers):
            if customer is not None:
                customers[key] = customer
            if is_newer:
                older[key] = batch.identifiers[key].first_at
        more = set(customers.values()) - locked
        if not more:
            graph = _read_graph(cursor, batch, _Graph(customers, locked, older, {}, {}, []), limits)
            more = graph if isinstance(graph, set) else more
            if isinstance(graph, _Graph):
                cursor.execute("RELEASE SAVEPOINT lock_customers")
                return graph
        assert not more <= locked, "a round that needs no more customers is the last"
        locked |= more
        cursor.execute("ROLLBACK TO SAVEPOINT lock_customers")


def _read_graph(cursor: Cursor, batch: _Batch, graph: _Graph, limits: Mapping[str, int]) -> _Graph | set[UUID]:
    """Clusters the touched customers; or the customers to lock as well, because one of the touched comes apart."""
    customers = graph.customers
    graph.changed = _changed_evidence(cursor, batch, customers)
    touched = {customers[key] for pair in graph.changed for key in pair if key in customers}
    fresh = {key: one for key, one in batch.identifiers.items() if key not in customers}
    while touched or fresh:
        members = sql.select_members(cursor, touched) if touched else {}
        for key in graph.older.keys() & members.keys():
            members[key] = replace(members[key], first_at=graph.older[key])
        graph.members = members | fresh
        graph.clusters = _cluster(cursor, graph.members, graph.changed, limits)
        apart = _come_apart(graph.clusters, graph.members)
        beside = sql.select_customers_beside(cursor, apart) - touched if apart else set()
        if beside - graph.locked:
            return beside
        if not beside:
            break
        touched |= beside
    return graph


def _changed_evidence(cursor: Cursor, batch: _Batch, customers: Mapping[UUID, UUID]) -> dict[Pair, Evidence]:
    """The news of the batch, read again under lock where another worker may have stored the same meanwhile."""
    asked = [evidence for pair, evidence in batch.evidence.items() if pair[0] in customers and pair[1] in customers]
    certain = {
        pair: evidence for pair, evidence in batch.evidence.items() if not (pair[0] in customers and pair[1] in customers)
    }
    return certain | dict(_news(cursor, asked))


def _cluster(
    cursor: Cursor, members: Mapping[UUID, Identifier], changed: dict[Pair, Evidence], limits: Mapping[str, int]
) -> list[list[UUID]]:
    linked = [key for key, member in members.items() if member.customer_id is not None]
    evidence = sql.select_evidence_among(cursor, linked) if linked else {}
    kinds = {key: member.kind for key, member in members.items()}
    return rules.cluster((evidence | changed).values(), kinds, limits)


def _come_apart(clusters: Iterable[Sequence[UUID]], members: Mapping[UUID, Identifier]) -> list[UUID]:
    """The members of the customers whose identifiers are no longer in one cluster."""
    seen_in: dict[UUID, int] = {}
    apart: set[UUID] = set()
    for number, cluster in enumerate(clusters):
        for key in cluster:
            customer = members[key].customer_id
            if customer is not None and seen_in.setdefault(customer, number) != number:
                apart.add(customer)
    return [key for key, member in members.items() if member.customer_id in apart] if apart else []


@dataclass(slots=True)
class _Changes:
    """The difference between the links that are and the links that should be."""

    owners: dict[UUID, UUID] = field(default_factory=dict)
    created: dict[UUID, sql.Seen] = field(default_factory=dict)
    links: list[tuple[Identifier, UUID, UUID | None, LinkReason]] = field(default_factory=list)
    merged: dict[UUID, UUID] = field(default_factory=dict)
    moved: set[UUID] = field(default_factory=set)


def _differences(cursor: Cursor, batch: _Batch, graph: _Graph) -> _Changes:
    changes = _Changes(dict(graph.customers))
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
    for customer, gone in left.items():
        if customer not in kept and customer not in changes.created:
            changes.merged[customer] = changes.owners[min(gone, key=rules.strength).id]
    return changes


def _name_new(cursor: Cursor, roots: Iterable[Identifier], kept: Collection[UUID], graph: _Graph) -> dict[UUID, UUID]:
    """Ids for new customers. One that is in use by a customer outside this difference gets the next number."""
    named: dict[UUID, UUID] = {}
    waiting = {root.id: root for root in roots}
    attempt = 0
    while waiting:
        wanted = {key: rules.customer_id(root, attempt) for key, root in waiting.items()}
        present = sql.select_presence(cursor, wanted.values())
        for key, customer in wanted.items():
            is_in_use = present.get(customer, False) and (customer in kept or customer not in graph.locked)
            if not is_in_use:
                named[key] = customer
                del waiting[key]
        attempt += 1
    return named


def _causes(batch: _Batch, graph: _Graph) -> dict[UUID, UUID]:
    """The activity that each change comes from: the one that carried the identifier, else one that its cluster changed by."""
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


def _write(cursor: Cursor, batch: _Batch, graph: _Graph, changes: _Changes, *, at: datetime, actor: str) -> None:
    if graph.changed:
        sql.write_evidence(cursor, list(graph.changed.values()))
    if graph.older:
        sql.write_first_at(cursor, graph.older)
    seen = _seen_by_owner(batch, changes)
    if changes.created:
        created = {customer: _span(moments, seen.get(customer, moments)) for customer, moments in changes.created.items()}
        sql.write_customers(cursor, created, at=at)
    sql.widen_seen(cursor, {customer: moments for customer, moments in seen.items() if customer not in changes.created})
    moving = [member.id for member, _, _, _ in changes.links if member.customer_id is not None]
    ended = sql.end_links(cursor, moving, at=at) if moving else {}
    if changes.links:
        links = [(member.id, owner, ended.get(member.id, at), cause, reason) for member, owner, cause, reason in changes.links]
        sql.begin_links(cursor, links, actor=actor)
    if changes.merged:
        sql.write_merged(cursor, changes.merged)
    traits = _latest_traits(batch)
    if traits:
        sql.write_traits(cursor, traits)


def _seen_by_owner(batch: _Batch, changes: _Changes) -> dict[UUID, sql.Seen]:
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


def _latest_traits(batch: _Batch) -> list[dict[str, object]]:
    latest: dict[tuple[UUID, str], tuple[Sighting, object]] = {}
    for sighting in batch.sightings:
        for name, value in sighting.traits.items():
            if len(name) > rules.LONGEST_TRAIT_NAME:
                continue
            key = (batch.ids[sighting.identifiers[0]], rules.storable(name))
            known = latest.get(key)
            if known is None or _precedes(known[0], sighting):
                latest[key] = (sighting, value)
    return [
        {
            "anchor_id": anchor,
            "name": name,
            "value": rules.storable_value(value),
            "occurred_at": one.occurred_at,
            "source": one.source,
            "activity_id": one.activity_id,
        }
        for (anchor, name), (one, value) in latest.items()
    ]
