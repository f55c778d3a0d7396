"""The parts of a profile beyond who the customer is, each read only when somebody asks for it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from stamgast.activities.contents import list_devices, list_sources_of
from stamgast.activities.types import Device, SourceUse
from stamgast.customers.consent.queries import list_consents
from stamgast.customers.consent.types import Consent
from stamgast.customers.trait_queries import list_trait_values
from stamgast.customers.types import TraitValue
from stamgast.flows.compute_traits import compute_every_trait
from stamgast.flows.read_buying import Buying, read_buying
from stamgast.flows.read_customer import CustomerView
from stamgast.flows.read_standing import TierView, read_standing
from stamgast.kit.database import Cursor
from stamgast.ledger.queries import list_lots
from stamgast.ledger.types import Lot
from stamgast.traits.definition import Definition
from stamgast.traits.types import Computed


class Part(StrEnum):
    """What can be asked for beside a customer, as it is written in addresses. Each costs one query, computed traits four."""

    BUYING = "buying"
    COMPUTED_TRAITS = "computed_traits"
    CONSENTS = "consents"
    DEVICES = "devices"
    LOTS = "lots"
    SOURCES = "sources"
    TIER = "tier"
    TRAIT_VALUES = "trait_values"


@dataclass(frozen=True, slots=True)
class ProfileParts:
    """The parts that were asked for; None where one was not."""

    buying: Buying | None
    computed_traits: Sequence[tuple[Definition, Computed]] | None
    consents: Sequence[Consent] | None
    devices: Sequence[Device] | None
    lots: Sequence[Lot] | None
    sources: Sequence[SourceUse] | None
    tier: TierView | None
    trait_values: Sequence[TraitValue] | None


def read_parts(
    cursor: Cursor, view: CustomerView, parts: Collection[str], *, zone: ZoneInfo, currency: str, at: datetime
) -> ProfileParts:
    """Reads these parts of the profile of a customer that was read. Traits are computed as of ``at``."""
    customer, anchors = view.profile.customer.id, view.anchors
    return ProfileParts(
        buying=read_buying(cursor, customer, anchors, zone=zone) if Part.BUYING in parts else None,
        computed_traits=compute_every_trait(cursor, customer, zone=zone.key, currency=currency, at=at)
        if Part.COMPUTED_TRAITS in parts
        else None,
        consents=list_consents(cursor, customer) if Part.CONSENTS in parts else None,
        devices=list_devices(cursor, anchors) if Part.DEVICES in parts else None,
        lots=list_lots(cursor, customer) if Part.LOTS in parts else None,
        sources=list_sources_of(cursor, anchors) if Part.SOURCES in parts else None,
        tier=read_standing(cursor, customer, at=at) if Part.TIER in parts else None,
        trait_values=list_trait_values(cursor, customer) if Part.TRAIT_VALUES in parts else None,
    )
