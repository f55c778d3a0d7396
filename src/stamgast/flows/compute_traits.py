"""Computed traits of one customer or of some, now, from their activities; refunds taken off as deciding sees them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import pyarrow as pa

from stamgast.activities.queries import load_history
from stamgast.customers.erasure.queries import find_erasure_of
from stamgast.customers.queries import anchors_of
from stamgast.flows.history import activity_table
from stamgast.kit.database import Cursor
from stamgast.traits.definition import Definition, read_definition
from stamgast.traits.live import compute, days_between
from stamgast.traits.queries import list_all_traits
from stamgast.traits.sets import compute_all
from stamgast.traits.types import Aggregate, Computed, Trait, Value


def definitions_of(traits: Sequence[Trait], *, zone: str, currency: str) -> list[Definition]:
    """The definitions in force, compiled for the shop's days and its own currency."""
    return [read_definition(trait.document, zone=zone, currency=currency) for trait in traits]


def compute_for_one(
    cursor: Cursor, customer: UUID, definitions: Sequence[Definition], *, at: datetime
) -> list[tuple[Definition, Computed]]:
    """The values of one customer at a moment, live, each with the activities that were counted."""
    if not definitions:
        return []
    rows = read_rows(cursor, [customer], definitions).to_pylist()
    return [(definition, compute(definition, rows, at)) for definition in definitions]


def compute_every_trait(
    cursor: Cursor, customer: UUID, *, zone: str, currency: str, at: datetime
) -> list[tuple[Definition, Computed]]:
    """Every trait of one customer, live, by name; none of who was erased."""
    definitions = read_definitions(cursor, zone=zone, currency=currency)
    if not definitions or find_erasure_of(cursor, customer) is not None:
        return []
    return compute_for_one(cursor, customer, definitions, at=at)


def compute_for_some(
    cursor: Cursor, customers: Collection[UUID], definitions: Sequence[Definition], *, at: datetime
) -> dict[str, dict[UUID, Value]]:
    """The values of some customers at a moment, in sets, by name. Who has nothing that counts is not among them."""
    if not definitions or not customers:
        return {definition.name: {} for definition in definitions}
    found = compute_all(definitions, read_rows(cursor, customers, definitions), at)
    return {name: {UUID(bytes=customer): value for customer, value in values.items()} for name, values in found.items()}


def read_rows(cursor: Cursor, customers: Collection[UUID], definitions: Sequence[Definition]) -> pa.Table:
    """What these customers did, as deciding sees it; properties and lines only where a definition reads them."""
    owner = {anchor: customer for customer, anchors in anchors_of(cursor, customers).items() for anchor in anchors}
    columns = load_history(cursor, list(owner), needs_body=any(definition.needs_body for definition in definitions))
    return activity_table(columns, {id_: owner[anchor] for id_, anchor in zip(columns.ids, columns.anchor_ids, strict=True)})


def told_value(definition: Definition, kept: Value | None, at: datetime) -> Value | None:
    """The value of somebody in a list, from what is kept of them: nothing where nothing counted, days as of ``at``."""
    if kept is None:
        return definition.nothing
    if definition.aggregate is Aggregate.DAYS_SINCE_LAST and isinstance(kept, datetime):
        return days_between(kept, at, definition.zone)
    return kept


def read_definitions(cursor: Cursor, *, zone: str, currency: str) -> list[Definition]:
    """Every definition in force, by name."""
    return definitions_of(list_all_traits(cursor), zone=zone, currency=currency)
