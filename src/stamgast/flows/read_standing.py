"""What a customer has reached in the programme, and since when: for the profile."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stamgast.kit.database import Cursor
from stamgast.programmes.queries import find_programme, find_tier_since, load_states
from stamgast.programmes.standing import Standing, find_standing


@dataclass(frozen=True, slots=True)
class TierView:
    """What was reached at a moment, and since when the level is held."""

    standing: Standing
    since: datetime | None


def read_standing(cursor: Cursor, customer: UUID, *, at: datetime) -> TierView | None:
    """The tier and the cards of a customer; None where the programme in force has neither."""
    programme = find_programme(cursor)
    if programme is None or not any(document.tiers or document.cards for document in programme.documents):
        return None
    standing = find_standing(programme, load_states(cursor, programme.name, [customer]), at)
    if standing is None:
        return None
    since = find_tier_since(cursor, programme.name, customer, at=at) if standing.level is not None else None
    return TierView(standing, since)
