"""What people say about who is one customer, made and withdrawn."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from stamgast.customers import sql, sql_judgements, sql_rules
from stamgast.customers.errors import IdentifierNotFound, JudgementNotFound, JudgementWithdrawn
from stamgast.customers.operations.changes import find_changes, write_links
from stamgast.customers.operations.graph import Batch, lock_graph
from stamgast.customers.reasons import required_reason
from stamgast.customers.types import Judged, Judgement
from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id


def judge(
    cursor: Cursor,
    one: UUID,
    other: UUID,
    *,
    is_same: bool,
    reason: str,
    at: datetime,
    actor: str,
) -> Judged:
    """Says of two identifiers whether they are one customer's, and moves identifiers accordingly.

    It holds whatever evidence comes in later. What the caller meant may have changed before the locks: compare ``before``.
    Locks as ``resolve`` does. Raises IdentifierNotFound, ReasonMissing.
    """
    first, second = sorted((one, other))
    return _apply(cursor, Judgement(new_id(), first, second, is_same, at, actor, required_reason(reason)), at, actor)


def withdraw(
    cursor: Cursor,
    judgement_id: UUID,
    *,
    reason: str,
    at: datetime,
    actor: str,
) -> Judged:
    """Takes a judgement out of force, so that customers are as if it had never been. Nothing is forgotten: it gets an end.

    Raises JudgementNotFound, JudgementWithdrawn.
    """
    reason = required_reason(reason)
    judgement = sql_judgements.lock_judgement(cursor, judgement_id)
    if judgement is None:
        raise JudgementNotFound("No judgement has this id. A customer's links name those that there are.")
    if judgement.withdrawn_at is not None:
        raise JudgementWithdrawn(f"{judgement.withdrawn_by} withdrew this before. Nothing was changed.")
    ended = replace(judgement, withdrawn_at=at, withdrawn_by=actor, withdrawn_reason=reason)
    return _apply(cursor, ended, at, actor)


def _apply(cursor: Cursor, judgement: Judgement, at: datetime, actor: str) -> Judged:
    ends = (judgement.one_id, judgement.other_id)
    identifiers = sql_judgements.select_identifiers(cursor, ends)
    if len(identifiers) < 2:
        raise IdentifierNotFound("One of these identifiers has never come in. Look at the customer again.")
    batch = Batch(identifiers=identifiers, judgement=judgement)
    graph = lock_graph(cursor, batch, sql_rules.select_rules(cursor))
    changes = find_changes(cursor, batch, graph)
    sql_judgements.write_judgement(cursor, judgement)
    if changes.created:
        sql.write_customers(cursor, changes.created, at=at)
    write_links(cursor, changes, at=at, actor=actor)
    return Judged(
        judgement,
        (graph.customers[ends[0]], graph.customers[ends[1]]),
        (changes.owners[ends[0]], changes.owners[ends[1]]),
        frozenset(changes.moved),
        changes.merged,
        frozenset(changes.separated),
    )
