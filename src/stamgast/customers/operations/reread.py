"""Customers of before follow other rules of identity: their evidence read again, and who they are worked out again."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from stamgast.customers import rules, sql, sql_rules
from stamgast.customers.operations.changes import find_changes, write_links
from stamgast.customers.operations.graph import Batch, lock_graph
from stamgast.customers.queries import customers_of
from stamgast.customers.types import Evidence, Resolution, Sighting
from stamgast.kit.database import Cursor


def recluster(cursor: Cursor, customers: Collection[UUID], *, at: datetime, actor: str) -> Resolution:
    """Works out again who these customers are by the rules in force, among themselves; returns what moved, of no activity.

    They are one of the groups of ``partition.weigh``: what they become touches nobody else. Locks as ``resolve`` does.
    """
    batch = Batch(customers=frozenset(customers))
    graph = lock_graph(cursor, batch, sql_rules.select_rules(cursor))
    changes = find_changes(cursor, batch, graph)
    if changes.created:
        sql.write_customers(cursor, changes.created, at=at)
    write_links(cursor, changes, at=at, actor=actor)
    return Resolution({}, frozenset(changes.moved), frozenset(changes.created), changes.merged, frozenset(changes.separated))


def lock_owners(cursor: Cursor, identifiers: Collection[UUID]) -> None:
    """Locks the customers of these identifiers in id order, so that no evidence with one of them as anchor comes in."""
    while True:
        cursor.execute("SAVEPOINT lock_owners")
        owners = set(customers_of(cursor, identifiers).values())
        if owners:
            sql.lock_customers(cursor, owners)
        if set(customers_of(cursor, identifiers).values()) <= owners:
            cursor.execute("RELEASE SAVEPOINT lock_owners")
            return
        cursor.execute("ROLLBACK TO SAVEPOINT lock_owners")


def gather_evidence(sightings: Sequence[Sighting], shared: Collection[str]) -> list[Evidence]:
    """What these sightings say together, without those of shared sources."""
    found: dict[tuple[UUID, UUID], Evidence] = {}
    for sighting in sightings:
        if sighting.source in shared or len(sighting.identifiers) < 2:
            continue
        ids = {text: rules.id_of(text) for text in sighting.identifiers}
        for one in rules.evidence_of(sighting, ids):
            pair = (one.first_id, one.second_id)
            found[pair] = rules.earliest(found[pair], one) if pair in found else one
    return list(found.values())


def replace_evidence(cursor: Cursor, anchors: Collection[UUID], evidence: Collection[Evidence]) -> None:
    """Stores what all activities of these anchors say, and forgets what else was stored of them. They are locked."""
    sql.delete_evidence(cursor, anchors)
    if evidence:
        sql.write_evidence(cursor, evidence)
