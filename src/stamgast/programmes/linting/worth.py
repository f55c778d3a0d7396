"""The most that a programme gives for what is paid: an upper bound, from what one unit of each currency is worth in money."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from stamgast.programmes.linting.holding import least_amount
from stamgast.programmes.terms import MILLI, Give, Rule


@dataclass(frozen=True, slots=True)
class Worth:
    """What rules that can meet in one activity give together: ``rate`` of the amount paid, and ``fixed`` beside it.

    ``least`` is the least that is paid where the rules say so.
    """

    rate: Decimal
    fixed: Decimal
    least: Decimal | None

    @property
    def covered_from(self) -> Decimal | None:
        """The amount from which less is given than is paid; None where that is never."""
        return self.fixed / (1 - self.rate) if self.rate < 1 else None


def worth_of(rules: Sequence[Rule], worths: Mapping[str, Decimal], multipliers: Mapping[str, Decimal]) -> Worth:
    """The bound for rules that apply to one activity, currencies without a worth left out."""
    rate = fixed = Decimal(0)
    for rule in rules:
        for give in rule.gives:
            value = worths.get(give.currency)
            if value is None:
                continue
            one = value * give.amount * multipliers.get(give.currency, Decimal(1))
            if is_by_money(give):
                assert give.per_milli is not None
                rate += one * MILLI / give.per_milli
            elif give.per_milli is None:
                fixed += one
    bounds = [bound for rule in rules if (bound := least_amount(rule.when)) is not None]
    return Worth(rate, fixed, max(bounds) if bounds else None)


def is_by_money(give: Give) -> bool:
    """Whether more is given where more is paid."""
    return give.per_milli is not None and give.of == "amount"
