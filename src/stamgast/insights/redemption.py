"""How much of what was given will be redeemed: a life table over vintages, with an interval. Plain arithmetic on few numbers.

A point that is still outstanding at the beginning of its n-th month is redeemed in that month with one chance and expires
with another; both are the share over all vintages that have been followed that far. What is assumed: points of one age behave
alike, whenever they were earned and whoever has them, and go on as they did. What is left after the oldest age that was seen
is taken to end as what ended before it did; the interval takes in that none of it is redeemed, and that all of it is.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod, sqrt
from typing import NamedTuple

Z = 1.959964
MATURE_SHARE = 0.05
"""A vintage is mature when no more than this share of it is outstanding: little of what is said of it is an estimate."""
LEAST_VINTAGES = 6


class Cell(NamedTuple):
    """What moved in one month of what was earned in one month. Months are numbered: 12 × year + month − 1."""

    vintage: int
    month: int
    given: int
    redeemed: int
    expired: int


@dataclass(frozen=True, slots=True)
class Vintage:
    """What became of one month's points, and what is still expected of them."""

    month: int
    given: int
    redeemed: int
    expired: int
    outstanding: int
    expected: float
    is_mature: bool


@dataclass(frozen=True, slots=True)
class Rate:
    """Of the points outstanding when an age began, the shares that were redeemed and expired in it."""

    age: int
    at_risk: int
    redeemed: float
    expired: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """The share of all given points that are redeemed in the end, with its 95 % interval, and what it is made of.

    ``expected`` is what is still to be redeemed of ``outstanding``. ``of_new`` is the share expected of points that are given
    now. ``is_firm`` says whether the history is long enough to be used without a person's own estimate: six vintages, and at
    most a fifth of new points outstanding after the oldest age.
    """

    through: int
    given: int
    redeemed: int
    expired: int
    outstanding: int
    expected: float
    expected_low: float
    expected_high: float
    of_new: float
    tail: float
    is_firm: bool
    vintages: tuple[Vintage, ...]
    rates: tuple[Rate, ...]

    @property
    def share(self) -> float | None:
        """Redeemed in the end, of all that was given."""
        return self._share(self.expected)

    @property
    def low(self) -> float | None:
        """The lower limit of ``share``."""
        return self._share(self.expected_low)

    @property
    def high(self) -> float | None:
        """The upper limit of ``share``."""
        return self._share(self.expected_high)

    def _share(self, expected: float) -> float | None:
        return (self.redeemed + expected) / self.given if self.given > 0 else None


class _Followed(NamedTuple):
    """A vintage in numbers by age, 0 being the month in which it was earned."""

    month: int
    given: int
    redeemed: list[int]
    expired: list[int]

    @property
    def outstanding(self) -> int:
        return max(0, self.given - sum(self.redeemed) - sum(self.expired))


def estimate(cells: Iterable[Cell], through: int) -> Estimate:
    """The estimate from what moved up to the end of month ``through``; the cells of one currency.

    The interval leaves out each vintage in turn (jackknife), so that months that differ from each other widen it, and lies
    within what is possible: nothing of what is outstanding, or all of it. Below three vintages it is just that.
    """
    followed = _follow(cells, through)
    rates = _rates(followed)
    redeemed = sum(sum(one.redeemed) for one in followed)
    expired = sum(sum(one.expired) for one in followed)
    outstanding = sum(one.outstanding for one in followed)
    ended = max(0, redeemed) + max(0, expired)
    tail_share = max(0, redeemed) / ended if ended else 0.0
    chances = _chances(rates, tail_share)
    vintages = tuple(_vintage(one, through, chances) for one in followed)
    expected = sum(one.expected for one in vintages)
    low, high = _interval(followed, through, rates, tail_share)
    tail = prod(max(0.0, 1 - rate.redeemed - rate.expired) for rate in rates)
    return Estimate(
        through, sum(one.given for one in followed), redeemed, expired, outstanding, expected, min(low, expected),
        max(high, expected), chances[0], tail, len(followed) >= LEAST_VINTAGES and tail <= 0.2, vintages, tuple(rates),
    )  # fmt: skip


def _follow(cells: Iterable[Cell], through: int) -> list[_Followed]:
    by_vintage: dict[int, list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.month <= through:
            by_vintage[cell.vintage].append(cell)
    followed = []
    for month, own in sorted(by_vintage.items()):
        redeemed, expired = [0] * (through - month + 1), [0] * (through - month + 1)
        for cell in own:
            redeemed[cell.month - month] += cell.redeemed
            expired[cell.month - month] += cell.expired
        followed.append(_Followed(month, sum(cell.given for cell in own), redeemed, expired))
    return followed


def _rates(followed: Sequence[_Followed]) -> list[Rate]:
    ages = max((len(one.redeemed) for one in followed), default=0)
    at_risk, redeemed, expired = [0] * ages, [0] * ages, [0] * ages
    for one in followed:
        left = one.given
        for age, (spent, gone) in enumerate(zip(one.redeemed, one.expired, strict=True)):
            at_risk[age] += max(0, left)
            redeemed[age] += spent
            expired[age] += gone
            left -= spent + gone
    rates = []
    for age in range(ages):
        if not at_risk[age]:
            break
        chance = min(1.0, max(0.0, redeemed[age] / at_risk[age]))
        rates.append(Rate(age, at_risk[age], chance, min(1 - chance, max(0.0, expired[age] / at_risk[age]))))
    return rates


def _chances(rates: Sequence[Rate], tail_share: float) -> list[float]:
    """By age, the chance that a point outstanding when the age begins is redeemed in the end; the last is beyond the table."""
    chances = [tail_share]
    for rate in reversed(rates):
        chances.append(rate.redeemed + (1 - rate.redeemed - rate.expired) * chances[-1])
    return chances[::-1]


def _vintage(one: _Followed, through: int, chances: Sequence[float]) -> Vintage:
    expected = one.outstanding * chances[min(through - one.month + 1, len(chances) - 1)]
    is_mature = one.outstanding <= MATURE_SHARE * one.given
    return Vintage(one.month, one.given, sum(one.redeemed), sum(one.expired), one.outstanding, expected, is_mature)


def _interval(followed: Sequence[_Followed], through: int, rates: Sequence[Rate], tail_share: float) -> tuple[float, float]:
    outstanding = float(sum(one.outstanding for one in followed))
    if len(followed) < 3:
        return 0.0, outstanding

    def expected(of_rates: Sequence[Rate], tail: float) -> float:
        chances = _chances(of_rates, tail)
        return sum(one.outstanding * chances[min(through - one.month + 1, len(chances) - 1)] for one in followed)

    without = [expected(_rates([*followed[:place], *followed[place + 1 :]]), tail_share) for place in range(len(followed))]
    mean = sum(without) / len(without)
    error = sqrt((len(without) - 1) / len(without) * sum((one - mean) ** 2 for one in without))
    return max(0.0, expected(rates, 0.0) - Z * error), min(outstanding, expected(rates, 1.0) + Z * error)
