"""What a form shows of a document, as values: each can be changed, and nothing else is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, get_args

from stamgast.programmes.documents import MILLI, Document, Give, Period, Rounding, Rule
from stamgast.programmes.expiry import At
from stamgast.programmes.forms.conditions import ConditionValues, condition_values
from stamgast.programmes.reading import read
from stamgast.programmes.terms import Measure, Stacking, TurnKind

_DURATION = re.compile(r"([0-9]+) ([a-z]+?)s?")
UNITS = ("second", "minute", "hour", "day", "week", "month", "year")


@dataclass(frozen=True, slots=True)
class GiveValues:
    """``amount`` of a currency, once or for each ``per`` of what ``of`` says, at most ``cap`` in the rule's period. ``budget``
    is for all members together. With ``has_lines`` only some lines count, and the form leaves ``of`` as it is."""

    currency: str
    amount: int
    per: Decimal | None
    cap: int | None
    of: Measure = "once"
    has_lines: bool = False
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class MultiplyValues:
    """By what a rule multiplies what is given of a currency, at most ``cap`` in the rule's period. ``budget`` is for all
    members together."""

    currency: str
    factor: Decimal
    cap: int | None = None
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class TurnValues:
    """On which of a member's activities that fit a rule gives: on ``each``, on the ``nth``, once in ``every`` so many, on the
    one that makes a ``streak`` of so many ``per`` in a row, or that completes a ``challenge``: so many ``different`` values.
    """

    kind: TurnKind | Literal["each"]
    count: int
    per: str = ""
    different: str = ""


@dataclass(frozen=True, slots=True)
class RuleValues:
    """What of a rule can be changed in a form: it gives or it multiplies, from ``begins`` until ``ends`` as documents write
    them. ``when`` is None where the condition is not of the simple form."""

    name: str
    gives: tuple[GiveValues, ...]
    cap_period: Period | None
    when: ConditionValues | None
    turn: TurnValues
    multiplies: tuple[MultiplyValues, ...] = ()
    begins: str | None = None
    ends: str | None = None

    @property
    def caps(self) -> dict[str, int]:
        """The most that a member gets, by currency."""
        return {one.currency: one.cap for one in self._worths if one.cap is not None}

    @property
    def budgets(self) -> dict[str, int]:
        """What all members are to get together, by currency."""
        return {one.currency: one.budget for one in self._worths if one.budget is not None}

    @property
    def _worths(self) -> tuple[GiveValues | MultiplyValues, ...]:
        return (*self.gives, *self.multiplies)


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
class LifeValues:
    """How long a currency lasts, for ever where ``count`` is None; how long it waits before it is available, whether it can be
    spent, and by language the words for one and for many."""

    currency: str
    count: int | None
    unit: str
    at: At
    pending: Span | None = None
    is_spendable: bool = True
    called: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BenefitValues:
    """What else a level gives, in words of both languages."""

    name: str
    en: str
    nl: str


@dataclass(frozen=True, slots=True)
class LevelValues:
    """A level: from how much on it is reached, None where one is invited, by what it multiplies of each currency, and what else
    it gives."""

    name: str
    threshold: int | None
    multiplies: tuple[tuple[str, Decimal], ...]
    benefits: tuple[BenefitValues, ...] = ()


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
    """A rule that a form adds: so much of a currency for each activity that fits, or so many times what the others give."""

    name: str
    when: ConditionValues
    currency: str
    amount: int = 1
    factor: Decimal | None = None
    begins: str | None = None
    ends: str | None = None


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
    stacking: Stacking = "base"
    rounding: Rounding = "down"


def values_of(document: Document) -> Values:
    """What stands in a document."""
    return stated_values(document, read(document.text)[0])


def names_of(document: Document) -> set[str]:
    """What rules, cards and levels are called: each name stands once."""
    levels = document.tiers.levels if document.tiers is not None else ()
    return {rule.name for rule in document.rules} | {card.name for card in document.cards} | {level.name for level in levels}


def stated_values(document: Document, content: Mapping[str, Any]) -> Values:
    """What stands in a document of which the content was read already."""
    rules = tuple(_rule(rule, stated) for rule, stated in zip(document.rules, content["earn"], strict=True))
    lives = []
    for currency in document.currencies.values():
        span = Span.of(currency.expiry.text) if currency.expiry else None
        lives.append(
            LifeValues(
                currency.name,
                span.count if span else None,
                span.unit if span else "month",
                currency.expiry.at if currency.expiry else "exact",
                Span.of(currency.pending.text) if currency.pending else None,
                currency.is_spendable,
                currency.called,
            )
        )
    cards = tuple(CardValues(card.name, card.source, card.each, tuple(card.gives.items())) for card in document.cards)
    tiers = _tiers(content["tiers"]) if "tiers" in content else None
    return Values(rules, tuple(lives), tiers, cards, document.stacking, document.rounding)


def _rule(rule: Rule, stated: Mapping[str, Any]) -> RuleValues:
    budget: Mapping[str, int] = stated.get("budget", {})
    return RuleValues(
        name=rule.name,
        gives=tuple(_give(give, rule.caps.get(give.currency), budget.get(give.currency)) for give in rule.gives),
        cap_period=rule.cap_period,
        when=condition_values(stated["when"]),
        turn=_turn(stated),
        multiplies=tuple(
            MultiplyValues(currency, Decimal(factor), rule.caps.get(currency), budget.get(currency))
            for currency, factor in stated.get("multiply", {}).items()
        ),
        begins=stated.get("from"),
        ends=stated.get("until"),
    )


def _give(give: Give, cap: int | None, budget: int | None) -> GiveValues:
    per = None if give.per_milli is None else Decimal(give.per_milli) / MILLI
    return GiveValues(give.currency, give.amount, per, cap, give.of, give.lines is not None, budget)


def _turn(stated: Mapping[str, Any]) -> TurnValues:
    kinds: tuple[TurnKind, ...] = get_args(TurnKind)
    kind = next((kind for kind in kinds if kind in stated), None)
    if kind is None:
        return TurnValues("each", 1)
    counted = stated[kind]
    return TurnValues(kind, **counted) if isinstance(counted, dict) else TurnValues(kind, counted)


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
                tuple(
                    BenefitValues(name, **(words if isinstance(words, dict) else {"en": words, "nl": words}))
                    for name, words in level.get("benefits", {}).items()
                ),
            )
            for level in stated["levels"]
        ),
    )
