"""The loop, for a batch of activities that wait, in one transaction: whose they are, what they are worth, what that makes.

Customers whose new activities all come after what was decided before are decided on from their state. The others (something
late, something that changes an earlier order, a merge, another birthday) are decided again over their whole history. Either way
the totals that are wanted meet what the ledger holds, and only the difference is posted: doing it twice is doing it once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pyarrow as pa

from stamgast.activities.contents import load_properties
from stamgast.activities.messages import CARD_REISSUED
from stamgast.activities.operations import remove_pending
from stamgast.activities.queries import load_for_deciding, take_pending
from stamgast.activities.types import WHOLE, Columns, PendingActivity, Share
from stamgast.customers.birthdays import birth_months
from stamgast.customers.consent.operations import take_in
from stamgast.customers.consent.rules import KINDS as CONSENT_KINDS
from stamgast.customers.consent.types import Told
from stamgast.customers.operations import lock_customers, resolve, set_seen
from stamgast.customers.queries import customers_of, keep_customers
from stamgast.customers.types import Sighting
from stamgast.flows.history import activity_table, first_of, needs_body, read_history, seen_in, who_refers_back
from stamgast.flows.keep_erased_out import keep_erased_out
from stamgast.flows.tell import tell_changes, tell_customers
from stamgast.kit.database import Cursor, transaction
from stamgast.ledger.operations import lift, list_chosen, place, post, settle_due
from stamgast.ledger.operations.carry import Lifted
from stamgast.ledger.queries import find_overtaken, list_available, list_owner_timeline
from stamgast.ledger.types import Change
from stamgast.programmes.deciding import decide, review_tiers
from stamgast.programmes.operations import forget_states, keep_versions, save_reviews, save_states, save_tiers
from stamgast.programmes.programme import Programme
from stamgast.programmes.queries import find_programme, get_programme, list_due_reviews, load_states
from stamgast.programmes.types import DECISIONS, STATES, TIERS, Decisions
from stamgast.segments.operations import follow
from stamgast.segments.queries import BEGINNING
from stamgast.segments.rules import group_steps
from stamgast.segments.types import Step

ALIAS = "alias"
# Of no batches and not empty_table(), which loads pandas wherever it is installed: every command imports this.
NOTHING = Decisions(*(pa.Table.from_batches([], schema) for schema in (DECISIONS, STATES, TIERS)))


@dataclass(frozen=True, slots=True)
class Work:
    """Which customers are decided on from their state, and which over their whole history.

    ``moved`` are those of the latter who may have got activities from others, or lost some to them.
    """

    onwards: set[UUID]
    again: set[UUID]
    moved: Collection[UUID] = ()


def decide_pending(*, at: datetime, actor: str, limit: int, share: Share = WHOLE) -> Sequence[PendingActivity]:
    """Decides up to ``limit`` activities of a share that wait, the first to happen first; returns those that left the queue.

    Locks, in this order: queue rows, the versions, identifiers, customers, balances, lots.
    """
    with transaction() as cursor:
        waiting = take_pending(cursor, limit, share)
        if waiting:
            decide_taken(cursor, waiting, at=at, actor=actor)
    return waiting


def decide_taken(cursor: Cursor, waiting: Sequence[PendingActivity], *, at: datetime, actor: str) -> None:
    """Decides activities that this transaction has taken from the queue, and removes them from it.

    Nothing is posted before it was received, also where the clock of a web machine is ahead: what was known when a movement
    was posted is what had been received by then (``explain_movement``).
    """
    at = max(at, *(row.received_at for row in waiting))
    keep_versions(cursor)
    programme = get_programme(cursor)
    columns = keep_erased_out(cursor, load_waiting(cursor, programme, waiting), programme, at=at)
    resolution = resolve(cursor, sightings_of(columns), at=at, actor=actor)
    tell_customers(cursor, resolution.merged, resolution.separated, at=at)
    customers = resolution.customers
    _take_consents(cursor, columns, at=at)
    states = load_states(cursor, programme.name, set(customers.values()))
    again = who_refers_back(cursor, columns, customers) | resolution.moved
    if programme.reads_birthdays:
        again |= resolution.born
    moments: list[Any] = states["last_at"].to_pylist()
    last: dict[UUID, datetime] = dict(zip(_uuids(states), moments, strict=True))
    work = replace(_divide(last, columns, customers, again, created=resolution.created), moved=resolution.moved)
    months = birth_months(cursor, work.onwards) if programme.reads_birthdays else {}
    table = activity_table(columns, customers, keep=work.onwards, months=months)
    held = states.filter(pa.array([customer in work.onwards for customer in last], pa.bool_()))
    onwards = decide(programme, held, table, until=at) if table.num_rows else NOTHING
    remove_pending(cursor, waiting)
    known = {customer: last.get(customer) for customer in work.onwards}
    _post_and_follow(cursor, programme, onwards, work, known, at=at, actor=actor, reason="decided")


def load_waiting(cursor: Cursor, programme: Programme, waiting: Sequence[PendingActivity]) -> Columns:
    """What deciding reads of activities that wait."""
    return load_for_deciding(cursor, [row.activity_id for row in waiting], needs_body=needs_body(programme))


def decide_again(*, customers: Collection[UUID], at: datetime, actor: str, reason: str) -> None:
    """Decides the whole history of these customers again and posts the difference: after a corrected programme."""
    with transaction() as cursor:
        keep_versions(cursor)
        lock_customers(cursor, customers)
        decide_locked(cursor, customers, at=at, actor=actor, reason=reason)


def decide_locked(cursor: Cursor, customers: Collection[UUID], *, at: datetime, actor: str, reason: str) -> None:
    """``decide_again`` within a transaction that keeps the versions and has locked these customers, in this order."""
    work = Work(set(), set(customers), customers)
    _post_and_follow(cursor, get_programme(cursor), NOTHING, work, {}, at=at, actor=actor, reason=reason)


def settle_now(*, at: datetime, actor: str, limit: int = 5_000) -> int:
    """Does what time has done by ``at``: ends holds, makes pending available, expires. Moves the customers concerned in and
    out of their segments; returns the movements."""
    with transaction() as cursor:
        settled = settle_due(cursor, at=at, actor=actor, limit=limit)
        if changes := settled.changes:
            people = keep_customers(cursor, {change.owner_id for change in changes})
            follow_changes(cursor, [change for change in changes if change.owner_id in people], set(), at=at)
        return settled.movements


def review_now(*, at: datetime, actor: str, limit: int = 1_000) -> int:
    """Reviews the tiers that are due by ``at``, where nobody did anything since; returns of how many customers.

    Locks the versions, then customers in key order, as deciding does. Reviewing writes no state: what comes in later may still
    lie before the review, and is then decided as if it had come in time.
    """
    with transaction() as cursor:
        keep_versions(cursor)
        programme = find_programme(cursor)
        due = list_due_reviews(cursor, programme.name, at=at, limit=limit) if programme and programme.has_tiers else []
        if not due or programme is None:
            return 0
        lock_customers(cursor, due)
        states = load_states(cursor, programme.name, due)
        reviewed = review_tiers(programme, states, until=at)
        known = {UUID(bytes=row["customer_id"]): row["last_at"] for row in states.to_pylist()}
        save_tiers(cursor, programme.name, reviewed.tiers, known)
        save_reviews(cursor, programme.name, reviewed.states, reviewed_by=at, version=programme.latest)
        outdated = set(due) - known.keys()
        if outdated:
            decide_locked(cursor, outdated, at=at, actor=actor, reason="decided")
        was = {row["customer_id"]: row["review_at"] for row in states.to_pylist()}
        moved = [row for row in reviewed.states.to_pylist() if row["review_at"] != was[row["customer_id"]]]
        return len(moved) + len(outdated)


def sightings_of(columns: Columns) -> list[Sighting]:
    """What activities say about who did them."""
    return [
        Sighting(
            activity_id=columns.ids[i],
            occurred_at=columns.occurred_at[i],
            received_at=columns.received_at[i],
            identifiers=columns.identifiers[i],
            source=columns.sources[i],
            is_explicit=columns.types[i] == ALIAS,
            traits=columns.traits[i] or {},
            is_reissue=columns.kinds[i] == CARD_REISSUED,
        )
        for i in range(len(columns))
    ]


def _take_consents(cursor: Cursor, columns: Columns, *, at: datetime) -> None:
    said = [i for i, kind in enumerate(columns.kinds) if kind in CONSENT_KINDS]
    if said:
        properties = load_properties(cursor, [columns.ids[i] for i in said])
        told = (
            Told(
                columns.ids[i],
                columns.anchor_ids[i],
                columns.kinds[i],
                columns.occurred_at[i],
                columns.sources[i],
                properties[columns.ids[i]],
            )
            for i in said
        )
        take_in(cursor, told, at=at)


def _divide(
    last: Mapping[UUID, datetime],
    columns: Columns,
    customers: Mapping[UUID, UUID],
    again: set[UUID],
    *,
    created: Collection[UUID],
) -> Work:
    first = first_of(columns, customers)
    for customer, came in first.items():
        # At the same moment is not after: a refund counts from the moment of its order on, whichever came in first.
        is_after = came > last[customer] if customer in last else customer in created
        if not is_after:
            again.add(customer)
    return Work(set(first) - again, again)


def _post_and_follow(
    cursor: Cursor,
    programme: Programme,
    onwards: Decisions,
    work: Work,
    known: Mapping[UUID, datetime | None],
    *,
    at: datetime,
    actor: str,
    reason: str,
) -> None:
    """``known`` says up to which activity the tiers of those who are decided on were known."""
    history, lifted = NOTHING, Lifted()
    if work.again:
        table = read_history(cursor, programme, work.again)
        set_seen(cursor, seen_in(table))
        history = decide(programme, None, table, until=at) if table.num_rows else NOTHING
        lifted = _lift_chosen(cursor, work.moved, table, at=at, actor=actor, reason=reason)
    wanted = pa.concat_tables([onwards.table, history.table])
    posted = post(cursor, wanted, complete=work.again, at=at, actor=actor, reason=reason)
    place(cursor, lifted, at=at, actor=actor, reason=reason)
    moved = posted.changes
    touched = {change.owner_id for change in moved} | work.again
    settled = settle_due(cursor, at=at, actor=actor, owners=touched)
    states = pa.concat_tables([onwards.states, history.states])
    save_states(cursor, programme.name, states, reviewed_by=at if programme.has_tiers else None)
    if programme.has_tiers:
        changes = pa.concat_tables([onwards.tiers, history.tiers])
        save_tiers(cursor, programme.name, changes, {**known, **dict.fromkeys(work.again)})
    forget_states(cursor, programme.name, work.again.difference(_uuids(history.states)))
    follow_changes(cursor, [*moved, *settled.changes], work.again, at=at)


def _lift_chosen(cursor: Cursor, moved: Collection[UUID], table: pa.Table, *, at: datetime, actor: str, reason: str) -> Lifted:
    """What customers chose lies on lots that may change hands: taken off those, until everything is posted."""
    chosen = list_chosen(cursor, moved) if moved else None
    if chosen is None or not (chosen.uses or chosen.lots):
        return Lifted()
    owners, activities = table["customer_id"].to_pylist(), table["activity_id"].to_pylist()
    whose = {UUID(bytes=activity): UUID(bytes=owner) for owner, activity in zip(owners, activities, strict=True)}
    return lift(cursor, chosen, customers_of(cursor, chosen.anchors), whose, at=at, actor=actor, reason=reason)


def decide_history(
    cursor: Cursor, programme: Programme, customers: Collection[UUID], *, until: datetime | None = None
) -> Decisions:
    """Decides everything these customers did, from nothing: what their ledger should hold, with reviews ``until`` then."""
    table = read_history(cursor, programme, customers)
    return decide(programme, None, table, until=until) if table.num_rows else NOTHING


def _uuids(states: pa.Table) -> list[UUID]:
    values: list[Any] = states["customer_id"].to_pylist()
    return [UUID(bytes=value) for value in values]


def follow_changes(cursor: Cursor, changes: Iterable[Change], again: set[UUID], *, at: datetime) -> None:
    """Makes stays anew from the first moment at which what a customer has changed; of ``again``, from the beginning."""
    steps = group_changes(change for change in changes if change.owner_id not in again)
    since = {customer: min(step.effective_at for step in path) for customer, path in steps.items()}
    # An activity that came in late may be the customer's last and still lie before points that have expired since. What was
    # followed beyond it has to be followed again, or the stays would depend on when things became known.
    known = {customer: (since[customer], len(path)) for customer, path in steps.items()}
    overtaken = find_overtaken(cursor, known) if known else set()
    since |= dict.fromkeys(again, BEGINNING)
    if anew := {customer: since[customer] for customer in again | overtaken}:
        steps |= {customer: [] for customer in anew} | group_changes(list_owner_timeline(cursor, anew))
    tell_changes(cursor, follow(cursor, steps, since, list_available(cursor, list(steps)), at=at), at=at)


def group_changes(changes: Iterable[Change]) -> dict[UUID, list[Step]]:
    """Changes of balances by customer, as segments follow them."""
    return group_steps(
        (change.owner_id, Step(change.effective_at, change.currency, change.delta, change.movement_id)) for change in changes
    )
