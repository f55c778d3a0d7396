"""The most that a programme gives for what is paid: an upper bound, from what one unit of each currency is worth in money."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from stamgast.programmes.linting.holding import least_amount
from stamgast.programmes.terms import MILLI, Card, Give, Rule


@dataclass(frozen=True, slots=True)
class Worth:
    """What rules that can meet in one activity give together: ``rate`` of the amount paid, and ``fixed`` beside it.

    ``usual_rate`` is that over many activities, of which not each is the turn of each rule. ``least`` is the least that is paid
    where the rules say so.
    """

    rate: Decimal
    usual_rate: Decimal
    fixed: Decimal
    least: Decimal | None

    @property
    def covered_from(self) -> Decimal | None:
        """The amount from which less is given than is paid; None where that is never."""
        return self.fixed / (1 - self.rate) if self.rate < 1 else None


def worth_of(rules: Sequence[Rule], worths: Mapping[str, Decimal], multipliers: Mapping[str, Decimal]) -> Worth:
    """The bound for rules that apply to one activity, currencies without a worth left out."""
    rate = usual = fixed = Decimal(0)
    for rule in rules:
        for give in rule.gives:
            value = worths.get(give.currency)
            if value is None:
                continue
            one = value * give.amount * multipliers.get(give.currency, Decimal(1))
            if is_by_money(give):
                assert give.per_milli is not None
                rate += one * MILLI / give.per_milli
                usual += one * MILLI / give.per_milli * _share_of_activities(rule)
            elif give.per_milli is None:
                fixed += one
    bounds = [bound for rule in rules if (bound := least_amount(rule.when)) is not None]
    return Worth(rate, usual, fixed, max(bounds) if bounds else None)


def _share_of_activities(rule: Rule) -> Decimal:
    """Of the activities that fit, the most that can be its turn; what comes once in a life is none of many."""
    if rule.turn is None:
        return Decimal(1)
    return Decimal(0) if rule.turn.kind == "nth" else 1 / Decimal(rule.turn.count)


def worths_through_cards(worths: Mapping[str, Decimal], cards: Sequence[Card]) -> dict[str, Decimal]:
    """What one of each currency is worth, with its part of the cards that it fills."""
    found = dict(worths)
    for _ in cards:  # a card may fill another: as often as there are cards is through all of them
        filled: dict[str, Decimal] = {}
        for card in cards:
            part = sum((found.get(currency, Decimal(0)) * amount for currency, amount in card.gives.items()), Decimal(0))
            filled[card.source] = filled.get(card.source, Decimal(0)) + part / card.each
        found = dict(worths) | {name: worths.get(name, Decimal(0)) + part for name, part in filled.items() if part}
    return found


def is_by_money(give: Give) -> bool:
    """Whether more is given where more is paid."""
    return give.per_milli is not None and give.of == "amount"
