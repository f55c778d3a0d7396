"""What a member has reached at a moment: the tier, how far the next one is, and what is on each card. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from stamgast.kit.zones import DAY, to_local
from stamgast.programmes.compiling import to_microseconds
from stamgast.programmes.deciding import review_tiers
from stamgast.programmes.programme import Programme
from stamgast.programmes.states import QUALIFIED, TIER
from stamgast.programmes.terms import Document, Level


@dataclass(frozen=True, slots=True)
class CardStanding:
    """How many of a currency are on a card, and how many fill it."""

    name: str
    currency: str
    on_card: int
    each: int


@dataclass(frozen=True, slots=True)
class Standing:
    """``total`` is what qualified in the period, of ``currency`` or, where that is None, of money in hundredths.
    ``next_level`` is reached from its threshold on, None at the top. The level is reviewed at ``review_at``, None where nothing
    can be lost."""

    level: Level | None
    currency: str | None
    total: int
    next_level: Level | None
    review_at: datetime | None
    cards: tuple[CardStanding, ...]

    @property
    def missing(self) -> int | None:
        """What is missing to the next level."""
        if self.next_level is None or self.next_level.threshold is None:
            return None
        return max(self.next_level.threshold - self.total, 0)


def find_standing(programme: Programme, states: pa.Table, at: datetime) -> Standing | None:
    """What one customer has reached, from the state that is known of it or from none; None where the version in force has
    neither tiers nor cards."""
    moment = np.array([to_microseconds(at)], np.int64)
    place = int(programme.version_at(moment)[0])
    if place < 0:
        return None
    document = programme.documents[place]
    if document.tiers is None and not document.cards:
        return None
    kept: dict[str, list[Any]] = {}
    name, review_at = None, None
    if states.num_rows:
        kept = msgspec.json.decode(str(states["counters"][0].as_py()), type=dict[str, list[Any]])
        name = kept.get(TIER, [None])[0]
        if programme.has_tiers:
            reviewed = review_tiers(programme, states.slice(0, 1), until=at)
            name = [name, *reviewed.tiers["tier"].to_pylist()][-1]
            review_at = reviewed.states["review_at"][0].as_py()
    cards = tuple(
        CardStanding(card.name, card.source, kept.get(f"{card.name}/card", [0, 0])[1], card.each) for card in document.cards
    )
    if document.tiers is None:
        return Standing(None, None, 0, None, None, cards)
    day = int(to_local(document.timezone, moment)[0] // DAY)
    total = _total_of(programme, place, day, kept)
    return _stand(document, name, total, review_at, cards)


def _total_of(programme: Programme, place: int, day: int, kept: Mapping[str, list[Any]]) -> int:
    """What qualified in the period of a day."""
    from stamgast.programmes.tiering import add_period, period_from  # here, because it loads the compiler

    rules = programme.tiers[place]
    tiers = programme.documents[place].tiers
    assert tiers is not None
    since = add_period(rules, day + 1, -1) if tiers.is_rolling else period_from(rules, day)[0]
    entries = kept.get(QUALIFIED, [])
    return sum(amount for on, amount in zip(entries[::2], entries[1::2], strict=True) if since <= on <= day)


def _stand(
    document: Document, name: str | None, total: int, review_at: datetime | None, cards: tuple[CardStanding, ...]
) -> Standing:
    tiers = document.tiers
    assert tiers is not None
    rank = next((rank for rank, level in enumerate(tiers.levels) if level.name == name), -1)
    above = (level for level in tiers.levels[rank + 1 :] if level.threshold is not None)
    return Standing(
        level=tiers.levels[rank] if rank >= 0 else None,
        currency=tiers.currency,
        total=total,
        next_level=next(above, None),
        review_at=review_at,
        cards=cards,
    )
