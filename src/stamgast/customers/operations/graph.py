"""What a batch touches, locked and read, and who is one customer among that."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from stamgast.customers import rules, sql, sql_judgements
from stamgast.customers.clusters import Pair, cluster, join, verdicts_of
from stamgast.customers.queries import customers_of
from stamgast.customers.ruleset import is_blocked
from stamgast.customers.types import Evidence, Identifier, IdentityRules, Judgement, Sighting
from stamgast.kit.database import Cursor


@dataclass(slots=True)
class Batch:
    """The sightings, folded. ``earliest`` has one entry an identifier, ``identifiers`` only those that have to be read:
    the anchors, and both ends of evidence that may be news. ``judgement`` is one that was made or withdrawn.
    ``customers`` are looked at again as they are, without those beside them."""

    sightings: Sequence[Sighting] = ()
    ids: dict[str, UUID] = field(default_factory=dict)
    earliest: dict[UUID, Sighting] = field(default_factory=dict)
    identifiers: dict[UUID, Identifier] = field(default_factory=dict)
    evidence: dict[Pair, Evidence] = field(default_factory=dict)
    judgement: Judgement | None = None
    customers: frozenset[UUID] = frozenset()


@dataclass(slots=True)
class Graph:
    """What the batch changes about what is stored, read under lock.

    ``customers`` says where each identifier of the batch points now. ``members`` are the identifiers of the customers
    that news touches, and the new ones; ``clusters`` is what the members should be.
    """

    customers: dict[UUID, UUID]
    locked: set[UUID]
    older: dict[UUID, datetime]
    changed: dict[Pair, Evidence]
    members: dict[UUID, Identifier]
    clusters: list[list[UUID]]


def lock_graph(cursor: Cursor, batch: Batch, identity: IdentityRules) -> Graph:
    """Locks what is concerned and reads it. Each round locks more customers than the one before, so it ends."""
    customers = customers_of(cursor, batch.identifiers)
    if len(customers) < len(batch.identifiers):
        sql.insert_identifiers(cursor, [one for key, one in batch.identifiers.items() if key not in customers])
    locked = set(customers.values()) | batch.customers
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
            graph = _read_graph(cursor, batch, Graph(customers, locked, older, {}, {}, []), identity)
            more = graph if isinstance(graph, set) else more
            if isinstance(graph, Graph):
                cursor.execute("RELEASE SAVEPOINT lock_customers")
                return graph
        assert not more <= locked, "a round that needs no more customers is the last"
        locked |= more
        cursor.execute("ROLLBACK TO SAVEPOINT lock_customers")


def _read_graph(cursor: Cursor, batch: Batch, graph: Graph, identity: IdentityRules) -> Graph | set[UUID]:
    """Clusters the touched customers; or the customers to lock as well, because they may notice."""
    customers = graph.customers
    graph.changed = _changed_evidence(cursor, batch, customers)
    touched = {customers[key] for pair in graph.changed for key in pair if key in customers}
    touched |= batch.customers
    if batch.judgement is not None:
        touched |= {customers[batch.judgement.one_id], customers[batch.judgement.other_id]}
    fresh = {key: one for key, one in batch.identifiers.items() if key not in customers}
    while touched or fresh:
        members = sql.select_members(cursor, touched) if touched else {}
        for key in graph.older.keys() & members.keys():
            members[key] = replace(members[key], first_at=graph.older[key])
        graph.members = members | fresh
        beside = _cluster(cursor, batch, graph, identity) - touched
        if beside and not batch.customers and beside - graph.locked:
            return beside
        if not beside or batch.customers:
            break
        touched |= beside
    return graph


def _changed_evidence(cursor: Cursor, batch: Batch, customers: Mapping[UUID, UUID]) -> dict[Pair, Evidence]:
    """The news of the batch, read again under lock where another worker may have stored the same meanwhile."""
    asked = [evidence for pair, evidence in batch.evidence.items() if pair[0] in customers and pair[1] in customers]
    certain = {
        pair: evidence for pair, evidence in batch.evidence.items() if not (pair[0] in customers and pair[1] in customers)
    }
    return certain | dict(find_news(cursor, asked))


def _cluster(cursor: Cursor, batch: Batch, graph: Graph, identity: IdentityRules) -> set[UUID]:
    """Sets ``clusters``, and returns the customers that may notice: those beside what comes apart, or judged with a member."""
    members = graph.members
    linked = [key for key, member in members.items() if member.customer_id is not None]
    stored = sql.select_evidence_among(cursor, linked) if linked else {}
    kinds = {key: member.kind for key, member in members.items()}
    limits, blocked = identity.limits, _blocked(identity, members)
    stored = {pair: one for pair, one in stored.items() if blocked.isdisjoint(pair)} if blocked else stored
    evidence = [one for pair, one in (stored | graph.changed).items() if not blocked or blocked.isdisjoint(pair)]
    known = sql_judgements.select_judgements(cursor, linked) if linked else []
    judgements = {one.id: one for one in known}
    if batch.judgement is not None:
        judgements[batch.judgement.id] = batch.judgement
    if not judgements:
        graph.clusters = cluster(evidence, kinds, limits)
        return _beside(cursor, graph.clusters, {key: members[key].customer_id for key in linked})
    were, are = verdicts_of(known), verdicts_of(judgements.values())
    before = cluster(stored.values(), {key: kinds[key] for key in linked}, limits, were.different)
    parts = cluster(evidence, kinds, limits, are.different)
    graph.clusters = join(parts, are)
    beside = _beside(cursor, parts, {key: number for number, part in enumerate(before) for key in part})
    outside = {key for pair in (*were.same, *are.same) for key in pair if key not in members}
    return beside | set(customers_of(cursor, outside).values()) if outside else beside


def _blocked(identity: IdentityRules, members: Mapping[UUID, Identifier]) -> frozenset[UUID]:
    if not identity.blocked:
        return frozenset()
    return frozenset(key for key, one in members.items() if is_blocked(identity, one.kind, one.value))


def _beside(cursor: Cursor, parts: Iterable[Sequence[UUID]], before: Mapping[UUID, object]) -> set[UUID]:
    """The customers that evidence connects with what was one part before and no longer is."""
    seen_in: dict[object, int] = {}
    apart: set[object] = set()
    for number, part in enumerate(parts):
        for key in part:
            was = before.get(key)
            if was is not None and seen_in.setdefault(was, number) != number:
                apart.add(was)
    return sql.select_customers_beside(cursor, [key for key, was in before.items() if was in apart]) if apart else set()


def find_news(cursor: Cursor, evidence: Sequence[Evidence]) -> Iterator[tuple[Pair, Evidence]]:
    """The evidence that is not stored yet, or is earlier or more explicit than what is stored."""
    for place, known in sql.select_outdated_evidence(cursor, evidence) if evidence else ():
        one = evidence[place]
        yield (one.first_id, one.second_id), rules.earliest(known, one) if known else one
