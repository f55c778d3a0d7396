"""What a form shows of a document, as values: each can be changed, and nothing else is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from stamgast.programmes.documents import MILLI, Document, Period
from stamgast.programmes.expiry import At
from stamgast.programmes.forms.conditions import ConditionValues, condition_values
from stamgast.programmes.reading import read

_DURATION = re.compile(r"([0-9]+) ([a-z]+?)s?")
UNITS = ("second", "minute", "hour", "day", "week", "month", "year")


@dataclass(frozen=True, slots=True)
class GiveValues:
    """``amount`` of a currency, for each ``per`` where the document says so, at most ``cap`` in the rule's period."""

    currency: str
    amount: int
    per: Decimal | None
    cap: int | None


@dataclass(frozen=True, slots=True)
class TurnValues:
    """On which of a member's activities that fit a rule gives: on ``each``, on the ``nth``, or once in ``every`` so many."""

    kind: Literal["each", "nth", "every"]
    count: int


@dataclass(frozen=True, slots=True)
class RuleValues:
    """What of a rule can be changed in a form. ``when`` is None where the condition is not of the simple form, and ``turn``
    where the rule counts in another way."""

    name: str
    gives: tuple[GiveValues, ...]
    cap_period: Period | None
    when: ConditionValues | None
    turn: TurnValues | None


@dataclass(frozen=True, slots=True)
class LifeValues:
    """How long a currency lasts; ``count`` is None where it lasts for ever."""

    currency: str
    count: int | None
    unit: str
    at: At


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time: so many of a unit."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'s' if self.count != 1 else ''}"

    @classmethod
    def of(cls, text: str) -> "Span":
        """``24 months``, as documents write it."""
        found = _DURATION.fullmatch(text)
        assert found is not None
        return cls(int(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class LevelValues:
    """A level: from how much on it is reached, None where one is invited, and by what it multiplies of each currency."""

    name: str
    threshold: int | None
    multiplies: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True)
class TierValues:
    """The tiers: ``currency`` is what they are reached by, None for money. The period is one of the ``calendar``, which begins
    in a month, or ``rolling``."""

    currency: str | None
    calendar: str
    month: str
    rolling: Span | None
    grace: Span | None
    is_soft: bool
    levels: tuple[LevelValues, ...]


@dataclass(frozen=True, slots=True)
class CardValues:
    """A card that ``each`` of a currency fills, and what a full one gives of others."""

    name: str
    currency: str
    each: int
    gives: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule that a form adds: so much of a currency for each activity of a kind."""

    name: str
    kind: str
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class NewLevel:
    """A level that a form adds. ``qualify_on`` is for the first one, with which tiers begin: a currency, or the money of
    activities of ``kinds``."""

    name: str
    threshold: int
    qualify_on: str | None = None
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card that a form adds."""

    card: CardValues


@dataclass(frozen=True, slots=True)
class NewCurrency:
    """A currency that a form adds: it never expires, and can be spent."""

    name: str


@dataclass(frozen=True, slots=True)
class Values:
    """Everything that a form shows of a document, in its order."""

    rules: tuple[RuleValues, ...]
    lives: tuple[LifeValues, ...]
    tiers: TierValues | None
    cards: tuple[CardValues, ...]


def values_of(document: Document) -> Values:
    """What stands in a document."""
    return stated_values(document, read(document.text)[0])


def stated_values(document: Document, content: Mapping[str, Any]) -> Values:
    """What stands in a document of which the content was read already."""
    rules = tuple(
        RuleValues(
            rule.name,
            tuple(
                GiveValues(
                    give.currency,
                    give.amount,
                    None if give.per_milli is None else Decimal(give.per_milli) / MILLI,
                    rule.caps.get(give.currency),
                )
                for give in rule.gives
            ),
            rule.cap_period,
            condition_values(stated["when"]),
            _turn(stated),
        )
        for rule, stated in zip(document.rules, content["earn"], strict=True)
    )
    lives = []
    for currency in document.currencies.values():
        span = Span.of(currency.expiry.text) if currency.expiry else None
        at: At = currency.expiry.at if currency.expiry else "exact"
        lives.append(LifeValues(currency.name, span.count if span else None, span.unit if span else "month", at))
    cards = tuple(CardValues(card.name, card.source, card.each, tuple(card.gives.items())) for card in document.cards)
    return Values(rules, tuple(lives), _tiers(content["tiers"]) if "tiers" in content else None, cards)


def _turn(stated: Mapping[str, Any]) -> TurnValues | None:
    if "streak" in stated or "challenge" in stated:
        return None
    if "nth" in stated:
        return TurnValues("nth", stated["nth"])
    return TurnValues("every", stated["every"]) if "every" in stated else TurnValues("each", 1)


def _tiers(stated: Mapping[str, Any]) -> TierValues:
    qualify, period = stated["qualify_on"], stated["period"]
    return TierValues(
        currency=qualify if isinstance(qualify, str) else None,
        calendar=period.get("calendar", "year"),
        month=period.get("from", "january"),
        rolling=Span.of(period["rolling"]) if "rolling" in period else None,
        grace=Span.of(stated["grace"]) if "grace" in stated else None,
        is_soft=stated.get("downgrade") == "one level",
        levels=tuple(
            LevelValues(
                level["name"],
                level.get("from"),
                tuple((currency, Decimal(factor)) for currency, factor in level.get("multiply", {}).items()),
            )
            for level in stated["levels"]
        ),
    )
