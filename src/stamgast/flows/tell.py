"""What other systems asked to be told, written into the outbox in the transaction in which it became so.

One fact is one event. Its id follows from the fact, so that a decision that is made again after a crash tells nothing twice.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from stamgast.kit.database import Cursor
from stamgast.kit.ids import derive_id
from stamgast.segments.types import Change
from stamgast.webhooks.operations import list_wanted_kinds, write_events
from stamgast.webhooks.types import EventKind, Fact


def tell_changes(cursor: Cursor, changes: Sequence[Change], *, at: datetime) -> int:
    """Entries and exits of segments, for those who ask to be told; returns how many are to be delivered."""
    if not changes:
        return 0
    wanted = list_wanted_kinds(cursor)
    facts = [fact_of_change(change) for change in changes if kind_of(change) in wanted] if wanted else []
    return write_events(cursor, facts, at=at)


def tell_customers(
    cursor: Cursor, merged: Mapping[UUID, UUID], separated: Collection[tuple[UUID, UUID]], *, at: datetime
) -> int:
    """That customers became part of another, or gave identifiers to one, for those who ask; returns how many are delivered."""
    if not merged and not separated:
        return 0
    wanted = list_wanted_kinds(cursor)
    facts = []
    if EventKind.CUSTOMER_MERGED in wanted:
        facts += [
            _fact(EventKind.CUSTOMER_MERGED, at, customer_id=owner, merged_customer_id=gone)
            for gone, owner in sorted(merged.items())
        ]
    if EventKind.CUSTOMER_SEPARATED in wanted:
        facts += [
            _fact(EventKind.CUSTOMER_SEPARATED, at, customer_id=before, separated_customer_id=after)
            for before, after in sorted(separated)
        ]
    return write_events(cursor, facts, at=at)


def kind_of(change: Change) -> EventKind:
    """What an entry or an exit is called."""
    return EventKind.SEGMENT_ENTERED if change.is_entry else EventKind.SEGMENT_LEFT


def fact_of_change(change: Change) -> Fact:
    """An entry or exit as it is told: when it happened, which may be long before it became known."""
    kind = kind_of(change)
    identity = (str(change.customer_id), change.segment, change.occurred_at.isoformat(), str(change.id))
    data = {"customer_id": str(change.customer_id), "segment": change.segment, "known_at": _text(change.recorded_at)}
    return Fact(derive_id(kind, *identity), kind, change.occurred_at, data)


def _fact(kind: EventKind, at: datetime, **customers: UUID) -> Fact:
    data = {name: str(customer) for name, customer in customers.items()}
    return Fact(derive_id(kind, *data.values(), at.isoformat()), kind, at, data)


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
