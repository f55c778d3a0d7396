"""From some customers to all of them: a number with its 95 % interval, exact where everybody was looked at.

Customers fall in 1,024 buckets by a hash of their id, so the first buckets are a random sample, and always the same one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean, pvariance
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[Any]
Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number of all customers, with the 95 % interval where it comes from a sample."""

    value: int
    low: int
    high: int

    @property
    def is_exact(self) -> bool:
        """Whether it was counted and not estimated."""
        return self.low == self.high


def count_of_all(found: int, looked_at: int, total: int) -> Estimate:
    """How many of ``total`` customers there are when ``found`` of ``looked_at`` are so: Wilson's interval of the share.

    >>> count_of_all(8, 10, 10)
    Estimate(value=8, low=8, high=8)
    >>> count_of_all(8, 10, 100)
    Estimate(value=80, low=49, high=94)
    """
    if looked_at == total or not looked_at:
        return Estimate(found, found, found)
    share, square = found / looked_at, Z * Z
    centre = share + square / (2 * looked_at)
    reach = Z * sqrt(share * (1 - share) / looked_at + square / (4 * looked_at * looked_at))
    low, high = ((centre + sign * reach) / (1 + square / looked_at) for sign in (-1, 1))
    return Estimate(round(share * total), max(round(low * total), found), round(high * total))


def sum_of_all(amounts: Sequence[int], total: int) -> Estimate:
    """What ``total`` customers have together when some have these amounts, none below zero: the mean with its interval.

    >>> sum_of_all([1, 2, 3], 3)
    Estimate(value=6, low=6, high=6)
    """
    if len(amounts) == total or not amounts:
        return Estimate(sum(amounts), sum(amounts), sum(amounts))
    value = fmean(amounts) * total
    reach = Z * sqrt(pvariance(amounts) / len(amounts)) * total
    return Estimate(round(value), max(round(value - reach), sum(amounts)), round(value + reach))


def sum_over_buckets(amounts: Sequence[float] | Numbers, customers: Sequence[int] | Numbers, total: int) -> Estimate:
    """What ``total`` customers have together, from the sums of some buckets and how many customers each of them has.

    The ratio of two sums over independent units, by linearisation (Cochran 1977, 6.4), times everybody; the units are buckets.
    May be below zero, for differences.

    >>> sum_over_buckets([4, -6], [2, 3], 5)
    Estimate(value=-2, low=-2, high=-2)
    >>> sum_over_buckets([4, 6, 9], [2, 3, 4], 90)
    Estimate(value=190, low=159, high=221)
    """
    looked_at, found = int(np.sum(customers)), np.sum(amounts)
    if looked_at >= total or not looked_at:
        return Estimate(round(found), round(found), round(found))
    value = float(found) / looked_at * total
    reach = ratio_error(amounts, customers, looked_at / total) * total * _student(len(amounts) - 1)
    return Estimate(round(value), round(value - reach), round(value + reach))


def ratio_error(amounts: Sequence[float] | Numbers, sizes: Sequence[float] | Numbers, looked_at: float = 0.0) -> float:
    """The standard error of the ratio of two sums over independent units, of which this share was looked at.

    >>> round(ratio_error([4, 6, 9], [2, 3, 4]), 4)
    0.0932
    """
    own, of = np.asarray(amounts, np.float64), np.asarray(sizes, np.float64)
    if len(own) < 2 or not of.sum():
        return 0.0
    squares = float(np.sum((own - own.sum() / of.sum() * of) ** 2))
    return sqrt((1 - looked_at) * len(own) / (len(own) - 1) * squares) / float(of.sum())


def _student(freedom: int) -> float:
    """Student's limit for so many degrees of freedom, by the first terms of Cornish and Fisher's expansion."""
    if freedom < 1:
        return Z
    return Z + (Z**3 + Z) / (4 * freedom) + (5 * Z**5 + 16 * Z**3 + 3 * Z) / (96 * freedom**2)
